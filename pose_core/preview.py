"""The solved skeleton drawn over the footage, as a small MP4 to judge a result by."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from pose_core.config import VideoConfig
from pose_core.errors import CancelledError
from pose_core.maths.cameras import project_points
from pose_core.motion_file import Motion
from pose_core.skeletons import Skeleton
from pose_core.types import CancelCallback, FloatArray, ImageArray, Progress, ProgressCallback
from pose_core.video import open_video, prefetch
from pose_core.video.writer import PreviewWriter

# The longer side of a preview, pixels.
_LONGER_SIDE = 960

# RGB; colour-blind safe: left and right must never be mistaken for each other.
_LEFT = (64, 156, 255)
_RIGHT = (255, 140, 26)
_MIDDLE = (245, 245, 245)
_FILLED = (150, 150, 150)
_EDGE = (20, 20, 20)
_CROWN = 0.13  # from the topmost joint to above the head, as a share of the figure
_SUBPIXEL = 4  # bits of sub-pixel precision in drawing calls


def write_preview(
    path: str | Path,
    video: str,
    video_config: VideoConfig,
    motions: Sequence[Motion],
    *,
    progress: ProgressCallback | None = None,
    cancel: CancelCallback | None = None,
) -> None:
    """Write an MP4 of the footage with every motion's skeleton on it.

    Args:
        path: the MP4 to write; replaced only once the new one is complete.
        video: the footage.
        video_config: the same frame range as the motions'.
        motions: solved motions of the same frames, with times that agree.
    Raises:
        VideoError: the footage cannot be read, or the preview not written.
        CancelledError: `cancel` said so.
    """
    total = len(motions[0].timestamps_s)
    projected = [project_points(m.joints_camera_m, m.camera_matrix) for m in motions]
    with (
        open_video(
            video,
            start_s=video_config.start_s,
            end_s=video_config.end_s,
            target_fps=video_config.target_fps,
            image_fps=video_config.image_fps,
        ) as reader,
        prefetch(reader) as frames,
    ):
        scale = min(1.0, _LONGER_SIDE / max(reader.info.width, reader.info.height))
        width, height = (round(side * scale / 2) * 2 for side in (reader.info.width, reader.info.height))
        with PreviewWriter(path, width, height) as writer:
            for t, frame in enumerate(frames):
                if cancel is not None and cancel():
                    raise CancelledError("The job was cancelled.")
                if t >= total:
                    break
                image = np.ascontiguousarray(frame.downscale_rgb(width, height))
                for motion, xy in zip(motions, projected, strict=True):
                    colour = _FILLED if motion.filled[t] else None
                    joints_px = xy[t] * np.array([width / frame.width, height / frame.height])
                    draw_skeleton(image, joints_px, motion.skeleton, colour)
                    if len(motions) > 1:
                        draw_number(image, joints_px, motion.person_id)
                writer.write(image, frame.time_s)
                if progress is not None and t % 10 == 0:
                    progress(Progress("preview", t, total))
    if progress is not None:
        progress(Progress("preview", total, total))


def draw_skeleton(
    image: ImageArray, joints_px: FloatArray, skeleton: Skeleton, colour: tuple[int, int, int] | None = None
) -> None:
    """Draw a skeleton into an RGB image, in place.

    Args:
        image: (H, W, 3) uint8.
        joints_px: (J, 2); bones with an unknown end are left out.
        skeleton: the joints' tree.
        colour: one colour for everything; None draws left, right and middle in their own.
    """
    finite = joints_px[np.all(np.isfinite(joints_px), axis=1)]
    if len(finite) < 2:
        return
    size = float(np.max(np.ptp(finite, axis=0)))
    thickness = int(np.clip(size / 90, 2, 8))
    for outline in (True, False):
        for j, p in enumerate(skeleton.parents):
            if p < 0 or not np.all(np.isfinite(joints_px[[j, p]])):
                continue
            name = skeleton.names[j]
            own = _LEFT if name.startswith("left_") else _RIGHT if name.startswith("right_") else _MIDDLE
            paint = _EDGE if outline else (colour or own)
            width = thickness + 2 if outline else thickness
            start, end = (_fixed_point(joints_px[k]) for k in (p, j))
            cv2.line(image, start, end, paint, width, cv2.LINE_AA, _SUBPIXEL)


def draw_number(image: ImageArray, joints_px: FloatArray, number: int) -> None:
    """Write a person's number above their head into an RGB image, in place.

    Args:
        image: (H, W, 3) uint8.
        joints_px: (J, 2); nothing is written for a person who is unknown or outside of the picture.
        number: the number that settings name the person by.
    """
    finite = joints_px[np.all(np.isfinite(joints_px), axis=1)]
    if len(finite) < 2:
        return
    height, width = image.shape[:2]
    x, y = finite[np.argmin(finite[:, 1])]
    if not (0 <= x <= width and np.any((finite[:, 1] >= 0) & (finite[:, 1] <= height))):
        return
    size = float(np.max(np.ptp(finite, axis=0)))
    scale = float(np.clip(size / 200, 0.7, 1.8))
    thickness = max(1, round(2 * scale))
    (wide, high), below = cv2.getTextSize(str(number), cv2.FONT_HERSHEY_SIMPLEX, scale, thickness)
    left = int(np.clip(x - wide / 2, 2, max(width - wide - 2, 2)))
    base = int(np.clip(y - _CROWN * size, high + 2, max(height - below, high + 2)))
    for paint, stroke in ((_EDGE, thickness + 3), (_MIDDLE, thickness)):
        cv2.putText(image, str(number), (left, base), cv2.FONT_HERSHEY_SIMPLEX, scale, paint, stroke, cv2.LINE_AA)


def _fixed_point(xy: FloatArray) -> tuple[int, int]:
    limited = np.clip(xy, -8000, 8000) * (1 << _SUBPIXEL)
    x, y = np.rint(limited).astype(int).tolist()
    return x, y
