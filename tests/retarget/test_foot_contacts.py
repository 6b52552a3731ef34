"""What the feet of a motion do: flat feet are flat, and a foot in the air does not stand."""

from dataclasses import replace

import numpy as np
import pytest

from pose_core.motion_file import Motion
from pose_core.retarget.feet.contacts import foot_contacts
from pose_core.skeletons import CANONICAL
from tests.support.motions import rest_motion, sample_walk


def standing(frames: int = 30) -> Motion:
    motion = rest_motion(frames)
    return replace(motion, contacts=np.ones((frames, 4)))


def moved(motion: Motion, joint: str, by_m: np.ndarray) -> Motion:
    """The motion with a joint elsewhere, as if it were measured there; (T, 3) metres."""
    joints = motion.joints_world_m.copy()
    joints[:, CANONICAL.index(joint)] += by_m
    object.__setattr__(motion, "joints_world_m", joints)  # rotations cannot say this
    return motion


def test_one_who_stands_is_planted_and_flat() -> None:
    contacts = foot_contacts(standing())
    assert np.all(contacts.planted) and np.all(contacts.flat)
    assert contacts.pitch_rad == pytest.approx(np.zeros(2), abs=1e-9)
    assert contacts.ankle_level_m == pytest.approx(contacts.rest_ankle_m, abs=1e-9)


def test_a_heel_measured_lower_is_no_tilted_foot() -> None:
    """A constant tilt of a standing foot against the rest pose is one of measuring, and is told."""
    contacts = foot_contacts(moved(standing(), "left_heel", np.array([0.0, 0.0, -0.03])))
    assert np.degrees(contacts.pitch_rad[0]) == pytest.approx(9.9, abs=1.0)
    assert contacts.pitch_rad[1] == pytest.approx(0.0, abs=1e-9)
    assert contacts.levels_m[0, 0] == pytest.approx(contacts.levels_m[1, 0] - 0.03, abs=1e-9)


def test_a_heel_that_sinks_slowly_stands_at_the_end_only() -> None:
    height = np.concatenate([np.linspace(0.08, 0.0, 25), np.zeros(15)])
    rise = np.zeros((40, 3))
    rise[:, 2] = height
    planted = foot_contacts(moved(standing(40), "right_heel", rise)).planted
    assert np.all(planted[26:, 1, 0]) and not np.any(planted[:15, 1, 0])
    assert np.all(planted[:, 1, 1]) and np.all(planted[:, 0])


def test_nothing_planted_gives_the_rest_pose() -> None:
    motion = sample_walk()
    contacts = foot_contacts(replace(motion, contacts=np.zeros_like(motion.contacts)))
    assert not np.any(contacts.planted)
    assert np.all(contacts.pitch_rad == 0.0) and np.all(contacts.levels_m == 0.0)
    assert contacts.ankle_level_m == contacts.rest_ankle_m


def test_a_foot_that_moves_does_not_stand() -> None:
    path = np.zeros((30, 3))
    path[:, 0] = np.arange(30) / 30.0 * 0.5
    contacts = foot_contacts(moved(standing(), "left_toe", path))
    assert not np.any(contacts.planted[:, 0, 1])


def test_a_heel_held_high_over_a_standing_ball_stands_on_nothing() -> None:
    height = np.zeros((40, 3))
    height[20:, 2] = 0.09
    planted = foot_contacts(moved(standing(40), "left_heel", height)).planted
    assert not np.any(planted[21:, 0, 0]) and np.all(planted[:20, 0, 0])
    assert np.all(planted[:, 0, 1]) and np.all(planted[:, 1])
