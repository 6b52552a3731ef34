from __future__ import annotations

import numpy as np
import pytest

from pose_core.errors import ModelError
from pose_core.keypoints.simcc import decode_simcc

TRUTH = np.random.default_rng(5).uniform((4, 4), (187, 251), (26, 2))


def bins(positions: np.ndarray, size: int, peak: float = 0.9, sigma: float = 4.9) -> np.ndarray:
    return peak * np.exp(-((np.arange(2 * size) - 2 * positions[:, None]) ** 2) / (2 * sigma**2))


def test_positions_come_back() -> None:
    xy, score = decode_simcc(bins(TRUTH[:, 0], 192), bins(TRUTH[:, 1], 256, peak=0.7))
    np.testing.assert_allclose(xy, TRUTH, atol=0.01)
    np.testing.assert_allclose(score, 0.7, atol=0.01)


def test_without_refinement_positions_are_half_pixels() -> None:
    xy, _ = decode_simcc(bins(TRUTH[:, 0], 192), bins(TRUTH[:, 1], 256), refine=False)
    np.testing.assert_array_equal(xy * 2, np.round(xy * 2))
    assert np.abs(xy - TRUTH).max() <= 0.25 + 1e-9


def test_the_split_ratio_scales() -> None:
    xy, _ = decode_simcc(bins(TRUTH[:, 0], 192), bins(TRUTH[:, 1], 256), split_ratio=4.0)
    np.testing.assert_allclose(xy, TRUTH / 2, atol=0.01)


def test_maxima_at_the_ends_and_negative_scores() -> None:
    x = np.zeros((2, 384))
    x[0, 0] = x[1, -1] = 1.0
    xy, score = decode_simcc(x, np.full((2, 512), -0.2))
    np.testing.assert_allclose(xy[:, 0], [0, 191.5])
    assert (score == 0).all()


def test_shapes_that_do_not_belong_together_are_refused() -> None:
    with pytest.raises(ModelError, match="SimCC"):
        decode_simcc(np.zeros((26, 384)), np.zeros((17, 512)))
    with pytest.raises(ModelError, match="SimCC"):
        decode_simcc(np.zeros((1, 26, 384)), np.zeros((1, 26, 512)))
