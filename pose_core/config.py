"""Settings of every stage, and the request that describes a whole job.

A request is complete in itself and serialisable: command line, add-on and batch script send the same object.
Every field says its unit, default and reason.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from typing import Any, Self, TypeVar, get_args, get_type_hints

from pose_core.errors import ConfigError
from pose_core.skeletons.canonical import REFERENCE_HEIGHT_M

REQUEST_VERSION = 1

HEIGHT_RANGE_M = (0.3, 3.0)
"""Least and largest height of a person, metres."""

_T = TypeVar("_T")


def _require(ok: bool, message: str, hint: str = "") -> None:
    if not ok:
        raise ConfigError(message, hint)


@dataclass(frozen=True)
class VideoConfig:
    """Which frames of the video to use."""

    start_s: float | None = None
    """First time to use, seconds from the first frame; None = from the beginning."""
    end_s: float | None = None
    """Time to stop before, seconds; None = to the end."""
    target_fps: float | None = None
    """Thin out to about this many frames a second, keeping true times; None = every frame."""
    image_fps: float = 30.0
    """Rate of an image sequence, which carries no times of its own."""

    def __post_init__(self) -> None:
        _require(self.start_s is None or self.start_s >= 0, f"start_s must be >= 0, but is {self.start_s}.")
        _require(
            self.end_s is None or self.end_s > (self.start_s or 0.0),
            f"end_s must be later than start_s, but is {self.end_s}.",
        )
        for name in ("target_fps", "image_fps"):
            value = getattr(self, name)
            _require(value is None or 0 < value <= 1000, f"{name} must be in (0, 1000], but is {value}.")


@dataclass(frozen=True)
class TrackConfig:
    """Which 2D model to run, on what, and whom to follow."""

    model: str = "blazepose-full"
    """Name in the model catalogue."""
    detector: str = "auto"
    """Person detector for top-down models; `auto` takes the one the catalogue pairs with the model."""
    people: int = 1
    """How many people to keep, most prominent first; 0 = everybody."""
    person_id: int | None = None
    """Keep only this person; None = by prominence."""
    detector_score: float = 0.5
    """Least score of a person detection."""
    min_keypoint_confidence: float = 0.1
    """Keypoints below this count as not seen: positions so unsure do more harm than a gap."""
    detect_every_s: float = 0.5
    """How often to look for people not yet tracked, seconds."""
    min_track_s: float = 0.4
    """Shorter tracks are dropped as false alarms, seconds."""
    device: str = "auto"
    """`auto`, `cpu`, `cuda`, `tensorrt`, `directml` or `coreml`; `auto` takes the fastest that really works."""
    threads: int = 0
    """Processor threads; 0 = as many as there are cores."""

    def __post_init__(self) -> None:
        _require(self.people >= 0, f"people must be >= 0 (0 = all), but is {self.people}.")
        _require(0 < self.detector_score < 1, f"detector_score must be in (0, 1), but is {self.detector_score}.")
        _require(self.threads >= 0, f"threads must be >= 0, but is {self.threads}.")
        devices = ("auto", "cpu", "cuda", "tensorrt", "directml", "coreml")
        _require(self.device in devices, f"device must be one of {', '.join(devices)}, but is '{self.device}'.")


@dataclass(frozen=True)
class CameraConfig:
    """What is known of the camera; None = estimate."""

    focal_px: float | None = None
    """Focal length, pixels of the upright video."""
    fov_deg: float | None = None
    """Field of view across the longer side, degrees; an alternative to `focal_px`."""
    focal_35mm: float | None = None
    """Focal length as the file states it, in millimetres on 35 mm film: a start for the estimate, as stabilising crops
    the picture by an unknown part. What is given above goes before it."""
    pitch_deg: float | None = None
    """Upwards positive, degrees."""
    roll_deg: float | None = None
    """Clockwise positive seen from behind the camera, degrees."""
    poses_path: str | None = None
    """NumPy file with `T_world_camera` of a camera whose place is known, one for every frame if it moves; None = it
    stands still somewhere. Metres, z up, OpenCV axes."""

    def __post_init__(self) -> None:
        _require(self.focal_px is None or self.focal_px > 0, f"focal_px must be > 0, but is {self.focal_px}.")
        _require(
            self.focal_px is None or self.fov_deg is None, "Give either a focal length or a field of view, not both."
        )
        _require(self.focal_35mm is None or self.focal_35mm > 0, f"focal_35mm must be > 0, but is {self.focal_35mm}.")
        _require(self.fov_deg is None or 1 <= self.fov_deg <= 175, f"fov_deg must be 1 to 175, but is {self.fov_deg}.")


@dataclass(frozen=True)
class SolveConfig:
    """How the clip-wide motion is solved."""

    height_m: float = REFERENCE_HEIGHT_M
    """Height of the person, metres: sets the scale, which one view cannot tell."""
    smoothness: float = 1.0
    """Multiplies the smoothing; 0 = none, 1 = as tuned, 2 = twice the strength."""
    max_gap_s: float = 1.0
    """Longer spans without evidence stay empty instead of being filled, seconds."""
    foot_contact: bool = True
    """Keep feet still while they bear weight."""
    floor: bool = True
    """Put the feet on z = 0; off leaves the height as the camera sees it."""
    joint_limits: bool = True
    """Keep joints within what people can do; off for stunts and broken limbs."""
    in_place: bool = False
    """Take the way through the room out, for cycles and motion that a game moves: the person stays over the origin."""

    def __post_init__(self) -> None:
        low, high = HEIGHT_RANGE_M
        _require(low <= self.height_m <= high, f"height_m must be {low} to {high} metres, but is {self.height_m}.")
        _require(0 <= self.smoothness <= 100, f"smoothness must be 0 to 100, but is {self.smoothness}.")
        _require(self.max_gap_s >= 0, f"max_gap_s must be >= 0, but is {self.max_gap_s}.")


@dataclass(frozen=True)
class EstimateRequest:
    """One job: a video in, a motion file a person out."""

    video: str
    """Path of a video file, a folder of images, or a pattern like `shot_####.png`."""
    out: str
    """Path of the motion file; with several people, `NAME.p2.motion.npz` and so on stand beside it."""
    preview: str | None = None
    """Path of an MP4 with the skeleton over the footage; None = no preview."""
    model_folder: str | None = None
    """Folder of model files to use before the per-user cache; None = cache only."""
    video_config: VideoConfig = field(default_factory=VideoConfig)
    track: TrackConfig = field(default_factory=TrackConfig)
    camera: CameraConfig = field(default_factory=CameraConfig)
    solve: SolveConfig = field(default_factory=SolveConfig)

    def __post_init__(self) -> None:
        _require(bool(self.video), "No video was given.", "Choose a video file or a folder of images.")
        _require(bool(self.out), "No output path was given.")

    def to_json(self) -> str:
        """The request as JSON text, with its version."""
        return json.dumps({"version": REQUEST_VERSION, **dataclasses.asdict(self)})

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read a request back.

        Raises:
            ConfigError: not JSON, another version, unknown or ill-typed fields.
        """
        try:
            data = json.loads(text)
        except json.JSONDecodeError as error:
            raise ConfigError(f"The request is not JSON ({error}).") from error
        _require(isinstance(data, dict), f"A request must be a JSON object, but is a {type(data).__name__}.")
        version = data.pop("version", None)
        _require(version == REQUEST_VERSION, f"Request version {REQUEST_VERSION} was expected, but {version} came.",
                 "Update the add-on and the worker environment to the same version.")  # fmt: skip
        return from_mapping(cls, data)


def from_mapping(cls: type[_T], data: dict[str, Any]) -> _T:
    """Build a (nested) config dataclass from plain data.

    Raises:
        ConfigError: an unknown field, a missing one, or one of another type.
    """
    hints = get_type_hints(cls)
    names = {f.name for f in dataclasses.fields(cls)}  # type: ignore[arg-type]
    unknown = sorted(set(data) - names)
    _require(not unknown, f"{cls.__name__} has no setting '{unknown[0] if unknown else ''}'.",
             f"Known settings: {', '.join(sorted(names))}.")  # fmt: skip
    values: dict[str, Any] = {}
    for name, value in data.items():
        hint = hints[name]
        if dataclasses.is_dataclass(hint):
            _require(isinstance(value, dict), f"{cls.__name__}.{name} must be an object, but is {value!r}.")
            values[name] = from_mapping(hint, value)  # type: ignore[arg-type]
            continue
        allowed = get_args(hint) or (hint,)
        whole_for_float = float in allowed and int not in allowed and type(value) is int
        fits = whole_for_float or any(type(value) is kind for kind in allowed)
        _require(fits, f"{cls.__name__}.{name} must be {hint}, but is {value!r}.")
        values[name] = float(value) if whole_for_float else value
    try:
        return cls(**values)
    except TypeError as error:
        raise ConfigError(f"{cls.__name__}: {error}.") from error
