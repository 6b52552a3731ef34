"""Windows of a clip: nothing changes outside of them."""

import numpy as np
import pytest

from pose_core.retarget.keys.hermite import Held, Samples, fit_curves
from pose_core.retarget.keys.windows import window_around, with_edges
from pose_core.types import BoolArray


def curve(n: int = 120) -> tuple[Samples, BoolArray]:
    rng = np.random.default_rng(3)
    values = np.cumsum(np.cumsum(rng.normal(size=(n, 2)), axis=0), axis=0)
    knots = rng.uniform(size=n) < 0.2
    samples = Samples(np.cumsum(rng.uniform(0.5, 1.5, n)), values, np.array([0, 50]))
    return samples, knots | samples.ends_mask()


def test_windows_reach_around_and_part_at_curves() -> None:
    mask = np.zeros(100, dtype=np.bool_)
    mask[[10, 52]] = True
    window = window_around(mask, 5, np.array([0, 50]))
    assert window.frames.tolist() == [*range(5, 16), *range(47, 58)]
    assert window.runs.tolist() == [0, 11, 14]  # a curve begins at 50
    assert window.cut_before.tolist() == [True, True, False]
    assert window.cut_behind.tolist() == [True, False, True]
    mask[:] = False
    mask[2] = True
    assert window_around(mask, 5, np.array([0, 50])).cut_before.tolist() == [False]


@pytest.mark.parametrize("middle", [3, 30, 49, 50, 70, 117])
def test_a_new_knot_changes_nothing_outside_its_window(middle: int) -> None:
    samples, knots = curve()
    before = fit_curves(samples, knots)
    mask = np.zeros(len(knots), dtype=np.bool_)
    mask[middle] = True
    window = window_around(mask, 12, samples.starts)
    frames = window.frames
    more = knots | mask
    fitted, stays = with_edges(more[None, frames], window)
    part = Samples(samples.at[frames], samples.values[frames], window.runs)
    held = Held(stays[0], before.fitted[frames], before.fitted_slopes[frames])
    after = fit_curves(part, fitted[0], held=held)
    values, slopes = before.fitted.copy(), before.fitted_slopes.copy()
    values[frames], slopes[frames] = after.fitted, after.fitted_slopes
    # played from the knots alone, the curves are the same at all samples: the edges are no knots in truth
    whole = fit_curves(samples, more, held=Held(more, values, slopes))
    assert whole.fitted == pytest.approx(values, abs=1e-8)
    assert np.any(values != before.fitted)
