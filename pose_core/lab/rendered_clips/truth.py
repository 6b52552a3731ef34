"""What is true of a rendered clip, as a file beside its video."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pose_core.errors import DatasetError
from pose_core.files import atomic_path
from pose_core.lab.rendered_clips.plan import Clip, truth_path
from pose_core.lab.rendered_clips.take import Take
from pose_core.maths.cameras import invert_rigid, project_points, transform_points
from pose_core.types import BoolArray, FloatArray


@dataclass(frozen=True, eq=False)
class Truth:
    """Joints of P people and the camera in T frames; canonical joints, metres, the floor at Z = 0."""

    time_s: FloatArray
    joints_world_m: FloatArray
    """(P, T, 24, 3)."""
    height_m: FloatArray
    """(P,) soles to the top of the head."""
    K: FloatArray
    """(3, 3)."""
    T_world_camera: FloatArray
    """(T, 4, 4), OpenCV axes."""
    image_size: tuple[int, int]

    @property
    def joints_camera_m(self) -> FloatArray:
        """(P, T, 24, 3) in camera axes."""
        T = invert_rigid(self.T_world_camera)
        return np.stack([transform_points(T, person) for person in self.joints_world_m])

    @property
    def joints_px(self) -> FloatArray:
        """(P, T, 24, 2)."""
        return project_points(self.joints_camera_m, self.K)

    @property
    def inside(self) -> BoolArray:
        """(P, T, 24) whether a joint lies in the picture."""
        px = self.joints_px
        within = np.all((px >= 0) & (px < np.array(self.image_size)), axis=-1)
        return np.asarray(within & (self.joints_camera_m[..., 2] > 0))


def truth_of(clip: Clip, take: Take) -> Truth:
    """The truth of a clip."""
    return Truth(
        take.time_s,
        np.stack([p.joints_m for p in take.performers]),
        np.array([p.points["head_top"][2] for p in take.performers]),
        take.K,
        take.T_world_camera,
        clip.size_px,
    )


def write_truth(folder: Path, clip: Clip, truth: Truth) -> None:
    """Write it beside the clip's video."""
    with atomic_path(truth_path(folder, clip)) as temporary, Path(temporary).open("wb") as file:
        np.savez_compressed(
            file, time_s=truth.time_s, joints_world_m=truth.joints_world_m.astype(np.float32),
            height_m=truth.height_m, K=truth.K, T_world_camera=truth.T_world_camera,
            image_size=np.array(truth.image_size), outfits=np.array([a.outfit for a in clip.actors]),
            performers=np.array([a.act.subject for a in clip.actors]),
            actions=np.array([a.act.action for a in clip.actors]),
        )  # fmt: skip


def read_truth(folder: Path, clip: Clip) -> Truth:
    """Read what `write_truth` wrote.

    Raises:
        DatasetError: it is not there, or not in this form.
    """
    path = truth_path(folder, clip)
    try:
        with np.load(path, allow_pickle=False) as d:
            width, height = (int(v) for v in d["image_size"])
            return Truth(
                d["time_s"], d["joints_world_m"].astype(np.float64), d["height_m"], d["K"], d["T_world_camera"],
                (width, height),
            )  # fmt: skip
    except (OSError, KeyError, ValueError) as error:
        raise DatasetError(
            f"The truth of clip '{clip.name}' cannot be read: {error}.", "Run scripts/render_clips.py first."
        ) from error
