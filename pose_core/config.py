"""Settings of every stage, and the request that describes a whole job.

A request is complete in itself and serialisable: command line, add-on and batch script send the same object.
Every field says its unit, default and reason.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self, TypeVar, get_args, get_type_hints

from pose_core.errors import ConfigError
from pose_core.untrusted.text import parse_json, shortened

REQUEST_VERSION = 1

REFERENCE_HEIGHT_M = 1.70
"""Height of the person that answers without a scale of their own are given for; what is assumed of a person."""

HEIGHT_RANGE_M = (0.3, 3.0)
"""Least and largest height of a person, metres."""

_T = TypeVar("_T")


def _require(ok: bool, message: str, hint: str = "") -> None:
    if not ok:
        raise ConfigError(message, hint)


@dataclass(frozen=True)
class Range:
    """What a number may be.

    Args:
        low, high: the least and the largest.
        unit: for messages.
        above: `low` itself is not allowed.
    """

    low: float
    high: float
    unit: str = ""
    above: bool = False

    def check(self, name: str, value: float) -> None:
        """Refuse anything else, not-a-number and infinity among it.

        Raises:
            ConfigError: named so that a user finds the setting.
        """
        within = self.low < value <= self.high if self.above else self.low <= value <= self.high
        start = f"above {self.low:g} up to" if self.above else f"{self.low:g} to"
        unit = f" {self.unit}" if self.unit else ""
        _require(within, f"{name} must be {start} {self.high:g}{unit}, but is {shortened(repr(value), 40)}.")


class _Checked:
    """Settings whose numbers are all checked in one place."""

    RANGES: ClassVar[dict[str, Range]] = {}

    def __post_init__(self) -> None:
        for name, allowed in self.RANGES.items():
            value = getattr(self, name)
            if value is not None:
                allowed.check(name, value)


@dataclass(frozen=True)
class VideoConfig(_Checked):
    """Which frames of the video to use."""

    start_s: float | None = None
    """First time to use, seconds from the first frame; None = from the beginning."""
    end_s: float | None = None
    """Time to stop before, seconds; None = to the end."""
    target_fps: float | None = None
    """Thin out to about this many frames a second, keeping true times; None = every frame."""
    image_fps: float = 30.0
    """Rate of an image sequence, which carries no times of its own."""

    RANGES: ClassVar[dict[str, Range]] = {
        "start_s": Range(0, 1e7, "seconds"),
        "end_s": Range(0, 1e7, "seconds", above=True),
        "target_fps": Range(0, 1000, "frames a second", above=True),
        "image_fps": Range(0, 1000, "frames a second", above=True),
    }

    def __post_init__(self) -> None:
        super().__post_init__()
        _require(
            self.end_s is None or self.end_s > (self.start_s or 0.0),
            f"end_s must be later than start_s, but is {self.end_s}.",
        )


@dataclass(frozen=True)
class TrackConfig(_Checked):
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

    RANGES: ClassVar[dict[str, Range]] = {
        "people": Range(0, 1000),
        "person_id": Range(1, 1_000_000),
        "detector_score": Range(0.001, 0.999),
        "min_keypoint_confidence": Range(0, 1),
        "detect_every_s": Range(0.01, 3600, "seconds"),
        "min_track_s": Range(0, 3600, "seconds"),
        "threads": Range(0, 1024),
    }

    def __post_init__(self) -> None:
        super().__post_init__()
        devices = ("auto", "cpu", "cuda", "tensorrt", "directml", "coreml")
        _require(
            self.device in devices,
            f"device must be one of {', '.join(devices)}, but is '{shortened(self.device, 40)}'.",
        )


@dataclass(frozen=True)
class CameraConfig(_Checked):
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

    RANGES: ClassVar[dict[str, Range]] = {
        "focal_px": Range(1, 1e6, "pixels"),
        "fov_deg": Range(1, 175, "degrees"),
        "focal_35mm": Range(1, 10_000, "millimetres"),
        "pitch_deg": Range(-90, 90, "degrees"),
        "roll_deg": Range(-180, 180, "degrees"),
    }

    def __post_init__(self) -> None:
        super().__post_init__()
        _require(
            self.focal_px is None or self.fov_deg is None, "Give either a focal length or a field of view, not both."
        )


@dataclass(frozen=True)
class SolveConfig(_Checked):
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

    RANGES: ClassVar[dict[str, Range]] = {
        "height_m": Range(*HEIGHT_RANGE_M, "metres"),
        "smoothness": Range(0, 100),
        "max_gap_s": Range(0, 3600, "seconds"),
    }


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
        for name in ("video", "out", "preview", "model_folder"):
            _require("\0" not in (getattr(self, name) or ""), f"{name} must be a path, but holds a zero character.")

    def to_data(self) -> dict[str, Any]:
        """The request as plain data, with its version."""
        return {"version": REQUEST_VERSION, **dataclasses.asdict(self)}

    @classmethod
    def from_data(cls, data: object) -> Self:
        """Take a request from plain data.

        Raises:
            ConfigError: another version, unknown or ill-typed fields.
        """
        if not isinstance(data, dict):
            raise ConfigError(f"A request must be a JSON object, but is a {type(data).__name__}.")
        version = data.get("version")
        _require(version == REQUEST_VERSION, f"Request version {REQUEST_VERSION} was expected, but {version} came.",
                 "Update the add-on and the worker environment to the same version.")  # fmt: skip
        return from_mapping(cls, {name: value for name, value in data.items() if name != "version"})

    def to_json(self) -> str:
        """The request as JSON text."""
        return json.dumps(self.to_data())

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read a request back.

        Raises:
            ConfigError: not JSON, or what `from_data` refuses.
        """
        return cls.from_data(parse_json(text, "the request", ConfigError))


_KINDS = {str: "a text", int: "a whole number", float: "a number", bool: "true or false", type(None): "nothing"}


def _kinds(allowed: tuple[Any, ...]) -> str:
    """Types in words a user knows from the file that they wrote."""
    return " or ".join(_KINDS.get(kind, getattr(kind, "__name__", str(kind))) for kind in allowed)


def from_mapping(cls: type[_T], data: dict[str, Any]) -> _T:
    """Build a (nested) config dataclass from plain data.

    Raises:
        ConfigError: an unknown field, a missing one, or one of another type.
    """
    hints = get_type_hints(cls)
    names = {f.name for f in dataclasses.fields(cls)}  # type: ignore[arg-type]
    unknown = sorted(set(data) - names)
    _require(not unknown, f"{cls.__name__} has no setting '{shortened(unknown[0], 80) if unknown else ''}'.",
             f"Known settings: {', '.join(sorted(names))}.")  # fmt: skip
    values: dict[str, Any] = {}
    for name, value in data.items():
        hint = hints[name]
        if dataclasses.is_dataclass(hint):
            _require(
                isinstance(value, dict),
                f"{cls.__name__}.{name} must be an object, but is {shortened(repr(value), 120)}.",
            )
            values[name] = from_mapping(hint, value)  # type: ignore[arg-type]
            continue
        allowed = get_args(hint) or (hint,)
        whole_for_float = float in allowed and int not in allowed and type(value) is int
        fits = whole_for_float or any(type(value) is kind for kind in allowed)
        _require(fits, f"{cls.__name__}.{name} must be {_kinds(allowed)}, but is {shortened(repr(value), 120)}.")
        values[name] = float(value) if whole_for_float else value
    try:
        return cls(**values)
    except TypeError as error:
        raise ConfigError(f"{cls.__name__}: {error}.") from error
