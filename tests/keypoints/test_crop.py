from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pose_core.keypoints.crop import Region, box_of_points, region_from_box
from pose_core.video.frame import VideoFrame

regions = st.builds(
    Region,
    st.floats(-500, 2000),
    st.floats(-500, 2000),
    st.floats(2, 3000),
    st.floats(2, 3000),
    st.floats(-math.pi, math.pi),
)


@given(regions)
def test_corners_and_centre_map_where_they_should(region: Region) -> None:
    unit = np.array([[0.5, 0.5], [0, 0], [1, 0], [0, 1]], dtype=float)
    centre, top_left, top_right, bottom_left = region.to_image(unit)
    scale = max(region.width, region.height)
    np.testing.assert_allclose(centre, (region.center_x, region.center_y), atol=1e-9 * scale)
    assert np.linalg.norm(top_right - top_left) == pytest.approx(region.width)
    assert np.linalg.norm(bottom_left - top_left) == pytest.approx(region.height)
    along = (top_right - top_left) / region.width
    assert (
        math.atan2(along[1], along[0]) == pytest.approx(region.rotation_rad, abs=1e-6)
        or abs(abs(region.rotation_rad) - math.pi) < 1e-6
    )
    assert np.dot(along, bottom_left - top_left) == pytest.approx(0, abs=1e-6 * scale)


@given(regions, st.integers(16, 256), st.integers(16, 256))
def test_crop_map_agrees_with_the_region_up_to_the_pixel_convention(region: Region, width: int, height: int) -> None:
    M = region.M_crop_from_frame((width, height))
    crop_px = np.array([[0.0, 0.0], [width - 1.0, 3.0], [5.0, height - 1.0]])
    in_image = region.to_image((crop_px + 0.5) / (width, height))
    frame_px = in_image - 0.5
    np.testing.assert_allclose(frame_px @ M[:, :2].T + M[:, 2], crop_px, atol=1e-5)


@pytest.mark.parametrize("rotation", [0.0, 0.4, -2.0])
def test_a_dot_in_the_picture_comes_back_from_the_crop(rotation: float) -> None:
    y, x = np.mgrid[:200, :300]
    dot = 255 * np.exp(-((x - 170) ** 2 + (y - 90) ** 2) / (2 * 3.0**2))
    frame = VideoFrame.from_rgb(np.repeat(dot[..., None], 3, axis=2).astype(np.uint8))
    region = Region(160, 100, 120, 120, rotation)
    crop = frame.warp_rgb(region.M_crop_from_frame((96, 96)), (96, 96), 0)[..., 0].astype(float)
    v, u = np.mgrid[:96, :96]
    unit = np.array([(crop * u).sum(), (crop * v).sum()]) / crop.sum()
    # The pixel whose index is 170 has its centre at 170.5 of the picture.
    np.testing.assert_allclose(region.to_image((unit + 0.5) / 96), (170.5, 90.5), atol=0.05)


@given(st.floats(0, 500), st.floats(0, 500), st.floats(5, 400), st.floats(5, 400), st.floats(0.4, 2.0))
def test_a_box_is_widened_to_the_proportions_and_lies_inside(
    x: float, y: float, w: float, h: float, aspect: float
) -> None:
    region = region_from_box(np.array([x, y, x + w, y + h]), aspect)
    assert region.width / region.height == pytest.approx(aspect)
    assert region.width >= 1.25 * w * (1 - 1e-9) and region.height >= 1.25 * h * (1 - 1e-9)
    assert (region.center_x, region.center_y) == pytest.approx((x + w / 2, y + h / 2))


def test_unsure_points_do_not_stretch_the_box() -> None:
    xy = np.array([[10.0, 10], [20, 30], [30, 20], [15, 25], [900, 900], [np.nan, np.nan]])
    box = box_of_points(xy, np.array([0.9, 0.9, 0.9, 0.9, 0.1, 0.0]))
    np.testing.assert_allclose(box, [10, 10, 30, 30])
    assert np.isnan(box_of_points(np.full((3, 2), np.nan), np.zeros(3))).all()


def test_unusable_regions_are_known() -> None:
    assert Region(0, 0, 10, 10).is_usable
    assert not Region(0, 0, 0.5, 10).is_usable
    assert not Region(math.nan, 0, 10, 10).is_usable
