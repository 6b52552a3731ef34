"""Estimate Pose: the video goes to the worker, its motion onto the character."""

import threading
from collections.abc import Iterator

import bpy

from pose_core.config import EstimateRequest
from pose_core.errors import ConfigError, PoseCoreError, WorkerError
from pose_core.motion_file import Motion, read_motion
from pose_core.worker.client import WorkerClient
from pose_core.worker.protocol import Result

from ..bridge.apply_motion import apply_motion, plan_motion
from ..preferences import get_preferences
from ..request import build_apply_options, build_request
from ..result import summarise
from ..runner import Phase
from ..state import STATE
from ..status import readiness
from .base import JobOperator, cancel_job, redraw


class POSE_CORE_OT_estimate(JobOperator, bpy.types.Operator):
    """Estimate the motion of the person in the video and put it on the character as a new action"""

    bl_idname = "pose_core.estimate"
    bl_label = "Estimate Pose"
    bl_options = {"UNDO"}

    job_kind = "estimate"
    job_title = "Estimate Pose"

    def phases(self, context: bpy.types.Context) -> list[Phase]:
        """Check video, character and worker; then one phase."""
        settings = context.scene.pose_core
        request = build_request(settings, get_preferences(context))
        self._request: EstimateRequest = request
        self._scene_name = context.scene.name
        self._target_name = _target_name(context)
        self._options = build_apply_options(settings, "")
        if self._target_name is not None:
            plan_motion(bpy.data.objects[self._target_name], self._options)
        found = readiness(context, anew=True)
        if not found.environment.usable:
            raise WorkerError(found.environment.problem, found.environment.hint)
        STATE.summary = None
        python = found.environment.python
        return [Phase(lambda: WorkerClient(python), request)]

    def finish(self, context: bpy.types.Context, results: list[Result]) -> Iterator[None]:
        """Read the motions beside Blender's interface, then put them on the characters."""
        job = STATE.job
        job.show("Reading the motion", 1.0)
        reading = _Reading(results[0].motion_paths)
        while reading.is_alive():
            yield
        motions = reading.motions()
        scene = bpy.data.scenes.get(self._scene_name)
        target = bpy.data.objects.get(self._target_name) if self._target_name is not None else None
        if scene is None or (self._target_name is not None and target is None):
            raise ConfigError(
                f"'{self._target_name or self._scene_name}' was removed while the job ran.",
                f"The motion is kept in {results[0].motion_paths[0]}.",
            )
        job.cancellable = False
        job.show("Writing keyframes", 1.0)
        yield
        applied, problems = [], []
        with _in_scene(context, scene):
            for number, motion in enumerate(motions):
                try:
                    report = apply_motion(bpy.context, motion, target if number == 0 else None, self._options)
                except PoseCoreError as error:
                    # The chosen character is what the job is about; of the others it is good to have most.
                    if number == 0:
                        raise
                    problems.append(f"Person {motion.person_id}: {error}")
                else:
                    applied.append({**report, "frame_start": self._options.frame_start})
        STATE.summary = summarise(self._scene_name, results[0], motions, applied, problems)
        self.report({"INFO"}, f"Motion written to {', '.join(STATE.summary.object_names)}")


class POSE_CORE_OT_cancel(bpy.types.Operator):
    """Stop the running job; the scene stays as it is"""

    bl_idname = "pose_core.cancel"
    bl_label = "Cancel"
    bl_options = {"INTERNAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Ask the job to end."""
        cancel_job()
        redraw(context)
        return {"FINISHED"}


class _Reading(threading.Thread):
    """Reads motion files beside the interface: checking a long motion takes longer than a blink."""

    def __init__(self, paths: list[str]) -> None:
        super().__init__(name="pose-core-read", daemon=True)
        self._paths = paths
        self._motions: list[Motion] = []
        self._error: PoseCoreError | None = None
        self.start()

    def run(self) -> None:
        """Read all files; an error is kept for `motions`."""
        try:
            self._motions = [read_motion(path) for path in self._paths]
        except PoseCoreError as error:
            self._error = error

    def motions(self) -> list[Motion]:
        """What was read.

        Raises:
            PoseCoreError: as `read_motion`.
        """
        self.join()
        if self._error is not None:
            raise self._error
        if not self._motions:
            raise WorkerError("The worker named no motion file.")
        return self._motions


def _target_name(context: bpy.types.Context) -> str | None:
    settings = context.scene.pose_core
    if settings.character == "NEW":
        return None
    if settings.target is None:
        raise ConfigError("No character was chosen.", "Choose an armature, or let one be made.")
    if settings.target.name not in context.view_layer.objects:
        raise ConfigError(f"'{settings.target.name}' is not in this scene's view layer.", "Choose another armature.")
    return settings.target.name


def _in_scene(context: bpy.types.Context, scene: bpy.types.Scene):
    """The user may have gone to another scene while the job ran."""
    if context.scene == scene:
        return context.temp_override()
    return context.temp_override(scene=scene, view_layer=scene.view_layers[0])


CLASSES = (POSE_CORE_OT_estimate, POSE_CORE_OT_cancel)
