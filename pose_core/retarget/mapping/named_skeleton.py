"""The part of a rig whose names speak of the body: to find a clearly named skeleton among hundreds of other bones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pose_core.retarget.mapping.evidence import RigEvidence, base_part
from pose_core.retarget.rig.bone_map import ESSENTIAL, SIDES
from pose_core.retarget.rig.description import RigDescription

CLEAR = 0.4
"""How clearly a word must speak of a part for a bone to be named so."""

_PER_BONE = ("rest_matrices", "lengths", "inherit_rotation", "local_location", "inherit_full_scale", "connected",
             "deform", "constrained")  # fmt: skip


def named_skeleton(evidence: RigEvidence) -> RigDescription | None:
    """A rig without the bones whose names say nothing of the body.

    Args:
        evidence: the rig, and the family that its names are of.
    Returns:
        The bones with telling names and those between them and the root; None if names do not speak of every essential
        part, or all bones are such.
    """
    rig = evidence.rig
    told: set[str] = set()
    kept: set[int] = set()
    for b, name in enumerate(evidence.names):
        parts = [evidence.family_parts[b]] if b in evidence.family_parts else _parts(evidence, b)
        if parts and not (name.helper and b not in evidence.family_parts):
            told.update(parts)
            kept |= {b, *rig.ancestors(b)}
    if len(kept) == len(rig) or not told.issuperset(ESSENTIAL):
        return None
    return only(rig, sorted(kept))


def _parts(evidence: RigEvidence, bone: int) -> list[str]:
    """Parts, with their side, that the words of a bone's name may mean."""
    name = evidence.names[bone]
    parts = [part for part, weight in name.parts.items() if weight >= CLEAR]
    sided = {base_part(part) for part in ESSENTIAL if part.startswith(SIDES)}
    return [f"{name.side}_{part}" if name.side and part in (*sided, "clavicle", "hand", "toe") else part
            for part in parts]  # fmt: skip


def only(rig: RigDescription, bones: list[int]) -> RigDescription:
    """Some of a rig's bones, with all their ancestors, in their order."""
    where = {old: new for new, old in enumerate(bones)}
    picked = np.array(bones)
    return replace(
        rig,
        bone_names=tuple(rig.bone_names[b] for b in bones),
        parents=tuple(where.get(rig.parents[b], -1) for b in bones),
        rotation_modes=tuple(rig.rotation_modes[b] for b in bones),
        follows={},
        **{name: getattr(rig, name)[picked] for name in _PER_BONE},
    )
