"""Cuts and gaps part a clip; flashes, lights, pans and people passing by do not."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from pose_core.config import EstimateRequest, TrackConfig
from pose_core.motion_file import read_motion
from pose_core.pipeline import break_warnings, estimate
from pose_core.track.cuts import CUT, GAP, Break, with_breaks
from pose_core.video import open_video
from pose_core.video.frame import VideoFrame
from tests.support.shared import shared_file

CLIPS = ("balance_cam01", "balance_cam04", "two_people_cam01", "street_two_people", "sit_single", "hand_cam0",
         "corridor_empty_spans")  # fmt: skip


def breaks_of(frames: Iterable[VideoFrame]) -> list[tuple[int, str]]:
    return [(k, found.kind) for k, (_, found) in enumerate(with_breaks(frames)) if found is not None]


def scene(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    coarse = rng.integers(20, 200, (5, 9, 3), dtype=np.uint8)
    return cv2.resize(coarse, (320, 180), interpolation=cv2.INTER_CUBIC)


def film(pictures: Sequence[np.ndarray], times: Sequence[float] | None = None) -> list[VideoFrame]:
    return [
        VideoFrame.from_rgb(np.ascontiguousarray(rgb), index=k, time_s=k / 30 if times is None else times[k])
        for k, rgb in enumerate(pictures)
    ]


@pytest.mark.parametrize("name", CLIPS)
def test_real_clips_have_no_cuts(name: str) -> None:
    with open_video(shared_file(f"clips/{name}.mp4")) as reader:
        assert breaks_of(reader) == []


def test_the_cut_between_two_men_is_found() -> None:
    with open_video(shared_file("cases/cut_two_people.mp4")) as reader:
        assert breaks_of(reader) == [(48, CUT)]


def test_every_cut_of_a_film_is_found_to_its_last_frame() -> None:
    pictures = [scene(1)] * 10 + [scene(2)] * 10 + [np.zeros((180, 320, 3), np.uint8)] * 4 + [scene(3)] * 9 + [scene(4)]
    assert breaks_of(film(pictures)) == [(10, CUT), (24, CUT), (33, CUT)]


@pytest.mark.parametrize("length", [1, 2, 3])
@pytest.mark.parametrize(
    "flash",
    [
        lambda rgb: np.full_like(rgb, 255),
        np.zeros_like,
        lambda rgb: cv2.convertScaleAbs(rgb, alpha=2.5, beta=60),
        lambda rgb: scene(9),
    ],
    ids=["white", "black", "glare", "another"],
)
def test_flashes_are_no_cuts(flash: Callable[[np.ndarray], np.ndarray], length: int) -> None:
    pictures = [scene(1)] * 20
    pictures[8 : 8 + length] = [flash(scene(1))] * length
    assert breaks_of(film(pictures)) == []


def test_lights_pans_and_people_passing_are_no_cuts() -> None:
    lit = [scene(1)] * 8 + [cv2.convertScaleAbs(scene(1), alpha=1.2, beta=30)] * 8
    assert breaks_of(film(lit)) == []
    wide = np.hstack([scene(k) for k in range(6)])
    pan = [wide[:, at : at + 320] for at in [*[0] * 6, *range(0, 1500, 60), *[1500] * 6]]
    assert breaks_of(film(pan)) == []
    passing = []
    for k in range(20):
        rgb = scene(1).copy()
        cv2.rectangle(rgb, (-200 + 40 * k, 0), (40 * k, 180), (20, 20, 30), -1)
        passing.append(rgb)
    assert breaks_of(film(passing)) == []


@pytest.mark.parametrize(
    ("times", "found"),
    [
        ([0, 0.1, 0.2, 5.0, 5.1], [(3, GAP)]),
        ([0, 0.1, 0.2, 1.5, 1.6], []),
        ([0, 2, 4, 6, 8], []),
        ([0, 2, 4, 20, 22], [(3, GAP)]),
        ([0, 30], []),
        ([0, 9.0, 9.1, 9.2, 9.3], [(1, GAP)]),
    ],
)
def test_gaps_are_measured_by_the_clips_own_rate(times: list[float], found: list[tuple[int, str]]) -> None:
    assert breaks_of(film([scene(1)] * len(times), times)) == found


def test_few_frames_are_held_back_and_none_is_lost() -> None:
    taken = []

    def source() -> Iterable[VideoFrame]:
        for frame in film([scene(1)] * 12):
            taken.append(frame.index)
            yield frame

    for given, (frame, _) in enumerate(with_breaks(source())):
        assert frame.index == given and len(taken) <= given + 4
    assert len(taken) == 12


def test_breaks_are_told_in_words() -> None:
    assert break_warnings([]) == []
    many = [Break(CUT, k, k + 0.04) for k in range(9)]
    cuts, gaps = break_warnings([*many, Break(GAP, 3.0, 40.0)])
    assert "9 cuts at 0.04 s" in cuts and "and 3 more" in cuts
    assert "a gap in time at 3.00 to 40.00 s" in gaps


@pytest.mark.model
def test_nobody_crosses_the_cut(tmp_path: Path) -> None:
    video = str(shared_file("cases/cut_two_people.mp4"))
    result = estimate(EstimateRequest(video, str(tmp_path / "x.motion.npz"), track=TrackConfig(people=0)))
    cut_s = 48 / 30
    for path in result.motion_paths:
        motion = read_motion(path)
        seen = motion.timestamps_s[motion.valid]
        assert np.all(seen < cut_s - 0.01) or np.all(seen > cut_s - 0.01)
    assert len(result.motion_paths) >= 2
    assert any("a cut at 1.60 s" in warning for warning in result.report["warnings"])
