"""Parts of a clip that are fitted anew while all else stays: which frames, and which knots must not move there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pose_core.types import BoolArray, IntArray


@dataclass(frozen=True, eq=False)
class Window:
    """Some frames of a clip; those that follow each other make a run."""

    frames: IntArray
    """(m,) increasing positions among all n frames."""
    runs: IntArray
    """(R,) where, among these frames, runs begin."""
    cut_before: BoolArray
    """(R,) whether a run begins within a curve and not with it."""
    cut_behind: BoolArray
    """(R,) whether it ends within a curve."""

    @property
    def lasts(self) -> IntArray:
        """(R,) last frame of each run, among these frames."""
        return np.append(self.runs[1:], len(self.frames)) - 1


def window_around(mask: BoolArray, reach: int, curves: IntArray) -> Window:
    """All frames within some reach of others.

    Args:
        mask: (n,) those others, at least one.
        reach: in frames.
        curves: (C,) where, among all frames, curves begin.
    """
    edges = np.cumsum(np.concatenate([[0], mask]))
    at = np.arange(len(mask))
    near = edges[np.minimum(at + reach + 1, len(mask))] > edges[np.maximum(at - reach, 0)]
    frames = np.flatnonzero(near)
    starts = np.concatenate([[True], np.diff(frames) > 1]) | np.isin(frames, curves)
    runs = np.flatnonzero(starts)
    lasts = np.append(runs[1:], len(frames)) - 1
    ends = np.append(curves[1:], len(mask)) - 1
    return Window(frames, runs, ~np.isin(frames[runs], curves), ~np.isin(frames[lasts], ends))


def with_edges(knots: BoolArray, window: Window) -> tuple[BoolArray, BoolArray]:
    """Knots of a window with its edges, and which of them must stay, so that nothing changes outside.

    At an edge within a curve a knot is put, and with it the next one stays: between both lies a piece of the old cubic.

    Args:
        knots: (tracks, m) at the window's frames.
        window: m frames.
    Returns:
        Both (tracks, m).
    """
    run = np.zeros(knots.shape[1], dtype=np.int64)
    run[window.runs[1:]] = 1
    run = np.cumsum(run)
    count = np.cumsum(knots, axis=1)
    so_far: IntArray = count - (count - knots)[:, window.runs][:, run]
    to_come = count[:, window.lasts][:, run] - count + knots
    stays = knots & ((so_far == 1) & window.cut_before[run] | (to_come == 1) & window.cut_behind[run])
    edges = np.concatenate([window.runs[window.cut_before], window.lasts[window.cut_behind]])
    stays[:, edges] = True
    fitted = knots.copy()
    fitted[:, edges] = True
    return fitted, stays
