"""Look at the evaluated mesh: does it stand on the floor, and does the skin under planted feet stay?"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any

import bpy
import numpy as np

from ..blender_io import skinned_meshes

# Skin this near to a planted point (share of the figure's height), and this near to the floor there, touches it.
_NEAR_SHARE, _TOUCH_SHARE = 0.02, 0.004


def skin_points(context: bpy.types.Context, meshes: Sequence[bpy.types.Object], frame: float) -> np.ndarray:
    """(V, 3) vertices of meshes as they are shown in a frame, world."""
    whole = int(np.floor(frame))
    context.scene.frame_set(whole, subframe=float(frame - whole))
    graph = context.evaluated_depsgraph_get()
    out = []
    for mesh in meshes:
        evaluated = mesh.evaluated_get(graph)
        places = np.empty(3 * len(evaluated.data.vertices), dtype=np.float32)
        evaluated.data.vertices.foreach_get("co", places)
        world = np.array(evaluated.matrix_world)
        out.append(places.reshape(-1, 3).astype(np.float64) @ world[:3, :3].T + world[:3, 3])
    return np.concatenate(out)


def moved_meshes(obj: bpy.types.Object) -> list[bpy.types.Object]:
    """Meshes that an armature deforms and that are shown."""
    return [
        mesh
        for mesh in skinned_meshes(obj)
        if any(m.type == "ARMATURE" and m.object == obj for m in mesh.modifiers) and len(mesh.data.vertices)
    ]


def lowest_mesh(
    context: bpy.types.Context, obj: bpy.types.Object, frames: np.ndarray, scale: float
) -> Generator[None, None, dict[str, Any]]:
    """The lowest point of the mesh over some frames.

    Returns:
        `lowest_mesh_mm` over the floor (negative: under it) and `lowest_mesh_frame`; empty where there is no mesh.
    """
    meshes = moved_meshes(obj)
    if not meshes or len(frames) == 0:
        return {}
    before = context.scene.frame_current, context.scene.frame_subframe
    lows = np.empty(len(frames))
    try:
        for i, frame in enumerate(frames):
            lows[i] = skin_points(context, meshes, frame)[:, 2].min()
            yield
    finally:
        context.scene.frame_set(before[0], subframe=before[1])
    worst = int(np.argmin(lows))
    return {"lowest_mesh_mm": 1e3 * scale * float(lows[worst]), "lowest_mesh_frame": float(frames[worst])}


def skin_slip(
    context: bpy.types.Context,
    obj: bpy.types.Object,
    pairs: np.ndarray,
    points: np.ndarray,
    planted: np.ndarray,
    height: float,
    scale: float,
) -> Generator[None, None, dict[str, Any]]:
    """How far the skin under planted points moves from a frame to the next.

    Args:
        pairs: (P, 2) frames.
        points: (P, C, 3) planted points in the first of them, world.
        planted: (P, C) which of them are.
        height: of the figure, in the units of the points.
        scale: metres of these.
    Returns:
        `skin_max_mm` and `skin_mean_mm`; empty where there is no mesh.
    """
    meshes = moved_meshes(obj)
    if not meshes:
        return {}
    before = context.scene.frame_current, context.scene.frame_subframe
    moved: list[np.ndarray] = []
    try:
        for pair, places, stands in zip(pairs, points, planted, strict=True):
            first, second = (skin_points(context, meshes, frame) for frame in pair)
            if len(first) != len(second):
                continue  # a modifier makes another mesh in every frame
            for place in places[stands]:
                near = np.linalg.norm(first - place, axis=1) < _NEAR_SHARE * height
                near &= first[:, 2] < place[2] + _TOUCH_SHARE * height
                moved.append(np.linalg.norm(second[near] - first[near], axis=1))
            yield
    finally:
        context.scene.frame_set(before[0], subframe=before[1])
    every = np.concatenate(moved) if moved else np.empty(0)
    if len(every) == 0:
        return {}
    return {"skin_max_mm": 1e3 * scale * float(every.max()), "skin_mean_mm": 1e3 * scale * float(every.mean())}
