"""Estimate Pose: the video goes to the worker, its motion onto the character."""

from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace
from typing import Any

import bpy

from pose_core.casting import cast_people, first_time_s, take_name
from pose_core.config import EstimateRequest
from pose_core.doubts import DoubtSpan, doubt_spans
from pose_core.errors import ConfigError, ModelError, PoseCoreError, WorkerError
from pose_core.motion_file import Motion, read_motion
from pose_core.retarget import BoneMap
from pose_core.worker.client import WorkerClient
from pose_core.worker.protocol import Result

from ..bones.bone_list import map_for_run
from ..bridge.apply_many import Casting, apply_many_steps
from ..bridge.options import ApplyOptions
from ..bridge.plan import plan_motion
from ..bridge.report.apply_report import ApplyReport
from ..bridge.steps import beside
from ..cast.roles import Role, roles_of, uses_list
from ..job.operator import JobOperator, Plan, cancel_job, redraw
from ..job.runner import Phase
from ..job.state import STATE
from ..machine.paths import get_preferences
from ..machine.status import readiness
from .request import build_apply_options, build_request
from .result import summarise


class EstimatePlan(Plan):
    """From the video to keys on the characters."""

    kind = "estimate"
    title = "Estimate Pose"
    changes_scene = True

    def phases(self, context: bpy.types.Context) -> list[Phase]:
        """Check video, characters and worker; then one phase."""
        settings = context.scene.pose_core
        request = build_request(settings, get_preferences(context))
        self._request: EstimateRequest = request
        self._scene_name = context.scene.name
        self._roles = roles_of(context)
        self._only_cast = uses_list(settings) and settings.only_cast
        self._options = build_apply_options(settings, "")
        self._maps: dict[str, BoneMap | None] = {}
        for number, role in enumerate(self._roles):
            target = bpy.data.objects[role.object_name]
            try:
                found_map = self._maps[role.object_name] = map_for_run(target)
                if found_map is not None or bpy.app.background:  # else they have just been found to be certain
                    plan_motion(target, replace(self._options, bone_map=found_map))
            except PoseCoreError:
                settings.active_role = number  # whose bones the panel shows
                raise
        found = readiness(context, anew=True)
        if not found.environment.usable:
            raise WorkerError(found.environment.problem, found.environment.hint)
        if found.chosen_problem:
            raise ModelError(found.chosen_problem, "Choose another one under Model.")
        STATE.summary = None
        python = found.environment.python
        return [Phase(lambda: WorkerClient(python), request)]

    def finish(self, context: bpy.types.Context, results: list[Result]) -> Iterator[None]:
        """Read the motions beside Blender's interface, then put them on the characters: all of them, or none."""
        job = STATE.job
        job.show("Reading the motion", 1.0)
        paths = results[0].motion_paths
        motions, doubts = yield from beside(lambda: _read(paths))
        job.cancellable = False
        job.show("Writing keyframes", 1.0)
        yield
        scene = bpy.data.scenes.get(self._scene_name)
        gone = [role.object_name for role in self._roles if role.object_name not in bpy.data.objects]
        if scene is None or gone:
            raise ConfigError(
                f"'{gone[0] if gone else self._scene_name}' was removed while the job ran.",
                f"The motion is kept in {paths[0]}.",
            )
        played, problems = _played(self._roles, motions, self._only_cast)
        castings = [
            _casting(motions[i], name, replace(self._options, bone_map=self._maps.get(name or "")), len(played))
            for i, name in played
        ]
        zero_s = first_time_s([casting.motion for casting in castings])
        castings = [replace(c, options=replace(c.options, time_zero_s=zero_s)) for c in castings]
        applied = yield from _in_scene(apply_many_steps(bpy.context, castings), scene)
        shown = [motions[i] for i, _ in played]
        STATE.summary = summarise(
            self._scene_name,
            results[0],
            shown,
            [doubts[i] for i, _ in played],
            applied,
            problems,
            self._request.track.model,
        )

    def after_other_file(self, results: list[Result]) -> PoseCoreError | None:
        """The characters are gone; the motion is not."""
        paths = ", ".join(results[0].motion_paths)
        return ConfigError(
            "Another file was opened while the job ran, so that the motion was put on nobody.",
            f"It is kept in {paths}.",
        )


class POSE_CORE_OT_estimate(JobOperator, bpy.types.Operator):
    """Estimate the motion of the people in the video and put it on the characters as new actions"""

    bl_idname = "pose_core.estimate"
    bl_label = "Estimate Pose"
    bl_options: set[str] = set()

    plan_type = EstimatePlan


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


def _read(paths: list[str]) -> tuple[list[Motion], list[tuple[DoubtSpan, ...]]]:
    """All motions, and where each is unsure.

    Raises:
        PoseCoreError: there is none, or one cannot be read.
    """
    motions = [read_motion(path) for path in paths]
    if not motions:
        raise WorkerError("The worker named no motion file.")
    return motions, [doubt_spans(motion) for motion in motions]


def _played(
    roles: Sequence[Role], motions: Sequence[Motion], only_cast: bool
) -> tuple[list[tuple[int, str | None]], list[str]]:
    """Who plays whom.

    Returns:
        Place of each person and the name of their character, None for a new armature, most prominent first; and what
        could not be.
    Raises:
        ConfigError: a person is asked for who was not found, or there is nobody to play at all.
    """
    cast = cast_people(motions, [role.person_id for role in roles])
    pairs = list(zip(roles, cast.people, strict=True))
    played: list[tuple[int, str | None]] = [(i, role.object_name) for role, i in pairs if i is not None]
    played += [] if only_cast else [(i, None) for i in cast.others]
    missed = [role.object_name for role, i in pairs if i is None]
    return sorted(played), [f"Nobody was left in the video to play '{name}'." for name in missed]


def _casting(motion: Motion, name: str | None, options: ApplyOptions, people: int) -> Casting:
    target = None if name is None else bpy.data.objects[name]
    clip = take_name(options.clip_name_for(motion), motion.person_id, people)
    return Casting(motion, target, replace(options, clip_name=clip))


def _in_scene(
    steps: Generator[None, None, list[ApplyReport]], scene: bpy.types.Scene
) -> Generator[None, None, list[ApplyReport]]:
    """Take each step in that scene: the user may have gone to another one while the job ran."""
    try:
        while True:
            other: dict[str, Any] = (
                {} if bpy.context.scene == scene else {"scene": scene, "view_layer": scene.view_layers[0]}
            )
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
