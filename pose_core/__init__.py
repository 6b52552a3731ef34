"""Pose Core: video to clean 3D human motion with constant bone lengths.

Importing this package needs numpy alone and loads nothing else: it is what Blender's own Python loads. The names below
are loaded when they are first used; `estimate` needs the worker's packages (`pip install "pose-core[cpu]"`).
Retargeting is `pose_core.retarget`. `docs/python.md` shows all of them at work.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pose_core.config import EstimateRequest
    from pose_core.motion_file import Motion, read_motion, write_motion
    from pose_core.pipeline import EstimateResult, estimate

__version__ = "0.1.0"

_HOMES = {
    "EstimateRequest": "pose_core.config",
    "EstimateResult": "pose_core.pipeline",
    "Motion": "pose_core.motion_file",
    "estimate": "pose_core.pipeline",
    "read_motion": "pose_core.motion_file",
    "write_motion": "pose_core.motion_file",
}

__all__ = ["EstimateRequest", "EstimateResult", "Motion", "__version__", "estimate", "read_motion", "write_motion"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'pose_core' has no attribute '{name}'")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
