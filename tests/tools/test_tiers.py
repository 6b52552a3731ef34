"""The test command itself: what counts as failed, what as skipped, and that no tier is quietly empty."""

import subprocess
import sys
from pathlib import Path

import pytest
from _pytest.mark.expression import Expression

from tests.support.sources import REPOSITORY
from tools import tiers
from tools.errors import SetupError, UnavailableError
from tools.progress import Progress
from tools.tiers import TIERS, Runner, Tier

COLLECT = ("--collect-only", "-q", "-p", "no:cacheprovider", "tests/test_structure.py")


@pytest.fixture
def runner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Runner:
    monkeypatch.delenv("CI", raising=False)
    return Runner(Path(sys.executable), Progress(), extra=COLLECT)


@pytest.mark.parametrize("marks", [set(), *({"model", "blender", "ui"} - {absent} for absent in ("", "model", "ui"))])
@pytest.mark.parametrize("more", [set(), {"model"}, {"blender"}, {"ui"}])
def test_every_test_belongs_to_exactly_one_tier(marks: set[str], more: set[str]) -> None:
    names = marks | more
    chosen = [
        tier.name
        for tier in TIERS
        if tier.marker and Expression.compile(tier.marker).evaluate(lambda name, **_: name in names)
    ]
    assert len(chosen) == 1, (names, chosen)


def test_a_tier_without_tests_fails(runner: Runner) -> None:
    assert runner.run(Tier("unit", "", marker="ui")).state == "FAILED"


def test_a_tier_without_matching_tests_is_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    runner = Runner(Path(sys.executable), Progress(), "no_test_is_called_this", COLLECT)
    assert runner.run(Tier("unit", "", marker="not ui")).state == "skipped"


def test_a_tool_that_fails_fails_its_tier(runner: Runner) -> None:
    assert runner.run(Tier("lint", "", tools=(("this",), ("no_such_module",)))).state == "FAILED"
    assert runner.run(Tier("lint", "", tools=(("this",),))).state == "passed"


@pytest.mark.parametrize(
    ("error", "ci", "state"),
    [
        (UnavailableError("not here"), "", "skipped"),
        (UnavailableError("not here"), "true", "FAILED"),
        (SetupError("broken"), "", "FAILED"),
        (SetupError("broken"), "true", "FAILED"),
    ],
)
def test_a_missing_piece_is_a_skip_with_a_note_but_a_failure_in_ci(
    error: SetupError, ci: str, state: str, runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: Progress) -> None:
        raise error

    monkeypatch.setattr(tiers, "ensure_full_blender", fail)
    monkeypatch.setenv("CI", ci)
    outcome = runner.run(Tier("ui", "", marker="not ui", needs=("full",)))
    assert outcome.state == state
    assert error.what in outcome.words
    assert bool(runner.notes) == isinstance(error, UnavailableError)


def test_counts_come_from_pytests_own_report(tmp_path: Path) -> None:
    test = tmp_path / "test_it.py"
    test.write_text(
        "import pytest\n"
        "def test_a(): pass\n"
        "def test_b(): assert False\n"
        "@pytest.mark.skip\ndef test_c(): pass\n"
        "@pytest.fixture\ndef broken(): raise ValueError\n"
        "def test_d(broken): pass\n",
        encoding="utf-8",
    )
    report = tmp_path / "report.xml"
    argv = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report}", str(test)]
    subprocess.run(argv, cwd=tmp_path, capture_output=True, check=False)
    assert tiers._read_counts(report) == {"failed": 2, "passed": 1, "skipped": 1}
    assert tiers._read_counts(tmp_path / "none.xml") == {}


@pytest.mark.parametrize(("arguments", "word"), [(["--tier", "unti"], "no such tier: unti")])
def test_wrong_arguments_are_refused(arguments: list[str], word: str) -> None:
    script = REPOSITORY / "scripts" / "test.py"
    done = subprocess.run([sys.executable, script, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert word in done.stderr
