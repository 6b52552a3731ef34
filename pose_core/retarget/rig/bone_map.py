"""Which bones of a rig play which part of the body."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pose_core.errors import RigError

SIDES = ("left", "right")
CHAINS = ("spine", "neck")
"""Parts that may be several bones, bottom to top."""
_PAIRED = ("clavicle", "upper_arm", "forearm", "hand", "thigh", "shin", "foot", "toe")
PARTS = ("pelvis", "spine", "neck", "head", *(f"{side}_{part}" for side in SIDES for part in _PAIRED))
"""All parts of the body that can be mapped."""
OPTIONAL = frozenset({"neck", *(f"{side}_{part}" for side in SIDES for part in ("clavicle", "hand", "toe"))})
"""Parts that a humanoid rig may lack."""
ESSENTIAL = tuple(part for part in PARTS if part not in OPTIONAL)
"""Parts without which a motion cannot be carried."""
LIMBS = tuple(f"{side}_{limb}" for side in SIDES for limb in ("arm", "leg"))
"""Limbs that IK controls and switches belong to."""
LIMB_PARTS = {
    f"{side}_{limb}": tuple(f"{side}_{part}" for part in parts)
    for side in SIDES
    for limb, parts in (("arm", ("upper_arm", "forearm", "hand")), ("leg", ("thigh", "shin", "foot")))
}
"""Limb to its parts from the trunk outwards."""
FINGERS = tuple(f"{side}_{finger}" for side in SIDES for finger in ("thumb", "index", "middle", "ring", "pinky"))
"""Fingers that can be mapped; they are optional, and no motion moves them yet."""
FINGER_BONES = 3
"""How many bones a finger may have, from the knuckle outwards."""

MOST_CORRECTION_DEG = 180.0
"""Largest angle of a correction, degrees."""

PARENT_PART = {
    "spine": "pelvis", "neck": "spine", "head": "spine",
    **{f"{s}_{a}": (b if b in ("pelvis", "spine") else f"{s}_{b}") for s in SIDES for a, b in {
        "clavicle": "spine", "upper_arm": "spine", "forearm": "upper_arm", "hand": "forearm",
        "thigh": "pelvis", "shin": "thigh", "foot": "shin", "toe": "foot",
    }.items()},
}  # fmt: skip
"""The part above each part in the hierarchy (parts that may be missing are left out)."""


@dataclass(frozen=True)
class IkControl:
    """The controls by which a limb can be posed through inverse kinematics."""

    target: str
    """Bone that the end of the limb (hand or foot) follows in place; on Rigify `hand_ik.L`."""
    pole: str | None = None
    """Bone that elbow or knee points to, where there is one."""
    solved: tuple[str, ...] = ()
    """Bones that the constraint turns, from the trunk outwards; empty if not known. The last one carries it."""
    turns_end: bool = False
    """Whether hand or foot also turn with the target."""
    active: bool = True
    """Whether the constraint pulls at present: neither muted nor without influence. Rigs with a switch say True."""


@dataclass(frozen=True)
class Switch:
    """A number on a bone that says whether a part of the body follows its FK bones or its IK controls.

    The property may be a float, a whole number or a truth value; who writes it must keep its kind.
    """

    bone: str
    """Pose bone that carries the custom property."""
    property: str
    """Name of the custom property, for example `IK_FK`."""
    fk: float | None = None
    """Value with which the mapped bones in `BoneMap.bones` are followed exactly; None = does not matter."""
    ik: float | None = None
    """Value with which the controls in `BoneMap.ik` are followed; None = does not matter, or there are none."""
    limb: str = ""
    """One of LIMBS, or empty for the trunk."""


@dataclass(frozen=True)
class BoneMap:
    """Parts of the body and the bones that play them."""

    bones: Mapping[str, tuple[str, ...]]
    """Part to bones, bottom to top; one bone but for the chains; a missing part is absent."""
    family: str = "custom"
    """The naming family the map was found by: the name of a preset, `vrm`, `geometry` or `custom`."""
    notes: tuple[str, ...] = field(default=())
    """What the reader of the result should know, for example optional parts that are missing."""
    confidence: Mapping[str, float] = field(default_factory=dict)
    """Bone name to how sure the mapping is, 0 to 1; bones that a person chose have 1. Empty = not judged."""
    fingers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Finger (one of FINGERS) to at most three bones from the knuckle outwards; not part of `bones`."""
    root: str | None = None
    """Bone above the pelvis that carries the whole figure over the ground, where there is one."""
    ik: Mapping[str, IkControl] = field(default_factory=dict)
    """Limb (one of LIMBS) to its IK controls, where the rig has them."""
    switches: tuple[Switch, ...] = ()
    """What to key so that the mapped bones (or the IK controls) are followed; empty on plain rigs."""
    corrections: Mapping[str, tuple[float, float, float]] = field(default_factory=dict)
    """Part to a turn that a person adds to its rest pose: Euler angles XYZ in degrees about the figure's axes in T pose
    (left, back, up); see `TransferConfig.corrections`."""

    def __post_init__(self) -> None:
        unknown = sorted(set(self.bones) - set(PARTS))
        if unknown:
            raise RigError(f"A bone map names unknown parts: {', '.join(unknown)}.", f"Known: {', '.join(PARTS)}.")
        several = [part for part, names in self.bones.items() if len(names) > 1 and part not in CHAINS]
        if several:
            raise RigError(f"A bone map may name several bones for spine and neck only, not for {', '.join(several)}.")
        empty = [part for part, names in self.bones.items() if not names]
        if empty:
            raise RigError(f"A bone map names no bone for {', '.join(empty)}.", "Leave missing parts out.")
        self._check_fingers()
        self._check_controls()
        self._check_corrections()
        wrong = [name for name, value in self.confidence.items() if not 0 <= value <= 1]
        if wrong:
            raise RigError(f"Confidence must be 0 to 1, but is not for {', '.join(wrong)}.")

    def _check_fingers(self) -> None:
        unknown = sorted(set(self.fingers) - set(FINGERS))
        if unknown:
            raise RigError(f"A bone map names unknown fingers: {', '.join(unknown)}.", f"Known: {', '.join(FINGERS)}.")
        wrong = [finger for finger, names in self.fingers.items() if not 1 <= len(names) <= FINGER_BONES]
        if wrong:
            raise RigError(f"A finger has 1 to {FINGER_BONES} bones, but not so {', '.join(wrong)}.")

    def _check_controls(self) -> None:
        limbs = {*self.ik, *(switch.limb for switch in self.switches if switch.limb)}
        unknown = sorted(limbs - set(LIMBS))
        if unknown:
            raise RigError(f"A bone map names unknown limbs: {', '.join(unknown)}.", f"Known: {', '.join(LIMBS)}.")

    def _check_corrections(self) -> None:
        unknown = sorted(set(self.corrections) - set(PARTS))
        if unknown:
            raise RigError(f"A bone map corrects unknown parts: {', '.join(unknown)}.", f"Known: {', '.join(PARTS)}.")
        for part, angles in self.corrections.items():
            if len(angles) != 3 or not all(math.isfinite(a) and abs(a) <= MOST_CORRECTION_DEG for a in angles):
                raise RigError(
                    f"The correction of '{part}' must be three angles from -{MOST_CORRECTION_DEG:.0f} to"
                    f" {MOST_CORRECTION_DEG:.0f} degrees, but is {list(angles)}."
                )

    def __contains__(self, part: str) -> bool:
        return part in self.bones

    def __iter__(self) -> Iterator[tuple[str, int, str]]:
        """Every mapped bone as (part, position in its chain, bone name)."""
        for part in PARTS:
            for i, name in enumerate(self.bones.get(part, ())):
                yield part, i, name

    def bone(self, part: str) -> str | None:
        """The (first) bone of a part, or None."""
        names = self.bones.get(part)
        return names[0] if names else None

    def confidence_of(self, part: str) -> float:
        """The least confidence among the bones of a part or finger; 1 where nothing was judged."""
        names = self.bones.get(part) or self.fingers.get(part) or ()
        return min((self.confidence.get(name, 1.0) for name in names), default=1.0)

    def to_dict(self) -> dict[str, Any]:
        """Plain data: chains as lists, other parts as a name, missing parts as None or an empty list."""
        out: dict[str, Any] = {}
        for part in PARTS:
            names = list(self.bones.get(part, ()))
            out[part] = names if part in CHAINS else (names[0] if names else None)
        return out
