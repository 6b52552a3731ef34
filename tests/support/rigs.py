"""Rigs for tests without Blender: the built-in layout in any rest pose, roll, size and place, under any names."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from pose_core.maths.rotations import rotation_vector_to_matrix, unit
from pose_core.retarget import RigDescription
from pose_core.types import FloatArray
from tests.support.motions import rest_motion

BoneTable = list[tuple[str, str | None, FloatArray, FloatArray]]


@dataclass(frozen=True)
class RigShape:
    """How a test rig differs from a T pose at the origin."""

    pose: Mapping[str, tuple[float, float, float]] = field(default_factory=dict)
    """Rest rotation vectors by bone, armature axes, radians; a bone's turn moves everything below it."""
    rolls: int | None = None
    """Seed of random rolls; None = no roll."""
    scale: float = 1.0
    """Object scale; the armature's own units shrink so that the figure keeps its size."""
    turn: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Rotation vector of the object; the figure turns with it."""
    data_turn: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Rotation vector of the object that the armature's data undo, as with rigs whose data have Y up."""
    move: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Location of the object."""
    length: Mapping[str, float] = field(default_factory=dict)
    """Factor on the length of bones whose name contains the key."""
    spine_bones: int = 2
    """How many bones the spine has above the pelvis."""
    names: Mapping[str, str] = field(default_factory=dict)
    """New names of bones."""
    extra: Sequence[tuple[str, str | None]] = ()
    """Bones that only get in the way: name and parent (new names)."""


def make_rig(shape: RigShape | None = None) -> RigDescription:
    """A rig of the given shape."""
    shape = shape or RigShape()
    bones = _posed(_with_spine(_stretched(_base_bones(), shape.length), shape.spine_bones), shape.pose)
    bones = [
        (shape.names.get(n, n), None if p is None else shape.names.get(p, p), head, tail) for n, p, head, tail in bones
    ]
    heads = {name: head for name, _, head, _ in bones}
    for name, parent in shape.extra:
        head = np.array([0.0, 0.3, 0.1]) if parent is None else heads[parent]
        bones.append((name, parent, head, head + np.array([0.0, 0.05, 0.05])))
        heads[name] = head
    return describe(bones, shape)


def describe(bones: BoneTable, shape: RigShape) -> RigDescription:
    """Turn bones as (name, parent, head, tail) into a description."""
    rng = np.random.default_rng(shape.rolls)
    names = [name for name, *_ in bones]
    matrices = np.tile(np.eye(4), (len(bones), 1, 1))
    lengths = np.empty(len(bones))
    R_data = rotation_vector_to_matrix(np.array(shape.data_turn))
    for i, (_, _, *ends) in enumerate(bones):
        head, tail = (R_data.T @ end for end in ends)
        y = unit(tail - head)
        x = unit(np.cross(y, [0.3, 0.5, 0.81]))
        R = np.stack([x, y, np.cross(x, y)], axis=1)
        if shape.rolls is not None:
            R = R @ rotation_vector_to_matrix(np.array([0.0, rng.uniform(-np.pi, np.pi), 0.0]))
        matrices[i, :3, :3], matrices[i, :3, 3] = R, head / shape.scale
        lengths[i] = np.linalg.norm(tail - head) / shape.scale
    world = np.eye(4)
    world[:3, :3] = shape.scale * rotation_vector_to_matrix(np.array(shape.turn)) @ R_data
    world[:3, 3] = shape.move
    flags = np.ones(len(bones), dtype=np.bool_)
    return RigDescription(
        name="Test",
        bone_names=tuple(names),
        parents=tuple(-1 if parent is None else names.index(parent) for _, parent, *_ in bones),
        rest_matrices=matrices,
        lengths=lengths,
        matrix_world=world,
        rotation_modes=("QUATERNION",) * len(bones),
        inherit_rotation=flags,
        local_location=flags,
        inherit_full_scale=flags,
        connected=~flags,
        deform=flags,
        constrained=~flags,
    )


def renamed(rig: RigDescription, names: Mapping[str, str]) -> RigDescription:
    """The same rig under other names."""
    return replace(rig, bone_names=tuple(names.get(name, name) for name in rig.bone_names))


def without(rig: RigDescription, *dropped: str) -> RigDescription:
    """The same rig without some bones; their children hang on their parents."""
    keep = [b for b, name in enumerate(rig.bone_names) if name not in dropped]

    def parent(b: int) -> int:
        p = rig.parents[b]
        while p >= 0 and p not in keep:
            p = rig.parents[p]
        return keep.index(p) if p >= 0 else -1

    return replace(
        rig,
        bone_names=tuple(rig.bone_names[b] for b in keep),
        parents=tuple(parent(b) for b in keep),
        rotation_modes=tuple(rig.rotation_modes[b] for b in keep),
        **{
            name: getattr(rig, name)[keep]
            for name in ("rest_matrices", "lengths", "inherit_rotation", "local_location", "inherit_full_scale",
                         "connected", "deform", "constrained")
        },
    )  # fmt: skip


def _base_bones() -> BoneTable:
    from pose_core.retarget import new_rig_layout

    return [(b.name, b.parent, np.array(b.head_m), np.array(b.tail_m)) for b in new_rig_layout(rest_motion())]


def _stretched(bones: BoneTable, factors: Mapping[str, float]) -> BoneTable:
    old = {name: (head, tail) for name, _, head, tail in bones}
    new: dict[str, tuple[FloatArray, FloatArray]] = {}
    out: BoneTable = []
    for name, parent, head, tail in bones:
        factor = next((f for key, f in factors.items() if key in name), 1.0)
        start = head
        if parent is not None:
            grown = next((f for key, f in factors.items() if key in parent), 1.0)
            start = new[parent][0] + grown * (head - old[parent][0])
        new[name] = start, start + factor * (tail - head)
        out.append((name, parent, *new[name]))
    return out


def _with_spine(bones: BoneTable, count: int) -> BoneTable:
    """Replace the spine's two bones by `count` even ones."""
    if count == 2:
        return bones
    table = {name: (head, tail) for name, _, head, tail in bones}
    start, end = table["spine"][0], table["chest"][1]
    out: BoneTable = []
    for name, parent, head, tail in bones:
        if name == "spine":
            above: str | None = parent
            for i in range(count):
                own = "chest" if i == count - 1 else ("spine" if i == 0 else f"spine{i}")
                a, b = (start + (end - start) * k / count for k in (i, i + 1))
                out.append((own, above, a, b))
                above = own
        elif name != "chest":
            out.append((name, parent, head, tail))
    return out


def _posed(bones: BoneTable, pose: Mapping[str, tuple[float, float, float]]) -> BoneTable:
    old = {name: head for name, _, head, _ in bones}
    R: dict[str | None, FloatArray] = {None: np.eye(3)}
    new: dict[str, FloatArray] = {}
    out: BoneTable = []
    for name, parent, head, tail in bones:
        place = head if parent is None else new[parent] + R[parent] @ (head - old[parent])
        R[name] = R[parent] @ rotation_vector_to_matrix(np.array(pose.get(name, (0.0, 0.0, 0.0))))
        new[name] = place
        out.append((name, parent, place, place + R[name] @ (tail - head)))
    return out
