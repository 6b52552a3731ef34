"""What a run's report says of its bones: how sure they are, which carries the path, which are overruled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pose_core.retarget import BoneMap, KeysConfig, RigDescription
from pose_core.retarget.keys.root_motion import find_root_bone
from pose_core.retarget.mapping.clear_body import SURE
from pose_core.retarget.mapping.loose_bones import path_carrier

_SHOWN = 6


@dataclass(frozen=True, eq=False)
class MappingReport:
    """How a bone map served."""

    given: bool
    """Whether the map was given with the job instead of found in it."""
    confidence: dict[str, float]
    """Of every mapped bone, 1 where a person chose it."""
    left_out: dict[str, float]
    """Bones that the rig may lack and that are not used because they are not certain, and their confidence."""
    root_motion: str
    root_bone: str | None
    """The bone that carries the path; None in place."""
    overruled: tuple[str, ...]
    """Keyed bones that constraints or drivers overrule."""

    @property
    def doubtful(self) -> list[str]:
        """Mapped bones that are not certain."""
        return [name for name, value in self.confidence.items() if value < SURE]

    def to_data(self) -> dict[str, Any]:
        """Plain data, as reports on disk hold it."""
        return {
            "given": self.given,
            "confidence": dict(self.confidence),
            "least_sure_bone": min(self.confidence, key=lambda name: self.confidence[name]),
            "threshold": SURE,
            "doubtful": self.doubtful,
            "left_out": dict(self.left_out),
            "root_motion": self.root_motion,
            "root_bone": self.root_bone,
            "overruled": list(self.overruled),
        }


def mapping_report(rig: RigDescription, bone_map: BoneMap, keys: KeysConfig, given: bool) -> MappingReport:
    """Say how a bone map served.

    Args:
        rig: the rig, with what was found by trying.
        bone_map: the map.
        keys: says which bone carries the path.
        given: whether the map was given with the job instead of found in it.
    """
    mapped = [name for _, _, name in bone_map]
    fingers = {name for names in bone_map.fingers.values() for name in names}
    confidence = {name: float(bone_map.confidence.get(name, 1.0)) for name in mapped}
    root: dict[str, str | None] = {"pelvis": path_carrier(rig, bone_map.bones["pelvis"][0]), "in_place": None}
    if keys.root_motion == "root_bone":
        root["root_bone"] = find_root_bone(rig, bone_map, keys.root_bone)
    left_out = {
        name: float(value)
        for name, value in bone_map.confidence.items()
        if value < SURE and name not in confidence and name not in fingers
    }
    return MappingReport(given, confidence, left_out, keys.root_motion, root[keys.root_motion], tuple(rig.overruled))


def mapping_notes(mapping: MappingReport) -> list[str]:
    """What a person should know of it; bones that were left out are named by the map's own notes."""
    doubtful = mapping.doubtful
    if not doubtful:
        return []
    told = [f"'{name}' ({100 * mapping.confidence[name]:.0f} %)" for name in doubtful[:_SHOWN]]
    more = f" and {len(doubtful) - _SHOWN} more" if len(doubtful) > _SHOWN else ""
    return [f"Bones that are not certain were used: {', '.join(told)}{more}."]
