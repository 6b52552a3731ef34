"""What campaigns share: the same cases for a seed, an end in time, going on, and a page with a section each."""

import argparse
import time
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from tools.campaign import frame, rigs
from tools.campaign.frame import Case, Outcome, renew_section


class Fake:
    NAME, TITLE, ABOUT, CASES = "fake", "Fakes", "Only for tests.", 10
    GOOD, VERDICTS = ("right",), ("right", "wrong")

    def __init__(self, bad: tuple[str, ...] = ()) -> None:
        self.bad = bad
        self.tried: list[str] = []

    def plan(self, seed: int) -> Iterator[Case]:
        return (Case(f"{seed}-{i}", "even" if i % 2 == 0 else "odd") for i in range(1000))

    def run(self, cases: Sequence[Case], deadline: float, options: argparse.Namespace) -> Iterator[Outcome]:
        for case in cases:
            if time.monotonic() > deadline:
                return
            self.tried.append(case.id)
            words = "why: '/some/where/x.npz' (/a/b.py:3) 1/2"
            verdict = "wrong" if case.id in self.bad else "right"
            yield Outcome(case.id, case.group, verdict, words, {"mm": len(self.tried)})

    def add_arguments(self, parser: argparse.ArgumentParser) -> None: ...


def options(folder: Path, **changes: Any) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    frame.add_common_arguments(parser, 6)
    found = parser.parse_args(["--outcomes", str(folder / "kept"), "--page", str(folder / "page.md")])
    return argparse.Namespace(**{**vars(found), **changes})


def test_a_campaign_goes_on_where_it_stopped(tmp_path: Path) -> None:
    first, second, fresh = Fake(), Fake(), Fake()
    assert frame.drive(first, options(tmp_path, cases=4)) == 0
    with (tmp_path / "kept" / "fake-0.jsonl").open("a") as file:
        file.write('{"id": "0-4", "gro')  # cut off in the middle of a line
    assert frame.drive(second, options(tmp_path)) == 0
    assert first.tried == ["0-0", "0-1", "0-2", "0-3"] and second.tried == ["0-4", "0-5"]
    frame.drive(fresh, options(tmp_path, fresh=True))
    assert len(fresh.tried) == 6


def test_it_ends_in_time_and_says_how_far_it_came(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one = Fake()
    frame.drive(one, options(tmp_path, minutes=-1.0))
    assert one.tried == [] and "0 of 6 cases" in capsys.readouterr().out


def test_what_is_not_right_is_named_and_told_by_the_exit_code(tmp_path: Path) -> None:
    assert frame.drive(Fake(bad=("0-3",)), options(tmp_path)) == 1
    page = (tmp_path / "page.md").read_text()
    assert "| even | 3 | 0 |" in page and "| odd | 2 | 1 |" in page and "| **all** | **5** | **1** |" in page
    assert "- `0-3`: wrong. why: 'x.npz' (b.py:3) 1/2\n" in page and "Largest: mm 6." in page


def test_what_was_mended_is_tried_again(tmp_path: Path) -> None:
    frame.drive(Fake(bad=("0-3", "0-5")), options(tmp_path))
    mended = Fake(bad=("0-5",))
    assert frame.drive(mended, options(tmp_path, again=True)) == 1
    assert mended.tried == ["0-3", "0-5"]
    assert frame.drive(Fake(), options(tmp_path, again=True)) == 0
    assert "| **all** | **6** | **0** |" in (tmp_path / "page.md").read_text()


def test_each_campaign_renews_its_own_section_alone(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    renew_section(page, "a", "## A\nold\n")
    renew_section(page, "b", "## B\n")
    before = page.read_text()
    renew_section(page, "a", "## A\nnew\n")
    assert page.read_text() == before.replace("old", "new") and page.read_text().startswith("# Robustness")
    one = Fake()
    frame.drive(one, options(tmp_path, only="0-1"))
    assert one.tried == ["0-1"] and page.read_text() == before.replace("old", "new")  # a part of it writes no page


def test_the_rigs_of_a_seed_are_the_same_and_try_every_character_and_change() -> None:
    cases = list(islice(rigs.plan(3), 400))
    assert cases == list(islice(rigs.plan(3), 400)) and cases != list(islice(rigs.plan(4), 400))
    assert len({case.id for case in cases}) == 400
    assert {change for case in cases for change in case.what["changes"]} == set(rigs.CHANGES)
    families = {case.what["character"] for case in cases if not case.what["changes"]}
    assert {"family:mixamo", "family:smpl", "metarig", "rigify"} <= families
