"""The other end of the worker: starts it, sends it a job, and hands on what it answers.

Standard library only; runs in Blender's Python. `poll` never waits, for use from a timer; `run_blocking` waits, for
background mode, where Blender has no timers.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pose_core import __version__
from pose_core.errors import CancelledError, PoseCoreError, WorkerError
from pose_core.folders import log_folder
from pose_core.processes.line_process import LineProcess
from pose_core.temporaries import remove_leftovers
from pose_core.worker import protocol
from pose_core.worker.protocol import Message, ProtocolError

if TYPE_CHECKING:
    from pose_core.config import EstimateRequest

JOB_ID = "job"
READY_TIMEOUT_S = 60.0
"""A cold disk and a virus scanner can hold the first start up for long."""
CANCEL_GRACE_S = 5.0
"""How long a job may take to stop by itself after a cancel."""
TERMINATE_GRACE_S = 3.0
TAIL_LINES_SHOWN = 5


def worker_command(python: str | Path) -> list[str]:
    """The command line of the worker of an environment.

    Args:
        python: the environment's interpreter; `pose_core` must be installed there.
    """
    # -I: neither the working folder nor anything of the user's or Blender's decides what is imported.
    return [str(python), "-I", "-X", "utf8", "-m", "pose_core.worker"]


class WorkerClient:
    """One worker process that runs one job.

    Args:
        python: interpreter of the worker environment.
        log_path: where the worker's stderr goes; `worker.log` in the user's cache by default.
        command: the whole command line instead, for tests.
    Raises:
        WorkerError: the process cannot be started.
    """

    def __init__(self, python: str | Path, *, log_path: Path | None = None, command: list[str] | None = None) -> None:
        self._log_path = log_folder() / "worker.log" if log_path is None else log_path
        self._process = LineProcess(command or worker_command(python), protocol.MAX_LINE_BYTES, self._log_path)
        self._worker_id = self._process.pid
        self._deadline_s = time.monotonic() + READY_TIMEOUT_S
        self._waiting: Message | None = None
        self._unfinished: list[Path] = []
        self._forced = 0
        self._cancel_asked = False
        self._ready = False
        self._finished = False
        self._send(protocol.Hello(__version__))

    @property
    def log_path(self) -> Path:
        """Where the worker's stderr is kept."""
        return self._log_path

    @property
    def finished(self) -> bool:
        """Whether the job's last message has been handed out."""
        return self._finished

    def estimate(self, request: EstimateRequest) -> None:
        """Send a whole job; its messages come by `poll`."""
        self._unfinished = [Path(path) for path in (request.out, request.preview) if path]
        self.submit(protocol.Estimate(JOB_ID, request.to_data()))

    def submit(self, message: Message) -> None:
        """Send the message that starts the one job of this client; its `id` must be `JOB_ID`.

        Raises:
            ProtocolError: the message cannot be sent.
        """
        assert self._waiting is None and not self._finished
        protocol.encode(message)
        self._waiting = message
        if self._ready:
            self._send(message)

    def poll(self) -> list[Message]:
        """Hand out what has come since the last call, without waiting.

        Returns:
            progress updates, and at last exactly one result, failure or cancelled message; nothing after it.
        """
        return self._poll(0.0)

    def cancel(self) -> None:
        """Ask the job to end; from now on `poll` sees to it that it does, by force if need be."""
        if self._cancel_asked or self._finished:
            return
        self._cancel_asked = True
        self._deadline_s = time.monotonic() + CANCEL_GRACE_S
        self._send(protocol.Cancel(JOB_ID))

    def run_blocking(
        self,
        message: Message | EstimateRequest,
        on_progress: Callable[[protocol.ProgressUpdate], None] | None = None,
    ) -> protocol.Result:
        """Run the job to its end and close the worker.

        Args:
            message: the request, or the message that starts another job.
            on_progress: called with every progress update; an exception in it cancels the job.
        Raises:
            PoseCoreError: what the job raised, or `WorkerError` where the worker itself failed.
        """
        try:
            if isinstance(message, Message):
                self.submit(message)
            else:
                self.estimate(message)
            while True:
                for item in self._poll(0.05):
                    if isinstance(item, protocol.ProgressUpdate):
                        if on_progress is not None:
                            on_progress(item)
                    elif isinstance(item, protocol.Result):
                        return item
                    elif isinstance(item, protocol.Failure):
                        raise error_from(item)
                    else:
                        raise CancelledError("The job was cancelled.")
        finally:
            self.close(wait_s=CANCEL_GRACE_S)

    def close(self, wait_s: float = 0.0) -> None:
        """End the worker. Safe to call at any time, and again.

        Args:
            wait_s: how long to wait for it; 0 leaves the waiting to a thread, so that the caller goes on at once.
        """
        self._finished = True
        self._process.close_stdin()
        if wait_s > 0:
            self._dispose(wait_s)
        else:
            threading.Thread(target=self._dispose, args=(CANCEL_GRACE_S,), daemon=True).start()

    def _dispose(self, grace_s: float) -> None:
        self._process.dispose(grace_s)
        if self._process.return_code() != 0:
            self._remove_unfinished()

    def _send(self, message: Message) -> None:
        # A process that takes no more messages shows in the next poll, with its last words.
        self._process.write(protocol.encode(message))

    def _poll(self, wait_s: float) -> list[Message]:
        out: list[Message] = []
        while not self._finished:
            ended = self._process.has_ended()  # asked first: a line written before the end must not be missed
            line = self._process.next_line(0.0 if ended else wait_s)
            wait_s = 0.0
            if line is None:
                if ended:
                    out.append(self._finish(self._ended()))
                elif problem := self._check_time():
                    out.append(self._finish(problem))
                break
            out.extend(self._handle(line))
        return out

    def _handle(self, line: bytes) -> list[Message]:
        try:
            message = protocol.decode(line)
        except ProtocolError as error:
            return [self._finish(self._failure(error.message, error.hint, error.code))]
        if isinstance(message, protocol.Ready):
            return self._welcome(message)
        if isinstance(message, protocol.ProgressUpdate):
            return [] if self._cancel_asked else [message]
        if isinstance(message, (protocol.Result, protocol.Cancelled, protocol.Failure)):
            return [self._finish(message)]
        return [self._finish(self._failure(f"The worker sent a '{message.type}' message, which only a client may."))]

    def _welcome(self, ready: protocol.Ready) -> list[Message]:
        if ready.version != __version__:
            return [
                self._finish(
                    self._failure(
                        f"The worker environment has Pose Core {ready.version}, but {__version__} is needed.",
                        "Install the worker environment again.",
                        "version",
                    )
                )
            ]
        self._ready = True
        self._worker_id = ready.pid  # on Windows that of the environment's Python is another's
        if self._waiting is not None:
            self._send(self._waiting)
        return []

    def _check_time(self) -> Message | None:
        """Take the next step of force when a wait has become too long; return a failure for a start that hangs."""
        if time.monotonic() < self._deadline_s or (self._ready and not self._cancel_asked):
            return None
        if not self._cancel_asked:
            self._process.kill()
            return self._failure(f"The worker did not start within {READY_TIMEOUT_S:.0f} seconds.")
        self._forced += 1
        if self._forced == 1:
            self._process.terminate()
            self._deadline_s += TERMINATE_GRACE_S
        else:
            self._process.kill()
        return None

    def _ended(self) -> Message:
        if self._cancel_asked:
            return protocol.Cancelled(JOB_ID)
        code = self._process.return_code()
        how = f"was ended by signal {-code}" if code is not None and code < 0 else f"ended with code {code}"
        missing = next((line for line in self._process.stderr_tail if "No module named" in line), "")
        if missing and not self._ready:
            return self._failure(
                f"The worker environment is incomplete: {missing.split(':')[-1].strip()}.",
                "Install the worker environment again, or choose another one in the preferences.",
            )
        return self._failure(f"The worker {how} before it was done.")

    def _failure(self, message: str, hint: str = "", code: str = WorkerError.code) -> protocol.Failure:
        tail = self._process.stderr_tail
        last = " Its last words: " + " / ".join(tail[-TAIL_LINES_SHOWN:]) if tail else ""
        hint = hint or f"The log is {self._log_path}."
        return protocol.Failure(JOB_ID, code, message + last, hint, "\n".join(tail))

    def _finish(self, message: Message) -> Message:
        self._finished = True
        if isinstance(message, protocol.Failure) and message.id is None:
            message = replace(message, id=JOB_ID)
        if not isinstance(message, protocol.Result) and self._process.has_ended():
            self._remove_unfinished()
        return message

    def _remove_unfinished(self) -> None:
        """Remove the temporary files of a worker that could not do so itself."""
        for folder in {path.absolute().parent for path in self._unfinished}:
            remove_leftovers(folder, self._worker_id)


def error_from(failure: protocol.Failure) -> PoseCoreError:
    """Turn a failure message back into the error it was made from."""
    kinds = {kind.code: kind for kind in _all_kinds(PoseCoreError)}
    kind = kinds.get(failure.code, WorkerError)
    return kind(failure.message, failure.hint)


def _all_kinds(kind: type[PoseCoreError]) -> list[type[PoseCoreError]]:
    return [kind, *(found for child in kind.__subclasses__() for found in _all_kinds(child))]
