"""Decoding ahead in a thread: order, bounds, errors, and threads that end."""

import gc
import threading
import time
from dataclasses import dataclass

import pytest

from pose_core.errors import ConfigError, VideoError
from pose_core.video import open_video, prefetch
from tests.video.make import make_video, number_of

PATIENCE_S = 20.0


@dataclass
class Item:
    number: int
    nbytes: int = 100


def wait_until(condition) -> bool:
    end = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.002)
    return True


class Source:
    """Endless items; knows how many were taken and whether it was closed."""

    def __init__(self, fail_at: int | None = None) -> None:
        self.made = 0
        self.closed = threading.Event()
        self.fail_at = fail_at

    def __iter__(self):
        try:
            while self.made != self.fail_at:
                self.made += 1
                yield Item(self.made)
            raise VideoError("expected more, but it broke.")
        finally:
            self.closed.set()


def test_same_items_in_the_same_order():
    assert [item.number for item in prefetch(Item(k) for k in range(500))] == list(range(500))


def test_bounded_by_bytes_and_by_count():
    for options, limit in (({"max_bytes": 1050}, 10), ({"max_frames": 7}, 7)):
        source = Source()
        with prefetch(source, **options) as ahead:
            # One more lies in the thread's hands, waiting for room.
            assert wait_until(lambda source=source, limit=limit: source.made == limit + 1)
            for _ in range(50):
                next(ahead)
            assert source.made <= 50 + limit + 1
            assert ahead.peak_bytes <= limit * 100
        assert source.closed.is_set()


def test_an_item_larger_than_the_bound_passes_alone():
    with prefetch((Item(k, 10**9) for k in range(5)), max_bytes=1) as ahead:
        assert [item.number for item in ahead] == list(range(5))
        assert ahead.peak_bytes == 10**9


def test_errors_come_after_the_items_before_them():
    with prefetch(Source(fail_at=30)) as ahead:
        got = []
        with pytest.raises(VideoError, match="broke"):
            for item in ahead:
                got.append(item.number)
        assert got == list(range(1, 31))
        assert next(ahead, None) is None


def test_closing_early_stops_the_thread():
    source = Source()
    ahead = prefetch(source)
    next(ahead)
    ahead.close()
    assert not ahead.is_running
    assert source.closed.is_set()
    assert next(ahead, None) is None
    ahead.close()


def test_error_in_the_consumer_stops_the_thread():
    source = Source()
    with pytest.raises(RuntimeError, match="mine"), prefetch(source) as ahead:
        next(ahead)
        raise RuntimeError("mine")
    assert not ahead.is_running


def test_an_abandoned_iterator_lets_its_thread_end():
    source = Source()
    ahead = prefetch(source)
    next(ahead)
    del ahead
    gc.collect()
    assert wait_until(source.closed.is_set)


def test_real_video_and_its_file_are_let_go(tmp_path):
    path = make_video(tmp_path / "clip.mp4", 100)
    with open_video(path) as reader, prefetch(reader, max_bytes=40_000) as ahead:
        kept = next(ahead)
        assert [number_of(frame.to_rgb()) for frame in ahead] == list(range(1, 100))
    assert number_of(kept.to_rgb()) == 0
    assert reader.diagnostics["frames_yielded"] == 100
    with open_video(path) as reader, prefetch(reader) as ahead:
        kept = next(ahead)
    assert number_of(kept.to_rgb()) == 0, "a frame must outlive its reader"


@pytest.mark.parametrize("options", [{"max_bytes": 0}, {"max_frames": 0}])
def test_empty_bounds_are_refused(options):
    with pytest.raises(ConfigError):
        prefetch([], **options)
