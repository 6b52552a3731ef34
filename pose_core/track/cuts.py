"""Where a clip falls into parts: scene cuts and gaps in time. Nobody is followed from one part into the next.

A cut is one step of the picture that is much larger than the steps around it and that is not taken back: structure
(correlation over small shifts, blind to brightness and camera motion) and histogram of tiny pictures must both jump.
Flashes come back, pans and people passing by go on for several frames, lights leave the structure as it is.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pose_core.types import FloatArray, ImageArray

if TYPE_CHECKING:
    from pose_core.video.frame import VideoFrame

CUT, GAP = "cut", "gap"
LONGEST_STEP_S = 1.5
"""Frames further apart are a gap, if that is not the clip's own rate."""
LONGEST_STEP_RATIO = 4.0
SLOWEST_STEP_S = 0.26
"""Of slower frames each is a new picture: a cut cannot be told from people who come and go."""

_SIZE = (64, 36)
_SHIFT = (8, 4)
"""How far the camera may turn from frame to frame, pixels of the tiny picture: an eighth of its width."""
_BINS = 32
_FLAT = 3.0
"""Standard deviation of grey levels below which a picture shows nothing: black between two shots."""
_STAYS = 0.8
"""Share of the structure's loss that must be left some frames later."""
_AHEAD = 3
"""A flash is over after so many frames."""
_HEAVY_BYTES = 32 << 20
"""Of larger frames only one is held back."""


@dataclass(frozen=True)
class CutRule:
    """A way in which a step of the picture is a cut: all of it must hold."""

    structure: float
    """Least loss of correlation, in [0, 2]."""
    ratio: float
    """To the larger of the steps before and after."""
    histogram: tuple[float, float]
    """Share of pixels whose grey level changes, from and to."""


RULES = (
    CutRule(0.35, 3.0, (0.06, 1.0)),
    # Two takes of one scene: less changes, but out of nothing. A light that is switched on changes more grey levels.
    CutRule(0.15, 8.0, (0.1, 0.6)),
)
"""Chosen on real clips, at their own rates and thinned, joined at random, with flashes, lights and fast pans."""


@dataclass(frozen=True)
class Break:
    """The first frame of a new part of the clip.

    Args:
        kind: `CUT` or `GAP`.
        before_s, time_s: times of the frames on either side.
    """

    kind: str
    before_s: float
    time_s: float


@dataclass(frozen=True, eq=False)
class _Look:
    """The tiny picture of a frame."""

    time_s: float
    grey: NDArray[np.float32]
    bins: FloatArray

    @property
    def is_flat(self) -> bool:
        return float(np.std(self.grey)) < _FLAT


def with_breaks(frames: Iterable[VideoFrame]) -> Iterator[tuple[VideoFrame, Break | None]]:
    """Frames, and for each whether a new part of the clip begins with it; holds back three frames at most.

    Args:
        frames: in order of time.
    """
    held: list[VideoFrame] = []
    ahead: list[_Look] = []
    finder = _Finder()
    for frame in frames:
        held.append(frame)
        ahead.append(_look(frame))
        if len(ahead) > (1 if frame.nbytes > _HEAVY_BYTES else _AHEAD):
            found = finder.look(ahead)
            ahead.pop(0)
            yield held.pop(0), found
    while ahead:
        found = finder.look(ahead)
        ahead.pop(0)
        yield held.pop(0), found


class _Finder:
    """Compares each frame with those before and after it."""

    def __init__(self) -> None:
        self._last: _Look | None = None
        self._shown: deque[_Look] = deque(maxlen=_AHEAD + 1)
        """The last frames that were not flat, the newest last."""
        self._step = 0.0
        """Loss of structure at the frame before."""
        self._step_s = 0.0

    def look(self, ahead: Sequence[_Look]) -> Break | None:
        """What begins with the first of the frames that are held back."""
        here, last, shown = ahead[0], self._last, list(self._shown)
        self._last = here
        if not here.is_flat:
            self._shown.append(here)
        if last is None:
            return None
        step_s, before_step_s = here.time_s - last.time_s, self._step_s
        self._step_s = step_s
        steps_s = [b.time_s - a.time_s for a, b in pairwise(ahead)]
        usual_s = [s for s in (before_step_s, *steps_s) if s > 0]
        step, before_step = (0.0 if here.is_flat or not shown else _loss(shown[-1], here)), self._step
        self._step = step
        if is_gap(step_s, min(usual_s, default=step_s)):
            return Break(GAP, last.time_s, here.time_s)
        tells = shown and not here.is_flat and step_s <= SLOWEST_STEP_S
        if tells and _is_cut(shown, ahead, step, before_step):
            return Break(CUT, last.time_s, here.time_s)
        return None


def is_gap(step_s: float, usual_step_s: float) -> bool:
    """Whether a step in time is a gap in a clip with steps of another length."""
    return step_s > LONGEST_STEP_S and step_s > LONGEST_STEP_RATIO * usual_step_s


def _is_cut(before: Sequence[_Look], ahead: Sequence[_Look], step: float, before_step: float) -> bool:
    here, after = ahead[0], [look for look in ahead[1:] if not look.is_flat]
    around = max(before_step, _loss(here, after[0]) if after else 0.0)
    change = 0.5 * float(np.sum(np.abs(before[-1].bins - here.bins)))
    for rule in RULES:
        low, high = rule.histogram
        if step < rule.structure or step < rule.ratio * around or not low <= change <= high:
            continue
        # Not a flash that begins, nor one that ends.
        pairs = [*((before[-1], later) for later in after), *((earlier, here) for earlier in before[:-1])]
        if all(_loss(*pair) >= _STAYS * rule.structure for pair in pairs):
            return True
    return False


def _look(frame: VideoFrame) -> _Look:
    grey: ImageArray = frame.pixels.downscale_grey(*_SIZE)
    bins = np.bincount(grey.ravel() // (256 // _BINS), minlength=_BINS) / grey.size
    # neighbouring bins are nearly the same grey
    smooth = np.convolve(bins, [0.25, 0.5, 0.25], "same")
    return _Look(frame.time_s, grey.astype(np.float32), np.asarray(smooth, dtype=np.float64))


def _loss(first: _Look, second: _Look) -> float:
    """How much of the structure is lost from one picture to the other: 1 - correlation at the best shift."""
    import cv2

    if first.is_flat or second.is_flat:
        return 0.0 if first.is_flat and second.is_flat else 1.0
    x, y = _SHIFT
    core = np.ascontiguousarray(second.grey[y:-y, x:-x])
    if float(np.std(core)) < 1.0:
        return 1.0
    return 1.0 - float(np.max(cv2.matchTemplate(first.grey, core, cv2.TM_CCOEFF_NORMED)))
