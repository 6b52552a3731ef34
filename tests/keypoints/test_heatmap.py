from __future__ import annotations

import numpy as np
import pytest

from pose_core.keypoints.heatmap import METHODS, decode_heatmaps, parabola_offset


def gaussians(
    centres: np.ndarray, sigma: float = 1.5, shape: tuple[int, int] = (64, 48), peak: float = 0.8
) -> np.ndarray:
    y, x = np.mgrid[: shape[0], : shape[1]]
    return np.stack([peak * np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (2 * sigma**2)) for cx, cy in centres])


CENTRES = np.random.default_rng(1).uniform((6, 6), (41, 57), (60, 2))


@pytest.mark.parametrize(("method", "most"), [("quarter", 0.36), ("parabola", 1e-6), ("dark", 0.01)])
def test_gaussians_are_found_between_the_cells(method: str, most: float) -> None:
    xy, value = decode_heatmaps(gaussians(CENTRES), method)
    assert np.abs(xy - CENTRES).max() < most
    assert np.all((value > 0.6) & (value <= 0.8))


def test_dark_finds_slanted_ridges() -> None:
    y, x = np.mgrid[:64, :48]
    centres = CENTRES[:20]
    maps = []
    for cx, cy in centres:
        along, across = (x - cx) * 0.8 + (y - cy) * 0.6, (y - cy) * 0.8 - (x - cx) * 0.6
        maps.append(np.exp(-(along**2) / (2 * 4.0**2) - across**2 / (2 * 1.5**2)))
    dark, _ = decode_heatmaps(np.stack(maps), "dark")
    parabola, _ = decode_heatmaps(np.stack(maps), "parabola")
    assert np.abs(dark - centres).max() < 0.03
    assert np.abs(parabola - centres).max() > 0.1, "each axis by itself cannot see the slant"


def test_refinement_beats_the_quarter_rule_under_noise() -> None:
    noisy = np.clip(gaussians(CENTRES, sigma=2.0) + np.random.default_rng(2).normal(0, 0.01, (60, 64, 48)), 0, 1)
    errors = {m: np.linalg.norm(decode_heatmaps(noisy, m)[0] - CENTRES, axis=1).mean() for m in METHODS}
    assert errors["dark"] < errors["parabola"] < errors["quarter"]


@pytest.mark.parametrize("method", METHODS)
def test_maxima_at_the_border_stay_there(method: str) -> None:
    xy, _ = decode_heatmaps(gaussians(np.array([[0.0, 0.0], [47.0, 63.0], [0.0, 30.0], [20.0, 63.0]])), method)
    assert np.all(np.abs(xy - [[0, 0], [47, 63], [0, 30], [20, 63]]) <= 0.3)


@pytest.mark.parametrize("method", METHODS)
def test_an_empty_map_has_no_certainty(method: str) -> None:
    xy, value = decode_heatmaps(np.zeros((2, 64, 48)), method)
    assert np.isfinite(xy).all() and (value == 0).all()


def test_unknown_methods_are_refused() -> None:
    with pytest.raises(ValueError, match="method"):
        decode_heatmaps(np.zeros((1, 4, 4)), "guess")


def test_parabola_offset_is_exact_and_bounded() -> None:
    x = np.linspace(-0.5, 0.5, 11)
    values = [-((k - x) ** 2) for k in (-1.0, 0.0, 1.0)]
    np.testing.assert_allclose(parabola_offset(*values), x, atol=1e-12)
    assert parabola_offset(np.array(1.0), np.array(1.0), np.array(1.0)) == 0
