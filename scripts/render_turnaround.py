"""Render the same clips on many rigs, from the front and from the side, to judge retargeting by.

Run with a Python that has Blender's module:
    python scripts/render_turnaround.py --motion A.motion.npz --motion B.motion.npz --out FOLDER RIG.fbx metarig ...
`metarig` and `rigify` are made by Blender itself. Writes one small picture a rig: moments from left to right, above
from the front, below from the side. Each motion gives the same number of moments.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent))  # Blender does not do so

import tools.needs  # noqa: F401

# isort: split
import bpy
import numpy as np
from mathutils import Matrix, Vector

import _root  # noqa: F401 - puts the project on the path
from blender_addon.bridge.apply_motion import apply_motion
from blender_addon.bridge.options import ApplyOptions
from pose_core.lab.retargeting.run_rigs import load_rig
from pose_core.motion_file import Motion, read_motion

MOMENTS = 6
WIDTH_PX, HEIGHT_PX = 120, 190


def set_up() -> None:
    """Camera, floor and shading."""
    scene = bpy.context.scene
    camera = bpy.data.objects.new("Turnaround", bpy.data.cameras.new("Turnaround"))
    scene.collection.objects.link(camera)
    scene.camera = camera
    camera.data.type = "ORTHO"
    bpy.ops.mesh.primitive_plane_add(size=200)
    bpy.context.object.color = (0.5, 0.53, 0.57, 1.0)
    scene.render.engine = "BLENDER_WORKBENCH"
    scene.render.resolution_x, scene.render.resolution_y = WIDTH_PX, HEIGHT_PX
    scene.render.resolution_percentage = 100
    shading = scene.display.shading
    shading.light, shading.color_type, shading.show_cavity = "STUDIO", "OBJECT", False
    shading.background_type, shading.background_color = "VIEWPORT", (0.93, 0.94, 0.96)
    scene.world = scene.world or bpy.data.worlds.new("World")
    scene.view_settings.view_transform = "Standard"
    scene.display.render_aa = "8"


def sticks(obj: bpy.types.Object, names: list[str]) -> bpy.types.Object:
    """A mesh of one spindle a bone for rigs without a mesh, bound to their bones."""
    vertices, faces, groups = [], [], []
    for name in names:
        bone = obj.data.bones[name]
        M, length = np.array(bone.matrix_local), bone.length
        w = 0.2 * length
        start = len(vertices)
        local = [(0, 0, 0), (w, 0.2 * length, 0), (0, 0.2 * length, w), (-w, 0.2 * length, 0), (0, 0.2 * length, -w),
                 (0, length, 0)]  # fmt: skip
        vertices += [tuple(M[:3, :3] @ np.array(v) + M[:3, 3]) for v in local]
        for a, b in ((1, 2), (2, 3), (3, 4), (4, 1)):
            faces += [(start, start + a, start + b), (start + 5, start + b, start + a)]
        groups.append((name, range(start, start + 6)))
    mesh = bpy.data.meshes.new("Sticks")
    mesh.from_pydata(vertices, [], faces)
    out = bpy.data.objects.new("Sticks", mesh)
    bpy.context.scene.collection.objects.link(out)
    out.parent = obj
    for name, indices in groups:
        out.vertex_groups.new(name=name).add(list(indices), 1.0, "REPLACE")
    out.modifiers.new("Armature", "ARMATURE").object = obj
    return out


def look_at(camera: bpy.types.Object, middle: np.ndarray, heading: np.ndarray, side: bool, size: float) -> None:
    """Stand before or beside a figure that looks along `heading`."""
    towards = np.array([-heading[1], heading[0], 0.0]) if side else heading
    back = np.array([*towards[:2], 0.12])
    back /= np.linalg.norm(back)
    right = np.cross([0.0, 0.0, 1.0], back)
    right /= np.linalg.norm(right)
    M = np.eye(4)
    M[:3, 0], M[:3, 1], M[:3, 2] = right, np.cross(back, right), back
    M[:3, 3] = middle + 30.0 * size * back
    camera.matrix_world = Matrix(M.tolist())
    camera.data.ortho_scale = 1.35 * size
    camera.data.clip_end = 100.0 * size


def shots(obj: bpy.types.Object, motion: Motion, count: int, folder: Path, size: float) -> tuple[np.ndarray, float]:
    """(2, count, H, W, 4) pictures of a motion at even moments, front and side; and the size of the view."""
    options = ApplyOptions(verify=False)
    report = apply_motion(bpy.context, motion, obj, options).to_data()
    scene = bpy.context.scene
    bones = report["bone_map"]
    if not any(o.type == "MESH" and o.name != "Plane" and o.parent is not None for o in scene.objects):
        deforming = [bone.name for bone in obj.data.bones if bone.use_deform]
        named = [n for v in bones.values() for n in (v if isinstance(v, list) else [v]) if n]
        sticks(obj, [n for n in deforming if n.startswith("DEF-")] or named)
    skinned = [o for o in scene.objects if any(m.type == "ARMATURE" for m in o.modifiers)]
    for o in scene.objects:
        o.hide_render = o not in skinned and o.name != "Plane"
    for o in skinned:
        o.color = (0.35, 0.5, 0.75, 1.0)
    first, last = report["frames"]
    scene.frame_set(int(first))
    graph = bpy.context.evaluated_depsgraph_get()
    corners = [np.array(o.matrix_world @ Vector(c)) for o in skinned for c in o.evaluated_get(graph).bound_box]
    size = size or 0.95 * float(max(corner[2] for corner in corners))
    scene.objects["Plane"].scale = (size, size, size)
    out = np.zeros((2, count, HEIGHT_PX, WIDTH_PX, 4), dtype=np.float32)
    for k, frame in enumerate(np.linspace(first + 0.08 * (last - first), last - 0.08 * (last - first), count)):
        scene.frame_set(int(frame))
        pose = obj.evaluated_get(bpy.context.evaluated_depsgraph_get()).pose.bones
        at = {n: np.array(obj.matrix_world @ pose[bones[n]].head) for n in ("left_thigh", "right_thigh")}
        left = at["left_thigh"] - at["right_thigh"]
        heading = np.array([left[1], -left[0], 0.0])
        heading /= max(float(np.linalg.norm(heading)), 1e-9)
        middle = 0.5 * (at["left_thigh"] + at["right_thigh"])
        middle[2] = 0.5 * size
        for row in range(2):
            look_at(scene.camera, middle, heading, row == 1, size)
            path = folder / f"{row}{k}.png"
            scene.render.filepath = str(path)
            bpy.ops.render.render(write_still=True)
            out[row, k] = pixels(path)
    return out, size


def pixels(path: Path) -> np.ndarray:
    """(H, W, 4) of a picture, top row first."""
    image = bpy.data.images.load(str(path))
    values = np.empty(image.size[0] * image.size[1] * 4, dtype=np.float32)
    image.pixels.foreach_get(values)
    shape = (image.size[1], image.size[0], 4)
    bpy.data.images.remove(image)
    return values.reshape(shape)[::-1]


def save(path: Path, picture: np.ndarray) -> None:
    """Write a picture as a small PNG: few shades, so that it compresses well."""
    height, width = picture.shape[:2]
    image = bpy.data.images.new("Turnaround", width, height)
    image.pixels.foreach_set(np.ascontiguousarray(np.round(picture[::-1] * 28) / 28, dtype=np.float32).ravel())
    settings = bpy.context.scene.render.image_settings
    if hasattr(settings, "media_type"):
        settings.media_type = "IMAGE"
    settings.file_format, settings.color_mode, settings.compression = "PNG", "RGB", 100
    image.save_render(str(path))


def main() -> None:
    """Render a picture for every rig."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rigs", nargs="+")
    parser.add_argument("--motion", type=Path, action="append", required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    motions = [read_motion(path) for path in options.motion]
    options.out.mkdir(parents=True, exist_ok=True)
    for rig in options.rigs:
        obj = load_rig(rig)
        set_up()
        with tempfile.TemporaryDirectory() as folder:
            parts, size = [], 0.0
            for motion in motions:
                part, size = shots(obj, motion, MOMENTS // len(motions), Path(folder), size)
                parts.append(part)
        rows = np.concatenate(parts, axis=1)
        picture = np.concatenate([np.concatenate(list(row), axis=1) for row in rows], axis=0)
        path = options.out.absolute() / f"{Path(rig).stem}.png"
        save(path, picture)
        print(f"{path.name}: {path.stat().st_size // 1000} kB", flush=True)


main()
sys.stdout.flush()
os._exit(0)  # some versions of the module crash or hang while they close
