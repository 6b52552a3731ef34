"""Pose Core: turn a video into clean keyframes on your character."""

from . import registration


def register() -> None:
    """Called by Blender when the add-on is enabled."""
    registration.register()


def unregister() -> None:
    """Called by Blender when the add-on is disabled."""
    registration.unregister()
