"""Where the path through the room is kept: on the pelvis, on a root bone above it, or nowhere."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pose_core.errors import RigError
from pose_core.maths.rotations import matrix_to_quaternion, rotation_vector_to_matrix, twist_about
from pose_core.retarget.rig.bone_map import BoneMap
from pose_core.retarget.rig.channels import same_side
from pose_core.retarget.rig.description import RigDescription
from pose_core.retarget.rig.kinematics import inherited, location_axes, pose_bones
from pose_core.retarget.rig.motion import RigMotion
from pose_core.types import FloatArray

ROOT_MOTIONS = ("pelvis", "root_bone", "in_place")
# A Gaussian is cut off at this many of its sigmas.
_CUT_OFF = 4.0
_UP = np.array([0.0, 0.0, 1.0])


def find_root_bone(rig: RigDescription, bone_map: BoneMap, name: str = "") -> str:
    """The bone above the pelvis that may carry the path.

    Args:
        rig: the rig.
        bone_map: its pelvis.
        name: the bone wanted; empty = the topmost bone above the pelvis.
    Raises:
        RigError: there is none, or it cannot move.
    """
    if rig.follows:
        return _root_control(rig, bone_map, name)
    pelvis = bone_map.bones["pelvis"][0]
    above = rig.ancestors(rig.index(pelvis))
    if name:
        if rig.index(name) not in above:
            raise RigError(
                f"The root bone '{name}' of '{rig.name}' is not above the pelvis bone '{pelvis}'.",
                "Name a bone that the pelvis hangs below, or keep root motion on the pelvis.",
            )
        root = rig.index(name)
    elif above:
        root = above[-1]
    else:
        raise RigError(
            f"'{rig.name}' has no bone above its pelvis '{pelvis}' that could carry the root motion.",
            "Keep root motion on the pelvis, or add a root bone to the rig.",
        )
    found = rig.bone_names[root]
    if rig.connected[root] and rig.parents[root] >= 0:
        raise RigError(f"The root bone '{found}' of '{rig.name}' is connected to its parent, so it cannot move.")
    if any(bone == found for _, _, bone in bone_map):
        raise RigError(f"The root bone '{found}' of '{rig.name}' is mapped to a part of the body already.")
    return found


def _root_control(rig: RigDescription, bone_map: BoneMap, name: str) -> str:
    """The root of a control rig: it must carry the pelvis along, through constraints or not."""
    found = name or bone_map.root or ""
    if not found:
        raise RigError(
            f"'{rig.name}' has no root control that could carry the root motion.",
            "Keep root motion on the pelvis, or name the control.",
        )
    root, pelvis = rig.index(found), bone_map.bones["pelvis"][0]
    if root not in _carriers(rig, rig.index(pelvis)):
        raise RigError(
            f"The control '{pelvis}' of '{rig.name}' does not follow '{found}'.",
            "Switch its parent to the root, or keep root motion on the pelvis.",
        )
    if any(bone == found for _, _, bone in bone_map):
        raise RigError(f"The root bone '{found}' of '{rig.name}' is mapped to a part of the body already.")
    return found


def on_root_bone(
    rig: RigDescription, motion: RigMotion, root_bone: str, heading: bool = True, smoothing_s: float = 0.0
) -> RigMotion:
    """Let a root bone travel over the floor below the pelvis; the body stays where it was.

    Args:
        rig: the rig.
        motion: T frames, its path on the pelvis.
        root_bone: a bone above the pelvis, see `find_root_bone`.
        heading: also turn the root bone to where the pelvis faces.
        smoothing_s: sigma of the Gaussian that smooths path and heading of the root bone.
    Returns:
        The motion with channels for the root bone; those that hang on it changed accordingly.
    """
    root, pelvis = rig.index(root_bone), rig.index(motion.root_bone)
    valid = motion.valid
    heads, R_pose = (values[valid] for values in pose_bones(rig, motion))
    T = len(heads)
    D = R_pose @ np.swapaxes(rig.rest_rotations, -1, -2)
    A = rig.R_world_armature
    yaw: FloatArray = np.zeros(T)
    if heading:
        turned = np.asarray(np.unwrap(twist_about(A @ D[:, pelvis] @ A.T, _UP)), dtype=np.float64)
        yaw = _smoothed(motion.times_s[valid], turned[:, None], smoothing_s)[:, 0]
    turn = rotation_vector_to_matrix(yaw[:, None] * _UP)
    rest_root, rest_pelvis = (rig.to_world(rig.heads[b]) for b in (root, pelvis))
    below = rig.to_world(heads[:, pelvis]) - turn @ (rest_pelvis - rest_root)
    below = _smoothed(motion.times_s[valid], below, smoothing_s)
    below[:, 2] = rest_root[2]
    new_heads, new_D = {root: rig.to_armature(below)}, {root: A.T @ turn @ A}

    names = [*motion.bone_names] if root_bone in motion.bone_names else [root_bone, *motion.bone_names]
    column = {rig.index(name): m for m, name in enumerate(names)}
    quaternions = np.full((len(valid), len(names), 4), np.nan)
    locations = {name: np.full((len(valid), 3), np.nan) for name in (root_bone, *motion.all_locations)}
    for b in rig.order:
        above, start = inherited(rig, b, new_D, new_heads, T)
        name = rig.bone_names[b]
        if b != root:
            # what is keyed stays where it was, all else follows
            new_D[b] = D[:, b] if b in column else above
            new_heads[b] = heads[:, b] if name in locations else start
        if b in column:
            R = rig.rest_rotations[b]
            basis = R.T @ np.swapaxes(above, -1, -2) @ new_D[b] @ R
            quaternions[valid, column[b]] = same_side(matrix_to_quaternion(basis))
        if name in locations:
            locations[name][valid] = np.einsum("tji,tj->ti", location_axes(rig, b, above), new_heads[b] - start)
    return replace(
        motion,
        bone_names=tuple(names),
        quaternions=quaternions,
        root_location=locations.pop(motion.root_bone),
        locations=locations,
    )


def in_place(rig: RigDescription, motion: RigMotion) -> RigMotion:
    """Take the horizontal path away: the pelvis stays over the spot where it starts; its height is kept.

    Args:
        rig: the rig.
        motion: T frames, its path on the pelvis.
    """
    valid = motion.valid
    heads, R_pose = (values[valid] for values in pose_bones(rig, motion))
    D = R_pose @ np.swapaxes(rig.rest_rotations, -1, -2)
    path = rig.to_world(heads[:, rig.index(motion.root_bone)])
    path = path - path[0]
    path[:, 2] = 0.0
    shift = path @ np.linalg.inv(rig.matrix_world[:3, :3]).T
    places = {b: heads[:, b] for b in range(len(rig))}
    turns = {b: D[:, b] for b in range(len(rig))}
    moving = {rig.index(name) for name in motion.all_locations}
    locations = {name: np.array(values) for name, values in motion.all_locations.items()}
    for name, values in locations.items():
        b = rig.index(name)
        if moving.isdisjoint(_carriers(rig, b)):  # others are carried along
            above, _ = inherited(rig, b, turns, places, len(D))
            values[valid] -= np.einsum("tji,tj->ti", location_axes(rig, b, above), shift)
    return replace(motion, root_location=locations.pop(motion.root_bone), locations=locations)


def _carriers(rig: RigDescription, bone: int) -> set[int]:
    """Bones that carry another along."""
    out: set[int] = set()
    todo = [bone]
    while todo:
        new = set(rig.hangs_on(todo.pop())) - out
        out |= new
        todo.extend(new)
    return out


def _smoothed(times_s: FloatArray, values: FloatArray, sigma_s: float) -> FloatArray:
    """(T, C) values under a Gaussian; a straight line stays straight, ends included."""
    if sigma_s <= 0 or len(times_s) < 3:
        return values
    step = min(float(np.median(np.diff(times_s))), sigma_s / 2)
    grid = np.linspace(times_s[0], times_s[-1], max(3, round((times_s[-1] - times_s[0]) / step) + 1))
    step = float(grid[1] - grid[0])
    reach = min(int(np.ceil(_CUT_OFF * sigma_s / step)), len(grid) - 1)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) * step / sigma_s) ** 2)
    kernel /= np.sum(kernel)
    out = np.empty_like(values)
    for c in range(values.shape[1]):
        even = np.interp(grid, times_s, values[:, c])
        before, after = 2 * even[0] - even[reach:0:-1], 2 * even[-1] - even[-2 : -reach - 2 : -1]
        smooth = np.convolve(np.concatenate([before, even, after]), kernel, mode="valid")
        out[:, c] = np.interp(times_s, grid, smooth)
    return out
