"""The built-in armature as a description, without Blender."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pose_core.maths.rotations import unit
from pose_core.retarget import NewBone, RigDescription


def layout_rig(layout: Sequence[NewBone]) -> RigDescription:
    """Describe an armature of this layout at the world's origin."""
    names = [bone.name for bone in layout]
    heads, tails = (np.array([getattr(bone, end) for bone in layout]) for end in ("head_m", "tail_m"))
    y = unit(tails - heads)
    x = unit(np.cross(y, [0.3, 0.5, 0.81]))
    matrices = np.tile(np.eye(4), (len(names), 1, 1))
    matrices[:, :3, :3] = np.stack([x, y, np.cross(x, y)], axis=-1)
    matrices[:, :3, 3] = heads
    yes = np.ones(len(names), dtype=np.bool_)
    return RigDescription(
        name="Built-in",
        bone_names=tuple(names),
        parents=tuple(-1 if bone.parent is None else names.index(bone.parent) for bone in layout),
        rest_matrices=matrices,
        lengths=np.linalg.norm(tails - heads, axis=-1),
        matrix_world=np.eye(4),
        rotation_modes=("QUATERNION",) * len(names),
        inherit_rotation=yes,
        local_location=yes,
        inherit_full_scale=yes,
        connected=~yes,
        deform=yes,
        constrained=~yes,
    )
