"""Estimate Pose: the video goes to the worker, its motion onto the character."""

from collections.abc import Generator, Iterator
from dataclasses import replace
from typing import Any

import bpy

from pose_core.config import EstimateRequest
from pose_core.doubts import DoubtSpan, doubt_spans
from pose_core.errors import ConfigError, PoseCoreError, WorkerError
from pose_core.motion_file import Motion, read_motion
from pose_core.worker.client import WorkerClient
from pose_core.worker.protocol import Result

from ..bone_list import map_for_run
from ..bridge.apply_motion import apply_steps, plan_motion
from ..bridge.steps import beside
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
            target = bpy.data.objects[self._target_name]
            self._options = replace(self._options, bone_map=map_for_run(target))
            plan_motion(target, self._options)
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
        paths = results[0].motion_paths
        motions, doubts = yield from beside(lambda: _read(paths))
        job.cancellable = False
        job.show("Writing keyframes", 1.0)
        yield
        scene = bpy.data.scenes.get(self._scene_name)
        target = bpy.data.objects.get(self._target_name) if self._target_name is not None else None
        if scene is None or (self._target_name is not None and target is None):
            raise ConfigError(
                f"'{self._target_name or self._scene_name}' was removed while the job ran.",
                f"The motion is kept in {paths[0]}.",
            )
        applied, problems = [], []
        for number, motion in enumerate(motions):
            options = self._options if number == 0 else replace(self._options, bone_map=None)
            steps = apply_steps(bpy.context, motion, target if number == 0 else None, options)
            try:
                applied.append((yield from _in_scene(steps, scene)))
            except PoseCoreError as error:
                # The chosen character is what the job is about; of the others it is good to have most.
                if number == 0:
                    raise
                problems.append(f"Person {motion.person_id}: {error}")
        STATE.summary = summarise(self._scene_name, results[0], motions[0], doubts, applied, problems)
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


def _read(paths: list[str]) -> tuple[list[Motion], tuple[DoubtSpan, ...]]:
    """All motions, and where the first one is unsure.

    Raises:
        PoseCoreError: there is none, or one cannot be read.
    """
    motions = [read_motion(path) for path in paths]
    if not motions:
        raise WorkerError("The worker named no motion file.")
    return motions, doubt_spans(motions[0])


def _target_name(context: bpy.types.Context) -> str | None:
    settings = context.scene.pose_core
    if settings.character == "NEW":
        return None
    if settings.target is None:
        raise ConfigError("No character was chosen.", "Choose an armature, or let one be made.")
    if settings.target.name not in context.view_layer.objects:
        raise ConfigError(f"'{settings.target.name}' is not in this scene's view layer.", "Choose another armature.")
    return settings.target.name


def _in_scene(steps: Generator[None, None, dict[str, Any]], scene: bpy.types.Scene) -> Generator[None, None, dict]:
    """Take each step in that scene: the user may have gone to another one while the job ran."""
    try:
        while True:
            other = {} if bpy.context.scene == scene else {"scene": scene, "view_layer": scene.view_layers[0]}
            # An override must not stay open from one tick of Blender to the next.
            with bpy.context.temp_override(**other):
                try:
                    next(steps)
                except StopIteration as finished:
                    return finished.value
            yield
    finally:
        steps.close()


CLASSES = (POSE_CORE_OT_estimate, POSE_CORE_OT_cancel)
