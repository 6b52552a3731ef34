import numpy as np

from pose_core.maths.frame_times import runs
from pose_core.solve.ground.contacts import ContactConfig, detect_contacts

UP = np.array([0.0, 0.0, 1.0])
TIME_S = np.arange(90) / 30


def _points(x=0.0, height=0.02):
    out = np.zeros((90, 1, 3))
    out[:, 0, 0] = x
    out[:, 0, 2] = height
    return out


def test_a_resting_point_is_planted_and_a_moving_one_is_not():
    assert detect_contacts(_points(), UP, TIME_S).all()
    assert not detect_contacts(_points(x=1.0 * TIME_S), UP, TIME_S).any()


def test_a_raised_point_is_not_planted_however_still():
    both = np.concatenate([_points(), _points(height=0.3)], axis=1)
    planted = detect_contacts(both, UP, TIME_S)
    assert planted[:, 0].all() and not planted[:, 1].any()


def test_up_is_where_it_is_said_to_be():
    turned = np.concatenate([_points(), _points(height=0.3)], axis=1)[..., [0, 2, 1]] * [1, -1, 1]
    planted = detect_contacts(turned, np.array([0.0, -1.0, 0.0]), TIME_S)
    assert planted[:, 0].all() and not planted[:, 1].any()


def test_hysteresis_bridges_a_short_hurry_but_not_a_step():
    config = ContactConfig()
    between = 0.5 * (config.speed_on_m_s + config.speed_off_m_s)
    speed = np.zeros(90)
    speed[30:40] = between
    speed[60:70] = 1.0
    planted = detect_contacts(_points(x=np.cumsum(speed) / 30), UP, TIME_S)[:, 0]
    assert planted[:58].all() and not planted[61:69].any() and planted[72:].all()


def test_a_moment_is_no_contact():
    speed = np.full(90, 1.0)
    speed[40:42] = 0.0
    assert not detect_contacts(_points(x=np.cumsum(speed) / 30), UP, TIME_S)[30:50].any()


def test_speed_along_the_line_of_sight_counts_less():
    away = _points(x=0.4 * np.sin(2 * np.pi * TIME_S) / (2 * np.pi) * 1.5)
    sight = np.array([1.0, 0.0, 0.0])
    assert not detect_contacts(away, UP, TIME_S).all()
    assert detect_contacts(away, UP, TIME_S, sight=sight).all()
    assert not detect_contacts(_points(x=3.0 * TIME_S), UP, TIME_S, sight=sight).any()


def test_unknown_points_and_single_frames():
    points = _points()
    points[30:40] = np.nan
    planted = detect_contacts(points, UP, TIME_S)[:, 0]
    assert not planted[30:40].any() and planted[:25].all()
    assert not detect_contacts(points[:1], UP, TIME_S[:1]).any()


def test_runs():
    assert runs(np.array([True, False, True, True])) == [(0, 1), (2, 4)]
    assert runs(np.zeros(3, dtype=bool)) == []
