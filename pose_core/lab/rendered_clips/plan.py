"""Which clips there are: who does what, in which clothes, seen from where."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from pose_core.folders import cache_folder
from pose_core.lab.rendered_clips.outfits import Body

FORMAT_VERSION = 1
"""Counts up whenever the same plan gives other pictures or other truth."""


@dataclass(frozen=True)
class Act:
    """A piece of a recording."""

    subject: str
    action: str
    """The beginning of its description in the recordings' table."""
    start_s: float = 0.0
    take: int = 0
    """Which of the recordings with that description."""
    posture: str = ""
    """One of `postures.POSTURES`: what is put under it."""


@dataclass(frozen=True)
class Actor:
    """One person of a clip."""

    act: Act
    outfit: str
    body: Body
    heading_deg: float = 0.0
    """Where the person looks in the first frame: 0 towards -Y, 90 towards +X."""
    place_m: tuple[float, float] = (0.0, 0.0)
    """Where the pelvis is on average."""


@dataclass(frozen=True)
class Camera:
    """A camera that looks at a point from a distance."""

    pitch_deg: float = -5.0
    """Upwards positive."""
    azimuth_deg: float = 0.0
    """0 stands at -Y, 90 at +X."""
    distance_m: float = 4.2
    aim_m: tuple[float, float, float] = (0.0, 0.0, 0.9)
    focal_share: float = 1.15
    """Focal length over the picture's width."""
    roll_deg: float = 0.0
    orbit_deg_s: float = 0.0
    dolly_m_s: float = 0.0
    """Towards the aim, positive."""


Box = tuple[tuple[float, float, float], tuple[float, float, float]]


@dataclass(frozen=True)
class Clip:
    """One clip."""

    name: str
    kind: str
    """What it is in tables: standing, walking, sitting, lying and so on."""
    actors: tuple[Actor, ...]
    camera: Camera
    seconds: float = 3.0
    rate: str = "24"
    size_px: tuple[int, int] = (512, 512)
    boxes: tuple[Box, ...] = ()
    """Lower and upper corners of things in the way or underneath."""
    seat: bool = False
    """A seat under the first person's pelvis."""
    ground_m: float = 0.0
    """Height of the room's floor; below 0 the people stand on a narrow block."""
    seed: int = 0

    frames: int | None = None
    """Only so many from the beginning; None = all."""

    def shortened(self, frames: int | None) -> Clip:
        """The beginning of the clip."""
        return self if frames is None else replace(self, frames=frames)

    def fingerprint(self) -> str:
        """Changes with everything that the clip is made from."""
        text = json.dumps([FORMAT_VERSION, asdict(self)], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]


def default_folder() -> Path:
    """Where rendered clips are kept for this user."""
    return cache_folder() / "rendered_clips"


def video_path(folder: Path, clip: Clip) -> Path:
    """The video of a clip; its name tells the options it was made with."""
    return folder / f"{clip.name}-{clip.fingerprint()}.mp4"


def truth_path(folder: Path, clip: Clip) -> Path:
    """What is true of a clip."""
    return video_path(folder, clip).with_suffix(".truth.npz")
