"""Find pelvis, spine, neck and head between given legs and arms."""

from __future__ import annotations

import numpy as np

from pose_core.maths.rotations import unit
from pose_core.retarget.mapping.evidence import BASE_PARTS, RigEvidence
from pose_core.retarget.mapping.limbs import LimbPair
from pose_core.retarget.mapping.readings import Body, PairShape, gauss

# What it speaks for a head that it ends, or does not end, in a bone of its own just as the toes do.
_END_BONES = 1.2


def find_trunks(
    evidence: RigEvidence, legs: LimbPair, arms: LimbPair, low: PairShape, high: PairShape, fit: float
) -> list[Body]:
    """The likely readings of pelvis, spine, neck and head between given legs and arms."""
    rig = evidence.rig
    common = evidence.lowest_common(legs.branch, arms.branch)
    limbs = {*legs.a.bones, *legs.b.bones, *arms.a.bones, *arms.b.bones}
    heads = _heads(evidence, arms, common, low, high, limbs, _has_end_bones(evidence, legs))
    scores = evidence.part_scores
    out = []
    for steps, pelvis in enumerate([common, *rig.ancestors(common)[:2]]):
        spine = tuple(b for b in evidence.between(pelvis, arms.branch) if not evidence.helper[b])
        off = float(np.linalg.norm(evidence.heads[pelvis] - low.middle)) / low.length
        geometry = gauss(off, 0.0, 0.25) + fit
        named = float(scores[pelvis, BASE_PARTS.index("pelvis")])
        named += float(np.sum(scores[list(spine), BASE_PARTS.index("spine")])) if spine else 0.0
        if not spine or limbs & {pelvis, *spine}:
            continue
        before = legs.score + arms.score + fit + gauss(off, 0.0, 0.25) + named - steps
        for neck, head, score, head_geometry in heads:
            if {head, *neck} & {pelvis, *spine}:
                continue
            out.append(Body(legs, arms, pelvis, spine, neck, head, before + score, geometry + head_geometry))
    return out


def _heads(
    evidence: RigEvidence,
    arms: LimbPair,
    common: int,
    low: PairShape,
    high: PairShape,
    limbs: set[int],
    ends: bool | None,
) -> list[tuple[tuple[int, ...], int, float, float]]:
    """Readings of what goes up from the chest as neck and head: (neck, head, score, its geometry)."""
    trunk = high.middle - low.middle
    size = max(float(np.linalg.norm(trunk)), 1e-9)
    up, across = unit(trunk), unit(high.across)
    width = max(float(np.linalg.norm(high.across)), 1e-9)
    out: list[tuple[tuple[int, ...], int, float, float]] = []
    trunk_bones = [arms.branch, *(b for b in evidence.rig.ancestors(arms.branch))]
    trunk_bones = trunk_bones[: trunk_bones.index(common) + 1] if common in trunk_bones else trunk_bones
    for below, chest in enumerate(trunk_bones[:3]):
        for start in evidence.rig.children[chest]:
            if start in trunk_bones or _leads_to(evidence, start, limbs):
                continue
            path = _way_to_head(evidence, start)
            for k, head in enumerate(path[:7]):
                offset = evidence.heads[head] - high.middle
                geometry = gauss(float(offset @ up) / size, 0.3, 0.15) + _head_length(evidence, path, k, size)
                geometry += gauss(max(abs(float(offset @ across)) / width - 0.08, 0.0), 0.0, 0.08)
                neck = tuple(b for b in path[:k] if not evidence.helper[b])
                score = geometry + float(evidence.part_scores[head, BASE_PARTS.index("head")]) - 2.0 * below
                score += float(np.sum(evidence.part_scores[list(neck), BASE_PARTS.index("neck")])) if neck else -0.7
                score -= 0.25 * max(len(neck) - 1, 0) + 0.8 * (k - len(neck))
                if ends is not None and not evidence.rig.children[path[-1]]:
                    score += _END_BONES if k == len(path) - 1 - ends else 0.0
                many = [len(evidence.rig.children[b]) > 1 for b in path[: k + 1]]
                score += (1.0 if many[-1] else 0.0) - 1.0 * sum(many[:-1])
                out.append((neck, head, score, geometry))
    out.sort(key=lambda reading: -reading[2])
    return out[:6]


def _has_end_bones(evidence: RigEvidence, legs: LimbPair) -> bool | None:
    """Whether toes go on into a bone that only marks their tip, as then heads do too; None if there are no toes."""
    after = len(evidence.path(legs.a.joints[2])) - 1
    return None if after == 0 else after >= 2


def _head_length(evidence: RigEvidence, path: tuple[int, ...], k: int, trunk: float) -> float:
    """Log-likelihood of the length of a bone as that of a head; importers guess those of last bones."""
    head, P = path[k], evidence.heads
    last = k + 1 >= len(path)
    end = evidence.tails[head] if last else P[path[k + 1]]
    out = (0.3 if last else 0.6) * gauss(float(np.linalg.norm(end - P[head])) / trunk, 0.35, 0.15)
    doubled = k > 0 and float(np.linalg.norm(P[head] - P[path[k - 1]])) < 0.02 * trunk
    return out - (2.0 if doubled else 0.0)


def _way_to_head(evidence: RigEvidence, start: int) -> tuple[int, ...]:
    """The way up from a bone: towards a bone that is called head or neck, else the longest."""
    column = [BASE_PARTS.index(part) for part in ("neck", "head")]
    out = [start]
    while len(out) < 8:
        children = evidence.rig.children[out[-1]]
        named = [c for c in children if float(np.max(evidence.part_scores[c, column])) > 1.0]
        longest = evidence.path(out[-1])[1:2]
        if not (named or longest):
            break
        out.append(named[0] if named else longest[0])
    return tuple(out)


def _leads_to(evidence: RigEvidence, start: int, bones: set[int]) -> bool:
    level = [start]
    while level:
        if bones & set(level):
            return True
        level = [c for b in level for c in evidence.rig.children[b]]
    return False
