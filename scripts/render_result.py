"""Render a solved character beside its footage, to judge a result by and to make the pictures of the documentation.

Run with a Python that has Blender's module:
    python scripts/render_result.py NAME.blend NAME.motion.npz --frames 20,60 --out FOLDER [--turn 50] [--height 400]
Writes FOLDER/character_0020.png and so on. With `--turn 0` the view is the camera that the motion was solved with, so
that character and footage can be laid over each other; other angles, in degrees, walk around the character.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import bpy
import numpy as np
from mathutils import Matrix

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from pose_core.maths.cameras import rigid_transform  # noqa: E402
from pose_core.maths.rotations import rotation_vector_to_matrix  # noqa: E402
from pose_core.motion_file import Motion, read_motion  # noqa: E402

_FLIP = np.diag([1.0, -1.0, -1.0, 1.0])  # OpenCV's camera axes to Blender's


def turned_camera(motion: Motion, angle_deg: float, height_m: float) -> np.ndarray:
    """The motion's camera, walked around the person's mean position on the floor."""
    T = np.array(motion.T_world_camera if motion.T_world_camera.ndim == 2 else motion.T_world_camera[0])
    if angle_deg == 0:
        return T
    middle = np.nanmean(motion.joints_world_m[:, 0], axis=0)
    turn = rotation_vector_to_matrix(np.array([0.0, 0.0, np.radians(angle_deg)]))
    position = middle + turn @ (T[:3, 3] - middle)
    position[2] = height_m
    forward = middle - position
    forward /= np.linalg.norm(forward)
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    return rigid_transform(np.stack([right, np.cross(forward, right), forward], axis=1), position)


def set_up(motion: Motion, height_px: int, angle_deg: float) -> None:
    """Camera, floor and shading."""
    scene = bpy.context.scene
    width, height = motion.image_size
    data = bpy.data.cameras.new("Result")
    data.sensor_fit, data.sensor_width = "HORIZONTAL", 36.0
    data.lens = float(motion.camera_matrix[0, 0]) * 36.0 / width
    camera = bpy.data.objects.new("Result", data)
    camera.matrix_world = Matrix((turned_camera(motion, angle_deg, 1.6) @ _FLIP).tolist())
    scene.collection.objects.link(camera)
    scene.camera = camera
    bpy.ops.mesh.primitive_plane_add(size=40)
    floor = bpy.context.object
    floor.color = (0.55, 0.58, 0.62, 1.0)
    scene.render.resolution_x, scene.render.resolution_y = round(height_px * width / height), height_px
    scene.render.engine = "BLENDER_WORKBENCH"
    shading = scene.display.shading
    shading.light, shading.show_cavity, shading.show_shadows = "STUDIO", True, True
    shading.color_type = "MATERIAL"
    scene.world = scene.world or bpy.data.worlds.new("World")
    shading.background_type = "VIEWPORT"
    shading.background_color = (0.85, 0.88, 0.92)
    scene.view_settings.view_transform = "Standard"


def main() -> None:
    """Render the frames asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("blend", type=Path)
    parser.add_argument("motion", type=Path)
    parser.add_argument("--frames", required=True, help="numbers of the motion's frames, separated by commas")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--turn", type=float, default=0.0)
    parser.add_argument("--height", type=int, default=400)
    options = parser.parse_args(sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else None)
    bpy.ops.wm.open_mainfile(filepath=str(options.blend))
    motion = read_motion(options.motion)
    set_up(motion, options.height, options.turn)
    scene = bpy.context.scene
    rate = scene.render.fps / scene.render.fps_base
    for number in (int(n) for n in options.frames.split(",")):
        frame = scene.frame_start + (motion.timestamps_s[number] - motion.timestamps_s[0]) * rate
        scene.frame_set(int(frame), subframe=frame - int(frame))
        scene.render.filepath = str(options.out.absolute() / f"character_{number:04d}.png")
        bpy.ops.render.render(write_still=True)


main()
sys.stdout.flush()
os._exit(0)  # some versions of the module crash or hang while they close
