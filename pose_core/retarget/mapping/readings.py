"""A body as it is being searched for: limbs, trunk and head with a likelihood, and small measures of them."""

from __future__ import annotations

import math
from dataclasses import dataclass

from pose_core.retarget.mapping.evidence import RigEvidence
from pose_core.retarget.mapping.limbs import ARM, LEG, LimbPair
from pose_core.retarget.rig.bone_map import SIDES
from pose_core.types import FloatArray

NO_BODY_HINT = "Choose an armature with a humanoid skeleton, or map its bones by hand."


@dataclass(frozen=True, eq=False)
class PairShape:
    middle: FloatArray
    across: FloatArray
    """From the start of `b` to that of `a`."""
    ends: FloatArray
    """Middle of hands or feet."""
    length: float


def shape_of(evidence: RigEvidence, pair: LimbPair) -> PairShape:
    P = evidence.heads
    starts, ends = ((P[pair.a.joints[i]], P[pair.b.joints[i]]) for i in (0, 2))
    length = 0.5 * (sum(pair.a.lengths) + sum(pair.b.lengths))
    return PairShape(0.5 * (starts[0] + starts[1]), starts[0] - starts[1], 0.5 * (ends[0] + ends[1]), length)


@dataclass(frozen=True)
class Body:
    legs: LimbPair
    arms: LimbPair
    pelvis: int
    spine: tuple[int, ...]
    neck: tuple[int, ...]
    head: int
    score: float
    geometry: float

    def parts(self, a_is_left: bool, same_side: bool) -> dict[str, tuple[int, ...]]:
        """Part to bones; `same_side`: legs.a and arms.a lie on one side."""
        out: dict[str, tuple[int, ...]] = {
            "pelvis": (self.pelvis,), "spine": self.spine, "neck": self.neck, "head": (self.head,)
        }  # fmt: skip
        for pair, names, straight in ((self.legs, LEG, True), (self.arms, ARM, same_side)):
            left, right = (pair.a, pair.b) if a_is_left == straight else (pair.b, pair.a)
            for side, limb in zip(SIDES, (left, right), strict=True):
                out |= {f"{side}_{part}": (bone,) for part, bone in zip(names, limb.joints, strict=True)}
                if limb.toe is not None:
                    out[f"{side}_toe"] = (limb.toe,)
                if limb.clavicle is not None:
                    out[f"{side}_clavicle"] = (limb.clavicle,)
        return {part: bones for part, bones in out.items() if bones}


def gauss(value: float, mean: float, spread: float) -> float:
    return max(-0.5 * ((value - mean) / spread) ** 2, -6.0)


def angle_deg(a: FloatArray, b: FloatArray) -> float:
    size = math.sqrt(float(a @ a) * float(b @ b))
    return math.degrees(math.acos(min(max(float(a @ b) / max(size, 1e-12), -1.0), 1.0)))
