"""A job in the worker as an operator: with a timer in the interface, blocking in background mode."""

from __future__ import annotations

import time
from collections.abc import Iterator

import bpy

from pose_core.errors import CancelledError, PoseCoreError
from pose_core.stages import clock, overall_fraction, stage_name
from pose_core.worker.protocol import ProgressUpdate, Result

from .runner import Failed, Phase, Runner
from .state import STATE, JobView, Problem, progress_detail

TIMER_S = 0.1
STEP_TIMER_S = 0.01
STEPS_S = 0.012
"""How long the interface may be held up by steps at a time, give or take one step."""
PRINT_S = 2.0
"""How often a blocking job prints how far it is."""


class JobOperator:
    """Mixed into operators: start phases in worker processes, show their progress, then finish in small steps."""

    job_kind = ""
    """`estimate` or `setup`."""
    job_title = ""

    _timer = None
    _timer_s: float | None = None
    _steps: Iterator[None] | None = None
    _job: JobView | None = None
    _blocking = False
    _printed = ("", 0.0)

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        """One job at a time."""
        if STATE.job is not None:
            cls.poll_message_set("Another job is running")
        return STATE.job is None

    def phases(self, context: bpy.types.Context) -> list[Phase]:
        """What to run; checks everything that can be checked before.

        Raises:
            PoseCoreError: the job cannot be started.
        """
        raise NotImplementedError

    def finish(self, context: bpy.types.Context, results: list[Result]) -> Iterator[None]:
        """Take over the results, in steps that are each short; nothing may be left changed if one fails.

        Raises:
            PoseCoreError: they cannot be used.
        """
        raise NotImplementedError

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Run to the end before returning: for background mode, where Blender has no timers, and for scripts."""
        self._blocking = True
        try:
            self._begin(context)
            results = self._job.runner.run_blocking()
            for _ in self.finish(context, results):
                pass
        except PoseCoreError as error:
            return self._fail(context, Problem.of(self.job_kind, error), isinstance(error, CancelledError))
        finally:
            self._end(context)
        return {"FINISHED"}

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        """Start, and go on from a timer."""
        if bpy.app.background:
            return self.execute(context)
        started_s = time.perf_counter()
        try:
            self._begin(context)
            self._job.runner.start()
        except PoseCoreError as error:
            self._end(context)
            return self._fail(context, Problem.of(self.job_kind, error), False)
        STATE.start_s = time.perf_counter() - started_s
        self._set_timer(context, TIMER_S)
        context.window_manager.modal_handler_add(self)
        redraw(context)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Take what the worker sent; everything else in Blender goes on as usual."""
        if STATE.job is not self._job:  # the add-on was disabled or another file opened
            self._end(context)
            return {"CANCELLED"}
        if event.type == "ESC" and event.value == "PRESS":
            cancel_job()
            redraw(context)
            return {"RUNNING_MODAL"}
        if event.type != "TIMER":
            # While the scene is being changed, for a moment at the end, nothing else may change it.
            return {"PASS_THROUGH"} if self._job.cancellable else {"RUNNING_MODAL"}
        started_s = time.perf_counter()
        outcome = self._tick(context)
        STATE.slowest_tick_s = max(STATE.slowest_tick_s, time.perf_counter() - started_s)
        STATE.ticks += 1
        redraw(context)
        return outcome

    def cancel(self, context: bpy.types.Context) -> None:
        """Called by Blender when the operator is ended from outside, such as by another file being opened."""
        self._end(context)

    def _tick(self, context: bpy.types.Context) -> set[str]:
        try:
            if self._steps is None:
                outcome = self._job.runner.tick()
                if isinstance(outcome, Failed):
                    self._end(context)
                    problem = Problem.of(self.job_kind, outcome.error, outcome.details)
                    return self._fail(context, problem, isinstance(outcome.error, CancelledError))
                if outcome:
                    self._steps = self.finish(context, self._job.runner.results)
                return {"PASS_THROUGH"}
            if self._job.cancelling:
                raise CancelledError("The job was cancelled.")
            self._take_steps(context)
        except StopIteration:
            self._end(context)
            return {"FINISHED"}
        except PoseCoreError as error:
            self._end(context)
            return self._fail(context, Problem.of(self.job_kind, error), isinstance(error, CancelledError))
        except BaseException:
            self._end(context)
            raise
        return {"PASS_THROUGH"}

    def _take_steps(self, context: bpy.types.Context) -> None:
        """Take as many steps as fit into a moment that nobody notices.

        Raises:
            StopIteration: that was the last one.
        """
        until_s = time.perf_counter() + STEPS_S
        next(self._steps)
        while not self._job.cancellable and time.perf_counter() < until_s:
            next(self._steps)
        if not self._job.cancellable and self._timer_s != STEP_TIMER_S:
            self._set_timer(context, STEP_TIMER_S)

    def _set_timer(self, context: bpy.types.Context, interval_s: float | None) -> None:
        manager = context.window_manager
        if self._timer is not None:
            manager.event_timer_remove(self._timer)
        self._timer = None if interval_s is None else manager.event_timer_add(interval_s, window=context.window)
        self._timer_s = interval_s

    def _begin(self, context: bpy.types.Context) -> None:
        STATE.problem, STATE.note = None, ""
        STATE.start_s, STATE.slowest_tick_s, STATE.ticks = 0.0, 0.0, 0
        phases = self.phases(context)
        job = JobView(self.job_kind, self.job_title, Runner(phases), stage="Starting the worker")

        def show(number: int, update: ProgressUpdate) -> None:
            left = clock(update.seconds_left) if update.seconds_left else ""
            whole = (number + overall_fraction(update.stage, update.done, update.total)) / len(phases)
            job.show(stage_name(update.stage), max(whole, job.fraction), progress_detail(update, left))
            if self._blocking:
                self._print_progress(update)

        job.runner.on_progress = show
        self._job = STATE.job = job

    def _print_progress(self, update: ProgressUpdate) -> None:
        now_s = time.monotonic()
        if update.stage != self._printed[0] or now_s - self._printed[1] >= PRINT_S:
            self._printed = (update.stage, now_s)
            print(f"Pose Core: {self._job.stage}  {self._job.detail}".rstrip(), flush=True)

    def _end(self, context: bpy.types.Context) -> None:
        """Whatever the way out: no timer, no process, no job shown."""
        self._set_timer(context, None)
        if self._steps is not None:
            self._steps.close()
        if self._job is not None:
            self._job.runner.close()
            if STATE.job is self._job:
                STATE.job = None
            self._job = None
        self._steps = None
        redraw(context)

    def _fail(self, context: bpy.types.Context, problem: Problem, cancelled: bool) -> set[str]:
        if cancelled:
            STATE.note = f"{self.job_title}: cancelled"
            self.report({"INFO"}, STATE.note)
        else:
            STATE.problem = problem
            text = f"{problem.message} {problem.hint}".strip()
            # In the interface the panel shows it; a script must get an exception.
            self.report({"ERROR"} if self._blocking else {"WARNING"}, text)
        redraw(context)
        return {"CANCELLED"}


def cancel_job() -> None:
    """Ask the running job to end."""
    job = STATE.job
    if job is not None and job.cancellable and not job.cancelling:
        job.cancelling = True
        job.show("Cancelling", job.fraction)
        job.runner.cancel()


def redraw(context: bpy.types.Context) -> None:
    """Have the places redrawn where a job shows."""
    for window in context.window_manager.windows:
        for area in window.screen.areas:
            if area.type in ("VIEW_3D", "PREFERENCES"):
                for region in area.regions:
                    if region.type in ("UI", "WINDOW") and (area.type == "PREFERENCES" or region.type == "UI"):
                        region.tag_redraw()
