import numpy as np

from pose_core.preview import draw_number, draw_skeleton
from pose_core.skeletons import CANONICAL, Skeleton

TREE = Skeleton(("pelvis", "left_hip", "right_hip"), (-1, 0, 0))
POINTS = np.array([[50.0, 50.0], [80.0, 50.0], [20.0, 50.0]])


def _black():
    return np.zeros((100, 100, 3), np.uint8)


def test_left_and_right_have_colours_of_their_own():
    image = _black()
    draw_skeleton(image, POINTS, TREE)
    left, right = image[50, 65].astype(int), image[50, 35].astype(int)
    assert left[2] > left[0] and right[0] > right[2]  # blue and orange
    assert not image[10].any()


def test_lines_follow_the_tree_that_is_given():
    image = _black()
    draw_skeleton(image, POINTS, Skeleton(TREE.names, (-1, 0, 1)))
    assert image[50, 35].any()
    chain = Skeleton(("pelvis", "left_hip", "right_hip"), (-1, 0, 1))
    raised = POINTS + [[0, 0], [0, 0], [0, -40]]
    image = _black()
    draw_skeleton(image, raised, chain)
    assert image[30, 50].any() and not image[35, 30].any()


def test_unknown_joints_are_left_out_and_wild_ones_do_no_harm():
    image = _black()
    draw_skeleton(image, np.array([[50.0, 50.0], [80.0, 50.0], [np.nan, np.nan]]), TREE)
    assert not image[:, :30].any()
    image = _black()
    draw_skeleton(image, np.array([[50.0, 50.0], [1e9, 50.0], [20.0, 50.0]]), TREE)
    assert image[50, 35].any()
    image = _black()
    draw_skeleton(image, np.full((len(CANONICAL), 2), np.nan), CANONICAL)
    assert not image.any()


def test_a_number_stands_above_the_head_and_within_the_picture():
    image = _black()
    draw_number(image, POINTS + [0, 20], 7)
    rows, columns = np.nonzero(image.any(axis=2))
    assert rows.max() < 70 and abs(columns.mean() - 50) < 25
    other = _black()
    draw_number(other, POINTS + [0, 20], 12)
    assert (image != other).any()
    image = _black()
    draw_number(image, POINTS - [0, 48], 7)  # the head at the upper edge
    at_edge, _ = np.nonzero(image.any(axis=2))
    assert np.ptp(at_edge) == np.ptp(rows)  # nothing of it is cut off


def test_nobody_gets_no_number():
    for points in (np.full((3, 2), np.nan), POINTS + [500, 0], POINTS + [0, 500]):
        image = _black()
        draw_number(image, points, 7)
        assert not image.any()
