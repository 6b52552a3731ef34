"""The campaign of hostile files: what it tries, what it holds to be wrong, and a cut of it."""

import sys
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.campaign import run_cut
from tools.campaign import hostile
from tools.campaign.hostile_bytes import ANY, edit_numbers, splice
from tools.campaign.hostile_originals import CONTAINERS, NUMBERS, make_originals
from tools.campaign.hostile_values import odd_arrays, odd_json, odd_toml
from tools.campaign.watched import Limits, Watched, WatchedChild, child_environment

CHILD = """
import json, os, sys
for line in sys.stdin:
    do = json.loads(line)["do"]
    if do == "crash":
        os._exit(7)
    while do == "hang":
        pass
    while do == "work":  # for ever, but it says so
        sum(range(100_000))
        print("on it", file=sys.stderr, flush=True)
    held = bytearray(b"x" * (300 << 20)) if do == "grow" else None
    del held
    print(json.dumps({"how": "result", "pid": os.getpid()}), flush=True)
"""


def test_cases_are_the_same_for_a_seed_and_of_every_kind() -> None:
    cases = list(islice(hostile.plan(3), 400))
    assert cases == list(islice(hostile.plan(3), 400)) and cases != list(islice(hostile.plan(4), 400))
    assert len({case.id for case in cases}) == 400
    assert {case.what["kind"] for case in cases} == {"video", *hostile.KINDS}
    broken = [case for case in cases if case.what["seed"] >= 0]
    assert {case.what.get("container") for case in broken} == {*CONTAINERS, None}
    whole = list(islice(hostile.plan(0), hostile.CASES))
    assert sum(case.what["kind"] == "video" and case.what["seed"] >= 0 for case in whole) >= 500
    assert sum(case.what["kind"] != "video" and case.what["seed"] >= 0 for case in whole) >= 1000


def test_every_change_changes_something_and_is_the_same_again(tmp_path: Path) -> None:
    make_originals(tmp_path)
    clip, other = (tmp_path / "clip.mp4").read_bytes(), (tmp_path / "clip.avi").read_bytes()
    odd = {odd_json: "map.json", odd_toml: "jobs.toml", odd_arrays: "walk.motion.npz"}
    changes = [(change.__name__, change, clip) for change in ANY]
    changes += [(change.__name__, change, (tmp_path / name).read_bytes()) for change, name in odd.items()]
    changes += [("splice", lambda data, rng: splice(data, other, rng), clip)]
    for container in NUMBERS:
        data = (tmp_path / f"clip.{container}").read_bytes()
        marks = NUMBERS[container]
        changes.append((container, lambda data, rng, marks=marks: edit_numbers(data, rng, marks), data))
    for name, change, data in changes:
        made = [change(data, np.random.default_rng(seed)) for seed in range(20)]
        if name != "odd_arrays":  # whose archives bear the time
            assert made == [change(data, np.random.default_rng(seed)) for seed in range(20)], name
        assert sum(one != data for one in made) >= 12 and len(set(made)) >= 8, name


def watched_child(folder: Path, **limits: float) -> WatchedChild:
    (folder / "log.txt").write_text("")
    command = [sys.executable, "-c", CHILD]
    return WatchedChild(command, folder / "log.txt", child_environment(folder), Limits(**limits))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")
def test_a_child_that_hangs_grows_or_dies_is_told_and_started_again(tmp_path: Path) -> None:
    with watched_child(tmp_path, idle_cpu_s=0.5, cpu_s=1.5, memory_mb=150.0) as child:
        first = child.run({"do": "answer"})
        assert first.how == "done" and first.answer is not None and first.answer["how"] == "result"
        assert [child.run({"do": do}).how for do in ("hang", "grow", "answer")] == ["hang", "memory", "done"]
        crash = child.run({"do": "crash"})
        assert crash.how == "crash" and crash.answer is None
        busy = child.run({"do": "work"})
        assert busy.how == "hang" and busy.numbers["processor time, s"] > 1.0  # longer than an idle one, not for ever
        after = child.run({"do": "answer"})
        assert after.how == "done" and after.answer is not None and after.answer["pid"] != first.answer["pid"]
        assert child.starts == 4


def refused(message: str, code: int = 3, hint: str = "") -> Watched:
    return Watched({"how": "refused", "exit": code, "message": message, "hint": hint}, "done", "")


@pytest.mark.parametrize(
    ("watched", "verdict"),
    [
        (refused("The video 'x.mp4' cannot be read."), "refused"),
        (refused("The video 'x.mp4' cannot be read.", 5), "refused"),
        (refused("The video 'x.mp4' cannot be read.", 1), "wrong code"),
        (refused(""), "no sentence"),
        (refused("It cannot be read (ValueError: x)."), "no sentence"),
        (refused("It must be <class 'int'>."), "no sentence"),
        (refused("It cannot\nbe read."), "no sentence"),
        (refused("Too long. " * 100), "no sentence"),
        (Watched({"how": "traceback", "words": "KeyError: 3"}, "done", ""), "traceback"),
        (Watched({"how": "result"}, "done", ""), "result"),
        (Watched({"how": "result"}, "memory", "2000 MB"), "memory"),
        (Watched(None, "crash", "exit code -11"), "crash"),
    ],
)
def test_what_counts_as_refused(watched: Watched, verdict: str) -> None:
    assert hostile.judge("video", watched)[0] == verdict


class Child:
    """Stands for the watched child, and does something to the case's folder."""

    def __init__(self, does: str) -> None:
        self.does = does

    def run(self, case: dict[str, Any]) -> Watched:
        folder = Path(case["folder"])
        if self.does == "changes":
            Path(case["file"]).write_bytes(b"")
        elif self.does == "leaves":
            (folder / "out" / ".x.pose-core-00000000-1-00000000.npz").write_bytes(b"")
        elif self.does == "temporary":
            (folder.parent / "tmp" / "x").mkdir()
        elif self.does == "writes":
            (folder / "out" / "x.motion.npz").write_bytes(b"")
            return Watched({"how": "result", "written": [str(folder / "out" / "x.motion.npz")]}, "done", "")
        return refused("It cannot be read.") if self.does == "refuses" else Watched({"how": "result"}, "done", "")


@pytest.mark.parametrize(
    ("does", "verdict"),
    [("nothing", "result"), ("writes", "result"), ("changes", "leftover"), ("leaves", "leftover"),
     ("temporary", "leftover"), ("refuses", "turned away")],
)  # fmt: skip
def test_inputs_stay_and_nothing_is_left_and_sound_files_are_taken(tmp_path: Path, does: str, verdict: str) -> None:
    originals = tmp_path / "originals"
    originals.mkdir()
    (tmp_path / "tmp").mkdir()
    (originals / "clip.mp4").write_bytes(b"a clip")
    case = next(case for case in hostile.plan(0) if case.id == "mp4 as it is")
    outcome = hostile.try_case(case, tmp_path / "case", originals, Child(does))  # type: ignore[arg-type]
    assert outcome.verdict == verdict
    assert not list((tmp_path / "tmp").iterdir())


@pytest.mark.model
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")
def test_a_cut_of_it_finds_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = run_cut(hostile, tmp_path, "--seed", "7", "--cases", "80", "--minutes", "5")
    said = capsys.readouterr().out
    assert code == 0, said
    assert "80 of 80 cases, 0 not as they should be" in said
    page = (tmp_path / "page.md").read_text()
    assert "| as they are | 17 | 0 |" in page and "| odd names | 13 | 0 |" in page
