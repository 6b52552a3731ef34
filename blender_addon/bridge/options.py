"""How a motion is put on a character."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from pose_core.errors import ConfigError
from pose_core.motion_file import Motion
from pose_core.retarget import BoneMap, KeysConfig, TransferConfig

FPS_MODES = ("subframes", "resample")


@dataclass(frozen=True)
class ApplyOptions:
    """How a motion is put on a character."""

    clip_name: str = ""
    """Name of the new action (and of a new armature); empty = the video's name."""
    frame_start: int = 1
    """Scene frame at which the video starts."""
    fps_mode: str = "subframes"
    """`subframes`: a key at the exact time of every video frame; `resample`: a key at every whole scene frame."""
    set_scene_fps: bool = True
    """Set the scene's frame rate from the video."""
    set_frame_range: bool = True
    """Set the scene's start and end to the keys."""
    time_zero_s: float | None = None
    """Video time that lands on `frame_start`; None = the motion's first frame."""
    bone_map: BoneMap | None = None
    """Which bones to use; None = find them by name."""
    transfer: TransferConfig = field(default_factory=TransferConfig)
    """How the motion is carried onto the rig."""
    interpolation: str = "LINEAR"
    """Between keys at every frame, where linear plays exactly what was solved."""
    keys: KeysConfig = field(default_factory=KeysConfig)
    """Which keys are written: all or few, in which form, and where the path is."""
    nla: bool = False
    """Push the new action onto an NLA track of its own."""
    replace_action: bool = False
    """Let the new action take the place of an earlier one of the same name instead of standing beside it."""
    verify: bool = True
    """Look at the evaluated rig afterwards and report deviations."""

    def __post_init__(self) -> None:
        if self.fps_mode not in FPS_MODES:
            raise ConfigError(f"fps_mode must be one of {', '.join(FPS_MODES)}, but is '{self.fps_mode}'.")
        if self.interpolation not in ("LINEAR", "BEZIER", "CONSTANT"):
            raise ConfigError(f"interpolation must be LINEAR, BEZIER or CONSTANT, but is '{self.interpolation}'.")

    def clip_name_for(self, motion: Motion) -> str:
        """What the action of a motion is called."""
        return self.clip_name or Path(motion.source).stem or "Motion"
