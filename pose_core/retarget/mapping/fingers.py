"""Find the fingers below a hand: by their names, else by how five chains fan out."""

from __future__ import annotations

import numpy as np

from pose_core.maths.rotations import unit
from pose_core.retarget.mapping.evidence import RigEvidence
from pose_core.retarget.mapping.words import FINGER_WORDS
from pose_core.retarget.rig.bone_map import FINGER_BONES

SURE_BY_NAME, SURE_BY_SHAPE = 0.95, 0.6
"""How sure fingers are that were found by their names, or by their shape alone."""
# Fingers hang at most this many bones below the hand: palm bones may lie between.
_DEEPEST = 3


def find_fingers(evidence: RigEvidence, hand: int) -> tuple[dict[str, tuple[int, ...]], float]:
    """Find the fingers of a hand.

    Args:
        evidence: the rig.
        hand: the hand's bone.
    Returns:
        Finger (`thumb`, `index`, ...) to its bones from the knuckle outwards, and how sure that is, 0 to 1.
    """
    named = _by_name(evidence, hand)
    if named:
        return named, SURE_BY_NAME
    if any(evidence.names[b].parts or evidence.names[b].helper for b in evidence.rig.children[hand]):
        return {}, 0.0  # names that say something, but nothing of fingers
    return _by_shape(evidence, hand), SURE_BY_SHAPE


def _by_name(evidence: RigEvidence, hand: int) -> dict[str, tuple[int, ...]]:
    out: dict[str, tuple[int, ...]] = {}
    level = [hand]
    for _ in range(_DEEPEST):
        level = [c for b in level for c in evidence.rig.children[b]]
        for bone in level:
            name = evidence.names[bone]
            if name.finger and not name.helper and name.finger not in out:
                out[name.finger] = _chain(evidence, bone, name.finger)
    return {finger: out[finger] for finger in FINGER_WORDS if finger in out}


def _chain(evidence: RigEvidence, first: int, finger: str) -> tuple[int, ...]:
    """Bones of one finger; whatever ends the chain or lies between as a helper is left out."""
    out = [first]
    below = list(evidence.rig.children[first])
    while below and len(out) < FINGER_BONES:
        own = [b for b in below if evidence.names[b].finger == finger and not evidence.names[b].helper]
        if own:
            out.append(own[0])
        below = [c for b in (own[:1] or below) for c in evidence.rig.children[b]]
    return tuple(out)


def _by_shape(evidence: RigEvidence, hand: int) -> dict[str, tuple[int, ...]]:
    """Five chains below a hand: the one that points away from the others is the thumb, the rest follow in a row."""
    chains = [evidence.path(c)[:FINGER_BONES] for c in evidence.rig.children[hand]]
    chains = [chain for chain in chains if len(chain) >= 2]
    if len(chains) != len(FINGER_WORDS):
        return {}
    P = evidence.heads
    bases = np.array([P[chain[0]] for chain in chains])
    pointing = np.array([unit(P[chain[-1]] - P[chain[0]]) for chain in chains])
    others = (pointing.sum(axis=0) - pointing) / (len(chains) - 1)
    thumb = int(np.argmin(np.sum(pointing * others, axis=1)))
    rest = [i for i in range(len(chains)) if i != thumb]
    spread = bases[rest] - bases[rest].mean(axis=0)
    row = np.linalg.svd(spread)[2][0]
    if float((bases[thumb] - bases[rest].mean(axis=0)) @ row) > 0:
        row = -row
    order = [thumb, *sorted(rest, key=lambda i: float(bases[i] @ row))]
    return {finger: chains[i] for finger, i in zip(FINGER_WORDS, order, strict=True)}
