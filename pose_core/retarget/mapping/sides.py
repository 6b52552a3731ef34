"""Tell left from right: by names, by where toes, knees and elbows point, and by the usual way to face."""

from __future__ import annotations

import numpy as np

from pose_core.errors import RigError
from pose_core.maths.axes import FORWARD_REST
from pose_core.maths.rotations import unit
from pose_core.retarget.mapping.evidence import RigEvidence
from pose_core.retarget.mapping.limbs import LimbPair
from pose_core.retarget.mapping.readings import Body, angle_deg, shape_of
from pose_core.types import FloatArray

# Log-odds of the side that toes, knees and elbows, and facing -Y speak for at most.
_TOES, _TAILS, _HINGES, _FACING = 6.0, 1.0, 2.0, 1.0
# A hinge that is bent by this angle speaks with its full weight.
_BENT_DEG = 8.0
# From here on names are taken to mean what they say about sides.
_SIDES_NAMED = 5.0


def same_side(evidence: RigEvidence, body: Body) -> bool:
    """Whether `a` of the legs and `a` of the arms are on one side."""
    return float(shape_of(evidence, body.legs).across @ shape_of(evidence, body.arms).across) > 0


def left_odds(evidence: RigEvidence, body: Body, same_side: bool) -> float:
    """Log-odds that `legs.a` is the left one, by names, toes, knees and elbows, and the usual way to face.

    Raises:
        RigError: names contradict each other or what the toes show.
    """
    rig = evidence.rig
    legs, arms = body.legs, body.arms
    for pair in (legs, arms):
        _refuse_two_of_one_side(evidence, pair)
    by_legs, by_arms = legs.a_is_left, arms.a_is_left if same_side else -arms.a_is_left
    if abs(by_legs) > _SIDES_NAMED and abs(by_arms) > _SIDES_NAMED and by_legs * by_arms < 0:
        named = ", ".join(f"'{rig.bone_names[limb.joints[0]]}'" for limb in (arms.a, arms.b, legs.a, legs.b))
        raise RigError(
            f"In '{rig.name}' the left arm is on the side of the right leg by their names.",
            f"Check the names of {named}.",
        )
    named_odds = by_legs + by_arms
    low, high = shape_of(evidence, legs), shape_of(evidence, arms)
    up, across = unit(high.middle - low.middle), unit(low.across)

    def speaks(forward: FloatArray) -> float:
        """How much a forward direction speaks for `a` being left, -1 to 1."""
        level = forward - up * float(forward @ up)
        size = float(np.linalg.norm(level))
        if size < 1e-9:
            return 0.0
        return float(np.asarray(np.cross(up, level / size), dtype=np.float64) @ across)

    forward, certain = _feet_forward(evidence, legs)
    by_toes = speaks(forward)
    shown = (_TOES if certain else _TAILS) * by_toes
    if certain and abs(named_odds) > _SIDES_NAMED and by_toes * named_odds < 0 and abs(by_toes) > 0.5:
        left = arms.a if (named_odds > 0) == same_side else arms.b
        raise RigError(
            f"In '{rig.name}' left and right seem to be swapped: by the toes '{rig.bone_names[left.joints[0]]}' lies"
            " on the right.",
            "Rename the bones or give a bone map.",
        )
    for pair, sign in ((legs, 1.0), (arms, -1.0)):
        bend, angle = _bend(evidence, pair)
        shown += _HINGES * min(angle / _BENT_DEG, 1.0) * speaks(sign * bend)
    return named_odds + shown + _FACING * speaks(FORWARD_REST)


def _refuse_two_of_one_side(evidence: RigEvidence, pair: LimbPair) -> None:
    """Two left legs are no pair, however alike they are.

    Raises:
        RigError: so their names say.
    """
    sides = {evidence.names[b].side for limb in (pair.a, pair.b) for b in limb.joints}
    if len(sides) == 1 and sides != {""}:
        first, second = (evidence.rig.bone_names[limb.joints[0]] for limb in (pair.a, pair.b))
        raise RigError(
            f"In '{evidence.rig.name}' both '{first}' and '{second}' are named as on the {sides.pop()}.",
            "Rename the bones of one side, or give a bone map.",
        )


def _feet_forward(evidence: RigEvidence, legs: LimbPair) -> tuple[FloatArray, bool]:
    """Where the feet point, and whether it is shown by a bone after the foot and not merely by the foot's tail."""
    P = evidence.heads
    forward, certain = np.zeros(3), True
    for limb in (legs.a, legs.b):
        foot = limb.joints[2]
        below = evidence.path(foot)[1:]
        tip = limb.toe if limb.toe is not None else below[0] if below else None
        step = (evidence.tails[foot] if tip is None else P[tip]) - P[foot]
        certain &= tip is not None and float(np.linalg.norm(step)) > 0.04 * sum(limb.lengths)
        forward = forward + unit(step)
    return forward, certain


def _bend(evidence: RigEvidence, pair: LimbPair) -> tuple[FloatArray, float]:
    """Where knees or elbows stick out to, and by what angle they are bent (degrees, the lesser of both)."""
    P = evidence.heads
    out, angles = np.zeros(3), []
    for limb in (pair.a, pair.b):
        start, middle, end = (P[b] for b in limb.joints)
        chord = unit(end - start)
        out = out + (middle - start) - chord * float((middle - start) @ chord)
        angles.append(angle_deg(middle - start, end - middle))
    return out, min(angles)
