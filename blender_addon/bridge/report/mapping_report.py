"""What a run's report says of its bones: how sure they are, which carries the path, which are overruled."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pose_core.retarget import BoneMap, KeysConfig, RigDescription
from pose_core.retarget.keys.root_motion import find_root_bone
from pose_core.retarget.mapping.detect import SURE

_SHOWN = 6


def mapping_report(rig: RigDescription, bone_map: BoneMap, keys: KeysConfig, given: bool) -> dict[str, Any]:
    """Plain data on a bone map that was used.

    Args:
        rig: the rig, with what was found by trying.
        bone_map: the map.
        keys: says which bone carries the path.
        given: whether the map was given with the job instead of found in it.
    Returns:
        `given`; `confidence`: of every mapped bone, 1 where a person chose it; `least_sure_bone`; `threshold`;
        `doubtful`: mapped bones below it; `left_out`: bones below it that the rig may lack and that are not used, with
        their confidence; `root_motion` and the `root_bone` that carries it (None in place); `overruled`: keyed bones
        that constraints or drivers overrule.
    """
    mapped = [name for _, _, name in bone_map]
    fingers = {name for names in bone_map.fingers.values() for name in names}
    confidence = {name: float(bone_map.confidence.get(name, 1.0)) for name in mapped}
    root = {"pelvis": bone_map.bone("pelvis"), "in_place": None}
    if keys.root_motion == "root_bone":
        root["root_bone"] = find_root_bone(rig, bone_map, keys.root_bone)
    return {
        "given": given,
        "confidence": confidence,
        "least_sure_bone": min(mapped, key=lambda name: confidence[name]),
        "threshold": SURE,
        "doubtful": [name for name in mapped if confidence[name] < SURE],
        "left_out": {
            name: float(value)
            for name, value in bone_map.confidence.items()
            if value < SURE and name not in confidence and name not in fingers
        },
        "root_motion": keys.root_motion,
        "root_bone": root[keys.root_motion],
        "overruled": list(rig.overruled),
    }


def mapping_notes(mapping: dict[str, Any]) -> list[str]:
    """What a person should know of it; bones that were left out are named by the map's own notes."""
    doubtful: Sequence[str] = mapping["doubtful"]
    if not doubtful:
        return []
    told = [f"'{name}' ({100 * mapping['confidence'][name]:.0f} %)" for name in doubtful[:_SHOWN]]
    more = f" and {len(doubtful) - _SHOWN} more" if len(doubtful) > _SHOWN else ""
    return [f"Bones that are not certain were used: {', '.join(told)}{more}."]
