"""The scene's frame rate and range."""

from __future__ import annotations

import math

import bpy
import numpy as np

from pose_core.retarget import SceneRate


def scene_rate(scene: bpy.types.Scene) -> SceneRate:
    """The scene's frame rate."""
    return SceneRate(scene.render.fps, float(scene.render.fps_base))


def set_scene_rate(scene: bpy.types.Scene, rate: SceneRate) -> None:
    """Set the scene's frame rate; 29.97 becomes 30 over 1.001."""
    scene.render.fps = rate.fps
    scene.render.fps_base = rate.fps_base


def set_frame_range(scene: bpy.types.Scene, frames: np.ndarray) -> None:
    """Let the scene play exactly the frames that carry keys."""
    first, last = math.floor(float(frames[0]) + 1e-4), math.ceil(float(frames[-1]) - 1e-4)
    scene.frame_start = first
    scene.frame_end = max(first, last)
    scene.frame_start = first  # Blender moves one if the other passes it
