"""What a batch shall do: complete jobs as plain data."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from pose_core import __version__
from pose_core.batch.paths import check_name, file_state
from pose_core.config import EstimateRequest, SolveConfig, TrackConfig
from pose_core.errors import ConfigError
from pose_core.job_paths import MOTION_SUFFIX
from pose_core.retarget import KeysConfig
from pose_core.retarget.mapping.families import name_presets

REPORT_SUFFIX = ".report.json"
EXPORTS = ("fbx", "fbx-unity", "fbx-unreal", "glb", "godot", "bvh")


@dataclass(frozen=True)
class Role:
    """One person of a clip and the character that gets their motion."""

    person: int | None = None
    """Number of the person; None = the next one from the left who has no role of their own."""
    rig: str | None = None
    """Character file; None = an armature of the open file, or of the job's rig file."""
    armature: str = ""
    """Armature object to use, where there are several."""
    bone_map: str | None = None
    """File of a bone map, or name of a rig family; None = the job's."""

    def __post_init__(self) -> None:
        if self.rig is None and not self.armature:
            raise ConfigError("A person's character must be named by an armature or a rig file.")


@dataclass(frozen=True)
class Job:
    """One video or motion file on one character; complete in itself and serialisable."""

    video: str | None = None
    """Video to estimate from."""
    motion: str | None = None
    """Motion file to use instead."""
    rig: str | None = None
    """Character file; None = an armature in the open file, or a new one."""
    armature: str = ""
    """Armature object to use, where there are several."""
    out: str = "."
    """Folder of the results."""
    name: str = ""
    """Name of the results; empty = the input's."""
    bone_map: str | None = None
    """File of a bone map, or name of a rig family, to use instead of finding the bones."""
    fps_mode: str = "subframes"
    """`subframes` or `resample`."""
    place: str = "world"
    """`world` or `object`."""
    export: str = "fbx"
    """Formats to export, with commas: `fbx`, `fbx-unity`, `fbx-unreal`, `glb`, `godot`, `bvh`."""
    scene_time: bool = False
    """FBX keys at the scene's own times instead of from second 0 on."""
    key_error_mm: float | None = None
    """Leave out keys as long as no joint is off by more, millimetres; None = keep all."""
    rotation_mode: str = "KEEP"
    """Form of the rotations; `KEEP` leaves each bone its own."""
    root_motion: str = "pelvis"
    """`pelvis`, `root_bone` or `in_place`."""
    root_bone: str = ""
    """The root bone; empty = the topmost bone above the pelvis."""
    key_unseen: bool = False
    """Key legs too that are outside of the picture."""
    frame_start: int = 1
    """Scene frame at which the video starts."""
    height_m: float | None = None
    """Height of the person, metres."""
    people: int = 1
    """How many people; 0 = all."""
    person_id: int | None = None
    """Only this person."""
    cast: tuple[Role, ...] = ()
    """Several people on several characters, all in one scene: who gets which. The others are left out, but for
    `everybody`."""
    everybody: bool = False
    """All people in one scene, those without a character of `cast` on new armatures."""
    save_blend: bool = False
    """Save the scene too, as NAME.blend."""
    overwrite_blend: bool = False
    """Let it replace the very scene or rig file that it came from."""

    def __post_init__(self) -> None:
        if (self.video is None) == (self.motion is None):
            raise ConfigError("A job needs either a video or a motion file.")
        if self.fps_mode not in ("subframes", "resample"):
            raise ConfigError(f"fps_mode must be 'subframes' or 'resample', but is '{self.fps_mode}'.")
        if self.place not in ("world", "object"):
            raise ConfigError(f"place must be 'world' or 'object', but is '{self.place}'.")
        unknown = [name for name in self.exports if name not in EXPORTS]
        if unknown or not self.exports:
            raise ConfigError(
                f"export must be one or more of {', '.join(EXPORTS)}, but is '{self.export}'.", "Part them by commas."
            )
        _ = self.keys_config
        if self.name:
            check_name(self.name)
        named = [role.person for role in self.cast if role.person is not None]
        twice = sorted({person for person in named if named.count(person) > 1})
        if twice:
            raise ConfigError(f"Person {twice[0]} is to play two characters.", "Give each character its own person.")
        if self.is_ensemble and self.person_id is not None:
            raise ConfigError("Give either one person or a cast, not both.")

    @property
    def is_ensemble(self) -> bool:
        """Whether all people go into one scene."""
        return bool(self.cast) or self.everybody

    @property
    def people_to_keep(self) -> int:
        """How many people the worker shall keep, most prominent first; 0 = all."""
        if self.everybody or any(role.person is not None for role in self.cast):
            return 0
        return len(self.cast) or self.people

    @property
    def exports(self) -> list[str]:
        """Names of the export presets."""
        return [name.strip() for name in self.export.split(",") if name.strip()]

    @property
    def keys_config(self) -> KeysConfig:
        """Which keys are written.

        Raises:
            ConfigError: a value is outside what it may be.
        """
        unseen = not self.key_unseen
        return KeysConfig(self.key_error_mm, self.rotation_mode, self.root_motion, self.root_bone, unseen)

    @property
    def result_name(self) -> str:
        """Name of the results without folder and suffix."""
        if self.name:
            return self.name
        source = Path(self.video or self.motion or "")
        return source.name.removesuffix(MOTION_SUFFIX) if self.motion else source.stem

    def motion_files(self) -> list[Path]:
        """The motion file, and for several people those of the others, which lie beside it (`NAME.p2.motion.npz`)."""
        first = Path(self.motion or "")
        if not self.is_ensemble:
            return [first]
        stem = first.name.removesuffix(MOTION_SUFFIX)
        others = [path for path in first.parent.glob(f"*{MOTION_SUFFIX}") if _person_of(path, stem) is not None]
        return [first, *sorted(others, key=lambda path: _person_of(path, stem) or 0)]

    @property
    def base(self) -> Path:
        """Folder and name of the results."""
        return Path(self.out) / self.result_name

    @property
    def report_path(self) -> Path:
        """Where the job's report goes."""
        return self.base.with_name(self.base.name + REPORT_SUFFIX)

    def estimate_request(self) -> EstimateRequest:
        """The request to the worker.

        Raises:
            ConfigError: a value is outside what it may be.
        """
        assert self.video is not None
        solve = SolveConfig() if self.height_m is None else SolveConfig(height_m=self.height_m)
        motion = self.base.with_name(self.base.name + MOTION_SUFFIX)
        return EstimateRequest(
            video=str(Path(self.video).absolute()),
            out=str(motion.absolute()),
            track=TrackConfig(people=self.people_to_keep, person_id=self.person_id),
            solve=solve,
        )

    def digest(self, blend_file: str) -> str:
        """Hash of everything the result depends on: settings, version, and the state of the input files."""
        maps = [name for name in (self.bone_map, *(role.bone_map for role in self.cast)) if name]
        maps = [name for name in maps if not is_family(name)]
        rigs = [role.rig for role in self.cast]
        motions = [str(path) for path in self.motion_files()] if self.motion else []
        files = [self.video, *motions, self.rig, *rigs, *maps, blend_file or None]
        state = {name: file_state(Path(name)) for name in files if name}
        content = {"job": dataclasses.asdict(self), "files": state, "version": __version__}
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _person_of(path: Path, stem: str) -> int | None:
    """The number in `STEM.pN.motion.npz`, None for other names."""
    own = path.name.removesuffix(MOTION_SUFFIX)
    number = own.removeprefix(f"{stem}.p")
    return int(number) if own.startswith(f"{stem}.p") and number.isdecimal() else None


def is_family(bone_map: str) -> bool:
    """Whether a bone map is named by a rig family; a file of that name goes before."""
    return bone_map in {preset.family for preset in name_presets()} and not Path(bone_map).is_file()


@dataclass(frozen=True)
class Batch:
    """All jobs, and how to run them."""

    jobs: tuple[Job, ...]
    blend: str | None = None
    """Scene to start every job from; None = the file that is open, if any."""
    worker_python: str | None = None
    resume: bool = False
    manifest: str | None = None
