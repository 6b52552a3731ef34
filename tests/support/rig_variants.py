"""Changes to test rigs that a good mapping does not mind, and bones to add to them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from pose_core.maths.rotations import rotation_vector_to_matrix
from pose_core.retarget import RigDescription
from pose_core.types import FloatArray

_PER_BONE = ("rest_matrices", "lengths", "inherit_rotation", "local_location", "inherit_full_scale", "connected",
             "deform", "constrained")  # fmt: skip


def reordered(rig: RigDescription, seed: int) -> RigDescription:
    """The same bones in another order; parents still come first."""
    rng = np.random.default_rng(seed)
    keys = rng.random(len(rig))
    order: list[int] = []
    waiting = [b for b, p in enumerate(rig.parents) if p < 0]
    while waiting:
        b = min(waiting, key=lambda i: keys[i])
        waiting.remove(b)
        order.append(b)
        waiting += rig.children[b]
    return _in_order(rig, order, rig.parents)


def with_bones(rig: RigDescription, bones: Sequence[tuple[str, str | None, Sequence[float]]]) -> RigDescription:
    """Add bones: (name, parent, head as an offset from the parent's head, metres in the rig's own axes)."""
    out = rig
    for name, parent, offset in bones:
        at = 0 if parent is None else out.index(parent)
        fields = {field: np.concatenate([getattr(out, field), getattr(out, field)[at : at + 1]]) for field in _PER_BONE}
        matrices = fields["rest_matrices"] = fields["rest_matrices"].copy()
        origin = np.zeros(3) if parent is None else matrices[at, :3, 3]
        matrices[-1, :3, 3] = origin + np.asarray(offset) / out.scale
        fields["lengths"][-1] = 0.05 / out.scale
        out = replace(
            out,
            bone_names=(*out.bone_names, name),
            parents=(*out.parents, -1 if parent is None else at),
            rotation_modes=(*out.rotation_modes, "QUATERNION"),
            **fields,
        )
    return out


def chain_above(rig: RigDescription, bone: str, names: Sequence[str]) -> RigDescription:
    """Put bones between a bone and its parent, evenly spaced."""
    at = rig.index(bone)
    parent = rig.parents[at]
    step = (rig.heads[at] - rig.heads[parent]) * rig.scale / (len(names) + 1)
    out, above = rig, rig.bone_names[parent]
    for name in names:
        out = with_bones(out, [(name, above, step)])
        above = name
    parents = list(out.parents)
    parents[out.index(bone)] = out.index(above)
    order: list[int] = []
    while len(order) < len(parents):
        order += [b for b, p in enumerate(parents) if b not in order and (p < 0 or p in order)]
    return _in_order(out, order, parents)


def _in_order(rig: RigDescription, order: Sequence[int], parents: Sequence[int]) -> RigDescription:
    where = {old: new for new, old in enumerate(order)}
    fields: dict[str, Any] = {name: getattr(rig, name)[list(order)] for name in _PER_BONE}
    return replace(
        rig,
        bone_names=tuple(rig.bone_names[b] for b in order),
        parents=tuple(where.get(parents[b], -1) for b in order),
        rotation_modes=tuple(rig.rotation_modes[b] for b in order),
        **fields,
    )


def with_fingers(rig: RigDescription, name: Callable[[str, str, int], str], bones: int = 3) -> RigDescription:
    """Add five fingers to each hand; `name(side, finger, number)` says what a bone is called."""
    out = rig
    for side, sign in (("left", 1.0), ("right", -1.0)):
        for i, finger in enumerate(("thumb", "index", "middle", "ring", "pinky")):
            step = np.array([0.02, -0.03, -0.01]) if finger == "thumb" else np.array([0.03, 0.0, 0.0])
            base = np.array([0.03, -0.03, 0.0]) if finger == "thumb" else np.array([0.09, -0.035 + 0.02 * (i - 1), 0.0])
            parent = f"{side}_hand"
            for k in range(bones):
                offset = (base if k == 0 else step) * [sign, 1.0, 1.0]
                own = name(side, finger, k + 1)
                out = with_bones(out, [(own, parent, offset)])
                parent = own
    return out


def nameless(rig: RigDescription) -> tuple[RigDescription, dict[str, str]]:
    """The same rig under names that say nothing, and the old name of each."""
    names = [f"Bone.{i:03}" for i in range(len(rig))]
    return replace(rig, bone_names=tuple(names)), dict(zip(names, rig.bone_names, strict=True))


def moved(rig: RigDescription, turn_z: float, scale: float, shift: Sequence[float]) -> RigDescription:
    """The object turned about the vertical, scaled and shifted."""
    T: FloatArray = np.eye(4)
    T[:3, :3] = scale * rotation_vector_to_matrix(np.array([0.0, 0.0, turn_z]))
    T[:3, 3] = shift
    return replace(rig, matrix_world=T @ rig.matrix_world)


def styled(rig: RigDescription, style: Callable[[str, str], str], words: Mapping[str, str]) -> RigDescription:
    """Rename by a style: `style(side, word)` makes the name of a part, `words` says what a part is called."""
    names = []
    for name in rig.bone_names:
        side, _, part = name.partition("_")
        names.append(style(side, words.get(part, part)) if side in ("left", "right") else words.get(name, name))
    return replace(rig, bone_names=tuple(names))
