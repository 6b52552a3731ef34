"""Regions that slip from one person onto another, as when one walks behind the other."""

from __future__ import annotations

from collections.abc import Sequence

from pose_core.track.affinity import keypoint_similarity
from pose_core.track.person import Person, Slip, State
from pose_core.track.rules import TrackerRules


def part_doubles(people: Sequence[Person], position: int, time_s: float, rules: TrackerRules) -> None:
    """Let go of people whose region has slipped onto somebody else.

    Args:
        people: everybody, by number; changed in place.
        position: the frame's place in the clip.
        time_s: its time.
        rules: thresholds.
    """
    followed = [p for p in people if p.state is State.FOLLOWED and p.last_sample is not None]
    for k, first in enumerate(followed):
        for second in followed[k + 1 :]:
            _compare(first, second, position, time_s, rules)
    for person in followed:
        if person.slip is not None and people[person.slip.onto].state is not State.FOLLOWED:
            person.slip = None


def _compare(first: Person, second: Person, position: int, time_s: float, rules: TrackerRules) -> None:
    if first.last_sample is None or second.last_sample is None:
        return
    if keypoint_similarity(first.last_sample, second.last_sample) <= rules.same_pose:
        if first.slip is not None and second.slip is not None and first.slip.onto == second.number:
            # Two people again: whose poses were not theirs meanwhile?
            impostor = _impostor(first, second)
            assert impostor.slip is not None
            impostor.forget(impostor.slip.position, position)
            first.slip = second.slip = None
        return
    for person, other in ((first, second), (second, first)):
        assert person.last_sample is not None
        if person.slip is None:
            person.slip = Slip(other.number, position, time_s, person.motion_before)
        person.slip.measure(person.last_sample.next_region, time_s)
    assert first.slip is not None and second.slip is not None
    if time_s - max(first.slip.time_s, second.slip.time_s) >= rules.slip_s:
        impostor = _impostor(first, second)
        _let_go(impostor)
        (second if impostor is first else first).take_over(impostor)


def _impostor(first: Person, second: Person) -> Person:
    """Of two people with the same pose, the one who had to leave their own path for it."""
    assert first.slip is not None and second.slip is not None
    if abs(first.slip.swerve - second.slip.swerve) > 0.02:
        return first if first.slip.swerve > second.slip.swerve else second
    return first if first.prominence_s < second.prominence_s else second


def _let_go(person: Person) -> None:
    """Back to where the person was before the slip, and lost since then."""
    assert person.slip is not None
    person.forget(person.slip.position)
    person.motion = person.slip.motion_before
    person.last_seen_s = person.motion.time_s
    person.last_sample = None
    person.slip = None
    person.state = State.LOST if person.positions else State.ENDED
