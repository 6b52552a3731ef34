"""The examples for Python run as they stand, one after the other, as a reader would run them."""

import re
import shutil
import subprocess
import sys

import pytest

import pose_core
from tests.support.sources import REPOSITORY

BLOCK = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)


@pytest.mark.model
@pytest.mark.parametrize("page", ["README.md", "docs/python.md"])
def test_the_examples_of_a_page_run(page, tmp_path):
    shutil.copyfile(REPOSITORY / "samples" / "mannequin_walk.mp4", tmp_path / "walk.mp4")
    blocks = BLOCK.findall((REPOSITORY / page).read_text(encoding="utf-8"))
    assert blocks
    for block in blocks:
        done = subprocess.run([sys.executable, "-c", block], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    assert (tmp_path / "walk.motion.npz").is_file()


def test_the_package_shows_what_it_offers():
    assert set(dir(pose_core)) == set(pose_core.__all__)
    for name in pose_core.__all__:
        assert getattr(pose_core, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        pose_core.nothing  # noqa: B018


def test_importing_the_package_loads_nothing_else():
    code = "import sys, pose_core; print([m for m in sys.modules if m.startswith('pose_core.') or m == 'numpy'])"
    done = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
