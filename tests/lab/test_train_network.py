"""`scripts/train_network.py`: every network in its tiny size, from pictures to a model card. Needs PyTorch."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from pose_core.lab.nets.registry import NETWORKS

pytestmark = pytest.mark.train

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "train_network.py"


def train(*words):
    command = [sys.executable, str(SCRIPT), *words]
    return subprocess.run(command, cwd=SCRIPT.parents[1], capture_output=True, text=True, check=False)


def test_every_network_trains_and_exports(tmp_path):
    # the script itself fails where a loss does not fall
    done = train("--all", "--config", "tiny", "--threads", "1", "--out", str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    for name in NETWORKS:
        folder = tmp_path / f"{name}-tiny"
        for file in (f"{name}.onnx", "curves.png", "examples.png", "checkpoint.npz", "MODEL_CARD.md"):
            assert (folder / file).stat().st_size > 500, file
        described = json.loads((folder / f"{name}.json").read_text())
        assert described["kind"] == "pose3d" and described["network"] == name
        assert described["sha256"] in (folder / "MODEL_CARD.md").read_text()


@pytest.mark.parametrize(
    "words", [(), ("alexnet",), ("park2016", "--config", "vast"), ("park2016", "--set", "width"),
              ("park2016", "--set", "colour=3")],
)  # fmt: skip
def test_wrong_words_are_refused(words, tmp_path):
    done = train(*words, "--out", str(tmp_path))
    assert done.returncode == 2 and "Traceback" not in done.stderr, done.stderr
