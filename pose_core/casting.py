"""Several people of one clip, several characters: who plays whom. Knows nothing of Blender."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pose_core.errors import ConfigError
from pose_core.motion_file import Motion


@dataclass(frozen=True)
class Cast:
    """Which person plays which role."""

    people: tuple[int | None, ...]
    """For each role the place of its person in the list of motions; None = nobody was left for it."""
    others: tuple[int, ...]
    """Places of the people without a role, in the order they came in."""


def left_to_right(motions: Sequence[Motion]) -> list[int]:
    """Places of the people in the order in which they stand in the picture, from its left edge to its right one.

    What counts is the first moment at which all of them are seen, as people may cross later; without one, the first
    moment of each.

    Args:
        motions: people of one clip. Those without any pose come last.
    """
    tracks = [_picture_x(motion) for motion in motions]
    seen = [track for track in tracks if track]
    together = sorted(set.intersection(*(set(track) for track in seen))) if seen else []

    def place(i: int) -> float:
        track = tracks[i]
        if not track:
            return np.inf
        return track[together[0]] if together else track[min(track)]

    return sorted(range(len(motions)), key=place)


def cast_people(motions: Sequence[Motion], wanted: Sequence[int | None]) -> Cast:
    """Give every role a person.

    Args:
        motions: the people of a clip, most prominent first.
        wanted: for each role the number of its person, or None for the next one from the left who is not asked for by
            number. Where there are more people than such roles, the most prominent ones are taken.
    Raises:
        ConfigError: a person is asked for who is not there, or who plays two roles.
    """
    by_number = {motion.person_id: i for i, motion in enumerate(motions)}
    named = [person for person in wanted if person is not None]
    twice = sorted({person for person in named if named.count(person) > 1})
    if twice:
        raise ConfigError(f"Person {twice[0]} is to play two characters.", "Give each character a person of its own.")
    absent = [person for person in named if person not in by_number]
    if absent:
        known = ", ".join(map(str, sorted(by_number))) or "nobody"
        raise ConfigError(f"There is no person {absent[0]} in the motion; found: {known}.", "Look at the preview.")
    free = [i for i, motion in enumerate(motions) if motion.person_id not in named]
    chosen = set(free[: sum(person is None for person in wanted)])
    queue = iter([i for i in left_to_right(motions) if i in chosen])
    people = tuple(next(queue, None) if person is None else by_number[person] for person in wanted)
    return Cast(people, tuple(i for i in range(len(motions)) if i not in people))


def take_name(clip: str, person_id: int, people: int) -> str:
    """Name of a person's action and files: the clip's, with the person's number where there are several."""
    return clip if people == 1 else f"{clip}.p{person_id}"


def first_time_s(motions: Sequence[Motion]) -> float:
    """The video time, seconds, at which the first of them starts: what lands on one scene frame for all."""
    return min(float(motion.timestamps_s[0]) for motion in motions)


def _picture_x(motion: Motion) -> dict[float, float]:
    """Time to the place of a person's pelvis across the picture, as a slope: 0 in its middle, negative left of it."""
    pelvis = motion.joints_camera_m[:, motion.joint_names.index("pelvis")]
    seen = np.flatnonzero(motion.valid & (pelvis[:, 2] > 0))
    return {float(motion.timestamps_s[t]): float(pelvis[t, 0] / pelvis[t, 2]) for t in seen}
