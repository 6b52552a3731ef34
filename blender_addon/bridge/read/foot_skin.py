"""Read the mesh of the feet, so that soles are known."""

from __future__ import annotations

from dataclasses import replace

import bpy
import numpy as np

from pose_core.retarget import BoneMap, RigDescription
from pose_core.retarget.rig.bone_map import SIDES

from ..blender_io import skinned_meshes

# Mesh farther from the ankle than this many lengths of the foot is none of the foot; its bone may be a shin's too.
_FOOT_LENGTHS = 3.0
_LEAST_WEIGHT = 0.5
_SAME_PLACE = 1e-4


def with_foot_skin(obj: bpy.types.Object, rig: RigDescription, bone_map: BoneMap) -> RigDescription:
    """The rig with the points of its meshes that hang on feet and toes; as it is where no mesh does."""
    extent = float(np.max(np.ptp(rig.heads, axis=0)))
    owners: dict[str, str] = {}
    near: list[tuple[np.ndarray, float]] = []
    for side in SIDES:
        foot, toe = bone_map.bone(f"{side}_foot"), bone_map.bone(f"{side}_toe")
        if foot is None:
            continue
        for bone in (foot, toe):
            if bone is not None:
                owners |= dict.fromkeys(_moved_with(rig, bone, extent), bone)
        ankle = rig.heads[rig.index(foot)]
        ball = rig.heads[rig.index(toe)] if toe is not None else rig.tails[rig.index(foot)]
        near.append((ankle, _FOOT_LENGTHS * max(float(np.linalg.norm(ball - ankle)), 0.02 * extent)))
    found: dict[str, list[np.ndarray]] = {}
    for mesh in skinned_meshes(obj):
        for bone, points in _mesh_points(obj, mesh, owners, near).items():
            found.setdefault(bone, []).append(points)
    return replace(rig, skin={bone: np.concatenate(parts) for bone, parts in found.items()}) if found else rig


def _moved_with(rig: RigDescription, bone: str, extent: float) -> list[str]:
    """Deforming bones that go where a bone goes: itself, those below it, and those that it drives as a control."""
    index = rig.index(bone)
    out = []
    for b, name in enumerate(rig.bone_names):
        same = np.linalg.norm(rig.heads[b] - rig.heads[index]) < _SAME_PLACE * extent
        if rig.deform[b] and (b == index or index in rig.ancestors(b) or same):
            out.append(name)
    return out


def _mesh_points(
    obj: bpy.types.Object, mesh: bpy.types.Object, owners: dict[str, str], near: list[tuple[np.ndarray, float]]
) -> dict[str, np.ndarray]:
    """Bone of the map to (P, 3) points of a mesh, armature space, rest pose."""
    if not any(m.type == "ARMATURE" and m.object == obj for m in mesh.modifiers):
        return {}
    groups = {group.index: owners[group.name] for group in mesh.vertex_groups if group.name in owners}
    if not groups:
        return {}
    places = np.empty(3 * len(mesh.data.vertices), dtype=np.float32)
    mesh.data.vertices.foreach_get("co", places)
    to_armature = np.linalg.inv(np.array(obj.matrix_world)) @ np.array(mesh.matrix_world)
    points = places.reshape(-1, 3).astype(np.float64) @ to_armature[:3, :3].T + to_armature[:3, 3]
    close = np.zeros(len(points), dtype=np.bool_)
    for ankle, radius in near:
        close |= np.linalg.norm(points - ankle, axis=1) < radius
    out: dict[str, list[int]] = {}
    for v in np.flatnonzero(close):
        weights: dict[str, float] = {}
        for one in mesh.data.vertices[v].groups:
            if one.group in groups:
                bone = groups[one.group]
                weights[bone] = weights.get(bone, 0.0) + one.weight
        if weights:
            bone = max(weights, key=lambda name: weights[name])
            if weights[bone] >= _LEAST_WEIGHT or sum(weights.values()) >= _LEAST_WEIGHT:
                out.setdefault(bone, []).append(int(v))
    return {bone: points[picked] for bone, picked in out.items()}
