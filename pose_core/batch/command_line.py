"""A batch's command line: from arguments to complete jobs."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, NoReturn

from pose_core.batch.jobs import EXPORTS, Batch, Job, Role
from pose_core.batch.manifest import read_manifest
from pose_core.batch.names import with_distinct_names
from pose_core.errors import ConfigError
from pose_core.files import RIG_SUFFIXES
from pose_core.retarget.keys.plan import KEEP
from pose_core.retarget.keys.root_motion import ROOT_MOTIONS
from pose_core.retarget.rig.description import ROTATION_MODES


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ConfigError(message, "See --help.")


def build_parser(program: str) -> argparse.ArgumentParser:
    """The command line of a program of this name."""
    parser = _Parser(
        prog=program,
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
    result.add_argument(
        "--save-blend", action="store_true", help="save the scene too, as NAME.blend in the folder of the results"
    )
    result.add_argument("--overwrite-blend", action="store_true",
                        help="let --save-blend replace the scene or rig file that it started from")  # fmt: skip
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
    result.add_argument("--key-unseen", action="store_true", help="key legs too that are outside of the picture")
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


def read_batch(argv: list[str], program: str = "batch_retarget.py") -> Batch:
    """Read the command line into jobs.

    Raises:
        PoseCoreError: it cannot be understood, or two jobs would write the same files.
    """
    options = build_parser(program).parse_args(argv)
    people = 0 if options.people == "all" else _whole("--people", options.people)
    defaults: dict[str, Any] = {
        "rig": options.rig, "armature": options.armature, "out": options.out or ".", "bone_map": options.bone_map,
        "fps_mode": options.fps_mode, "place": options.place, "export": options.export,
        "scene_time": options.scene_time,
        "key_error_mm": options.key_error_mm, "rotation_mode": options.rotation_mode,
        "root_motion": options.root_motion, "root_bone": options.root_bone, "frame_start": options.frame_start,
        "height_m": options.height, "people": people, "save_blend": options.save_blend,
        "overwrite_blend": options.overwrite_blend, "key_unseen": options.key_unseen, **_persons(options.person),
    }  # fmt: skip
    jobs = [Job(video=str(path), **defaults) for path in options.video]
    jobs += [Job(motion=str(path), **defaults) for path in options.motion]
    if options.manifest:
        jobs += read_manifest(Path(options.manifest), defaults, options.out)
    if not jobs:
        raise ConfigError("There is nothing to do.", "Give --video, --motion or --manifest.")
    jobs = with_distinct_names(jobs)
    bases: dict[str, Job] = {}
    for job in jobs:
        other = bases.setdefault(str(job.base.absolute()).casefold(), job)
        if other is not job:
            raise ConfigError(
                f"Two jobs would write '{job.base}.fbx': '{other.video or other.motion}' and"
                f" '{job.video or job.motion}'.",
                "Give them other folders, or names in a manifest.",
            )
    if options.blend is not None and not Path(options.blend).is_file():
        raise ConfigError(f"There is no scene '{options.blend}'.", "Check the path.")
    return Batch(tuple(jobs), options.blend, options.worker_python, options.resume, options.manifest)


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
