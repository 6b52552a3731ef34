"""Quickstart: what it refuses at once, how it shows progress, and what it says when a process fails."""

import dataclasses
import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.support.sources import REPOSITORY
from tools import main_job
from tools.environments import pip_words
from tools.errors import SetupError
from tools.progress import Progress


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> "Program":
    monkeypatch.setenv("POSE_CORE_CACHE", str(tmp_path / "cache"))
    return Program(tmp_path)


@dataclasses.dataclass
class Program:
    """Stands for one of the job's processes: a Python text."""

    folder: Path

    def run(self, text: str) -> str:
        path = self.folder / "program.py"
        path.write_text("import json, sys\n" + textwrap.dedent(text), encoding="utf-8")
        with Progress().step("the job") as step:
            return main_job.run_job(step, [sys.executable, str(path)], "test")


def test_the_output_of_a_process_comes_back_apart_from_its_progress(program: Program) -> None:
    out = program.run("""
        print(json.dumps({"stage": "track", "done": 1, "total": 9}), file=sys.stderr)
        print(json.dumps({"ok": True, "report": {"frames": 3}}, indent=2))
    """)
    assert json.loads(out)["report"] == {"frames": 3}


def test_a_failure_says_what_the_process_itself_says(program: Program) -> None:
    with pytest.raises(SetupError) as caught:
        program.run("""
            print("noise", file=sys.stderr)
            print(json.dumps({"ok": False, "error": {"code": "video", "message": "No frames.", "hint": "Look."}}))
            sys.exit(3)
        """)
    assert caught.value.what == "No frames."
    assert caught.value.advice == "Look."


def test_a_crash_shows_the_last_lines_but_no_progress(program: Program) -> None:
    with pytest.raises(SetupError, match="the job: it ended with exit code 1") as caught:
        program.run("""
            print(json.dumps({"stage": "track", "done": 1, "total": 9}), file=sys.stderr)
            raise ValueError("inner")
        """)
    assert caught.value.tail[-1] == "ValueError: inner"
    assert not any("track" in line for line in caught.value.tail)
    assert Path(caught.value.log).exists()


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('{"stage": "track", "done": 3, "total": 9, "frames_per_s": 61.7, "seconds_left": 0.4}',
         "track  3/9  62 frames/s  0 s left"),
        ('{"stage": "open", "done": 0, "total": 0, "frames_per_s": 0.0, "seconds_left": null}', "open  0"),
        ("plain words", "plain words"),
        ("[1, 2]", "[1, 2]"),
    ],
)  # fmt: skip
def test_progress_is_shown_in_words(line: str, words: str) -> None:
    assert main_job.shown(line) == words


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("Collecting numpy==2.3.5 (from -r requirements/worker.txt (line 3))", "collecting numpy==2.3.5"),
        ("Processing /some/where/rich-15.0.0-py3-none-any.whl", "processing rich-15.0.0-py3-none-any.whl"),
        ("Installing collected packages: a, b, c", "installing 3 packages"),
        ("WARNING: Location is ignored", ""),
        ("", ""),
    ],
)
def test_pip_is_shown_in_few_words(line: str, words: str) -> None:
    assert pip_words(line) == words


def _quickstart(*arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, REPOSITORY / "scripts" / "quickstart.py", *arguments],
        capture_output=True,
        text=True,
        env={key: value for key, value in os.environ.items() if key != "BLENDER"},
        check=False,
    )


def test_a_missing_video_is_refused_before_anything_begins(tmp_path: Path) -> None:
    done = _quickstart(tmp_path / "none.mp4", "--out", tmp_path / "out")
    assert done.returncode == 1
    assert "there is no video" in done.stderr
    assert "what to try" in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_missing_rig_is_refused_before_anything_begins(tmp_path: Path) -> None:
    video = tmp_path / "clip.mp4"
    video.touch()
    done = _quickstart(video, "--rig", tmp_path / "none.fbx", "--out", tmp_path / "out")
    assert done.returncode == 1
    assert "there is no rig" in done.stderr


def test_a_program_that_is_no_blender_is_refused(tmp_path: Path) -> None:
    video = tmp_path / "clip.mp4"
    video.touch()
    done = _quickstart(video, "--blender", sys.executable, "--out", tmp_path / "out")
    assert done.returncode == 1
    assert "is not a Blender program" in done.stderr
