"""Names of a batch's results: no two clips write the same files, whatever they are called and wherever they lie."""

from dataclasses import replace
from itertools import permutations

import pytest

from pose_core.batch.jobs import Job, read_batch
from pose_core.batch.names import with_distinct_names
from pose_core.errors import ConfigError


def names(*clips: str, people: int = 1) -> list[str]:
    return [job.result_name for job in with_distinct_names([Job(video=clip, people=people) for clip in clips])]


@pytest.mark.parametrize(
    ("clips", "expected"),
    [
        (["walk.mp4"], ["walk"]),
        (["walk.mp4", "run.mp4"], ["walk", "run"]),
        (["walk.mp4", "walk.mov"], ["walk_mp4", "walk_mov"]),
        (["mon/walk.mp4", "tue/walk.mp4"], ["mon_walk", "tue_walk"]),
        (["mon/a/walk.mp4", "tue/a/walk.mp4"], ["mon_a_walk", "tue_a_walk"]),
        (["mon/walk.mp4", "tue/walk.mov"], ["walk_mp4", "walk_mov"]),
        (["mon/walk.mp4", "mon/walk.mov", "tue/walk.mp4"], ["mon_walk_mp4", "mon_walk_mov", "tue_walk_mp4"]),
        (["mon/Walk.mp4", "tue/walk.mp4"], ["mon_Walk", "tue_walk"]),
        (["walk.mp4", "x/run.mp4", "y/run.mp4"], ["walk", "x_run", "y_run"]),
    ],
)
def test_clips_are_told_apart_by_kind_and_folder(clips: list[str], expected: list[str]) -> None:
    assert names(*clips) == expected
    for order in permutations(range(len(clips))):
        assert names(*(clips[i] for i in order)) == [expected[i] for i in order]


def test_a_clip_called_like_another_persons_files_gets_another_name() -> None:
    assert names("walk.mp4", "walk.p2.mp4", people=0) == ["walk", "walk.p2_mp4"]
    assert names("walk.mp4", "walk.p2.mp4") == ["walk", "walk.p2"]  # one person: there is no walk.p2


def test_names_given_by_hand_and_other_folders_stay() -> None:
    jobs = [Job(video="a/walk.mp4", name="mine"), Job(video="b/walk.mp4"), Job(video="c/walk.mp4", out="elsewhere")]
    assert [job.result_name for job in with_distinct_names(jobs)] == ["mine", "walk", "walk"]
    named = [Job(video="a/walk.mp4", name="walk"), Job(video="b/walk.mp4")]
    assert [job.result_name for job in with_distinct_names(named)] == ["walk", "b_walk"]


@pytest.mark.parametrize("second", ["a/x.motion.npz", "a/../a/x.motion.npz"])
def test_one_clip_twice_is_refused(second: str) -> None:

    with pytest.raises(ConfigError, match="Two jobs would write"):
        read_batch(["--motion", "a/x.motion.npz", second])


def test_a_name_twice_in_a_manifest_is_refused_whatever_its_capitals(tmp_path) -> None:

    manifest = tmp_path / "jobs.toml"
    manifest.write_text("".join(f"[[job]]\nvideo = '{n}.mp4'\nname = '{n}'\n" for n in ("Hero", "hero")))
    with pytest.raises(ConfigError, match="Two jobs would write"):
        read_batch(["--manifest", str(manifest)])
    assert replace(Job(video="x.mp4"), name="y").result_name == "y"
