"""Put arms, legs, trunk and head together into a body, and say how sure each bone is.

Every pair of legs is tried with every pair of arms. What fits badly together (a trunk at right angles to the legs, an
arm on the far side, a head below the shoulders) costs likelihood; the confidence of a bone is its share in all that is
likely, times how well its part of the body fits a human at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from pose_core.errors import RigError
from pose_core.maths.axes import UP_WORLD
from pose_core.retarget.mapping.evidence import RigEvidence, base_part
from pose_core.retarget.mapping.limbs import ARM, LEG, LimbPair, find_pairs
from pose_core.retarget.mapping.readings import NO_BODY_HINT, Body, PairShape, angle_deg, gauss, shape_of
from pose_core.retarget.mapping.sides import left_odds, same_side
from pose_core.retarget.mapping.trunk import find_trunks
from pose_core.retarget.rig.bone_map import SIDES
from pose_core.types import FloatArray

_MOST_PAIRS = 14
_MOST_BODIES = 10
# Readings this much less likely than the best are not looked at.
_HOPELESS = 14.0
# Legs with arms this much less likely than the best are not even put together.
_FAR_BEHIND = 30.0
# A trunk that leans more than this from the line of the legs is that of an animal on four feet.
_STANDING_DEG = 55.0
# A geometry this unlikely (log) halves the confidence.
_IMPLAUSIBLE, _IMPLAUSIBLE_SPREAD = -11.0, 2.0
# Confidence of a bone whose name says nothing, and of one whose name says something else.
_UNNAMED, _MISNAMED = 0.8, 0.35


@dataclass(frozen=True)
class FoundBody:
    """The most likely reading of a rig."""

    bones: Mapping[str, tuple[str, ...]]
    """Part to bones as in a `BoneMap`."""
    confidence: Mapping[str, float]
    """Bone to how sure it is, 0 to 1."""
    root: str | None
    """Bone above the pelvis that carries everything."""


def find_body(evidence: RigEvidence) -> FoundBody:
    """Find the parts of the body on a rig.

    Raises:
        RigError: the rig is no humanoid (it says what is wrong), or left and right contradict each other.
    """
    rig = evidence.rig
    legs, arms = find_pairs(evidence, LEG)[:_MOST_PAIRS], find_pairs(evidence, ARM)[:_MOST_PAIRS]
    if not legs or not arms:
        raise RigError(
            f"'{rig.name}' is no humanoid rig: it has no two pairs of limbs of at least three bones each.",
            NO_BODY_HINT,
        )
    bodies = _bodies(evidence, legs, arms)
    best = bodies[0]
    aligned = same_side(evidence, best)
    odds = left_odds(evidence, best, aligned)
    parts = best.parts(odds > 0, aligned)
    share = _shares(evidence, bodies, parts, odds > 0)
    p_side = 1.0 / (1.0 + float(np.exp(-min(abs(odds), 50.0))))
    fits = 1.0 / (1.0 + float(np.exp((_IMPLAUSIBLE - best.geometry) / _IMPLAUSIBLE_SPREAD)))
    confidence: dict[str, float] = {}
    for part, bones in parts.items():
        sided = part.startswith(SIDES)
        fit = fits * (_limb_fit(best, bones[0]) if sided else 1.0)
        for bone in bones:
            named = _named(evidence, bone, base_part(part))
            confidence[rig.bone_names[bone]] = float(
                np.clip(share[bone] * fit * named * (p_side if sided else 1.0), 0, 1)
            )
    names = {part: tuple(rig.bone_names[b] for b in bones) for part, bones in parts.items()}
    above = rig.ancestors(best.pelvis)
    root = next((b for b in reversed(above) if not evidence.helper[b]), None)
    return FoundBody(names, confidence, None if root is None else rig.bone_names[root])


def _limb_fit(body: Body, bone: int) -> float:
    limb = next(x for pair in (body.legs, body.arms) for x in (pair.a, pair.b) if bone in x.bones)
    return 1.0 / (1.0 + float(np.exp((_IMPLAUSIBLE - limb.geometry) / _IMPLAUSIBLE_SPREAD)))


def _named(evidence: RigEvidence, bone: int, part: str) -> float:
    """How the name bears on the confidence."""
    if evidence.family_parts.get(bone) is not None:
        return 1.0 if base_part(evidence.family_parts[bone]) == part else _MISNAMED
    name = evidence.names[bone]
    if name.helper or name.finger:
        return _MISNAMED
    if not name.parts:
        return _UNNAMED
    weight = name.parts.get(part, 0.0)
    return _UNNAMED + (1.0 - _UNNAMED) * weight if weight >= 0.4 else _MISNAMED


def _shares(
    evidence: RigEvidence, bodies: list[Body], parts: Mapping[str, tuple[int, ...]], a_is_left: bool
) -> dict[int, float]:
    """For each bone the share of all likely bodies in which it plays the part that it got; sides are judged apart."""
    scores = np.array([body.score for body in bodies])
    weights = np.exp(scores - scores.max())
    weights /= weights.sum()
    out = dict.fromkeys((b for bones in parts.values() for b in bones), 0.0)
    for body, weight in zip(bodies, weights, strict=True):
        theirs: dict[int, str] = {}
        for part, bones in body.parts(a_is_left, same_side(evidence, body)).items():
            theirs |= dict.fromkeys(bones, base_part(part))
        for part, bones in parts.items():
            for bone in bones:
                if theirs.get(bone) == base_part(part):
                    out[bone] += float(weight)
    return out


def _bodies(evidence: RigEvidence, legs: list[LimbPair], arms: list[LimbPair]) -> list[Body]:
    """All likely bodies, best first.

    Raises:
        RigError: none is.
    """
    leg_shapes, arm_shapes = ([shape_of(evidence, pair) for pair in pairs] for pairs in (legs, arms))
    scores = np.array([[leg.score + arm.score for arm in arms] for leg in legs])
    trunks = {(x, y): _on_one_trunk(evidence, x, y) for x in {p.branch for p in legs} for y in {p.branch for p in arms}}
    allowed = np.array([[trunks[x.branch, y.branch] and _apart(x, y) for y in arms] for x in legs])
    scores = np.where(allowed, scores, -np.inf)
    _refuse_four_legs(evidence, scores, leg_shapes, arm_shapes)
    fits = np.zeros_like(scores)
    for i, j in zip(*np.nonzero(scores > scores.max() - _FAR_BEHIND), strict=True):
        fits[i, j] = _together(leg_shapes[i], arm_shapes[j])
    total = np.where(scores > scores.max() - _FAR_BEHIND, scores + fits, -np.inf)
    out: list[Body] = []
    for flat in np.argsort(-total, axis=None)[: 3 * _MOST_BODIES]:
        i, j = np.unravel_index(int(flat), total.shape)
        if not total[i, j] >= float(np.max(total)) - _HOPELESS or len(out) >= 2 * _MOST_BODIES:
            break
        out += find_trunks(evidence, legs[i], arms[j], leg_shapes[i], arm_shapes[j], float(fits[i, j]))
    if not out:
        raise RigError(
            f"'{evidence.rig.name}' is no humanoid rig: its limbs do not hang on one trunk with a head.", NO_BODY_HINT
        )
    out.sort(key=lambda body: -body.score)
    return out[: 2 * _MOST_BODIES]


def _apart(legs: LimbPair, arms: LimbPair) -> bool:
    """Whether arms and legs are different bones."""
    return not ({*legs.a.bones, *legs.b.bones} & {*arms.a.bones, *arms.b.bones})


def _on_one_trunk(evidence: RigEvidence, legs: int, arms: int) -> bool:
    """Whether the bone that the arms hang at lies higher up a trunk that the legs' bone is the foot of."""
    common = evidence.lowest_common(legs, arms)
    return common >= 0 and common != arms and len(evidence.between(common, legs)) <= 3


def _together(legs: PairShape, arms: PairShape) -> float:
    """Log-likelihood of the proportions of a pair of legs with a pair of arms."""
    trunk, down = arms.middle - legs.middle, legs.ends - legs.middle
    size = max(float(np.linalg.norm(trunk)), 1e-9)
    out = gauss(angle_deg(trunk, -down), 0.0, 20.0)
    across = min(angle_deg(legs.across, arms.across), angle_deg(legs.across, -arms.across))
    out += gauss(across, 0.0, 15.0)
    out += gauss(angle_deg(legs.across, trunk), 90.0, 12.0) + gauss(angle_deg(arms.across, trunk), 90.0, 12.0)
    out += gauss(float(np.log(size / legs.length)), float(np.log(0.62)), 0.5)
    out += gauss(float(np.log(arms.length / legs.length)), float(np.log(0.75)), 0.5)
    widths = [max(float(np.linalg.norm(shape.across)), 1e-9) for shape in (arms, legs)]
    wider = float(np.log(widths[0] / widths[1]))
    out += gauss(min(wider, 0.0), 0.0, 0.4)
    return out + gauss(angle_deg(trunk, UP_WORLD), 0.0, 60.0)


def _refuse_four_legs(evidence: RigEvidence, scores: FloatArray, legs: list[PairShape], arms: list[PairShape]) -> None:
    """A rig whose most likely limbs do not stand under the trunk is an animal's, whatever its bones are called.

    Raises:
        RigError: so it is.
    """
    if not np.isfinite(scores).any():
        raise RigError(
            f"'{evidence.rig.name}' is no humanoid rig: no pair of arms hangs on a trunk above a pair of legs.",
            NO_BODY_HINT,
        )
    i, j = np.unravel_index(int(np.argmax(scores)), scores.shape)
    lean = angle_deg(arms[j].middle - legs[i].middle, legs[i].middle - legs[i].ends)
    if lean > _STANDING_DEG:
        raise RigError(
            f"'{evidence.rig.name}' is no humanoid rig: its trunk lies across its legs ({lean:.0f} degrees), as on an"
            " animal that stands on four feet.",
            NO_BODY_HINT,
        )
