"""Cameras by chance, and what they see of a person, in OpenCV terms."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pose_core.lab.mannequin.scene import StillCamera
from pose_core.maths.cameras import invert_rigid, project_points, transform_points
from pose_core.types import BoolArray, FloatArray

_FLESH_M = 0.09
_LEAST_JOINTS = 6


@dataclass(frozen=True, eq=False)
class View:
    """A square picture cut out of what a camera sees."""

    size_px: int
    camera_matrix: FloatArray
    """(3, 3) of the cut-out, pixels; the principal point may lie anywhere."""
    T_world_camera: FloatArray

    def points_camera(self, world_m: FloatArray) -> FloatArray:
        """(..., 3) camera axes of points in the world."""
        return transform_points(invert_rigid(self.T_world_camera), world_m)

    def project(self, world_m: FloatArray) -> FloatArray:
        """(..., 2) pixels of points in the world."""
        return project_points(self.points_camera(world_m), self.camera_matrix)

    def inside(self, pixels: FloatArray) -> BoolArray:
        """(...,) whether pixels lie in the picture."""
        return np.all((pixels >= 0) & (pixels < self.size_px), axis=-1)

    def corners_at(self, depth_m: float, reach: float = 1.05) -> FloatArray:
        """(4, 3) world points of a rectangle that fills the picture at a depth, counter-clockwise from the camera."""
        middle, half = self.size_px / 2, self.size_px / 2 * reach
        pixels = middle + half * np.array([[-1.0, 1.0], [1.0, 1.0], [1.0, -1.0], [-1.0, -1.0]])
        rays = np.concatenate([pixels, np.ones((4, 1))], axis=1) @ np.linalg.inv(self.camera_matrix).T
        return transform_points(self.T_world_camera, rays * depth_m)


@dataclass(frozen=True)
class CameraHabits:
    """Ranges that a look draws its cameras from."""

    distance_m: tuple[float, float]
    elevation_deg: tuple[float, float]
    roll_deg: float
    off_axis_deg: float
    """How far from the camera's axis people may stand."""
    margin: tuple[float, float]
    """Side of the picture in sizes of the person."""
    truncated: float
    """Share of pictures that cut somebody off."""


HABITS: dict[str, CameraHabits] = {
    "lab": CameraHabits((3.2, 6.0), (-4.0, 16.0), 2.0, 16.0, (1.15, 1.45), 0.06),
    "wild": CameraHabits((1.8, 9.0), (-18.0, 42.0), 9.0, 22.0, (1.05, 1.75), 0.18),
}


def draw_view(joints_m: FloatArray, look: str, size_px: int, rng: np.random.Generator) -> View:
    """A random picture of a person.

    Args:
        joints_m: (J, 3) in the world.
        look: a key of `HABITS`.
        size_px: side of the picture.
        rng: where chance comes from.
    """
    habits = HABITS[look]
    centre = (joints_m.min(axis=0) + joints_m.max(axis=0)) / 2
    reach = float(np.linalg.norm(joints_m - centre, axis=1).max())
    distance = max(float(np.exp(rng.uniform(*np.log(habits.distance_m)))), reach + 0.9)
    azimuth, elevation = rng.uniform(0, 2 * np.pi), np.radians(rng.uniform(*habits.elevation_deg))
    away = np.array([np.sin(azimuth) * np.cos(elevation), -np.cos(azimuth) * np.cos(elevation), np.sin(elevation)])
    position = centre + distance * away
    position[2] = max(position[2], 0.25)
    towards = centre - position
    off = np.radians(rng.uniform(-1, 1, 2) * habits.off_axis_deg)
    camera = StillCamera(
        image_size=(size_px, size_px),
        focal_px=float(size_px),
        position_m=(float(position[0]), float(position[1]), float(position[2])),
        yaw_rad=float(np.arctan2(-towards[0], towards[1]) + off[0]),
        pitch_rad=float(np.arctan2(towards[2], np.hypot(towards[0], towards[1])) + 0.6 * off[1]),
        roll_rad=float(np.radians(np.clip(rng.normal(), -2, 2) * habits.roll_deg)),
    )
    T = camera.T_world_camera
    low, high = _bounds(transform_points(invert_rigid(T), joints_m))
    middle, extent = (low + high) / 2, float((high - low).max())
    whole = _cut(middle, extent, rng.uniform(*habits.margin), rng.uniform(-1, 1, 2) * 0.04, size_px, T)
    if rng.random() >= habits.truncated:
        return whole
    cut = _cut(middle, extent, rng.uniform(0.5, 0.9), rng.uniform(-1, 1, 2) * 0.45, size_px, T)
    return cut if cut.inside(cut.project(joints_m)).sum() >= _LEAST_JOINTS else whole


def box_of(view: View, joints_m: FloatArray) -> FloatArray:
    """(4,) x0, y0, x1, y1 around a person's flesh, pixels, within the picture."""
    low, high = _bounds(view.points_camera(joints_m))
    K = view.camera_matrix
    box = np.concatenate([low @ K[:2, :2].T + K[:2, 2], high @ K[:2, :2].T + K[:2, 2]])
    return np.clip(box, 0.0, view.size_px)


def _bounds(camera_m: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Corners (2,) of the flesh in the plane at depth 1."""
    points = camera_m[:, :2] / camera_m[:, 2:]
    flesh = _FLESH_M / camera_m[:, 2:]
    return (points - flesh).min(axis=0), (points + flesh).max(axis=0)


def _cut(
    middle: FloatArray, extent: float, margin: float, shift: FloatArray, size_px: int, T_world_camera: FloatArray
) -> View:
    side = extent * margin
    focal = size_px / side
    centre = middle + shift * side
    K = np.array([
        [focal, 0.0, size_px / 2 - focal * centre[0]],
        [0.0, focal, size_px / 2 - focal * centre[1]],
        [0.0, 0.0, 1.0],
    ])  # fmt: skip
    return View(size_px, K, T_world_camera)
