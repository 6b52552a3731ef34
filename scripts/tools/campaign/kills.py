"""Kills: jobs that are ended at a random moment, on disks that are full or read-only, or two at once."""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from tools.paths import cache_folder

from .frame import Case, Outcome
from .kill_targets import Job, Target, targets, whats_broken
from .processes import children, gone_within, start
from .small_disk import private_mounts_work, read_only_command, small_disk_command
from .watched import child_environment

NAME = "kills"
TITLE = "Kills, full disks, two at once"
ABOUT = """
Jobs on the command line, in a worker (killed itself, or the process that started it), in a batch and by the add-on's
operator in Blender, while models are fetched and while an environment is installed, ended by SIGKILL, SIGTERM or SIGINT
at a random moment; the same on disks that fill up at a random byte, in folders that cannot be written to, and twice at
once on one output. After each: inputs are the same byte for byte, whatever bears a final name is whole, no process
stays, and the same command then works and leaves nothing but its results.

- **clean**: all of that holds.
- **refused**: the disk was full or read-only, and a sentence said so.
- **input lost**, **half output**, **orphan**, **leftover**: what it says.
- **traceback**: an error that is no sentence.
- **stuck**: the next run of the same command fails.
"""
VERDICTS = ("clean", "refused", "input lost", "half output", "orphan", "leftover", "traceback", "stuck")
GOOD = ("clean", "refused")
CASES = 240
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
WAYS = ("kill", "full disk", "kill", "two at once", "kill", "read-only", "kill", "full disk", "kill", "kill")
_LATER = ("add-on operator",)
_PATIENCE_S = 15.0
_LONGEST_S = 180.0
_ROOM = 1.3
"""How much of what a job leaves it may need at once: old and new, and what is written on the way."""
_TEMPORARY = re.compile(r"\.pose-core-[0-9a-f]{8}-\d+-|^\.(fetch|.*\.(new|old))-\d+")


@dataclass(frozen=True)
class _Takes:
    """What a job takes when nothing disturbs it."""

    seconds: float
    size: int
    """Bytes of its results."""


@dataclass
class _Place:
    """A case's folder and what is known of it."""

    folder: Path
    job: Job
    inputs: dict[Path, str]
    environment: dict[str, str]
    mark: str

    @property
    def out(self) -> Path:
        return self.folder / "out"

    @property
    def log(self) -> Path:
        return self.folder / "log.txt"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which jobs."""
    parser.add_argument("--targets", default="", metavar="NAMES", help=f"with commas: {', '.join(targets())}")


def plan(seed: int) -> Iterator[Case]:
    """Each way of ending for each kind of job in turn, with another signal and moment each.

    Kinds of jobs that were added later have dice of their own, so that the cases before them stay what they are.
    """
    first = _cases(seed, [target for target in targets().values() if target.name not in _LATER])
    later = _cases(seed, [target for target in targets().values() if target.name in _LATER])
    while True:
        yield from islice(first, len(targets()) - len(_LATER))
        yield from islice(later, len(_LATER))


def _cases(seed: int, some: Sequence[Target]) -> Iterator[Case]:
    rng = np.random.default_rng(seed)
    number = 0
    while True:
        for way in WAYS:
            for target in some:
                number += 1
                share = float(rng.uniform(0.0, 1.05) if rng.uniform() < 0.5 else rng.uniform(0.7, 1.05))
                name = str(rng.choice([s.name for s in SIGNALS]))
                victim = str(rng.choice(target.victims))
                if way == "full disk" and not target.fills:
                    continue
                what = {"way": way, "target": target.name, "share": share, "signal": name, "victim": victim}
                told = f"{name} {'to its child ' if victim == 'child' else ''}" if way == "kill" else ""
                yield Case(f"{target.name} {way} {told}#{number}", f"{target.name}, {way}", what)


def run(cases: Sequence[Case], deadline: float, options: argparse.Namespace) -> Iterator[Outcome]:
    """Try cases one by one; what a job takes undisturbed is measured at its first."""
    chosen = {name.strip() for name in getattr(options, "targets", "").split(",") if name.strip()}
    takes: dict[str, _Takes] = {}
    with tempfile.TemporaryDirectory(prefix="kills-", ignore_cleanup_errors=True) as name:
        for number, case in enumerate(cases):
            target = targets()[case.what["target"]]
            if time.monotonic() > deadline:
                return
            if chosen and target.name not in chosen:
                continue
            if case.what["way"] in ("full disk", "read-only") and not private_mounts_work():
                continue
            folder = Path(name) / str(number)
            place = _prepared(target, folder)
            if place is None:
                continue
            if target.name not in takes:
                takes[target.name] = _undisturbed(target, Path(name) / f"{number}-first")
            try:
                outcome = Outcome(case.id, case.group, *_disturbed(case, place, takes[target.name]))
            finally:
                gone_within(place.mark, 0.0)  # also where the campaign itself is stopped
            yield outcome
            shutil.rmtree(folder, ignore_errors=True)


def _prepared(target: Target, folder: Path) -> _Place | None:
    job = target.prepare(folder)
    if job is None:
        return None
    models = cache_folder() / "models" / "blazepose-full"
    own = {"POSE_CORE_CACHE": str(folder / "cache")}
    if target.name != "model fetch":
        own["POSE_CORE_MODELS"] = str(models)
    environment = child_environment(folder, **{**own, **job.variables})
    return _Place(folder, job, _content(folder / "in"), environment, f"{os.getpid()}-{folder.name}")


def _undisturbed(target: Target, folder: Path) -> _Takes:
    place = _prepared(target, folder)
    assert place is not None
    begun_s = time.monotonic()
    code = _run(place)
    lasts_s = time.monotonic() - begun_s
    if code != 0:
        raise RuntimeError(f"{target.name} fails undisturbed: {_tail(place)}")
    return _Takes(lasts_s, sum(path.stat().st_size for path in place.out.rglob("*") if path.is_file()))


def _disturbed(case: Case, place: _Place, takes: _Takes) -> tuple[str, str]:
    way = case.what["way"]
    if way == "kill":
        words = _kill(case, place, takes.seconds)
    elif way == "two at once":
        return _two_at_once(place)
    else:
        words, problem = _on_bad_disk(case, place, takes.size)
        if problem is not None:
            return problem
    left = gone_within(place.mark, _PATIENCE_S)
    if left:
        return "orphan", f"{words}: {len(left)} processes stay"
    problem = _state(place, words)
    if problem:
        return problem
    if way == "kill" and case.what["signal"] != "SIGKILL" and case.what["target"] == "command line":
        scraps = _scraps(place)
        if scraps:  # it had the time to clear up
            return "leftover", f"{words}: {', '.join(scraps[:3])}"
    verdict, why = _next_run(place)
    good = "refused" if way in ("full disk", "read-only") and "refused" in words else "clean"
    return (verdict, f"{words}: {why}") if verdict else (good, words)


def _kill(case: Case, place: _Place, lasts_s: float) -> str:
    after_s = case.what["share"] * lasts_s
    process = start(place.job.command, place.mark, place.environment, place.log)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(after_s)
    victim = process.pid
    if case.what["victim"] == "child":
        victim = next(iter(children(process.pid)), process.pid)
    with contextlib.suppress(ProcessLookupError):
        os.kill(victim, signal.Signals[case.what["signal"]])
    try:
        code = process.wait(_LONGEST_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return f"after {after_s:.1f} s: it did not end"
    return f"after {after_s:.1f} of {lasts_s:.1f} s, exit code {code}"


def _on_bad_disk(case: Case, place: _Place, needs: int) -> tuple[str, tuple[str, str] | None]:
    """Run on a disk that is too small or cannot be written to; the disk is gone afterwards, its content is looked at
    before."""
    copied = place.folder / "seen"
    if case.what["way"] == "full disk":
        size = int(case.what["share"] * _ROOM * needs) + 4096
        command = small_disk_command(place.out, size, copied, place.job.command)
        words = f"{size >> 10} kB"
    else:
        command = read_only_command(place.out, copied, place.job.command)
        words = "read-only"
    process = start(command, place.mark, place.environment, place.log)
    code = process.wait(_LONGEST_S)
    if _is_no_sentence(place):
        return words, ("traceback", f"{words}: {_tail(place)}")
    broken = whats_broken(copied)
    if broken:
        return words, ("half output", f"{words}: {broken}")
    scraps = [path.name for path in copied.rglob("*") if _TEMPORARY.search(path.name)]
    if scraps:
        return words, ("leftover", f"{words}: {scraps[0]}")
    if code == 0 and case.what["way"] == "read-only":
        return words, ("half output", "exit code 0 although nothing can be written")
    return f"{words}, {'refused' if code else 'done'}", None


def _is_no_sentence(place: _Place) -> bool:
    """Whether a job failed by an error nobody foresaw. What Blender itself prints of its exporters is not the product's
    word: of a batch its own line counts."""
    text = place.log.read_text(encoding="utf-8", errors="replace")
    own = [line for line in text.splitlines() if re.search(r"\[\d+/\d+\] ", line)]
    if own:
        return any(re.search(r"FAILED: .*(Traceback|Location:|Error\b|no reason given)", line) for line in own)
    return "Traceback" in text


def _two_at_once(place: _Place) -> tuple[str, str]:
    both = [start(place.job.command, place.mark, place.environment, place.log) for _ in range(2)]
    codes = [process.wait(_LONGEST_S) for process in both]
    words = f"exit codes {codes[0]} and {codes[1]}"
    if _is_no_sentence(place):
        return "traceback", f"{words}: {_tail(place)}"
    if 0 not in codes:
        return "stuck", f"{words}: {_tail(place)}"
    left = gone_within(place.mark, _PATIENCE_S)
    if left:
        return "orphan", words
    scraps = _scraps(place)
    return _state(place, words) or (("leftover", f"{words}: {scraps[0]}") if scraps else ("clean", words))


def _state(place: _Place, words: str) -> tuple[str, str] | None:
    """What must hold at any moment."""
    if _content(place.folder / "in") != place.inputs:
        return "input lost", words
    broken = whats_broken(place.out)
    return ("half output", f"{words}: {broken}") if broken else None


def _next_run(place: _Place) -> tuple[str, str]:
    """The same command, undisturbed: it works and clears up."""
    if _run(place) != 0:
        return "stuck", _tail(place)
    scraps = _scraps(place)
    if scraps:
        return "leftover", ", ".join(scraps[:3])
    return _state(place, "the next run") or ("", "")


def _run(place: _Place) -> int:
    process = start(place.job.command, place.mark, place.environment, place.log)
    return process.wait(_LONGEST_S)


def _scraps(place: _Place) -> list[str]:
    """Temporary names of the product, wherever they lie."""
    return sorted(path.name for path in place.folder.rglob("*") if _TEMPORARY.search(path.name))


def _content(folder: Path) -> dict[Path, str]:
    return {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*") if path.is_file()}


def _tail(place: _Place) -> str:
    lines = place.log.read_text(encoding="utf-8", errors="replace").split("\n")
    return " / ".join(line.strip() for line in lines if line.strip())[-250:]
