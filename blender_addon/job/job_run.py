"""A job that goes on whatever becomes of the window it was started in: owned here, driven by a timer of Blender.

An operator that is modal ends with its window and with every file that is opened. So operators only start jobs; a small
modal one listens for the escape key, and is put back where Blender has ended it.
"""

from __future__ import annotations

import contextlib
import time
import traceback
from collections.abc import Iterator

import bpy

from pose_core.errors import CancelledError, PoseCoreError
from pose_core.folders import log_folder
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
REDRAWN = ("VIEW_3D", "PREFERENCES")


class Plan:
    """What a job does: phases in worker processes, then small steps in Blender."""

    kind = ""
    """`estimate` or `setup`."""
    title = ""
    changes_scene = False
    """Whether its steps change the file, which makes one undo step of all of them."""

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

    def after_other_file(self, results: list[Result]) -> PoseCoreError | None:
        """What is to be said instead of `finish` if another file was opened meanwhile; None = it does not matter."""
        del results
        return None


class JobRun:
    """A plan that is being carried out.

    Args:
        plan: what to do.
        context: where it was started.
        blocking: run to the end at once, as in background mode.
    Raises:
        PoseCoreError: the job cannot be started.
    """

    def __init__(self, plan: Plan, context: bpy.types.Context, blocking: bool) -> None:
        STATE.problem, STATE.note = None, ""
        STATE.start_s, STATE.slowest_tick_s, STATE.ticks = 0.0, 0.0, 0
        self.plan = plan
        self._blocking = blocking
        self._files_opened = STATE.files_opened
        self._steps: Iterator[None] | None = None
        self._printed = ("", 0.0)
        self._phases = plan.phases(context)
        self.job = JobView(plan.kind, plan.title, Runner(self._phases), stage="Starting the worker")
        self.job.runner.on_progress = self._show
        STATE.job = self.job

    def run(self) -> Problem | None:
        """Run to the end.

        Returns:
            What went wrong; after a cancel a problem without a message.
        """
        try:
            results = self.job.runner.run_blocking()
            for _ in self.plan.finish(bpy.context, results):
                pass
        except PoseCoreError as error:
            return self.fail(error)
        finally:
            self.end()
        return None

    def start(self) -> None:
        """Start, and go on from a timer.

        Raises:
            PoseCoreError: the first process cannot be started.
        """
        self.job.runner.start()
        bpy.app.timers.register(self._tick, first_interval=TIMER_S, persistent=True)
        attach_watch()

    def leave_scene(self) -> None:
        """Another file is about to be opened: what was begun in this one is taken back."""
        if self._steps is not None and self.plan.changes_scene:
            self._steps.close()
            self._steps = None
            error = self.plan.after_other_file(self.job.runner.results)
            self.fail(error or CancelledError("The job was cancelled."))
            self.end()

    def end(self) -> None:
        """Whatever the way out: no process, no job shown."""
        if self._steps is not None:
            self._steps.close()
            self._steps = None
        self.job.runner.close()
        if STATE.job is self.job:
            STATE.job = None
        if _running.run is self:
            _running.run = None
        redraw()

    def fail(self, error: PoseCoreError, details: str = "", log: str = "") -> Problem:
        """Keep what went wrong, for the panel."""
        if isinstance(error, CancelledError):
            STATE.note = f"{self.plan.title}: cancelled"
            return Problem(self.plan.kind, "")
        STATE.problem = Problem.of(self.plan.kind, error, details, log)
        return STATE.problem

    def _tick(self) -> float | None:
        if STATE.job is not self.job:  # the add-on was disabled
            self.end()
            return None
        attach_watch()
        started_s = time.perf_counter()
        try:
            with in_main_window():
                interval_s = self._advance()
        except PoseCoreError as error:
            log = log_folder() / "worker.log"
            self.fail(error, log=str(log) if self.plan.kind == "setup" and log.is_file() else "")
            interval_s = None
        except Exception as error:  # noqa: BLE001 - a timer's errors are seen by nobody: shown, with the traceback kept
            text = traceback.format_exc()
            print(text, flush=True)
            hint = "This is a fault of Pose Core; Copy Details has what a report needs."
            STATE.problem = Problem(self.plan.kind, f"{type(error).__name__}: {error}", hint, text)
            interval_s = None
        STATE.slowest_tick_s = max(STATE.slowest_tick_s, time.perf_counter() - started_s)
        STATE.ticks += 1
        if interval_s is None:
            self.end()
        redraw()
        return interval_s

    def _advance(self) -> float | None:
        """Do what there is to do now.

        Returns:
            Seconds until there may be more; None = all is done.
        Raises:
            PoseCoreError: it failed.
        """
        if self._steps is None:
            outcome = self.job.runner.tick()
            if isinstance(outcome, Failed):
                self.fail(outcome.error, outcome.details, outcome.log)
                return None
            if not outcome:
                return TIMER_S
            results = self.job.runner.results
            gone = self.plan.after_other_file(results) if self._files_opened != STATE.files_opened else None
            if gone is not None:
                raise gone
            self._steps = self.plan.finish(bpy.context, results)
        if self.job.cancelling:
            raise CancelledError("The job was cancelled.")
        try:
            self._take_steps()
        except StopIteration:
            self._steps = None
            if self.plan.changes_scene:
                bpy.ops.ed.undo_push(message=self.plan.title)
            return None
        return TIMER_S if self.job.cancellable else STEP_TIMER_S

    def _take_steps(self) -> None:
        """Take as many steps as fit into a moment that nobody notices.

        Raises:
            StopIteration: that was the last one.
        """
        assert self._steps is not None
        until_s = time.perf_counter() + STEPS_S
        next(self._steps)
        # Nothing but the watch keeps others from changing the scene meanwhile: without it there is one big step.
        while not self.job.cancellable and (time.perf_counter() < until_s or not STATE.watched):
            next(self._steps)

    def _show(self, number: int, update: ProgressUpdate) -> None:
        left = clock(update.seconds_left) if update.seconds_left else ""
        whole = (number + overall_fraction(update.stage, update.done, update.total)) / len(self._phases)
        self.job.show(stage_name(update.stage), max(whole, self.job.fraction), progress_detail(update, left))
        now_s = time.monotonic()
        if self._blocking and (update.stage != self._printed[0] or now_s - self._printed[1] >= PRINT_S):
            self._printed = (update.stage, now_s)
            print(f"Pose Core: {self.job.stage}  {self.job.detail}".rstrip(), flush=True)


class _Running:
    """The run that the timer drives, if any."""

    run: JobRun | None = None


_running = _Running()


def start(plan: Plan, context: bpy.types.Context) -> Problem | None:
    """Start a job that goes on by itself.

    Returns:
        Why it could not be started.
    """
    started_s = time.perf_counter()
    run = None
    try:
        run = _running.run = JobRun(plan, context, blocking=False)
        run.start()
    except PoseCoreError as error:
        if run is not None:
            run.end()
        STATE.problem = Problem.of(plan.kind, error)
        redraw()
        return STATE.problem
    STATE.start_s = time.perf_counter() - started_s
    redraw()
    return None


def run_blocking(plan: Plan, context: bpy.types.Context) -> Problem | None:
    """Run a job to its end, for background mode, where Blender has no timers, and for scripts.

    Returns:
        What went wrong; after a cancel a problem without a message.
    """
    try:
        run = JobRun(plan, context, blocking=True)
    except PoseCoreError as error:
        STATE.problem = Problem.of(plan.kind, error)
        return STATE.problem
    return run.run()


def before_other_file() -> None:
    """Called before a file is opened."""
    if _running.run is not None:
        _running.run.leave_scene()


def cancel_job() -> None:
    """Ask the running job to end."""
    job = STATE.job
    if job is not None and job.cancellable and not job.cancelling:
        job.cancelling = True
        job.show("Cancelling", job.fraction)
        job.runner.cancel()


def main_window() -> bpy.types.Window | None:
    """A window that is nobody's dialogue: the Preferences' own window may close at any time."""
    windows = bpy.context.window_manager.windows
    return next((window for window in windows if window.parent is None), None)


@contextlib.contextmanager
def in_main_window() -> Iterator[None]:
    """Run the block as if from a main window: timers have none."""
    window = main_window()
    if window is None:
        yield
        return
    with bpy.context.temp_override(window=window):
        yield


def attach_watch() -> None:
    """Have the escape key listened to, if nobody does."""
    if STATE.watched or bpy.app.background or main_window() is None:
        return
    with in_main_window(), contextlib.suppress(RuntimeError):  # no window is fit for it now: the next tick tries again
        bpy.ops.pose_core.watch_job("INVOKE_DEFAULT")


class POSE_CORE_OT_watch_job(bpy.types.Operator):
    """Listens for the escape key while a job runs"""

    bl_idname = "pose_core.watch_job"
    bl_label = "Watch Job"
    bl_options = {"INTERNAL"}

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        """Begin to listen."""
        if STATE.job is None or STATE.watched:
            return {"CANCELLED"}
        STATE.watched = True
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Cancel by the escape key; all else in Blender goes on as usual."""
        job = STATE.job
        if job is None:
            STATE.watched = False
            return {"FINISHED", "PASS_THROUGH"}
        if not job.cancellable:
            # While the scene is being changed, for a moment at the end, nothing else may change it.
            return {"RUNNING_MODAL"}
        playing = context.screen is not None and context.screen.is_animation_playing  # which escape stops as well
        if event.type == "ESC" and event.value == "PRESS" and not playing:
            cancel_job()
            redraw()
            return {"RUNNING_MODAL"}
        return {"PASS_THROUGH"}

    def cancel(self, _context: bpy.types.Context) -> None:
        """Called by Blender when the window closes or another file is opened: the job goes on."""
        STATE.watched = False


def redraw() -> None:
    """Have the places redrawn where a job shows."""
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type in REDRAWN:
                for region in area.regions:
                    if region.type in ("UI", "WINDOW") and (area.type == "PREFERENCES" or region.type == "UI"):
                        region.tag_redraw()


CLASSES = (POSE_CORE_OT_watch_job,)
