"""The worker's own side: reads messages from stdin, runs one job at a time, answers on stdout.

The main thread runs the jobs; a second one reads stdin, so that a cancel or the end of the parent is noticed while a
job runs. Heavy libraries are imported by the jobs alone, so that the worker is ready at once.
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import platform
import queue
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from types import FrameType
from typing import TYPE_CHECKING, BinaryIO

from pose_core import __version__
from pose_core.errors import CancelledError, PoseCoreError, cut
from pose_core.worker import protocol
from pose_core.worker.protocol import Message, ProtocolError

if TYPE_CHECKING:
    from pose_core.types import CancelCallback, Progress, ProgressCallback

PROGRESS_INTERVAL_S = 0.1
MOST_TRACEBACK = 20_000
"""Characters of a traceback that a message carries; the log has it too."""
GRACE_AFTER_PARENT_S = 5.0
"""How long a job may take to end by itself once nobody listens any more."""

Job = Callable[[Message, "ProgressCallback", "CancelCallback"], protocol.Result]
"""Runs one message's job; raises `CancelledError` once the cancel callback returned True and it has cleaned up."""


def default_jobs() -> dict[type[Message], Job]:
    """The jobs of the real worker, none of which imports anything heavy before it is called."""
    from pose_core.worker import jobs

    return {
        protocol.Estimate: jobs.run_estimate,
        protocol.SelfTest: jobs.run_self_test,
        protocol.GetModels: jobs.run_get_models,
    }


class Server:
    """Serves one client over a pair of binary streams.

    Args:
        source: where messages come from.
        sink: where answers go; nothing else may write there.
        jobs: what to run for which message.
        version: what to call ourselves in the handshake.
    """

    def __init__(
        self,
        source: BinaryIO,
        sink: BinaryIO,
        jobs: Mapping[type[Message], Job] | None = None,
        version: str = __version__,
    ) -> None:
        self._source = source
        self._sink = sink
        self._jobs = default_jobs() if jobs is None else dict(jobs)
        self._version = version
        self._inbox: queue.SimpleQueue[Message | ProtocolError | None] = queue.SimpleQueue()
        self._send_lock = threading.Lock()
        self._closing = threading.Event()
        self._cancelled_ids: set[str] = set()
        self._greeted = False

    def serve(self) -> int:
        """Run until the client says shutdown or its end of the pipe closes; return the exit code."""
        threading.Thread(target=self._read, name="pose-core-reader", daemon=True).start()
        while True:
            item = self._inbox.get()
            if item is None:
                return 0
            if isinstance(item, ProtocolError):
                self._send(protocol.Failure(None, item.code, item.message, item.hint))
            elif isinstance(item, protocol.Hello):
                self._greet(item)
            else:
                self._run(item)

    def close(self) -> None:
        """End soon: cancel the running job, and end the process by force if it does not stop in time."""
        if self._closing.is_set():
            return
        self._closing.set()
        self._inbox.put(None)
        watchdog = threading.Timer(GRACE_AFTER_PARENT_S, os._exit, (1,))
        watchdog.daemon = True
        watchdog.start()

    def _read(self) -> None:
        with contextlib.suppress(OSError, ValueError):  # a closed stream ends it as an end of file does
            while line := self._source.readline(protocol.MAX_LINE_BYTES + 1):
                try:
                    message = protocol.decode(line)
                except ProtocolError as error:
                    self._inbox.put(error)
                    if len(line) > protocol.MAX_LINE_BYTES:
                        break  # where the next message begins is unknown from here on
                    continue
                if isinstance(message, protocol.Cancel):
                    self._cancelled_ids.add(message.id)
                elif isinstance(message, protocol.Shutdown):
                    break
                else:
                    self._inbox.put(message)
        self.close()

    def _greet(self, hello: protocol.Hello) -> None:
        self._greeted = hello.version == self._version
        self._send(protocol.Ready(self._version, platform.python_version(), os.getpid()))

    def _run(self, message: Message) -> None:
        job = self._jobs.get(type(message))
        job_id = getattr(message, "id", None)
        if job is None or not isinstance(job_id, str):
            self._send(protocol.Failure(None, "protocol", f"A worker does not take '{message.type}' messages."))
            return
        if not self._greeted:
            self._send(
                protocol.Failure(
                    job_id,
                    "protocol",
                    f"No client of version {self._version} has said hello.",
                    "Bring the add-on and the worker environment to the same version.",
                )
            )
            return
        self._send(self._answer(job, message, job_id))
        self._cancelled_ids.discard(job_id)

    def _answer(self, job: Job, message: Message, job_id: str) -> Message:
        def cancelled() -> bool:
            return self._closing.is_set() or job_id in self._cancelled_ids

        try:
            if cancelled():
                return protocol.Cancelled(job_id)
            result = job(message, _Throttle(job_id, self._send), cancelled)
            protocol.encode(result)
            return result
        except CancelledError:
            return protocol.Cancelled(job_id)
        except PoseCoreError as error:
            text = cut(traceback.format_exc(), MOST_TRACEBACK)
            print(text, file=sys.stderr, flush=True)
            return protocol.Failure(job_id, error.code, error.message, error.hint, text)
        except Exception as error:  # noqa: BLE001 - the outer boundary: one broken job must not end the worker silently
            text = cut(traceback.format_exc(), MOST_TRACEBACK)
            print(text, file=sys.stderr, flush=True)
            hint = "This is a fault of Pose Core; the worker's log has the details."
            return protocol.Failure(job_id, "unexpected", cut(f"{type(error).__name__}: {error}"), hint, text)

    def _send(self, message: Message) -> None:
        line = protocol.encode(message)
        try:
            with self._send_lock:
                self._sink.write(line)
                self._sink.flush()
        except OSError:  # the client is gone
            self.close()


class _Throttle:
    """Passes progress on, at most every `PROGRESS_INTERVAL_S` but for the first and last of a stage."""

    def __init__(self, job_id: str, send: Callable[[Message], None]) -> None:
        self._job_id = job_id
        self._send = send
        self._stage = ""
        self._sent_s = 0.0

    def __call__(self, progress: Progress) -> None:
        now_s = time.monotonic()
        new_stage = progress.stage != self._stage
        finished = 0 < progress.total <= progress.done
        if not (new_stage or finished or now_s - self._sent_s >= PROGRESS_INTERVAL_S):
            return
        self._stage, self._sent_s = progress.stage, now_s
        self._send(
            protocol.ProgressUpdate(
                self._job_id,
                progress.stage,
                int(progress.done),
                int(progress.total),
                protocol.plain(float(progress.frames_per_s)) or 0.0,
                None if progress.seconds_left is None else protocol.plain(float(progress.seconds_left)),
            )
        )


def claim_standard_streams() -> tuple[BinaryIO, BinaryIO]:
    """Take stdin and stdout for the protocol alone.

    File descriptor 1 then leads to stderr and 0 to nothing, so that what native libraries and child processes write
    or read cannot disturb the messages.

    Returns:
        (source, sink) binary streams.
    """
    source_fd, sink_fd = os.dup(0), os.dup(1)
    if sys.platform == "win32":
        import msvcrt

        msvcrt.setmode(source_fd, os.O_BINARY)
        msvcrt.setmode(sink_fd, os.O_BINARY)
    sys.stdout.flush()
    os.dup2(2, 1)
    with open(os.devnull, "rb") as nothing:  # noqa: PTH123 - a device, not a file
        os.dup2(nothing.fileno(), 0)
    return os.fdopen(source_fd, "rb"), os.fdopen(sink_fd, "wb")


def main(jobs: Mapping[type[Message], Job] | None = None, version: str = __version__) -> int:
    """Serve the process that started this one; return the exit code.

    Args:
        jobs: what to run for which message, the real jobs by default.
        version: what to call ourselves in the handshake.
    """
    source, sink = claim_standard_streams()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(line_buffering=True, errors="backslashreplace")
    faulthandler.enable()
    server = Server(source, sink, jobs, version)

    def stop(_number: int, _frame: FrameType | None) -> None:
        server.close()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    code = server.serve()
    sys.stderr.flush()
    # Threads of native libraries may hang an ordinary exit; all results are written by now.
    os._exit(code)
