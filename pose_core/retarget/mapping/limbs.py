"""Find arms and legs: pairs of alike branches, and in each the joints that fit a limb best.

Every way of reading a branch as an arm or leg gets a log-likelihood from its proportions, its bends, what hangs at its
end, and from names. Spreads are wide enough for toddlers and cartoon figures.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from itertools import combinations

import numpy as np

from pose_core.retarget.mapping.evidence import BASE_PARTS, RigEvidence
from pose_core.types import FloatArray

ARM = ("upper_arm", "forearm", "hand")
LEG = ("thigh", "shin", "foot")

# Branches shorter than this share of the rig's extent are no limbs.
_LEAST_SHARE = 0.12
# Two branches are alike if their lengths differ by less than this factor (logarithm).
_ALIKE = 0.25
# Branches that names put on one side are paired only where there is nothing better.
_ONE_SIDE = 1.0
_PARTNERS = 2
_MOST_PAIRS = 20
_MOST_READINGS = 10
_MOST_JOINTS = 10
_WORST_TERM = -6.0
# Log-likelihood of leaving out a bone that no name calls a helper.
_SKIPPED = -0.8
# Fingers: this many branches at one bone make it a hand.
_FAN = 3
_FAN_FITS, _FAN_WRONG = 1.5, -3.0
# A bone that only continues the one above it, as `upperleg02` does, does not begin a part.
_CONTINUES = -2.0
_SYMMETRY_SPREAD = 0.08
# So many toes below a foot are single ones, none of which is the ball of the foot.
_TOES = 3


@dataclass(frozen=True)
class Limb:
    """One reading of a branch."""

    clavicle: int | None
    joints: tuple[int, int, int]
    """Bones of the two long segments and of hand or foot."""
    toe: int | None
    score: float
    geometry: float
    """The part of the score that proportions and bends make."""
    lengths: tuple[float, float]
    """Of the two long segments, armature units."""

    @cached_property
    def bones(self) -> tuple[int, ...]:
        """All bones that are named."""
        return tuple(b for b in (self.clavicle, *self.joints, self.toe) if b is not None)


@dataclass(frozen=True)
class LimbPair:
    """Two alike limbs below one bone."""

    branch: int
    a: Limb
    b: Limb
    a_is_left: float
    """Log-likelihood, from names, that `a` is the left one, less that it is the right one."""
    score: float


def find_pairs(evidence: RigEvidence, kind: tuple[str, str, str]) -> list[LimbPair]:
    """All readings of pairs of branches as arms or legs, best first.

    Args:
        evidence: the rig.
        kind: ARM or LEG.
    """
    out: list[LimbPair] = []
    read: dict[tuple[int, int], list[Limb]] = {}
    for branch, *starts in _alike_branches(evidence):
        for start in starts:
            if (branch, start) not in read:
                read[branch, start] = _readings(evidence, branch, evidence.path(start)[:_MOST_JOINTS], kind)
        out += _pairs_of(evidence, branch, [read[branch, start] for start in starts])
    out.sort(key=lambda pair: -pair.score)
    return out[: 3 * _MOST_READINGS]


def _alike_branches(evidence: RigEvidence) -> list[tuple[int, int, int]]:
    """(bone, child, child) for branches of about equal length, longest first."""
    found: list[tuple[float, int, int, int]] = []
    whole = evidence.segments + evidence.reach
    least = _LEAST_SHARE * evidence.extent
    for branch, children in enumerate(evidence.rig.children):
        long = [c for c in children if whole[c] >= least and len(evidence.path(c)) >= 3]
        scored = []
        for a, b in combinations(long, 2):
            difference = abs(float(np.log(whole[a] / whole[b])))
            if difference < _ALIKE:
                one_side = evidence.names[a].side != "" and evidence.names[a].side == evidence.names[b].side
                scored.append((difference + _mismatch(evidence, branch, a, b) + (_ONE_SIDE if one_side else 0), a, b))
        taken = dict.fromkeys(long, 0)
        for _, a, b in sorted(scored):
            if max(taken[a], taken[b]) < _PARTNERS:
                taken[a] += 1
                taken[b] += 1
                found.append((-float(whole[a] + whole[b]), branch, a, b))
    return [(branch, a, b) for _, branch, a, b in sorted(found)[:_MOST_PAIRS]]


def _mismatch(evidence: RigEvidence, branch: int, a: int, b: int) -> float:
    """How far two branches are from being each other's mirror image about a plane through the bone they hang at."""
    both = list(zip(evidence.path(a), evidence.path(b), strict=False))
    P = evidence.heads
    apart = P[[x for x, _ in both]] - P[[y for _, y in both]]
    total = apart.sum(axis=0)
    size = max(float(np.linalg.norm(total)), 1e-12)
    turning = 1.0 - size / max(float(np.linalg.norm(apart, axis=1).sum()), 1e-12)
    middle = 0.5 * (P[both[-1][0]] + P[both[-1][1]]) - P[branch]
    return turning + abs(float(middle @ total)) / (size * evidence.extent)


@cache
def _choices(count: int, with_clavicle: bool) -> np.ndarray:
    """(N, 4) positions of clavicle (-1: none), upper and lower segment and end on a path of so many joints."""
    rows = [(-1, *three) for three in combinations(range(count), 3)]
    if with_clavicle:
        rows += list(combinations(range(count), 4))
    return np.array(rows, dtype=np.int64).reshape(-1, 4)


def _normal(value: FloatArray, mean: float, spread: float) -> FloatArray:
    """Log-likelihood of a value about its mean; never worse than a floor, as single oddities happen."""
    return np.asarray(np.maximum(-0.5 * ((value - mean) / spread) ** 2, _WORST_TERM))


def _beyond(value: FloatArray, limit: float, spread: float) -> FloatArray:
    """Log-likelihood of a value that should not be beyond a limit."""
    return _normal(np.maximum(value - limit, 0.0), 0.0, spread)


def _angles_deg(a: FloatArray, b: FloatArray) -> FloatArray:
    lengths = np.linalg.norm(a, axis=-1) * np.linalg.norm(b, axis=-1)
    cosines = np.sum(a * b, axis=-1) / np.maximum(lengths, 1e-12)
    return np.asarray(np.degrees(np.arccos(np.clip(cosines, -1.0, 1.0))))


def _readings(evidence: RigEvidence, branch: int, path: tuple[int, ...], kind: tuple[str, str, str]) -> list[Limb]:
    """The best readings of a path as a limb."""
    arm = kind == ARM
    if len(path) < 3:
        return []
    rows = _choices(len(path), arm)
    c, u, f, h = rows.T
    bones = np.array(path)
    P = evidence.heads[bones]
    along = np.concatenate([[0.0], np.cumsum(evidence.segments[bones[1:]])])
    lengths = np.stack([np.linalg.norm(P[f] - P[u], axis=1), np.linalg.norm(P[h] - P[f], axis=1)])
    whole = lengths.sum(axis=0)
    degenerate = lengths.min(axis=0) < 1e-3 * evidence.extent
    whole, lengths = np.maximum(whole, 1e-9), np.maximum(lengths, 1e-9)
    upper, lower = P[f] - P[u], P[h] - P[f]
    last = len(path) - 1
    rest = (along[last] - along[h]) / whole
    geometry = _normal(np.log(lengths[1] / lengths[0]), -0.05 if arm else 0.0, 0.22)
    geometry += _beyond(_angles_deg(upper, lower), 35.0, 25.0)
    geometry += _beyond((along[h] - along[u]) / whole, 1.02, 0.03)  # what lies between is in line
    geometry += _beyond(h * 0.0 + last - h, 5.0 if arm else 3.0, 1.0)
    start = np.where(c >= 0, c, u)
    from_branch = np.linalg.norm(P[start] - evidence.heads[branch], axis=1) / whole
    if arm:
        geometry += np.where(h == last, -0.3, _normal(rest, 0.35, 0.25))
        collar = np.linalg.norm(P[u] - P[np.maximum(c, 0)], axis=1) / whole
        geometry += np.where(c >= 0, _normal(collar, 0.28, 0.15) + _beyond(from_branch, 0.45, 0.2), 0.0)
        geometry += np.where(c < 0, _beyond(from_branch, 0.55, 0.2), 0.0)
        geometry += _fan_scores(evidence, path, u, f, h)
    else:
        geometry += np.where(h == last, -1.5, _normal(rest, 0.28, 0.15))
        geometry += _beyond(from_branch, 0.3, 0.15)
        after = np.where((h < last)[:, None], P[np.minimum(h + 1, last)], evidence.tails[bones[h]]) - P[h]
        geometry += np.where(h < last, 1.0, 0.4) * _normal(_angles_deg(after, lower), 70.0, 30.0)
    scores = evidence.part_scores[bones]
    parts = [BASE_PARTS.index(part) for part in kind]
    names = sum(scores[at, part] for at, part in zip((u, f, h), parts, strict=True))
    if arm:
        names = names + np.where(c >= 0, scores[np.maximum(c, 0), BASE_PARTS.index("clavicle")], 0.0)
    skippable = np.array([0.0 if _is_aside(evidence, path, i) else _SKIPPED for i in range(len(path))])
    before = np.concatenate([[0.0], np.cumsum(skippable)])
    skipped = before[h] - sum(skippable[at] for at in (u, f)) - np.where(c >= 0, skippable[np.maximum(c, 0)], 0.0)
    continued = np.array(
        [_CONTINUES if i and evidence.continues(path[i], path[i - 1]) else 0.0 for i in range(last + 1)]
    )
    total = geometry + names + skipped + continued[u] + continued[f] + continued[h]
    total = np.where(degenerate, -1e3, total)
    out = []
    for row in np.argsort(-total)[:_MOST_READINGS]:
        if total[row] <= -1e2:
            continue
        toe = None if arm else _toe(evidence, path, int(h[row]))
        collar_bone = path[c[row]] if c[row] >= 0 else None
        joints = (path[u[row]], path[f[row]], path[h[row]])
        score = float(total[row])
        if toe is not None:
            score += 0.5 * max(float(evidence.part_scores[toe, BASE_PARTS.index("toe")]), 0.0)
        size = float(lengths[0, row]), float(lengths[1, row])
        out.append(Limb(collar_bone, joints, toe, score, float(geometry[row]), size))
    return out


def _is_aside(evidence: RigEvidence, path: tuple[int, ...], i: int) -> bool:
    """Whether a bone may be left out without wonder: a helper, or a part of a split limb."""
    return evidence.helper[path[i]] or bool(i and evidence.continues(path[i], path[i - 1]))


def _fan_scores(
    evidence: RigEvidence, path: tuple[int, ...], u: np.ndarray, f: np.ndarray, h: np.ndarray
) -> FloatArray:
    """A bone where fingers branch off is the hand, or just before or after it."""
    fans = [i for i, b in enumerate(path) if sum(not evidence.helper[c] for c in evidence.rig.children[b]) >= _FAN]
    if not fans:
        return np.zeros(len(h))
    fan = fans[0]
    return np.where(h == fan, _FAN_FITS, np.where((u >= fan) | (f >= fan) | (h > fan + 1), _FAN_WRONG, 0.0))


def _toe(evidence: RigEvidence, path: tuple[int, ...], foot: int) -> int | None:
    """The bone after the foot, unless its name says that it is something else, or each toe has one of its own."""
    column = BASE_PARTS.index("toe")
    if sum(evidence.part_scores[b, column] > -1.0 for b in evidence.rig.children[path[foot]]) >= _TOES:
        return None
    below = [b for b in path[foot + 1 : foot + 3] if evidence.part_scores[b, column] > -1.0]
    named = [b for b in below if evidence.part_scores[b, column] > 1.0]
    return next(iter(named or below), None)


def _pairs_of(evidence: RigEvidence, branch: int, readings: list[list[Limb]]) -> list[LimbPair]:
    """The best pairs of a reading of one branch and one of the other."""
    if not all(readings):
        return []
    # sums over the limbs of each branch: (n, 2) of sides, (n,) of scores, (n, 2) of lengths
    sides = [np.array([evidence.side_scores[list(limb.bones)].sum(axis=0) for limb in limbs]) for limbs in readings]
    scores = [np.array([limb.score for limb in limbs]) for limbs in readings]
    sizes = [np.log([limb.lengths for limb in limbs]) for limbs in readings]
    unlike = ((sizes[0][:, None] - sizes[1]) / _SYMMETRY_SPREAD) ** 2
    symmetry = -0.5 * np.minimum(unlike, -2 * _WORST_TERM).sum(axis=-1)
    straight = sides[0][:, None, 0] + sides[1][:, 1]
    crossed = sides[0][:, None, 1] + sides[1][:, 0]
    total = scores[0][:, None] + scores[1] + symmetry + np.maximum(straight, crossed)
    collars = [np.array([limb.clavicle is not None for limb in limbs]) for limbs in readings]
    total[collars[0][:, None] != collars[1]] = -np.inf
    out = []
    for at in np.argsort(-total, axis=None, kind="stable")[:_MOST_READINGS]:
        i, j = divmod(int(at), len(readings[1]))
        if np.isfinite(total[i, j]):
            left = float(straight[i, j] - crossed[i, j])
            out.append(LimbPair(branch, readings[0][i], readings[1][j], left, float(total[i, j])))
    return out
