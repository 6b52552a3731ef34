"""Reading pictures and video frames, and cutting squares out of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pose_core.errors import DatasetError
from pose_core.types import FloatArray, ImageArray


@dataclass(frozen=True)
class Picture:
    """Where a picture lies: a file, or a frame of a video."""

    path: Path
    frame: int | None = None
    """Number of the frame from 0 if the file is a video."""


def read_picture(picture: Picture) -> ImageArray:
    """(H, W, 3) RGB.

    Raises:
        DatasetError: the file is missing or cannot be decoded.
    """
    import cv2

    if not picture.path.is_file():
        raise DatasetError(
            f"The picture '{picture.path}' is missing.",
            "Unpack all of the data set's pictures, or name its root folder.",
        )
    if picture.frame is None:
        # Labels are in stored pixels: a rotation in the file's metadata must not turn the picture under them.
        image = cv2.imread(str(picture.path), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    else:
        video = cv2.VideoCapture(str(picture.path))
        video.set(cv2.CAP_PROP_POS_FRAMES, picture.frame)
        done, image = video.read()
        video.release()
        image = image if done else None
    if image is None:
        what = "" if picture.frame is None else f", frame {picture.frame},"
        raise DatasetError(f"The picture '{picture.path}'{what} cannot be decoded: it is damaged or no picture.")
    return np.ascontiguousarray(image[..., ::-1], dtype=np.uint8)


def crop_matrix(centre_px: FloatArray, side_px: float, size_px: int) -> FloatArray:
    """(3, 3) from pixels of a picture to those of a square of `side_px` around a centre, resized to `size_px`."""
    scale = size_px / side_px
    return np.array([
        [scale, 0.0, size_px / 2 - scale * float(centre_px[0])],
        [0.0, scale, size_px / 2 - scale * float(centre_px[1])],
        [0.0, 0.0, 1.0],
    ])  # fmt: skip


def warp(image: ImageArray, matrix: FloatArray, size_px: int, fill: int | None = 0) -> ImageArray:
    """Resample a picture.

    Args:
        image: (H, W, 3).
        matrix: (3, 3) affine from its pixels to the result's; both count from the outer corner of the first pixel.
        size_px: side of the result.
        fill: value outside of the picture; None = its edge goes on.
    """
    import cv2

    # OpenCV counts from the middle of the first pixel.
    half = np.array([[1.0, 0.0, 0.5], [0.0, 1.0, 0.5], [0.0, 0.0, 1.0]])
    inner = np.linalg.inv(half) @ matrix @ half
    scale = float(np.sqrt(abs(np.linalg.det(inner[:2, :2]))))
    if scale < 0.5:
        # Linear sampling alone would skip pixels.
        shrunk = np.asarray(cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), dtype=np.uint8)
        ratio = np.diag([image.shape[1] / shrunk.shape[1], image.shape[0] / shrunk.shape[0], 1.0])
        image, inner = shrunk, np.linalg.inv(half) @ matrix @ ratio @ half
    border = {"borderMode": cv2.BORDER_REPLICATE} if fill is None else {"borderValue": (fill,) * 3}
    warped = cv2.warpAffine(image, inner[:2], (size_px, size_px), flags=cv2.INTER_LINEAR, **border)
    return np.asarray(warped, dtype=np.uint8)
