#!/usr/bin/env python3
"""Measure accuracy against the truth and against peers; write a page with tables and pictures.

    python scripts/evaluate.py [--quick] [--out docs/results] [--parts mocap,solver,standing,real,views] [--seed 7]
    python scripts/evaluate.py --parts clips [--only NAME,...]     clips of render_clips.py and real people who stand

Deterministic by the seed. Runs in the worker's environment with `matplotlib`; needs motion capture (--data), and where
they are there: the clips with reference (--clips), peer networks (--peers), a single-frame baseline of
`train_lifter.py --single-frame` (--single-frame). What is not there is left out with a word on the page.
"""

from __future__ import annotations

import tools.needs  # noqa: F401

# isort: split
import argparse
import hashlib
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from _root import ROOT
from pose_core.errors import InsufficientDataError, PoseCoreError
from pose_core.lab.clip_measures.offset_table import OFFSETS_FILE
from pose_core.lab.clip_measures.part import ClipsPart, run_clips_part
from pose_core.lab.datasets.mocap import MocapSet, read_mocap, split_mocap
from pose_core.lab.datasets.mocap_folder import read_folder
from pose_core.lab.evaluation.ablation import run_ablation, write_page
from pose_core.lab.evaluation.cases import NOISES, Case, mocap_cases, standing_cases
from pose_core.lab.evaluation.measure import Result, measure
from pose_core.lab.evaluation.methods import (
    Estimate,
    Method,
    by_blazepose,
    by_fusion,
    by_network,
    by_poseaug,
    by_prior,
    by_solver,
    open_lifter_or_none,
)
from pose_core.lab.evaluation.plots import draw_all
from pose_core.lab.evaluation.real import CAMERAS, real_cases
from pose_core.lab.evaluation.side_by_side import draw_clip
from pose_core.lab.evaluation.tables import build_page
from pose_core.lab.nets.tome2017 import read_pose_prior
from pose_core.lift.temporal import WEIGHTS, TemporalLifter, open_lifter
from pose_core.runtime.session import open_session

SHARED = ROOT.parent / "shared"
PRIOR = ROOT / "pose_core" / "lab" / "pose_prior" / "pose_prior.npz"
PARTS = ("mocap", "solver", "standing", "real", "views")
ABLATION, RENDERED = "ablation", "clips"
OURS, SINGLE, PPCA, SOLVED = "Pose Core lifter", "single-frame MLP", "PPCA mixture", "Pose Core lifter + solver"
POSEAUG, BLAZEPOSE, PIPELINE = "PoseAug GCN", "BlazePose world", "Pose Core, whole pipeline"
FUSED, UNREPAIRED = "Pose Core lifter + BlazePose depth", "Pose Core lifter, sides as they came"
CLIPS = (
    *(f"balance_{name}" for name in CAMERAS), "two_people_cam01", "sit_single", "street_two_people",
    "corridor_empty_spans",
)  # fmt: skip


@dataclass(frozen=True)
class Sizes:
    """Sequences of each subject, by group, and their length."""

    subjects: int = 6
    sources: int = 8
    tennis: int = 1
    solver: int = 3
    standing: int = 40
    """Sequences in all."""
    frames: int = 128
    real_frames: int | None = None


QUICK = Sizes(1, 1, 1, 1, 2, 40, 40)


def main(arguments: list[str] | None = None) -> int:
    """Run the parts asked for and write the page."""
    options = _parse(arguments)
    words: list[str] = []
    began = time.perf_counter()
    out = Path(options.out)
    try:
        if RENDERED in options.parts.split(","):
            _rendered(options, out)
            if options.parts == RENDERED:
                return 0
        with tempfile.TemporaryDirectory() as folder:
            tracks = Path(options.tracks or folder)
            if ABLATION in options.parts.split(","):
                _ablation(options, out, tracks)
            results = _run(options, words, tracks)
            out.mkdir(parents=True, exist_ok=True)
            pictures = draw_all(results, out) if results else []
            if "views" in options.parts.split(","):
                pictures += _views(options, out, tracks, words)
    except PoseCoreError as error:
        print(error, file=sys.stderr)
        return 2
    if not results:  # a page without tables would only take the place of a better one
        print(f"{len(pictures)} pictures in {out}")
        return 0
    sizes = _sizes(options)
    facts = [
        f"Command: `{_command(options)}`, with files as they lie in the project unless said otherwise here",
        f"Seed {options.seed}; sequences a subject: {sizes.subjects} (held-out subjects), {sizes.sources} (held-out "
        f"sources), {sizes.tennis} (tennis), {sizes.solver} (solver), and {sizes.standing} in all of people who stand; "
        f"up to {sizes.frames} frames at 30 frames/s each",
        *_files(options),
    ]
    page = build_page(results, facts, words)
    page += "\n## Pictures\n\n" + "\n\n".join(f"![{name.removesuffix('.png')}]({name})" for name in pictures) + "\n"
    (out / "accuracy.md").write_text(page, encoding="utf-8")
    print(page if options.quick else f"{out / 'accuracy.md'} after {time.perf_counter() - began:.0f} s")
    return 0


def _rendered(options: argparse.Namespace, out: Path) -> None:
    """Rendered clips and real people who stand: pages of their own."""
    began = time.perf_counter()
    part = ClipsPart(
        rendered=Path(options.rendered) if options.rendered else None,
        real=Path(options.clips),
        models=Path(options.models),
        tracks=Path(options.tracks) if options.tracks else None,
        out=out,
        only=tuple(name for name in options.only.split(",") if name),
        offsets=out / OFFSETS_FILE.name if options.only else OFFSETS_FILE,  # training reads those of all clips
    )
    only = f" --only {options.only}" if options.only else ""
    files = run_clips_part(
        part, f"python scripts/evaluate.py --parts {RENDERED}{only}", lambda text: print(text, flush=True)
    )
    print(f"{', '.join(path.name for path in files)} after {time.perf_counter() - began:.0f} s")


def _ablation(options: argparse.Namespace, out: Path, tracks: Path) -> None:
    """The solve term by term: a page of its own."""
    began = time.perf_counter()
    lifter, sizes = open_lifter(Path(options.lifter)), _sizes(options)
    split = split_mocap(read_folder(Path(options.data)))
    groups: dict[str, list[Case]] = {}
    for noise in NOISES:
        name = f"Held-out subjects, still cameras, {noise} 2D"
        groups[name] = mocap_cases(
            name, split.subjects, noise, sizes.solver, options.seed + 50, frames=sizes.frames, still=True
        )
    if (Path(options.clips) / "balance_reference.npz").is_file():
        for case in real_cases(Path(options.clips), tracks, sizes.real_frames):
            groups[f"Real footage, {case.source}"] = [case]
    figures = run_ablation(lifter, groups, lambda text: print(text, flush=True))
    out.mkdir(parents=True, exist_ok=True)
    lengths = ", ".join(f"{len(cases)} in '{name}'" for name, cases in groups.items())
    facts = [f"Command: `{_command(options)}`; sequences: {lengths}", *_files(options)[:1]]
    write_page(figures, facts, out)
    print(f"{out / 'solver.md'} after {time.perf_counter() - began:.0f} s")


def _run(options: argparse.Namespace, words: list[str], tracks: Path) -> list[Result]:
    parts = options.parts.split(",")
    sizes, seed = _sizes(options), options.seed
    lifter = open_lifter_or_none(Path(options.lifter))
    if lifter is None:
        words.append(f"{OURS}: its weights are not there yet")
    methods = _single_view_methods(options, lifter, words)
    results: list[Result] = []
    if {"mocap", "solver", "standing"} & set(parts):
        split = split_mocap(read_folder(Path(options.data)))
        tennis = Path(options.data) / "evaluation_only" / "tennis.npz"
        groups: list[tuple[str, MocapSet, int]] = [
            ("held-out subjects", split.subjects, sizes.subjects),
            ("held-out sources", split.sources, sizes.sources),
        ]
        if tennis.is_file():
            groups.append(("tennis (held-out source)", read_mocap([tennis]), sizes.tennis))
        for noise in NOISES:
            if "mocap" in parts:
                for number, (name, mocap, count) in enumerate(groups):
                    if len(mocap):
                        cases = mocap_cases(name, mocap, noise, count, seed + number, frames=sizes.frames)
                        results += _apply(methods, cases)
            if "solver" in parts and len(split.subjects):
                cases = mocap_cases(
                    "held-out subjects, still cameras", split.subjects, noise, sizes.solver, seed + 50,
                    frames=sizes.frames, still=True,
                )  # fmt: skip
                results += _apply(_solver_methods(lifter), cases)
        if "standing" in parts and len(split.subjects):
            standing = standing_cases(split.subjects, sizes.standing, seed + 60, min(sizes.frames, 80))
            if standing:
                results += _apply(_solver_methods(lifter), standing)
    if "real" in parts:
        results += _real(options, lifter, methods, words, tracks)
    return results


def _single_view_methods(
    options: argparse.Namespace, lifter: TemporalLifter | None, words: list[str]
) -> dict[str, Method]:
    methods: dict[str, Method] = {}
    if lifter is not None:
        methods[OURS] = by_network(lifter)
    single = open_lifter_or_none(Path(options.single_frame))
    if single is not None:
        methods[SINGLE] = by_network(single)
    else:
        words.append(f"{SINGLE}: train one with `train_lifter.py --single-frame` and name it by --single-frame")
    if PRIOR.is_file():
        methods[PPCA] = by_prior(read_pose_prior(PRIOR))
    else:
        words.append(f"{PPCA}: make it with `train_pose_prior.py --install`")
    poseaug = Path(options.peers) / "gcn_poseaug.onnx"
    if poseaug.is_file():
        session = open_session(poseaug, device="cpu", threads=1)
        methods[POSEAUG] = by_poseaug(session, centred=False)
        methods[f"{POSEAUG}, person centred"] = by_poseaug(session, centred=True)
    else:
        words.append(f"{POSEAUG}: its file is not in the peers' folder")
    return methods


def _solver_methods(lifter: TemporalLifter | None) -> dict[str, Method]:
    if lifter is None:
        return {PIPELINE: by_solver(None)}
    return {OURS: by_network(lifter), SOLVED: by_solver(lifter)}


def _real(
    options: argparse.Namespace,
    lifter: TemporalLifter | None,
    methods: dict[str, Method],
    words: list[str],
    tracks: Path,
) -> list[Result]:
    if not (Path(options.clips) / "balance_reference.npz").is_file():
        words.append("Real footage: the clips with reference are not there")
        return []
    try:
        cases = real_cases(Path(options.clips), tracks, _sizes(options).real_frames)
    except PoseCoreError as error:
        words.append(f"Real footage: the 2D model could not be run ({error})")
        return []
    every = {**methods, BLAZEPOSE: by_blazepose, PIPELINE: by_solver(None)}
    if lifter is not None:
        every |= {
            UNREPAIRED: by_network(lifter, repair=False), FUSED: by_fusion(lifter), SOLVED: by_solver(lifter),
        }  # fmt: skip
    # each clip in a table of its own as well: they differ much, front and back
    apart = [replace(case, group=case.source.replace("_", " ")) for case in cases]
    return _apply(every, apart)


def _views(options: argparse.Namespace, out: Path, tracks: Path, words: list[str]) -> list[str]:
    """Names of the pictures of the clips that are there."""
    drawn = []
    for clip in CLIPS:
        video, name = Path(options.clips) / f"{clip}.mp4", f"view_{clip}.png"
        if not video.is_file():
            words.append(f"Views of {clip}: the clip is not there")
        elif draw_clip(video, tracks, out / name, _sizes(options).real_frames):
            drawn.append(name)
    return drawn


def _apply(methods: dict[str, Method], cases: list[Case]) -> list[Result]:
    results = []
    for name, method in methods.items():
        began = time.perf_counter()
        results += [measure(name, _estimate(method, case), case) for case in cases]
        frames = max(sum(len(case.time_s) for case in cases), 1)
        spent = 1000 * (time.perf_counter() - began) / frames
        print(f"{cases[0].group}, {cases[0].noise}: {name}, {len(cases)} sequences, {spent:.1f} ms a frame", flush=True)
    return results


def _command(options: argparse.Namespace) -> str:
    """The command without paths of this machine."""
    words = ["python scripts/evaluate.py"]
    if options.quick:
        words.append("--quick")
    if options.parts != ",".join(PARTS):
        words.append(f"--parts {options.parts}")
    return " ".join([*words, f"--seed {options.seed}"])


def _files(options: argparse.Namespace) -> list[str]:
    """Which networks of ours took part."""
    named = {OURS: Path(options.lifter), SINGLE: Path(options.single_frame), PPCA: PRIOR}
    return [
        f"{name}: `{path.name}`, SHA-256 `{hashlib.sha256(path.read_bytes()).hexdigest()[:16]}`"
        for name, path in named.items()
        if path.is_file()
    ]


def _estimate(method: Method, case: Case) -> Estimate:
    try:
        return method(case)
    except InsufficientDataError:
        return Estimate(np.full_like(case.truth_m, np.nan))  # counts as not found


def _sizes(options: argparse.Namespace) -> Sizes:
    return QUICK if options.quick else Sizes()


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a few short sequences: shows that everything works")
    parser.add_argument("--out", default=str(ROOT / "docs" / "results"), help="folder for the page and its pictures")
    parser.add_argument(
        "--parts",
        default=",".join(PARTS),
        help="what to run (default: %(default)s); `ablation`, `clips` write pages of their own",
    )
    parser.add_argument("--rendered", default="", help="folder of rendered clips (default: the user's cache)")
    parser.add_argument("--only", default="", help="names of rendered clips, with commas")
    parser.add_argument("--models", default=str(SHARED / "models"), help="folder with pose_landmark_heavy.tflite")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--data", default=str(SHARED / "mocap"), help="folder with motion capture")
    parser.add_argument("--clips", default=str(SHARED / "clips"), help="folder with clips that have a reference")
    parser.add_argument("--peers", default=str(SHARED / "peers"), help="folder with networks to compare with")
    parser.add_argument("--lifter", default=str(WEIGHTS), help="our network")
    parser.add_argument("--single-frame", default=str(ROOT / "runs" / "single_frame" / "lifter.onnx"),
                        help="our single-frame baseline")  # fmt: skip
    parser.add_argument("--tracks", help="folder that keeps 2D tracks of the clips; without it they are made anew")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    raise SystemExit(main())
