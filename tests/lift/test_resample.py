"""Keypoints on an even grid where one of two neighbouring frames lacks a point."""

import numpy as np

from pose_core.lift.resample import seconds_from_seen, to_grid


def test_a_point_that_one_neighbour_alone_has_holds_as_far_as_the_middle_between_them():
    time_s = np.array([0.0, 0.2])
    grid_s = np.arange(7) / 30  # shares of the way: 0, 1/6, 1/3, 1/2, 2/3, 5/6, 1
    values = np.array([[[1.0, 2.0], [1.0, 2.0], [1.0, 2.0]], [[5.0, 8.0], [5.0, 8.0], [5.0, 8.0]]])
    confidence = np.array([[0.8, 0.0, 0.8], [0.0, 0.6, 0.4]])
    xy, sure = to_grid(values, confidence, time_s, grid_s)
    share = np.arange(7) / 6
    first, second = share < 0.49, share > 0.51
    np.testing.assert_allclose(sure[first, 0], 0.8)
    np.testing.assert_allclose(sure[~first, 0], 0.0)
    np.testing.assert_allclose(xy[first, 0], np.tile([1.0, 2.0], (3, 1)))
    np.testing.assert_allclose(sure[second, 1], 0.6)
    np.testing.assert_allclose(sure[~second, 1], 0.0)
    np.testing.assert_allclose(xy[second, 1], np.tile([5.0, 8.0], (3, 1)))
    np.testing.assert_allclose(sure[:, 2], 0.8 - 0.4 * share)
    np.testing.assert_allclose(xy[:, 2], [1.0, 2.0] + share[:, None] * np.array([4.0, 6.0]))
    assert np.all(xy[sure == 0] == 0)


def test_seconds_to_the_nearest_frame_that_is_seen():
    time_s = np.array([0.0, 0.1, 0.4, 0.5, 0.9])
    seen = np.array([False, True, False, True, False])
    np.testing.assert_allclose(seconds_from_seen(seen, time_s), [0.1, 0.0, 0.1, 0.0, 0.4])
    assert np.all(np.isinf(seconds_from_seen(np.zeros(5, dtype=bool), time_s)))
