"""What a reading says of itself to people."""

import dataclasses

import pytest

from pose_core.video.diagnostics import ReadDiagnostics

CLEAN = ReadDiagnostics(frames_decoded=9, frames_yielded=9)


def test_a_clean_reading_warns_of_nothing():
    assert CLEAN.warnings() == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"frames_dropped_damaged": 39, "damaged_packets": 4, "first_damage_s": 1.0}, "at 1.00 s: 39 frames were"),
        ({"damaged_packets": 1}, "is damaged: 1 frame was left out"),
        ({"stopped_early": "the file is cut off"}, "not read to its end: the file is cut off."),
        ({"timestamps_repaired": 2}, "2 frames have no valid time"),
        ({"missing_images": 1}, "1 number is missing"),
        ({"interlaced_frames": 9}, "interlaced"),
    ],
)
def test_whatever_went_wrong_is_said_once(changes, words):
    warnings = dataclasses.replace(CLEAN, **changes).warnings()
    assert len(warnings) == 1
    assert words in warnings[0]


def test_every_count_but_those_of_good_frames_is_told():
    """A count that is added must be told too."""
    counts = {f.name for f in dataclasses.fields(ReadDiagnostics)} - {"frames_decoded", "frames_yielded"}
    counts -= {"first_damage_s", "longest_jump_s"}  # part of another sentence
    for name in counts:
        value = "cut off" if name == "stopped_early" else 3
        assert dataclasses.replace(CLEAN, **{name: value}).warnings(), name
