"""Settings that a file was saved with by an earlier version of the add-on.

Blender saves a choice as its number, so numbers in `property_group` are never given to another choice; what else
changes its meaning from one version to the next gets a step here.
"""

from __future__ import annotations

from collections.abc import Callable

import bpy

from .property_group import SETTINGS_VERSION, PoseCoreSettings

STEPS: dict[int, Callable[[PoseCoreSettings], None]] = {}
"""Version to what brings settings of that version to the next one; where nothing changed, there is none."""


def migrate(settings: PoseCoreSettings) -> None:
    """Bring one scene's settings to the present version; those of a later version are left as they are."""
    for version in range(settings.version, SETTINGS_VERSION):
        STEPS.get(version, lambda _settings: None)(settings)
    settings.version = max(settings.version, SETTINGS_VERSION)


def migrate_all() -> None:
    """Bring the settings of every scene of the open file to the present version."""
    for scene in bpy.data.scenes:
        if scene.library is None:
            migrate(scene.pose_core)
