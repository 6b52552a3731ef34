"""Work on the worker environment and the models: install, verify, self-test, remove, get models."""

from collections.abc import Iterator
from pathlib import Path

import bpy

from pose_core.errors import PoseCoreError, WorkerError
from pose_core.folders import log_folder
from pose_core.install.installer import installer_command, remove_environment
from pose_core.worker.client import JOB_ID, WorkerClient
from pose_core.worker.protocol import GetModels, InstallEnvironment, Result, SelfTest, VerifyEnvironment

from ..job.operator import JobOperator, redraw
from ..job.runner import Phase
from ..job.state import STATE, Problem
from . import bundle
from .preferences import get_preferences
from .status import readiness

ONLINE_HINT = "Allow online access in the preferences under System, or use offline packages and a model folder."


def installer_client() -> WorkerClient:
    """Start the installer on the Python that environments are made with."""
    command = installer_command(get_preferences(bpy.context).base_python_path, bundle.wheel())
    return WorkerClient(command[0], command=command, log_path=log_folder() / "install.log")


def require_online(what: str) -> None:
    """Refuse what needs the network while the user does not allow it.

    Raises:
        WorkerError: online access is off.
    """
    if not bpy.app.online_access:
        raise WorkerError(f"{what} needs the network, and Blender's online access is off.", ONLINE_HINT)


class SetupOperator(JobOperator):
    """Base of the jobs that are about the machine, not about a scene."""

    job_kind = "setup"

    def finish(self, context: bpy.types.Context, results: list[Result]) -> Iterator[None]:
        """Say what was done."""
        STATE.note = self.good_word(results)
        readiness(context, anew=True)
        self.report({"INFO"}, STATE.note)
        yield

    def good_word(self, results: list[Result]) -> str:
        """What to tell of the results.

        Raises:
            WorkerError: they tell of a problem.
        """
        raise NotImplementedError


class POSE_CORE_OT_install(SetupOperator, bpy.types.Operator):
    """Make the Python environment that jobs run in, apart from Blender, and fetch the pose model"""

    bl_idname = "pose_core.install"
    bl_label = "Install Worker Environment"
    bl_options = {"INTERNAL"}

    job_title = "Install the worker environment"

    def phases(self, context: bpy.types.Context) -> list[Phase]:
        """Install; then fetch the model if it is missing and may be fetched."""
        preferences = get_preferences(context)
        if preferences.wheel_folder_path is None:
            require_online("Installing the worker environment")
        folder = preferences.environment
        if folder.is_file():
            raise WorkerError(
                f"'{folder}' is an interpreter, not a folder.", "Clear the environment's path, or name a folder."
            )
        install = InstallEnvironment(
            JOB_ID, str(folder), str(bundle.lock_file()), str(bundle.wheel()), preferences.wheel_folder_path
        )
        phases = [Phase(installer_client, install)]
        if readiness(context, anew=True).model_state != "ready" and bpy.app.online_access:
            phases.append(models_phase(context))
        return phases

    def good_word(self, results: list[Result]) -> str:
        """Tell what was installed."""
        return f"Worker environment installed: {results[0].report['packages']} packages"


class POSE_CORE_OT_verify(SetupOperator, bpy.types.Operator):
    """Compare every file of the worker environment with what was installed"""

    bl_idname = "pose_core.verify"
    bl_label = "Verify"
    bl_options = {"INTERNAL"}

    job_title = "Verify the worker environment"

    def phases(self, context: bpy.types.Context) -> list[Phase]:
        """Look at all files."""
        status = readiness(context, anew=True).environment
        if status.python is None:
            raise WorkerError(status.problem, status.hint)
        message = VerifyEnvironment(JOB_ID, str(status.folder), str(bundle.lock_file()))
        return [Phase(installer_client, message)]

    def good_word(self, results: list[Result]) -> str:
        """Tell that all is as it should be."""
        problems = results[0].report["problems"]
        if problems:
            more = f" (and {results[0].report['count'] - 1} more)" if len(problems) > 1 else ""
            raise WorkerError(
                f"The environment was changed: {problems[0]}{more}", "Install the worker environment again."
            )
        return "The worker environment is as it was installed"


class POSE_CORE_OT_self_test(SetupOperator, bpy.types.Operator):
    """Start the worker and try libraries, video and model"""

    bl_idname = "pose_core.self_test"
    bl_label = "Self-Test"
    bl_options = {"INTERNAL"}

    job_title = "Self-test of the worker"

    def phases(self, context: bpy.types.Context) -> list[Phase]:
        """Try everything."""
        preferences = get_preferences(context)
        message = SelfTest(JOB_ID, preferences.model_folder_path, preferences.device)
        return [Phase(_worker, message)]

    def good_word(self, results: list[Result]) -> str:
        """Tell what the model runs on."""
        checks = results[0].report["checks"]
        bad = [check for check in checks if not check["ok"]]
        if bad:
            raise WorkerError("; ".join(f"{check['name']}: {check['detail']}" for check in bad))
        return f"Self-test passed: {checks[-1]['detail']}"


class POSE_CORE_OT_get_models(SetupOperator, bpy.types.Operator):
    """Fetch the pose model (open source, free for commercial use, no account)"""

    bl_idname = "pose_core.get_models"
    bl_label = "Get Pose Model"
    bl_options = {"INTERNAL"}

    job_title = "Get the pose model"

    def phases(self, context: bpy.types.Context) -> list[Phase]:
        """Fetch the default model."""
        if readiness(context, anew=True).model_state != "ready":
            require_online("Fetching the pose model")
        return [models_phase(context)]

    def good_word(self, results: list[Result]) -> str:
        """Tell which models are here."""
        return f"Model ready: {', '.join(results[-1].report['models'])}"


class POSE_CORE_OT_remove(bpy.types.Operator):
    """Delete the worker environment; models and motions are kept"""

    bl_idname = "pose_core.remove"
    bl_label = "Remove"
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        """Not while it is in use."""
        return STATE.job is None

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Ask first."""
        return context.window_manager.invoke_confirm(self, event)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Remove it."""
        STATE.problem, STATE.note = None, ""
        try:
            remove_environment(Path(get_preferences(context).environment))
        except PoseCoreError as error:
            STATE.problem = Problem.of("setup", error)
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        STATE.note = "Worker environment removed"
        readiness(context, anew=True)
        redraw(context)
        return {"FINISHED"}


def models_phase(context: bpy.types.Context) -> Phase:
    """The phase that fetches the default model."""
    preferences = get_preferences(context)
    return Phase(_worker, GetModels(JOB_ID, [], preferences.model_folder_path))


def _worker() -> WorkerClient:
    status = readiness(bpy.context, anew=True).environment
    if not status.usable:
        raise WorkerError(status.problem, status.hint)
    return WorkerClient(status.python)


CLASSES = (
    POSE_CORE_OT_install,
    POSE_CORE_OT_verify,
    POSE_CORE_OT_self_test,
    POSE_CORE_OT_get_models,
    POSE_CORE_OT_remove,
)
