"""The whole of `track_people` on made-up worlds, where the truth is known."""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np
import pytest

from pose_core.config import TrackConfig
from pose_core.errors import CancelledError
from pose_core.keypoints.crop import Region
from pose_core.keypoints.pose import PoseSample
from pose_core.runtime.store import ModelStore
from pose_core.track import TrackResult, track_people
from pose_core.track import run as run_module
from pose_core.track.motion import RegionMotion
from pose_core.track.networks import Networks
from pose_core.track.person import Person, State
from pose_core.types import KeypointTrack, Progress
from tests.track.world import FPS, IMAGE_SIZE, Actor, World, present, walks

REGION = Region(100.0, 100.0, 100.0, 100.0)
Run = Callable[..., TrackResult]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> Run:
    """Tracks a world instead of a video."""

    def track(
        world: World, frames: int, fps: float = FPS, alive: list[object] | None = None, **settings: object
    ) -> TrackResult:
        monkeypatch.setattr(run_module, "open_networks", lambda *_, **__: Networks(world, world, {}))
        callbacks = {k: settings.pop(k) for k in ("progress", "cancel", "frame_count") if k in settings}
        config = TrackConfig(**{"people": 0, **settings})
        return track_people(world.frames(frames, fps, alive), config, ModelStore(cache="unused"), **callbacks)

    return track


def assert_follows(track: KeypointTrack, actor: Actor, tolerance_px: float = 1e-3) -> None:
    """Every pose of the track is that actor's."""
    for t in np.flatnonzero(track.seen):
        truth = actor.keypoints(int(track.frame_indices[t]))
        assert truth is not None, f"frame {t}: a pose where nobody is"
        sure = track.confidence[t] > 0.5
        np.testing.assert_allclose(track.xy_px[t][sure], truth[sure], atol=tolerance_px, err_msg=f"frame {t}")


def test_one_person_is_followed_through_every_frame(run: Run) -> None:
    actor = Actor(walks(150, 500, 60))
    result = run(World([actor]), 60)
    (track,) = result.tracks
    assert track.person_id == 1
    assert track.seen.all()
    assert_follows(track, actor)
    np.testing.assert_allclose(result.timestamps_s, np.arange(60) / FPS)
    assert track.image_size == IMAGE_SIZE


@pytest.mark.parametrize(("fps", "frames"), [(10.0, 31), (10.0, 91), (30.0, 61), (30.0, 91), (60.0, 91), (60.0, 181)])
def test_ids_survive_a_crossing_with_occlusion(run: Run, fps: float, frames: int) -> None:
    front = Actor(walks(120, 520, frames), nearness=1.0)
    back = Actor(walks(520, 120, frames), shape=1.3)
    result = run(World([front, back]), frames, fps)
    assert len(result.tracks) == 2
    for track in result.tracks:
        actor = front if np.allclose(track.xy_px[0], front.keypoints(0), atol=5) else back  # type: ignore[arg-type]
        assert_follows(track, actor)
        assert track.seen[-1] and track.seen[0]
    assert any(track.seen.all() for track in result.tracks), "the one in front is always seen"


def test_a_short_occlusion_keeps_the_id_and_leaves_a_gap(run: Run) -> None:
    actor = Actor(present(walks(200, 400, 120), (0, 40), (70, 120)))
    (track,) = run(World([actor]), 120).tracks
    assert_follows(track, actor)
    assert not track.seen[40:70].any()
    assert np.isnan(track.xy_px[40:70]).all() and (track.confidence[40:70] == 0).all()
    assert track.seen[72:].all() and track.seen[:40].all()


def test_a_long_absence_makes_a_new_person(run: Run) -> None:
    actor = Actor(present(walks(200, 400, 240), (0, 80), (160, 240)))
    result = run(World([actor]), 240)
    assert len(result.tracks) == 2
    assert all(len(track.timestamps_s) == 240 for track in result.tracks)


def test_somebody_entering_between_detections_is_traced_back_to_their_first_frame(run: Run) -> None:
    staying = Actor(walks(150, 150, 90))
    entering = Actor(present(walks(450, 450, 90), (37, 90)))
    result = run(World([staying, entering]), 90, detect_every_s=0.5)
    track = next(t for t in result.tracks if not t.seen[0])
    assert int(np.flatnonzero(track.seen)[0]) == 37
    assert track.seen[37:].all()


def test_somebody_leaving_ends_where_they_are_gone(run: Run) -> None:
    actor = Actor(walks(320, 1400, 90))
    (track,) = run(World([actor]), 90).tracks
    assert track.seen[0] and not track.seen[-1]
    assert_follows(track, actor)
    out = [i for i in range(90) if actor.centre(i)[0] > IMAGE_SIZE[0] + 0.5 * actor.size]  # type: ignore[index]
    assert not track.seen[out].any()


def test_flickering_false_alarms_are_dropped(run: Run) -> None:
    actor = Actor(walks(150, 400, 90))
    result = run(World([actor], false_alarms=dict.fromkeys((0, 15, 16, 30, 45, 46, 47), (560.0, 90.0))), 90)
    assert len(result.tracks) == 1
    assert_follows(result.tracks[0], actor)


def test_a_region_that_runs_away_is_brought_back_with_the_frames_it_spoilt(run: Run) -> None:
    actor = Actor(walks(300, 320, 90), size=120.0)
    world = World([actor], runs_away_in=range(20, 90))
    (track,) = run(world, 90, detect_every_s=0.5).tracks
    assert track.seen.all()
    spoilt = np.linalg.norm(track.xy_px - [actor.keypoints(k) for k in range(90)], axis=2).mean(axis=1) > 1
    assert not spoilt[31:].any(), "the detector ran once more by then"
    assert spoilt.sum() <= 2


def test_a_network_that_is_never_sure_sees_nobody(run: Run) -> None:
    world = World([Actor(walks(150, 400, 60))], score=0.4)
    assert run(world, 60).tracks == ()


def test_nobody_gives_no_tracks(run: Run) -> None:
    result = run(World([]), 20)
    assert result.tracks == ()
    assert len(result.timestamps_s) == 20


def test_no_frames_give_an_empty_result(run: Run) -> None:
    result = run(World([]), 0)
    assert result.tracks == () and result.timestamps_s.shape == (0,)


def test_one_frame_is_enough(run: Run) -> None:
    actor = Actor(walks(300, 301, 2))
    (track,) = run(World([actor]), 1).tracks
    assert track.xy_px.shape == (1, 17, 2)
    assert_follows(track, actor)


def test_the_large_central_long_present_person_comes_first(run: Run) -> None:
    small = Actor(walks(500, 510, 60), size=90.0)
    large = Actor(walks(300, 310, 60), size=170.0)
    passing = Actor(present(walks(100, 110, 60), (20, 40)), size=180.0)
    result = run(World([small, passing, large]), 60)
    assert [t.person_id for t in result.tracks] == [1, 2, 3]
    assert_follows(result.tracks[0], large)
    assert result.tracks[0].diagnostics["prominence_s"] > result.tracks[1].diagnostics["prominence_s"]


def test_people_and_person_choose_among_the_same_ids(run: Run) -> None:
    actors = [Actor(walks(x, x, 60), size=s) for x, s in ((100, 120.0), (320, 160.0), (540, 90.0))]
    everybody = run(World(actors), 60).tracks
    two = run(World(actors), 60, people=2).tracks
    third = run(World(actors), 60, people=1, person_id=3).tracks
    assert [t.person_id for t in two] == [1, 2]
    assert [t.person_id for t in third] == [3]
    np.testing.assert_array_equal(third[0].xy_px, everybody[2].xy_px)
    assert run(World(actors), 60, person_id=4).tracks == ()


def test_no_keypoints_are_computed_for_people_who_cannot_be_the_most_prominent(run: Run) -> None:
    world = World([Actor(walks(300, 300, 60), size=200.0), Actor(walks(560, 560, 60), size=60.0)])
    (track,) = run(world, 60, people=1).tracks
    assert_follows(track, world.actors[0])
    assert not [x for _, x in world.estimates if x > 480]


def test_a_larger_passer_by_does_not_interrupt_the_main_person(run: Run) -> None:
    main = Actor(walks(320, 330, 150), size=110.0)
    passing = Actor(present(walks(60, 600, 150), (60, 90)), size=240.0, nearness=-1.0)
    (track,) = run(World([main, passing]), 150, people=1).tracks
    assert_follows(track, main)
    assert track.seen.mean() > 0.95


def test_unsure_keypoints_are_left_out(run: Run) -> None:
    actor = Actor(walks(20, 20, 30))
    (track,) = run(World([actor]), 30, min_keypoint_confidence=0.1).tracks
    outside = actor.keypoints(0)[:, 0] < 0  # type: ignore[index]
    assert outside.any()
    assert np.isnan(track.xy_px[:, outside]).all()
    assert (track.confidence[:, outside] == 0).all()


def test_the_result_does_not_depend_on_the_number_of_cores(run: Run) -> None:
    actors = [Actor(walks(100, 500, 75), nearness=1.0), Actor(walks(500, 150, 75))]
    one, four = (run(World(actors, noise_px=1.0), 75, threads=n).tracks for n in (1, 4))
    assert len(one) == len(four)
    for a, b in zip(one, four, strict=True):
        np.testing.assert_array_equal(a.xy_px, b.xy_px)


def test_pictures_are_let_go_of(run: Run) -> None:
    alive: list[object] = []
    most = 0

    def count(_: Progress) -> None:
        nonlocal most
        most = max(most, sum(ref() is not None for ref in alive))  # type: ignore[operator]

    run_module._PROGRESS_EVERY_S, before = -1.0, run_module._PROGRESS_EVERY_S  # type: ignore[misc]
    try:
        run(World([Actor(walks(100, 500, 200))]), 200, alive=alive, progress=count, detect_every_s=0.5)
    finally:
        run_module._PROGRESS_EVERY_S = before  # type: ignore[misc]
    assert 0 < most <= 0.5 * FPS + 9


def test_progress_reaches_the_end(run: Run) -> None:
    seen: list[Progress] = []
    run(World([Actor(walks(100, 500, 50))]), 50, progress=seen.append, frame_count=50)
    assert [p.done for p in seen] == sorted(p.done for p in seen)
    assert seen[-1].done == seen[-1].total == 50 and seen[-1].stage == "track"


def test_cancelling_stops_between_frames_and_leaves_no_thread(run: Run) -> None:
    before = threading.active_count()
    calls = iter(range(1000))
    with pytest.raises(CancelledError):
        run(World([Actor(walks(100, 500, 50))]), 50, cancel=lambda: next(calls) > 10)
    assert threading.active_count() <= before


def test_uneven_times_are_kept(run: Run) -> None:
    world = World([Actor(walks(200, 300, 40))])
    result = run(world, 40, fps=29.97)
    np.testing.assert_allclose(result.timestamps_s, np.arange(40) / 29.97)


def a_person(scores: list[tuple[int, int, float]]) -> Person:
    """Somebody seen in stretches of (first, stop, score)."""
    person = Person(0, RegionMotion(REGION, 0.0), RegionMotion(REGION, 0.0), State.FOLLOWED, 0.0)
    for first, stop, score in scores:
        person.stretch_starts.append(first)
        for position in range(first, stop):
            person.record(position, PoseSample(np.zeros((3, 2)), np.ones(3), score, np.zeros(4), REGION))
    return person


@pytest.mark.parametrize(
    ("stretches", "kept"),
    [
        ([(0, 5, 0.9)], []),
        ([(0, 5, 0.97)], [*range(5)]),
        ([(0, 40, 0.9)], [*range(40)]),
        ([(0, 40, 0.8)], []),
        ([(0, 40, 0.99), (50, 54, 0.9), (60, 64, 0.7)], [*range(40), *range(50, 54)]),
        ([(0, 4, 0.7), (50, 90, 0.99)], [*range(50, 90)]),
    ],
)
def test_doubtful_stretches_are_dropped(stretches: list[tuple[int, int, float]], kept: list[int]) -> None:
    person = a_person(stretches)
    person.drop_doubtful(0.96, long_stretch=30)
    assert person.positions == kept
    assert len(person.xy_px) == len(person.scores) == len(kept)


def test_forgetting_and_taking_over() -> None:
    person, other = a_person([(10, 20, 1.0)]), a_person([(0, 8, 1.0)])
    person.forget(15)
    assert person.positions == [*range(10, 15)]
    person.forget(11, 13)
    assert person.positions == [10, 13, 14]
    person.take_over(other)
    assert person.positions == [*range(8), 10, 13, 14] and other.positions == []
    assert person.stretch_starts == [0, 10]
    late = a_person([(14, 30, 1.0)])
    person.take_over(late)
    assert late.positions, "records that overlap are two people"
