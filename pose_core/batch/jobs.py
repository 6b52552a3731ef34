"""What a batch shall do: from the command line or a manifest to a list of complete jobs."""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from pose_core import __version__
from pose_core.config import EstimateRequest, SolveConfig, TrackConfig, from_mapping
from pose_core.errors import ConfigError, PoseCoreError
from pose_core.files import RIG_SUFFIXES
from pose_core.retarget import KeysConfig
from pose_core.retarget.keys.plan import KEEP
from pose_core.retarget.keys.root_motion import ROOT_MOTIONS
from pose_core.retarget.mapping.families import name_presets
from pose_core.retarget.rig.description import ROTATION_MODES

REPORT_SUFFIX = ".report.json"
MOTION_SUFFIX = ".motion.npz"
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
    """Save the scene too."""

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
        return KeysConfig(self.key_error_mm, self.rotation_mode, self.root_motion, self.root_bone)

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
        state = {name: _file_state(Path(name)) for name in files if name}
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


def _file_state(path: Path) -> list[int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return [status.st_size, status.st_mtime_ns]


@dataclass(frozen=True)
class Batch:
    """All jobs, and how to run them."""

    jobs: tuple[Job, ...]
    blend: str | None = None
    """Scene to start every job from; None = the file that is open, if any."""
    worker_python: str | None = None
    resume: bool = False


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ConfigError(message, "See --help.")


def build_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = _Parser(
        prog="batch_retarget.py",
        description="Put the motion of videos or motion files on a character and export FBX, without a window.",
        epilog="Exit codes: 0 all jobs done, 1 some failed, 2 bad usage. Each job leaves NAME.report.json.",
    )
    source = parser.add_argument_group("input")
    source.add_argument("--video", nargs="+", default=[], metavar="FILE", help="videos to estimate motion from")
    source.add_argument("--motion", nargs="+", default=[], metavar="FILE", help="motion files (NAME.motion.npz)")
    source.add_argument("--manifest", metavar="FILE", help="TOML file: a table [defaults], then a [[job]] each")
    source.add_argument("--rig", metavar="FILE", help="character: .fbx, .glb, .gltf, .vrm or .blend")
    source.add_argument("--armature", default="", metavar="NAME", help="armature to use, where there are several")
    source.add_argument("--blend", metavar="FILE", help="scene to start from, if none is open")
    source.add_argument("--bone-map", metavar="FILE|FAMILY",
                        help="bone map, or a family such as mixamo, to use instead of finding the bones")  # fmt: skip
    result = parser.add_argument_group("result")
    result.add_argument("--out", metavar="DIR", help="folder of the results (default: the present one)")
    result.add_argument("--save-blend", action="store_true", help="save NAME.blend too")
    result.add_argument("--fps-mode", choices=("subframes", "resample"), default="subframes",
                        help="keys at the exact times of the video, or at whole frames")  # fmt: skip
    result.add_argument("--place", choices=("world", "object"), default="world",
                        help="where the motion is: as in the video, or where the armature stands")  # fmt: skip
    result.add_argument("--export", default="fbx", metavar="FORMATS",
                        help=f"formats, with commas: {', '.join(EXPORTS)} (default: fbx)")  # fmt: skip
    result.add_argument("--scene-time", action="store_true",
                        help="FBX keys at the scene's own times instead of from second 0 on")  # fmt: skip
    result.add_argument("--key-error-mm", type=float, metavar="MM",
                        help="leave out keys as long as no joint is off by more (default: keep all)")  # fmt: skip
    result.add_argument("--rotation-mode", choices=(KEEP, *ROTATION_MODES), default=KEEP,
                        help="form of the rotations (default: as the bones have it)")  # fmt: skip
    result.add_argument("--root-motion", choices=ROOT_MOTIONS, default="pelvis", help="which bone carries the path")
    result.add_argument("--root-bone", default="", metavar="NAME", help="the root bone, if not the topmost one")
    result.add_argument("--frame-start", type=int, default=1, metavar="N", help="scene frame of the video's start")
    person = parser.add_argument_group("person")
    person.add_argument("--height", type=float, metavar="M", help="height of the person, metres")
    person.add_argument("--people", default="1", metavar="N|all", help="how many people to keep")
    person.add_argument("--person", action="append", default=[], metavar="ID|ID=RIG|all",
                        help="keep only this person; or, once for each, the person's armature or rig file; all = every"
                        " person in one scene, on these or new armatures (0=RIG: next one from the left)")  # fmt: skip
    how = parser.add_argument_group("how")
    how.add_argument("--worker-python", metavar="FILE", help="Python of the worker's environment")
    how.add_argument("--resume", action="store_true", help="skip jobs that are done and whose input is unchanged")
    return parser


def read_batch(argv: list[str]) -> Batch:
    """Read the command line into jobs.

    Raises:
        PoseCoreError: it cannot be understood, or two jobs would write the same files.
    """
    options = build_parser().parse_args(argv)
    people = 0 if options.people == "all" else _whole("--people", options.people)
    defaults: dict[str, Any] = {
        "rig": options.rig, "armature": options.armature, "out": options.out or ".", "bone_map": options.bone_map,
        "fps_mode": options.fps_mode, "place": options.place, "export": options.export,
        "scene_time": options.scene_time,
        "key_error_mm": options.key_error_mm, "rotation_mode": options.rotation_mode,
        "root_motion": options.root_motion, "root_bone": options.root_bone, "frame_start": options.frame_start,
        "height_m": options.height, "people": people, "save_blend": options.save_blend, **_persons(options.person),
    }  # fmt: skip
    jobs = [Job(video=str(path), **defaults) for path in options.video]
    jobs += [Job(motion=str(path), **defaults) for path in options.motion]
    if options.manifest:
        jobs += _manifest_jobs(Path(options.manifest), defaults, options.out)
    if not jobs:
        raise ConfigError("There is nothing to do.", "Give --video, --motion or --manifest.")
    bases: dict[Path, Job] = {}
    for job in jobs:
        other = bases.setdefault(job.base.absolute(), job)
        if other is not job:
            raise ConfigError(
                f"Two jobs would write '{job.base}.fbx': '{other.video or other.motion}' and"
                f" '{job.video or job.motion}'.",
                "Give them other folders, or names in a manifest.",
            )
    if options.blend is not None and not Path(options.blend).is_file():
        raise ConfigError(f"There is no scene '{options.blend}'.", "Check the path.")
    return Batch(tuple(jobs), options.blend, options.worker_python, options.resume)


def _persons(words: list[str]) -> dict[str, Any]:
    """Settings of a job from the values of `--person`."""
    cast, single, everybody = [], [], False
    for word in words:
        number, sign, rig = word.partition("=")
        if word == "all":
            everybody = True
        elif not sign:
            single.append(_whole("--person", number))
        elif not rig:
            raise ConfigError(f"--person {word} names no character.", "Write --person 1=ARMATURE or 1=FILE.")
        else:
            person = _whole("--person", number) or None
            is_file = Path(rig).suffix.lower() in RIG_SUFFIXES
            cast.append(Role(person, rig, "") if is_file else Role(person, None, rig))
    if len(single) > 1 or (single and (cast or everybody)):
        raise ConfigError(
            "--person with a number alone keeps only that one person.",
            "For several people say on which character each goes: --person 1=HeroRig --person 2=OtherRig.",
        )
    return {"person_id": single[0] if single else None, "cast": tuple(cast), "everybody": everybody}


def _whole(option: str, text: str) -> int:
    if not text.isdecimal():
        raise ConfigError(f"{option} must be a whole number or 'all', but is '{text}'.")
    return int(text)


def _manifest_jobs(path: Path, defaults: Mapping[str, Any], out: str | None) -> list[Job]:
    """Jobs of a manifest; its paths are relative to its folder, its settings go before the command line's defaults."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"Cannot read the manifest '{path}' ({error}).") from error
    unknown = sorted(set(data) - {"defaults", "job"})
    entries = data.get("job", [])
    if unknown or not isinstance(entries, list) or not entries:
        raise ConfigError(f"The manifest '{path}' must hold [[job]] tables and may hold [defaults]; nothing else.")
    jobs = []
    for number, entry in enumerate(entries, 1):
        own = {**data.get("defaults", {}), **entry}
        roles = own.pop("cast", None)
        for key in ("video", "motion", "rig", "bone_map", "out"):
            if isinstance(own.get(key), str) and not (key == "bone_map" and is_family(own[key])):
                own[key] = str(path.parent / own[key])
        if out is not None:
            own["out"] = out
        if own.get("people") == "all":
            own["people"] = 0
        try:
            given = {key: value for key, value in defaults.items() if value is not None}
            cast = given.pop("cast")
            cast = cast if roles is None else _roles(roles, path.parent)
            jobs.append(dataclasses.replace(from_mapping(Job, {**given, **own}), cast=cast))
        except PoseCoreError as error:
            raise ConfigError(f"Job {number} of '{path}': {error.message}", error.hint) from error
    return jobs


def _roles(entries: Any, folder: Path) -> tuple[Role, ...]:
    """The cast of a manifest's job; its paths are relative to the manifest's folder."""
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ConfigError(f"cast must be tables [[job.cast]], but is {entries!r}.")
    roles = []
    for entry in entries:
        own = dict(entry)
        for key in ("rig", "bone_map"):
            if isinstance(own.get(key), str) and not (key == "bone_map" and is_family(own[key])):
                own[key] = str(folder / own[key])
        roles.append(from_mapping(Role, own))
    return tuple(roles)
