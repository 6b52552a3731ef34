"""Runs the phases of a job in worker processes, one after the other. Knows nothing of Blender."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pose_core.config import EstimateRequest
from pose_core.errors import CancelledError, PoseCoreError
from pose_core.worker import protocol
from pose_core.worker.client import WorkerClient, error_from


@dataclass(frozen=True)
class Phase:
    """One worker process with one job."""

    start: Callable[[], WorkerClient]
    """Starts the process; raises PoseCoreError."""
    message: protocol.Message | EstimateRequest


@dataclass(frozen=True)
class Failed:
    """A phase failed."""

    error: PoseCoreError
    details: str = ""


class Runner:
    """The phases of a job.

    Args:
        phases: run in this order; a failure or cancel leaves out the rest.
    """

    def __init__(self, phases: Sequence[Phase]) -> None:
        self._phases = list(phases)
        self.on_progress: Callable[[int, protocol.ProgressUpdate], None] | None = None
        """Told the number of the phase and its progress."""
        self._client: WorkerClient | None = None
        self._cancelled = False
        self.results: list[protocol.Result] = []

    def start(self) -> None:
        """Start the first phase.

        Raises:
            PoseCoreError: its process cannot be started.
        """
        self._next()

    def tick(self) -> Failed | bool:
        """Take what has come, without waiting.

        Returns:
            False while the job runs, True once all is done, or the failure (a `CancelledError` after a cancel).
        """
        if self._client is None:
            return True
        for message in self._client.poll():
            if isinstance(message, protocol.ProgressUpdate):
                if self.on_progress is not None:
                    self.on_progress(len(self.results), message)
                continue
            self._client.close()
            self._client = None
            if isinstance(message, protocol.Failure):
                return Failed(error_from(message), message.traceback)
            if isinstance(message, protocol.Result):
                self.results.append(message)
            if isinstance(message, protocol.Cancelled) or self._cancelled:
                return Failed(CancelledError("The job was cancelled."))
            if len(self.results) == len(self._phases):
                return True
            try:
                self._next()
            except PoseCoreError as error:
                return Failed(error)
            return False
        return False

    def run_blocking(self) -> list[protocol.Result]:
        """Run all phases to the end.

        Raises:
            PoseCoreError: what a phase failed with.
        """
        for number, phase in enumerate(self._phases):

            def told(update: protocol.ProgressUpdate, number: int = number) -> None:
                if self.on_progress is not None:
                    self.on_progress(number, update)

            self.results.append(phase.start().run_blocking(phase.message, told))
        return self.results

    def cancel(self) -> None:
        """Ask the job to end; `tick` tells when it has."""
        self._cancelled = True
        if self._client is not None:
            self._client.cancel()

    def close(self) -> None:
        """End the process that runs, if any, without waiting for it."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def _next(self) -> None:
        phase = self._phases[len(self.results)]
        client = phase.start()
        if isinstance(phase.message, EstimateRequest):
            client.estimate(phase.message)
        else:
            client.submit(phase.message)
        self._client = client
