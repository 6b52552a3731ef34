"""Render the sample clip and write its exact ground truth.

    python scripts/render_sample.py [--frames 1,60,120 --stills FOLDER]       under the bpy module
    blender -b --python-exit-code 1 --python scripts/render_sample.py -- ...  under Blender

Reads samples/mannequin_walk.motion_source.npz; writes samples/mannequin_walk.mp4 and mannequin_walk_truth.npz.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(_ROOT), str(_ROOT / "scripts")]

import bpy  # noqa: E402
import numpy as np  # noqa: E402
from bpy_extras.object_utils import world_to_camera_view  # noqa: E402
from mathutils import Vector  # noqa: E402

from pose_core.lab.mannequin import body, rig, scene, skeleton  # noqa: E402
from pose_core.lab.mannequin.pose import solve_pose  # noqa: E402
from pose_core.skeletons import CANONICAL  # noqa: E402
from pose_core.types import FloatArray  # noqa: E402

SAMPLES = _ROOT / "samples"
CAMERA = scene.StillCamera(
    image_size=(960, 540),
    focal_px=1080.0,
    position_m=(0.40, -5.10, 1.40),
    yaw_rad=np.radians(4.0),
    pitch_rad=np.radians(-6.0),
    roll_rad=np.radians(1.2),
)
WALL_Y_M = 2.9


def build(motion: Any) -> Any:
    """The whole scene; returns the armature object."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    frames, fps = len(motion["joints_m"]), int(motion["fps"])
    here = bpy.context.scene
    here.render.fps, here.render.fps_base = fps, 1.0
    here.frame_start, here.frame_end = 1, frames
    here.world = bpy.data.worlds.new("World")
    armature = rig.build_armature()
    for part in body.build_parts():
        rig.build_mesh(part, armature)
    pose = solve_pose(motion["joints_m"].astype(np.float64))
    rig.keyframe_pose(armature, pose.D, pose.root_m)
    scene.build_room(WALL_Y_M)
    scene.add_camera(CAMERA)
    scene.set_up_workbench()
    return armature


def measure(armature: Any, frames: int) -> tuple[FloatArray, FloatArray]:
    """Joints of the evaluated rig in the world (T, 24, 3), metres, and in the picture (T, 24, 2), pixels."""
    here = bpy.context.scene
    world, pixels = np.empty((frames, len(CANONICAL), 3)), np.empty((frames, len(CANONICAL), 2))
    size = np.array(CAMERA.image_size)
    locals_ = []
    for bone_name, rest in zip(skeleton.JOINT_BONES, skeleton.JOINT_REST_M, strict=True):
        bone = armature.data.bones[bone_name]
        locals_.append((bone_name, bone.matrix_local.inverted() @ Vector(rest)))
    for frame in range(frames):
        here.frame_set(frame + 1)
        evaluated = armature.evaluated_get(bpy.context.evaluated_depsgraph_get())
        for j, (bone_name, local) in enumerate(locals_):
            point = evaluated.matrix_world @ evaluated.pose.bones[bone_name].matrix @ local
            seen = world_to_camera_view(here, here.camera, point)
            world[frame, j] = point
            pixels[frame, j] = (seen.x * size[0], (1.0 - seen.y) * size[1])
    return world, pixels


def write_truth(path: Path, motion: Any, world: FloatArray, pixels: FloatArray) -> None:
    """The ground truth, to a temporary name first."""
    partial = path.with_suffix(".partial.npz")
    np.savez_compressed(
        partial,
        timestamps_s=np.arange(len(world)) / float(motion["fps"]),
        joint_names=np.array(CANONICAL.names),
        joints_world_m=world.astype(np.float32),
        joints_px=pixels.astype(np.float32),
        camera_matrix=CAMERA.camera_matrix,
        T_world_camera=CAMERA.T_world_camera,
        image_size=np.array(CAMERA.image_size),
        height_m=skeleton.HEIGHT_M,
        source=str(motion["source"]),
    )
    partial.replace(path)


def render_video(path: Path) -> None:
    """H.264 in MP4, all frames."""
    render = bpy.context.scene.render
    if hasattr(render.image_settings, "media_type"):
        render.image_settings.media_type = "VIDEO"
    render.image_settings.file_format = "FFMPEG"
    render.ffmpeg.format, render.ffmpeg.codec = "MPEG4", "H264"
    render.ffmpeg.constant_rate_factor, render.ffmpeg.ffmpeg_preset = "HIGH", "GOOD"
    render.ffmpeg.gopsize = 30
    partial = path.with_suffix(".partial.mp4")
    render.filepath, render.use_file_extension = str(partial), False
    bpy.ops.render.render(animation=True)
    partial.replace(path)


def render_stills(folder: Path, frames: list[int]) -> None:
    """Single frames as PNG."""
    render = bpy.context.scene.render
    if hasattr(render.image_settings, "media_type"):
        render.image_settings.media_type = "IMAGE"
    render.image_settings.file_format = "PNG"
    for frame in frames:
        bpy.context.scene.frame_set(frame)
        render.filepath = str(folder / f"frame_{frame:04d}.png")
        bpy.ops.render.render(write_still=True)


def main() -> None:
    """Build, measure, render."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--motion", type=Path, default=SAMPLES / "mannequin_walk.motion_source.npz")
    parser.add_argument("--out", type=Path, default=SAMPLES / "mannequin_walk.mp4")
    parser.add_argument("--stills", type=Path, help="write PNG files of --frames here instead of the clip")
    parser.add_argument("--frames", default="1", help="frame numbers from 1, with commas")
    inside_blender = sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else None
    arguments = parser.parse_args(inside_blender if inside_blender is not None else sys.argv[1:])
    motion = np.load(arguments.motion, allow_pickle=False)
    armature = build(motion)
    began = time.perf_counter()
    if arguments.stills:
        arguments.stills.mkdir(parents=True, exist_ok=True)
        render_stills(arguments.stills, [int(f) for f in arguments.frames.split(",")])
    else:
        world, pixels = measure(armature, len(motion["joints_m"]))
        write_truth(arguments.out.with_name(f"{arguments.out.stem}_truth.npz"), motion, world, pixels)
        render_video(arguments.out)
    print(f"done in {time.perf_counter() - began:.1f} s")


if __name__ == "__main__":
    main()
