"""Who plays whom, when a clip shows several people."""

from dataclasses import replace

import numpy as np
import pytest

from pose_core.casting import cast_people, first_time_s, left_to_right, take_name
from pose_core.errors import ConfigError
from pose_core.motion_file import Motion
from tests.support.motions import random_motion


def person(number: int, x_m: float, depth_m: float = 4.0, valid: bool = True) -> Motion:
    seen = np.full(8, valid)
    motion = random_motion(8, seed=number, valid=seen)
    own = motion.joints_camera_m - motion.joints_camera_m[:, :1]
    return replace(motion, joints_camera_m=own + [x_m, 0.0, depth_m], person_id=number)


# Person 3 is far away: more to the right in metres than person 1, but left of them in the picture.
PEOPLE = [person(1, 0.5), person(2, -1.0), person(3, 0.6, 12.0)]


def test_the_order_in_the_picture_counts_not_that_in_the_room() -> None:
    assert left_to_right(PEOPLE) == [1, 2, 0]
    assert left_to_right([person(9, 0.0, valid=False), *PEOPLE]) == [2, 3, 1, 0]


def test_people_who_cross_later_are_taken_as_they_stand_when_all_are_seen() -> None:
    late, early = person(1, 0.0), person(2, 0.0)
    x = np.linspace(-1.0, 1.0, 8)
    valid = np.arange(8) >= 2
    moving = [
        replace(m, joints_camera_m=m.joints_camera_m + np.stack([dx, 0 * dx, 0 * dx], axis=-1)[:, None])
        for m, dx in ((late, 3 * x), (early, -x))
    ]
    assert left_to_right(moving) == [0, 1]  # by their medians nobody could tell
    rotations, root, joints, camera = (
        np.where(valid.reshape(-1, *[1] * (v.ndim - 1)), v, np.nan)
        for v in (
            moving[0].rotations_wxyz, moving[0].root_translation_m, moving[0].joints_world_m, moving[0].joints_camera_m
        )
    )  # fmt: skip
    cut = replace(
        moving[0], rotations_wxyz=rotations, root_translation_m=root, joints_world_m=joints, joints_camera_m=camera
    )
    assert left_to_right([cut, moving[1]]) == [0, 1]  # at the third frame
    assert left_to_right([moving[1], cut]) == [1, 0]


def seen_at(motion: Motion, x_m: np.ndarray, frames: np.ndarray) -> Motion:
    """The same person, the pelvis at these places (T,), seen in these frames alone."""
    camera = (
        motion.joints_camera_m - motion.joints_camera_m[:, :1] + np.stack([x_m, 0 * x_m, 0 * x_m + 4.0], -1)[:, None]
    )

    def cut(values: np.ndarray) -> np.ndarray:
        return np.where(frames.reshape(-1, *[1] * (values.ndim - 1)), values, np.nan)

    return replace(
        motion, rotations_wxyz=cut(motion.rotations_wxyz), root_translation_m=cut(motion.root_translation_m),
        joints_world_m=cut(motion.joints_world_m), joints_camera_m=cut(camera),
    )  # fmt: skip


def test_the_first_moment_when_all_are_seen_decides_not_the_first_of_each_nor_the_last() -> None:
    """One starts on the right, is on the left when the other comes in, and on the right again in the end."""
    frames, n = np.arange(8), np.full(8, True)
    crossing = seen_at(person(1, 0.0), np.array([1.0, 0.8, 0.4, -0.6, -0.5, 0.5, 0.8, 1.0]), n)
    standing = seen_at(person(2, 0.0), np.zeros(8), frames >= 3)
    assert left_to_right([standing, crossing]) == [1, 0]
    assert left_to_right([crossing, standing]) == [0, 1]


def test_people_who_are_never_seen_together_stand_where_each_was_seen_first() -> None:
    frames = np.arange(8)
    early = seen_at(person(1, 0.0), np.linspace(0.5, -3.0, 8), frames < 4)
    late = seen_at(person(2, 0.0), np.linspace(3.0, -3.0, 8), frames >= 5)
    assert left_to_right([early, late]) == [1, 0]


def test_roles_without_a_number_are_filled_from_the_left() -> None:
    cast = cast_people(PEOPLE, [None, None, None])
    assert cast.people == (1, 2, 0) and cast.others == ()


def test_with_fewer_roles_the_most_prominent_people_play() -> None:
    cast = cast_people(PEOPLE, [None, None])
    assert cast.people == (1, 0) and cast.others == (2,)


def test_a_number_goes_before_the_order() -> None:
    cast = cast_people(PEOPLE, [None, 2])
    assert cast.people == (0, 1) and cast.others == (2,)


def test_a_role_may_find_nobody() -> None:
    assert cast_people(PEOPLE[:1], [None, None]).people == (0, None)


@pytest.mark.parametrize(
    ("wanted", "words"), [([4], "no person 4 .* found: 1, 2, 3"), ([2, None, 2], "two characters")]
)
def test_a_cast_that_cannot_be_is_refused(wanted: list[int | None], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        cast_people(PEOPLE, wanted)


def test_names_and_times_of_several_people_go_together() -> None:
    assert (take_name("walk", 7, 1), take_name("walk", 7, 2)) == ("walk", "walk.p7")
    late = replace(PEOPLE[1], timestamps_s=PEOPLE[1].timestamps_s + 2.0)
    assert first_time_s([late, PEOPLE[0]]) == PEOPLE[0].timestamps_s[0]
