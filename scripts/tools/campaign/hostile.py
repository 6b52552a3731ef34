"""Hostile files: videos, motions, bone maps, manifests, cameras and models that are broken in ways nobody chose."""

from __future__ import annotations

import argparse
import hashlib
import re
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tools.paths import cache_folder

from .frame import Case, Outcome
from .hostile_bytes import ANY, edit_numbers, splice
from .hostile_originals import CONTAINERS, NUMBERS, make_originals
from .hostile_pictures import PICTURE_CHANGES, change_pictures
from .hostile_values import odd_arrays, odd_json, odd_toml
from .watched import Watched, WatchedChild, child_environment, script_command

NAME = "hostile"
TITLE = "Hostile files"
ABOUT = """
Sound files of every kind, broken by chance: bits flipped, ends cut off, parts left out, repeated, exchanged or
overwritten, the head of one kind on the body of another, sizes, rates and times set to extremes; in JSON, TOML and
arrays odd values, shapes and types. Videos of nine kinds are looked at and estimated from, motions put on a character,
networks registered and opened, all in one process that is watched.

- **result**: exit code 0, and what was written is sound.
- **refused**: one sentence and the exit code of its kind.
- **turned away**: refused, although the file was left as it is: the first cases are the sound files.
- **no sentence**: refused by words of the inside, such as a class of an error, or by none, or by too many.
- **wrong code**: refused under an exit code that means something else.
- **traceback**, **crash**: an error that nobody foresaw; the end of the process.
- **hang**: 10 s of processor time without progress, or 90 s in all.
- **memory**: more than 1 GB.
- **leftover**: a file that nobody asked for stays, or an input was changed.
"""
VERDICTS = (
    "result", "refused", "turned away", "no sentence", "wrong code", "traceback", "crash", "hang", "memory", "leftover",
)  # fmt: skip
GOOD = ("result", "refused")
CASES = 1678
KINDS = ("motion", "bone map", "manifest", "camera", "register", "registered")
_CODES = {
    "video": (3, 5), "motion": (5, 6), "bone map": (6,), "manifest": (2,), "camera": (2, 5), "register": (4,),
    "registered": (4,),
}  # fmt: skip
_FILES = {
    "motion": ("walk.motion.npz",), "bone map": ("map.json",), "manifest": ("jobs.toml",),
    "camera": ("camera.npy", "camera.npz"), "register": ("own.onnx", "own.json"), "registered": ("registered.json",),
}  # fmt: skip
_ODD_NAMES = (
    "\udcff\udcfe.mp4", "two\nlines.mp4", "\u00fc\u4f60\u597d\U0001f642.mp4", "e\u0301.MP4", "x" * 240 + ".mp4",
    "no suffix", "shot_####.mp4", "shot_%04d.mp4", "$(x);'\".mp4", "  .mp4", "a.motion.npz.mp4", "\u202e4pm.exe.mp4",
    "%s{0}.mp4",
)  # fmt: skip
_LONGEST = 600
_INSIDE = re.compile(r"\b[A-Z]\w*(Error|Exception)\b|Traceback|\bNoneType\b|<class '")
_CHILD = Path(__file__).with_name("hostile_child.py")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where broken files go that were a finding."""
    parser.add_argument(
        "--keep", type=Path, metavar="FOLDER", help="keep the files of cases that are not as they should"
    )


def plan(seed: int) -> Iterator[Case]:
    """First sound files; then a third videos, of each kind in turn, the others from motions to models in turn."""
    rng = np.random.default_rng(seed)
    for container in CONTAINERS:
        yield Case(f"{container} as it is", "as they are", {"kind": "video", "container": container, "seed": -1})
    for name in _ODD_NAMES:
        what = {"kind": "video", "container": "mp4", "seed": -1, "name": name}
        yield Case(f"named {ascii(name)[:40]}", "odd names", what)
    for kind, names in _FILES.items():
        for name in names:
            yield Case(f"{name} as it is", "as they are", {"kind": kind, "name": name, "seed": -1})
    k = 0
    while True:
        container = CONTAINERS[k % len(CONTAINERS)]
        yield _case("video", container, int(rng.integers(1 << 30)))
        for j in range(2):
            kind = KINDS[(2 * k + j) % len(KINDS)]
            yield _case(kind, kind, int(rng.integers(1 << 30)))
        k += 1


def run(cases: Sequence[Case], deadline: float, options: argparse.Namespace) -> Iterator[Outcome]:
    """Try cases in one process until it breaks; then in the next one."""
    with tempfile.TemporaryDirectory(prefix="hostile-") as name:
        place = Path(name)
        originals = place / "originals"
        originals.mkdir()
        make_originals(originals)
        store = cache_folder() / "models"
        environment = child_environment(place, POSE_CORE_MODELS=str(store / "blazepose-full"))
        environment["POSE_CORE_CACHE"] = str(place / "cache")
        with WatchedChild(script_command(_CHILD), place / "log.txt", environment) as child:
            for case in cases:
                if time.monotonic() > deadline:
                    return
                folder = place / "case"
                shutil.rmtree(folder, ignore_errors=True)
                outcome = try_case(case, folder, originals, child)
                if outcome.verdict not in GOOD and options.keep is not None:
                    target = options.keep / re.sub(r"\W+", "-", case.id)
                    shutil.rmtree(target, ignore_errors=True)
                    shutil.copytree(folder, target)
                yield outcome


def _case(kind: str, group: str, seed: int) -> Case:
    what = {"kind": kind, "seed": seed, **({"container": group} if kind == "video" else {})}
    return Case(f"{group} #{seed}", group if kind != "video" else f"video, {group}", what)


def try_case(case: Case, folder: Path, originals: Path, child: WatchedChild) -> Outcome:
    """Break a case's files, have the child try them, and judge."""
    (folder / "out").mkdir(parents=True)
    message, words = break_files(case, folder, originals)
    inputs = _content(folder)
    temporary = folder.parent / "tmp"
    watched = child.run(message)
    written = {Path(path) for path in ((watched.answer or {}).get("written") or [])}
    verdict, why = judge(case.what["kind"], watched)
    if verdict == "refused" and case.what["seed"] < 0:
        verdict, why = "turned away", str(watched.answer)
    if verdict in GOOD:
        problem = _leftovers(folder, inputs, written, temporary, case.what["kind"])
        verdict, why = ("leftover", problem) if problem else (verdict, why)
    for path in temporary.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    return Outcome(case.id, case.group, verdict, f"{words}: {why}"[:400] if why else words, watched.numbers)


def judge(kind: str, watched: Watched) -> tuple[str, str]:
    """Verdict and why."""
    if watched.how != "done":
        return watched.how, watched.words
    answer = watched.answer or {}
    if answer["how"] != "refused":
        return answer["how"], answer.get("words", "")
    message = answer["message"]
    text = f"{message} {answer['hint']}"
    if not message.strip() or len(message) > _LONGEST or "\n" in message.strip() or _INSIDE.search(text):
        return "no sentence", text[:300]
    if answer["exit"] not in _CODES[kind]:
        return "wrong code", f"{answer['exit']}: {text[:300]}"
    return "refused", ""


def break_files(case: Case, folder: Path, originals: Path) -> tuple[dict[str, Any], str]:
    """Put a case's broken files into a folder; what the child is told, and what was done in words."""
    sound = case.what["seed"] < 0
    rng = np.random.default_rng(abs(case.what["seed"]))
    kind = case.what["kind"]
    message: dict[str, Any] = {"kind": kind, "folder": str(folder)}
    if kind == "video":
        container = case.what["container"]
        if sound:
            target, words = _sound_video(container, folder, originals, case.what.get("name")), ""
        else:
            target, words = _break_video(container, folder, originals, rng)
        return {**message, "file": str(target), "preview": bool(rng.uniform() < 0.25)}, words
    names = _FILES[kind]
    name = case.what.get("name") or names[int(rng.integers(len(names)))]
    data = (originals / name).read_bytes()
    broken, words = (data, "") if sound else _break_file(name, data, originals, rng)
    target = folder / "cache" / "models" / name if kind == "registered" else folder / name
    target.parent.mkdir(parents=True, exist_ok=True)
    for other in names if kind == "register" else ():
        shutil.copyfile(originals / other, folder / other)
    if kind == "registered":
        (target.parent / "own").mkdir()
        shutil.copyfile(originals / "own.onnx", target.parent / "own" / "own.onnx")
    target.write_bytes(broken)
    if name == "own.onnx" and not sound and rng.uniform() < 0.7:  # else the description says that it is another file
        (folder / "own.json").unlink()
    file = folder / "own.onnx" if kind == "register" else target
    more = {"walk": str(originals / "walk.motion.npz"), "video": str(originals / "clip.mp4")}
    return {**message, **more, "file": str(file)}, words


def _sound_video(container: str, folder: Path, originals: Path, name: str | None) -> Path:
    if container == "images":
        return Path(shutil.copytree(originals / "images" / "png", folder / "shots"))
    return Path(shutil.copy(originals / f"clip.{container}", folder / (name or f"clip.{container}")))


def _break_video(container: str, folder: Path, originals: Path, rng: np.random.Generator) -> tuple[Path, str]:
    if container == "images":
        change = PICTURE_CHANGES[int(rng.integers(len(PICTURE_CHANGES)))]
        source = originals / "images" / ("png" if rng.uniform() < 0.6 else "jpg")
        shutil.copytree(source, folder / "shots")
        return change_pictures(change, folder / "shots", rng), change
    data = (originals / f"clip.{container}").read_bytes()
    way = rng.uniform()
    if way < 0.4:
        broken, words = edit_numbers(data, rng, NUMBERS[container]), "edit_numbers"
    elif way < 0.5:
        other = CONTAINERS[int(rng.integers(len(CONTAINERS) - 1))]
        broken, words = splice(data, (originals / f"clip.{other}").read_bytes(), rng), f"splice {other}"
    else:
        change = ANY[int(rng.integers(len(ANY)))]
        broken, words = change(data, rng), change.__name__
    target = folder / f"clip.{container}"
    target.write_bytes(broken)
    return target, words


def _break_file(name: str, data: bytes, originals: Path, rng: np.random.Generator) -> tuple[bytes, str]:
    suffix = Path(name).suffix
    if suffix == ".onnx" or rng.uniform() < 0.25:
        if rng.uniform() < 0.1:
            return splice(data, (originals / "walk.motion.npz").read_bytes(), rng), f"{name}, splice"
        change = ANY[int(rng.integers(len(ANY)))]
        return change(data, rng), f"{name}, {change.__name__}"
    odd = {".json": odd_json, ".toml": odd_toml}.get(suffix, odd_arrays)
    return odd(data, rng), f"{name}, {odd.__name__}"


def _content(folder: Path) -> dict[Path, str]:
    return {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*") if path.is_file()}


def _leftovers(folder: Path, inputs: dict[Path, str], written: set[Path], temporary: Path, kind: str) -> str:
    after = _content(folder)
    changed = [path.name for path, digest in inputs.items() if after.get(path) != digest]
    if changed:
        return f"changed: {changed[0]}"
    store = kind in ("register", "registered")  # whose cache lies in the case's folder, and is to be filled
    more = [] if store else sorted(path.name for path in set(after) - set(inputs) - written)
    scraps = [
        *more,
        *(path.name for path in after if ".pose-core-" in path.name),
        *(p.name for p in temporary.iterdir()),
    ]
    return f"left behind: {', '.join(scraps[:3])}" if scraps else ""
