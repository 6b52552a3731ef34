"""Whether a job could run now: the worker environment and the pose model. Looked up rarely, as panels draw often."""

from __future__ import annotations

import time
from dataclasses import dataclass

import bpy

from pose_core.config import TrackConfig
from pose_core.errors import PoseCoreError
from pose_core.install.environment import EnvironmentStatus, environment_status
from pose_core.runtime.store import ModelStore
from pose_core.track.networks import files_needed

from . import bundle
from .models import DEFAULT, ModelChoice, model_choices
from .preferences import PoseCorePreferences, get_preferences

KEPT_S = 2.0


@dataclass(frozen=True)
class Readiness:
    """What is there and what is not."""

    environment: EnvironmentStatus
    model_state: str
    """Of the default model: `ready`, `missing` or `damaged`."""
    model_problem: str = ""
    model_hint: str = ""
    models: tuple[ModelChoice, ...] = ()
    """What can be chosen."""
    chosen: str = DEFAULT
    chosen_problem: str = ""
    """Why the chosen model cannot run, if it is another than the default."""

    @property
    def ready(self) -> bool:
        """Whether all is set up, so that a job can be described."""
        return self.environment.usable and (self.model_state == "ready" or self.chosen != DEFAULT)


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
    chosen = chosen_model(context)
    key = (preferences.environment_path, preferences.model_folder, chosen)
    now_s = time.monotonic()
    if anew or _kept.value is None or _kept.key != key or now_s - _kept.at_s > KEPT_S:
        _kept.key, _kept.at_s, _kept.value = key, now_s, _look(preferences, chosen)
    return _kept.value


def chosen_model(context: bpy.types.Context) -> str:
    """Name of the model that the scene's jobs use."""
    return context.scene.pose_core.model_name or DEFAULT


def model_store(preferences: PoseCorePreferences) -> ModelStore:
    """The store of model files.

    Raises:
        ModelError: the model folder does not exist.
    """
    return ModelStore(model_folder=preferences.model_folder_path)


def _look(preferences: PoseCorePreferences, chosen: str) -> Readiness:
    environment = environment_status(preferences.environment, bundle.lock_file())
    try:
        store = model_store(preferences)
        state = store.status(DEFAULT).state
        choices = model_choices(store.list(), chosen)
    except PoseCoreError as error:
        return Readiness(environment, "missing", error.message, error.hint, chosen=chosen)
    problem = {
        "ready": "",
        "missing": "The pose model is not on this machine yet.",
        "damaged": "A file of the pose model is damaged.",
    }[state]
    why = "" if chosen == DEFAULT else _why_not(store, chosen)
    return Readiness(environment, state, problem, models=choices, chosen=chosen, chosen_problem=why)


def _why_not(store: ModelStore, name: str) -> str:
    """Why a model cannot run: it is not here, or no detector that goes with it is."""
    try:
        files_needed(TrackConfig(model=name), store)
    except PoseCoreError as error:
        return f"{error.message} {error.hint}".strip()
    return ""
