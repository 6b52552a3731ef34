"""A contact sheet: one moment of every clip with its true skeleton."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pose_core.files import atomic_path
from pose_core.lab.rendered_clips.plan import Clip, video_path
from pose_core.lab.rendered_clips.truth import Truth, read_truth
from pose_core.skeletons import CANONICAL
from pose_core.video import open_video

_TILE_PX = 170
_COLUMNS = 7
_QUALITY = 80
_LEFT, _RIGHT, _MIDDLE = (178, 114, 0), (0, 94, 213), (230, 230, 230)


def draw_sheet(clips: list[Clip], folder: Path, path: Path) -> None:
    """Write a JPEG with the middle frame of every clip, cut to a square, the left side blue and the right orange."""
    import cv2

    tiles = [_tile(clip, folder) for clip in clips]
    blank = np.zeros((_TILE_PX, _TILE_PX, 3), np.uint8)
    tiles += [blank] * (-len(tiles) % _COLUMNS)
    rows = [np.hstack(tiles[i : i + _COLUMNS]) for i in range(0, len(tiles), _COLUMNS)]
    _, data = cv2.imencode(".jpg", np.vstack(rows), [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    with atomic_path(path) as temporary:
        Path(temporary).write_bytes(data.tobytes())


def _tile(clip: Clip, folder: Path) -> NDArray[np.uint8]:
    import cv2

    truth = read_truth(folder, clip)
    wanted = len(truth.time_s) // 2
    with open_video(str(video_path(folder, clip))) as reader:
        picture = next(f.to_rgb() for k, f in enumerate(reader) if k == wanted)[..., ::-1].copy()
    _draw_skeletons(picture, truth, wanted)
    height, width = picture.shape[:2]
    left = (width - height) // 2
    square = picture[:, left : left + height]
    tile = cv2.resize(square, (_TILE_PX, _TILE_PX), interpolation=cv2.INTER_AREA)
    cv2.putText(tile, clip.name, (4, 12), cv2.FONT_HERSHEY_SIMPLEX, 0.36, (255, 255, 255), 1, cv2.LINE_AA)
    return np.asarray(tile, dtype=np.uint8)


def _draw_skeletons(picture: NDArray[np.uint8], truth: Truth, frame: int) -> None:
    import cv2

    for points in truth.joints_px[:, frame]:
        for j, p in enumerate(CANONICAL.parents):
            if p >= 0:
                side = CANONICAL.names[j].partition("_")[0]
                colour = {"left": _LEFT, "right": _RIGHT}.get(side, _MIDDLE)
                a, b = (tuple(int(v) for v in np.round(points[k])) for k in (p, j))
                cv2.line(picture, a, b, colour, 2, cv2.LINE_AA)
