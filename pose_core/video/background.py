"""Decoding beside the work on the pictures: a thread ahead of its reader by a bounded number of bytes."""

import threading
import weakref
from collections import deque
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Generic, Protocol, TypeVar

from pose_core.errors import ConfigError

# Twenty full HD pictures: enough to even out key frames and lost tracks, little beside the networks' own memory.
DEFAULT_MAX_BYTES = 64 * 2**20
# Small pictures cost more in their book-keeping than in their pixels.
DEFAULT_MAX_FRAMES = 64
# Decoding one picture takes milliseconds: a thread that has not ended by then hangs in the file system.
CLOSE_TIMEOUT_S = 10.0


class Sized(Protocol):
    """Anything that knows how much memory it holds."""

    @property
    def nbytes(self) -> int: ...


SizedT = TypeVar("SizedT", bound=Sized)


class _Queue(Generic[SizedT]):
    """What the two threads share; knows nothing of the `Prefetcher`, so that a forgotten one can be collected."""

    def __init__(self, max_bytes: int, max_frames: int) -> None:
        self.changed = threading.Condition()
        self.max_bytes = max_bytes
        self.max_frames = max_frames
        self.items: deque[SizedT] = deque()
        self.held_bytes = 0
        self.peak_bytes = 0
        self.is_finished = False
        self.is_stopped = False
        self.error: BaseException | None = None

    def put(self, item: SizedT) -> bool:
        """Add an item as soon as there is room; False if nobody wants it any more."""
        size = item.nbytes
        with self.changed:
            # One item always fits, however large.
            while (
                self.items
                and not self.is_stopped
                and (self.held_bytes + size > self.max_bytes or len(self.items) >= self.max_frames)
            ):
                self.changed.wait()
            if self.is_stopped:
                return False
            self.items.append(item)
            self.held_bytes += size
            self.peak_bytes = max(self.peak_bytes, self.held_bytes)
            self.changed.notify_all()
            return True

    def get(self) -> SizedT:
        """Take the oldest item; raises the other side's error, or StopIteration, when all are taken."""
        with self.changed:
            while not self.items and not self.is_finished and not self.is_stopped:
                self.changed.wait()
            if self.is_stopped:
                raise StopIteration
            if self.items:
                item = self.items.popleft()
                self.held_bytes -= item.nbytes
                self.changed.notify_all()
                return item
            error, self.error = self.error, None
            if error is not None:
                raise error
            raise StopIteration

    def finish(self, error: BaseException | None) -> None:
        with self.changed:
            self.is_finished = True
            self.error = error
            self.changed.notify_all()

    def stop(self) -> None:
        with self.changed:
            self.is_stopped = True
            self.items.clear()
            self.held_bytes = 0
            self.changed.notify_all()


def _fill(queue: _Queue[SizedT], source: Iterator[SizedT]) -> None:
    error: BaseException | None = None
    try:
        for item in source:
            if not queue.put(item):
                break
            del item  # else the thread would keep one picture more than it accounts for
    except BaseException as caught:  # noqa: BLE001 - carried over to the reader's thread and raised there
        error = caught
    finally:
        # A generator can only be closed by the thread that runs it.
        close = getattr(source, "close", None)
        if close is not None:
            close()
        queue.finish(error)


class Prefetcher(Generic[SizedT]):
    """Iterator over frames that another thread produces; close it (or use `with`) to stop that thread early.

    Args:
        frames: what to run through; only the thread touches it from now on.
        max_bytes: memory that waiting frames may hold, bytes.
        max_frames: how many frames may wait.
    Raises:
        ConfigError: a bound below 1.
    """

    def __init__(
        self, frames: Iterable[SizedT], max_bytes: int = DEFAULT_MAX_BYTES, max_frames: int = DEFAULT_MAX_FRAMES
    ) -> None:
        if max_bytes < 1 or max_frames < 1:
            raise ConfigError(f"expected bounds of at least 1, got {max_bytes} bytes and {max_frames} frames.")
        self._queue: _Queue[SizedT] = _Queue(max_bytes, max_frames)
        self._thread = threading.Thread(
            target=_fill, args=(self._queue, iter(frames)), name="pose-core-decode", daemon=True
        )
        # An abandoned iterator must not leave its thread waiting for ever.
        self._abandon = weakref.finalize(self, self._queue.stop)
        self._thread.start()

    @property
    def peak_bytes(self) -> int:
        """Most memory that waiting frames have held so far, bytes."""
        return self._queue.peak_bytes

    @property
    def is_running(self) -> bool:
        """Whether the thread is still at work."""
        return self._thread.is_alive()

    def __iter__(self) -> "Prefetcher[SizedT]":
        return self

    def __next__(self) -> SizedT:
        return self._queue.get()

    def __enter__(self) -> "Prefetcher[SizedT]":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop the thread and wait until it has let go of its source; frames handed out stay valid."""
        self._queue.stop()
        self._thread.join(CLOSE_TIMEOUT_S)


def prefetch(
    frames: Iterable[SizedT], *, max_bytes: int = DEFAULT_MAX_BYTES, max_frames: int = DEFAULT_MAX_FRAMES
) -> Prefetcher[SizedT]:
    """Produce frames in a thread of their own while the caller works on earlier ones.

    Args:
        frames: a reader or any other source of frames.
        max_bytes: memory that waiting frames may hold, bytes; one frame is always let through.
        max_frames: how many frames may wait.
    Returns:
        The frames in the same order; errors of the source are raised where they would have been.
    Raises:
        ConfigError: a bound below 1.
    """
    return Prefetcher(frames, max_bytes, max_frames)
