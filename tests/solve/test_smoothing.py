import numpy as np
import pytest

from pose_core.maths.frame_times import second_difference
from pose_core.solve.start.smoothing import fill_spans, smooth, smooth_robust


def test_second_difference_is_exact_for_parabolas_at_uneven_times():
    time_s = np.cumsum(np.random.default_rng(0).uniform(0.01, 0.1, 40))
    coefficients, spans = second_difference(time_s)
    values = 3.0 * time_s**2 - time_s + 2
    triples = np.stack([values[:-2], values[1:-1], values[2:]], axis=1)
    assert np.allclose(np.sum(coefficients * triples, axis=1), 6.0)
    assert np.all(spans > 0)


@pytest.mark.parametrize("fps", [24.0, 60.0, 240.0])
def test_cutoff_means_the_same_at_every_rate(fps):
    time_s = np.arange(int(20 * fps)) / fps
    for frequency, low, high in ((0.5, 0.98, 1.01), (4.0, 0.47, 0.56), (9.0, 0.0, 0.1)):
        wave = np.sin(2 * np.pi * frequency * time_s)[:, None]
        out = smooth(wave, np.ones(len(time_s)), time_s, cutoff_hz=4.0)[:, 0]
        middle = slice(len(time_s) // 4, -len(time_s) // 4)
        gain = np.dot(out[middle], wave[middle, 0]) / np.dot(wave[middle, 0], wave[middle, 0])
        assert low <= gain <= high


def test_no_phase_shift():
    time_s = np.arange(200) / 30
    pulse = np.exp(-(((time_s - 3.0) / 0.3) ** 2))[:, None]
    out = smooth(pulse, np.ones(200), time_s, 3.0)[:, 0]
    assert abs(time_s[np.argmax(out)] - 3.0) < 0.02


def test_gaps_are_filled_along_straight_lines_and_lines_are_kept():
    time_s = np.cumsum(np.random.default_rng(1).uniform(0.02, 0.05, 60))
    line = np.stack([2 * time_s, -time_s], axis=1)
    weights = np.ones(60)
    weights[20:35] = 0.0
    broken = line.copy()
    broken[20:35] = np.nan
    assert np.allclose(smooth(broken, weights, time_s, 3.0), line, atol=1e-4)
    assert np.allclose(smooth(broken, weights, time_s, np.inf), line, atol=1e-9)


def test_outliers_lose_their_say():
    time_s = np.arange(90) / 30
    values = np.zeros((90, 3))
    values[40] = [2.0, 0, 0]
    weights = np.ones(90)
    assert np.max(np.abs(smooth_robust(values, weights, time_s, 5.0, scale=0.1))) < 0.01
    assert np.max(np.abs(smooth(values, weights, time_s, 5.0))) > 0.3


@pytest.mark.parametrize("known", [[], [3]])
def test_nothing_or_one_value_known(known):
    values, weights = np.full((8, 2), np.nan), np.zeros(8)
    values[known], weights[known] = 5.0, 1.0
    out = smooth(values, weights, np.arange(8) / 30, 5.0)
    assert np.all(out == 5.0) if known else np.all(np.isnan(out))


@pytest.mark.parametrize("frames", [1, 2])
def test_short_clips(frames):
    values = np.arange(frames, dtype=float)[:, None]
    assert np.allclose(smooth(values, np.ones(frames), np.arange(frames) / 30, 5.0), values)


def test_fill_spans_bridges_short_gaps_only():
    seen = np.array([0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0], dtype=bool)
    out = fill_spans(seen, np.arange(13) * 0.1, max_gap_s=0.35)
    assert out.tolist() == [False, True, True, True, True, True, *[False] * 5, True, False]
