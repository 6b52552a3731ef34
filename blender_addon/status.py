"""Whether a job could run now: the worker environment and the default model. Looked up rarely, as panels draw often."""

from __future__ import annotations

import time
from dataclasses import dataclass

import bpy

from pose_core.config import TrackConfig
from pose_core.errors import PoseCoreError
from pose_core.runtime.store import ModelStore
from pose_core.worker.environment import EnvironmentStatus, environment_status

from . import bundle
from .preferences import PoseCorePreferences, get_preferences

KEPT_S = 2.0


@dataclass(frozen=True)
class Readiness:
    """What is there and what is not."""

    environment: EnvironmentStatus
    model_state: str
    """`ready`, `missing` or `damaged`."""
    model_problem: str = ""
    model_hint: str = ""

    @property
    def ready(self) -> bool:
        """Whether a job can be started."""
        return self.environment.usable and self.model_state == "ready"


@dataclass
class _Kept:
    key: tuple[str, ...] = ()
    at_s: float = 0.0
    value: Readiness | None = None


_kept = _Kept()


def readiness(context: bpy.types.Context, *, anew: bool = False) -> Readiness:
    """Look what is there; an answer is kept for `KEPT_S`.

    Args:
        context: for the preferences.
        anew: look now.
    """
    preferences = get_preferences(context)
    key = (preferences.environment_path, preferences.model_folder)
    now_s = time.monotonic()
    if anew or _kept.value is None or _kept.key != key or now_s - _kept.at_s > KEPT_S:
        _kept.key, _kept.at_s, _kept.value = key, now_s, _look(preferences)
    return _kept.value


def _look(preferences: PoseCorePreferences) -> Readiness:
    environment = environment_status(preferences.environment, bundle.lock_file())
    try:
        status = ModelStore(model_folder=preferences.model_folder_path).status(TrackConfig().model)
    except PoseCoreError as error:
        return Readiness(environment, "missing", error.message, error.hint)
    problem = {
        "ready": "",
        "missing": "The pose model is not on this machine yet.",
        "damaged": "A file of the pose model is damaged.",
    }[status.state]
    return Readiness(environment, status.state, problem)
