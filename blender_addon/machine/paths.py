"""Where the machine's settings point to: the worker environment, offline packages, models."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import bpy

from pose_core.install.environment import default_folder, environment_python

from ..addon_id import ADDON_ID
from . import bundle


class MachinePaths:
    """The paths that follow from the add-on's preferences; `PoseCorePreferences` holds the texts."""

    environment_path: str
    base_python: str
    wheel_folder: str
    model_folder: str

    @property
    def environment(self) -> Path:
        """The environment in use: the named one, else the default place."""
        named = _absolute(self.environment_path)
        return Path(named) if named else default_folder(bundle.lock_file())

    @property
    def environment_python(self) -> Path:
        """The interpreter of the environment in use, which may not exist yet."""
        environment = self.environment
        return environment if environment.is_file() else environment_python(environment)

    @property
    def base_python_path(self) -> str:
        """The interpreter that environments are made with."""
        return _absolute(self.base_python) or sys.executable

    @property
    def wheel_folder_path(self) -> str | None:
        """The offline folder, None for the index."""
        return _absolute(self.wheel_folder)

    @property
    def model_folder_path(self) -> str | None:
        """The model folder, None for the cache alone."""
        return _absolute(self.model_folder)


def get_preferences(context: bpy.types.Context) -> MachinePaths:
    """The preferences of this add-on."""
    found: Any = context.preferences.addons[ADDON_ID].preferences
    return found


def _absolute(path: str) -> str | None:
    return str(Path(bpy.path.abspath(path.strip())).absolute()) if path.strip() else None
