"""Display geometry: turns, mirrors and non-square pixels."""

from fractions import Fraction
from itertools import product

import numpy as np
import pytest

from pose_core.errors import ShapeError
from pose_core.video.geometry import DisplayGeometry, orientation_from_display_matrix

ORIENTATIONS = [((a, 0), (0, d)) for a, d in product((1, -1), repeat=2)] + [
    ((0, c), (b, 0)) for c, b in product((1, -1), repeat=2)
]
ONE = 65536


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_map_and_array_turn_agree(orientation):
    geometry = DisplayGeometry(5, 3, orientation)
    stored = np.arange(15, dtype=np.uint8).reshape(3, 5)
    displayed = geometry.orient(stored)
    assert displayed.shape == geometry.size[::-1]
    for y, x in product(range(3), range(5)):
        xd, yd, _ = geometry.T_display_from_stored @ (x, y, 1.0)
        assert displayed[round(yd), round(xd)] == stored[y, x]


@pytest.mark.parametrize(
    ("matrix", "rotation_deg", "mirrored"),
    [
        ((ONE, 0, 0, 0, ONE), 0, False),
        ((0, ONE, 0, -ONE, 0), 90, False),  # what phones write for upright video
        ((-ONE, 0, 0, 0, -ONE), 180, False),
        ((0, -ONE, 0, ONE, 0), 270, False),
        ((-ONE, 0, 0, 0, ONE), 0, True),
        ((ONE, 3000, 0, -3000, ONE), 0, False),  # 2.6 degrees: nearest quarter turn
        ((0, 0, 0, 0, 0), 0, False),
    ],
)
def test_display_matrix(matrix, rotation_deg, mirrored):
    geometry = DisplayGeometry(4, 2, orientation_from_display_matrix(matrix))
    assert geometry.rotation_deg == rotation_deg
    assert geometry.is_mirrored is mirrored


def test_clockwise_quarter_turn_moves_top_left_to_top_right():
    geometry = DisplayGeometry(4, 2, orientation_from_display_matrix((0, ONE, 0, -ONE, 0)))
    stored = np.zeros((2, 4), np.uint8)
    stored[0, 0] = 9
    assert geometry.orient(stored)[0, -1] == 9


def test_non_square_pixels_widen_the_picture():
    assert DisplayGeometry(1440, 1080, pixel_aspect=Fraction(4, 3)).size == (1920, 1080)
    assert DisplayGeometry(1440, 1080, ((0, -1), (1, 0)), Fraction(4, 3)).size == (1080, 1920)
    assert DisplayGeometry(1000, 10, pixel_aspect=Fraction(1001, 1000)).size == (1000, 10)


@pytest.mark.parametrize("orientation", [((1, 1), (0, 1)), ((0, 0), (0, 0)), ((2, 0), (0, 1))])
def test_no_permutation_is_refused(orientation):
    with pytest.raises(ShapeError, match="permutation"):
        DisplayGeometry(4, 4, orientation)


def test_empty_picture_is_refused():
    with pytest.raises(ShapeError, match="1x1"):
        DisplayGeometry(0, 4)
