"""Work on the worker environment and the models: install, verify, self-test, remove, get models."""

from collections.abc import Iterator
from pathlib import Path

import bpy

from pose_core.errors import PoseCoreError, WorkerError
from pose_core.folders import log_folder
from pose_core.install.environment import record_self_test
from pose_core.install.installer import installer_command, remove_environment
from pose_core.worker.client import JOB_ID, WorkerClient
from pose_core.worker.protocol import GetModels, InstallEnvironment, Result, SelfTest, VerifyEnvironment

from ..job.operator import JobOperator, Plan, redraw
from ..job.runner import Phase
from ..job.state import STATE, Problem
from . import bundle
from .paths import MachinePaths, get_preferences
from .status import platform_problem, readiness

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


class SetupPlan(Plan):
    """Base of the jobs that are about the machine, not about a scene."""

    kind = "setup"

    def finish(self, context: bpy.types.Context, results: list[Result]) -> Iterator[None]:
        """Say what was done."""
        STATE.note = self.good_word(results)
        readiness(context, anew=True)
        yield

    def good_word(self, results: list[Result]) -> str:
        """What to tell of the results.

        Raises:
            WorkerError: they tell of a problem.
        """
        raise NotImplementedError


class InstallPlan(SetupPlan):
    """Make the Python environment that jobs run in, apart from Blender, fetch the pose model, and try all of it."""

    title = "Install the worker environment"

    def phases(self, context: bpy.types.Context) -> list[Phase]:
        """Install; fetch the model if it is missing and may be fetched; then the self-test."""
        preferences = get_preferences(context)
        require_platform(preferences)
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
        here = readiness(context, anew=True).model_state == "ready"
        if not here and bpy.app.online_access:
            phases.append(models_phase(context))
        if here or bpy.app.online_access:
            phases.append(self_test_phase(context))
        return phases

    def good_word(self, results: list[Result]) -> str:
        """Tell what was installed, and whether it works."""
        installed = f"Installed {results[0].report['packages']} packages"
        tested = judge_self_test(results[-1]) if "checks" in results[-1].report else "not tested, for want of the model"
        return f"{installed}; {tested}"


class POSE_CORE_OT_install(JobOperator, bpy.types.Operator):
    """Make the Python environment that jobs run in, apart from Blender, and fetch the pose model"""

    bl_idname = "pose_core.install"
    bl_label = "Install Worker Environment"
    bl_options = {"INTERNAL"}

    plan_type = InstallPlan


class VerifyPlan(SetupPlan):
    """Compare every file of the worker environment with what was installed."""

    title = "Verify the worker environment"

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


class POSE_CORE_OT_verify(JobOperator, bpy.types.Operator):
    """Compare every file of the worker environment with what was installed"""

    bl_idname = "pose_core.verify"
    bl_label = "Verify"
    bl_options = {"INTERNAL"}

    plan_type = VerifyPlan


class SelfTestPlan(SetupPlan):
    """Run a whole job on a small clip in the worker, and compare with what is known to come out."""

    title = "Self-test of the worker"

    def phases(self, context: bpy.types.Context) -> list[Phase]:
        """Try everything."""
        return [self_test_phase(context)]

    def good_word(self, results: list[Result]) -> str:
        """Tell how it went."""
        return judge_self_test(results[0])


class POSE_CORE_OT_self_test(JobOperator, bpy.types.Operator):
    """Run a whole job on a small clip in the worker, and compare with what is known to come out"""

    bl_idname = "pose_core.self_test"
    bl_label = "Self-Test"
    bl_options = {"INTERNAL"}

    plan_type = SelfTestPlan


class GetModelsPlan(SetupPlan):
    """Fetch the pose model (open source, free for commercial use, no account)."""

    title = "Get the pose model"

    def phases(self, context: bpy.types.Context) -> list[Phase]:
        """Fetch the default model; try the environment with it."""
        if readiness(context, anew=True).model_state != "ready":
            require_online("Fetching the pose model")
        return [models_phase(context), self_test_phase(context)]

    def good_word(self, results: list[Result]) -> str:
        """Tell which models are here."""
        return f"Model ready: {', '.join(results[0].report['models'])}; {judge_self_test(results[1])}"


class POSE_CORE_OT_get_models(JobOperator, bpy.types.Operator):
    """Fetch the pose model (open source, free for commercial use, no account)"""

    bl_idname = "pose_core.get_models"
    bl_label = "Get Pose Model"
    bl_options = {"INTERNAL"}

    plan_type = GetModelsPlan


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
        return set(context.window_manager.invoke_confirm(self, event))

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


def require_platform(preferences: MachinePaths) -> None:
    """Refuse machines that the packages are not made for, before anything is downloaded.

    Raises:
        WorkerError: naming what is missing.
    """
    problem, advice = platform_problem(preferences)
    if problem:
        raise WorkerError(problem, advice)


def self_test_phase(context: bpy.types.Context) -> Phase:
    """The phase that tries the environment."""
    preferences = get_preferences(context)
    return Phase(_worker, SelfTest(JOB_ID, preferences.model_folder_path, preferences.device))


def judge_self_test(result: Result) -> str:
    """Keep how the self-test went.

    Returns:
        A good word.
    Raises:
        WorkerError: it did not pass.
    """
    checks = result.report["checks"]
    bad = [check for check in checks if not check["ok"]]
    passed = result.report["ok"] is True and not bad
    python = readiness(bpy.context, anew=True).environment.python
    if python is not None:
        record_self_test(python, passed)
        readiness(bpy.context, anew=True)
    if not passed:
        said = "; ".join(f"{check['name']}: {check['detail']}" for check in bad) or "nothing was tried"
        raise WorkerError(f"The self-test failed. {said}", "The log of the worker has the details.")
    return f"self-test passed: {checks[-1]['detail']}"


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
