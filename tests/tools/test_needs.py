"""Scripts say in one line which package they lack and how to get it."""

import subprocess
import sys
from importlib.util import find_spec

import pytest

from tests.support.sources import REPOSITORY

SCRIPTS = sorted(path.name for path in (REPOSITORY / "scripts").glob("*.py"))
WITHOUT = ("lock.py", "quickstart.py", "test.py")
"""These set up what the others need, and run on any Python."""


def run(script, *arguments, options=()):
    command = [sys.executable, *options, str(REPOSITORY / "scripts" / script), *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=REPOSITORY, check=False)


@pytest.mark.parametrize("script", SCRIPTS)
def test_without_any_package(script):
    done = run(script, "--help", options=["-S"])  # as a Python in which nothing is installed
    if script in WITHOUT:
        assert done.returncode == 0, done.stderr
    elif done.returncode != 0:
        said = done.stderr.strip().splitlines()
        assert len(said) == 1 and said[0].startswith(f"{script} needs "), done.stderr
        assert "install it: " in said[0] or "run it in Blender: " in said[0]


@pytest.mark.skipif(find_spec("torch") is not None, reason="torch is here")
@pytest.mark.parametrize("script", ["train_network.py", "train_lifter.py", "run_ablations.py"])
def test_training_without_torch(script, tmp_path):
    done = run(script, *(["--data", str(tmp_path)] if script == "run_ablations.py" else []))
    assert done.returncode == 1
    (line,) = done.stderr.strip().splitlines()
    assert line == (
        f"{script} needs torch, which this Python does not have; "
        f"install it: '{sys.executable}' -m pip install -e '{REPOSITORY}[train]'"
    )
