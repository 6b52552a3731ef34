"""The command line: what it asks of the pipeline, what it prints, and its exit codes."""

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import pose_core.pipeline
from pose_core import __version__, errors
from pose_core.cli import main
from pose_core.cli.estimate import request_from
from pose_core.cli.exit_codes import ExitCode, exit_code_of
from pose_core.cli.main import build_parser
from pose_core.config import EstimateRequest
from pose_core.stages import STAGES, clock, overall_fraction

ALL_OPTIONS = """
--preview /o/p.mp4 --model m --detector d --people all --person 2 --height 1.8 --focal 900 --camera-pitch -5
--camera-roll 3 --start 1 --end 2 --fps 12 --image-fps 24 --smoothness 2 --max-gap 0.5 --no-foot-contact --no-floor
--no-joint-limits --in-place --camera-poses /c.npy --device cpu --threads 3 --model-folder /m
"""
STUB = Path(__file__).with_name("stub_command.py")


def parsed(*words):
    return request_from(build_parser().parse_args(["estimate", "v.mp4", "--out", "/o/x.motion.npz", *words]))


def run_stub(*words, **options):
    return subprocess.run(
        [sys.executable, str(STUB), *map(str, words)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        **options,
    )


def test_without_options_the_request_has_every_default():
    assert parsed() == EstimateRequest(video="v.mp4", out=str(Path("/o/x.motion.npz").absolute()))


def test_every_option_reaches_the_request_and_survives_the_wire():
    request = parsed(*shlex.split(ALL_OPTIONS))
    data = request.to_data()
    defaults = EstimateRequest(video="other", out="other").to_data()

    def leaves(value, path=()):
        if isinstance(value, dict):
            return {k: v for name, item in value.items() for k, v in leaves(item, (*path, name)).items()}
        return {path: value}

    same = [path for path, value in leaves(data).items() if leaves(defaults)[path] == value]
    # What the command line leaves alone; everything else must differ from its default here.
    assert same == [
        ("version",),
        ("track", "detector_score"),
        ("track", "min_keypoint_confidence"),
        ("track", "detect_every_s"),
        ("track", "min_track_s"),
        ("camera", "fov_deg"),
        ("camera", "focal_35mm"),
    ]
    assert EstimateRequest.from_json(request.to_json()) == request
    assert parsed("--fov", "60").camera.fov_deg == 60
    assert parsed("--focal-35mm", "26").camera.focal_35mm == 26
    assert parsed("--people", "3").track.people == 3


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["fly"],
        ["estimate"],
        ["estimate", "v.mp4"],
        ["estimate", "v.mp4", "--out", "x", "--people", "0"],
        ["estimate", "v.mp4", "--out", "x", "--people", "some"],
        ["estimate", "v.mp4", "--out", "x", "--focal", "9", "--fov", "50"],
        ["estimate", "v.mp4", "--out", "x", "--height", "17"],
        ["estimate", "v.mp4", "--out", "x", "--device", "abacus"],
        ["estimate", "v.mp4", "--out", "x", "--heigh", "1.7"],
        ["models"],
        ["models", "eat"],
    ],
)
def test_wrong_arguments_are_told_in_text_and_json(words, capfd):
    assert main(words) == ExitCode.USAGE
    out, text = capfd.readouterr()
    assert out == ""
    assert text.startswith("pose-core: ")
    assert main([*words, "--json"]) == ExitCode.USAGE
    out, text = capfd.readouterr()
    document = json.loads(out)
    assert document["ok"] is False
    assert document["exit_code"] == ExitCode.USAGE
    assert document["error"]["code"] == "config"


def test_every_error_has_its_exit_code():
    def kinds(kind):
        return [kind, *(found for child in kind.__subclasses__() for found in kinds(child))]

    for kind in kinds(errors.PoseCoreError):
        if kind.__module__ == errors.__name__:
            expected_unexpected = kind in (errors.PoseCoreError, errors.WorkerError, errors.ShapeError)
            assert (exit_code_of(kind("m")) == ExitCode.UNEXPECTED) == expected_unexpected, kind
    assert exit_code_of(errors.VideoError("m")) == 3
    assert exit_code_of(errors.NoPersonError("m")) == 5
    assert exit_code_of(OSError()) == 6


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.VideoError("bad video", "try another"), 3),
        (errors.ModelError("no model"), 4),
        (errors.NoPersonError("nobody"), 5),
        (errors.MotionFileError("disk full"), 6),
        (OSError("disk full"), 6),
        (errors.CancelledError("stop"), 130),
    ],
)
def test_what_the_pipeline_raises_becomes_text_json_and_exit_code(error, code, monkeypatch, capfd, tmp_path):
    def fail(*_args, **_kwargs):
        raise error

    monkeypatch.setattr(pose_core.pipeline, "estimate", fail)
    words = ["estimate", "v.mp4", "--out", str(tmp_path / "x")]
    assert main(words) == code
    assert str(error).split()[0] in capfd.readouterr().err
    assert main([*words, "--json"]) == code
    assert json.loads(capfd.readouterr().out)["exit_code"] == code


def test_help_names_every_exit_code(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["estimate", "--help"])
    assert caught.value.code == 0
    text = capsys.readouterr().out
    for code in ExitCode:
        assert f" {int(code)}  " in text


def test_json_is_one_document_whatever_native_code_prints(tmp_path):
    done = run_stub("estimate", "noise.mp4", "--out", tmp_path / "x.motion.npz", "--json")
    document = json.loads(done.stdout)
    assert document["ok"] is True
    assert document["report"]["mean_reprojection_px"] is None
    assert document["motion_paths"] == [str(tmp_path / "x.motion.npz")]
    lines = [line for line in done.stderr.splitlines() if line.startswith("{")]
    assert json.loads(lines[0])["stage"] == "track"
    assert "native noise" in done.stderr
    assert done.returncode == 0


def test_text_names_frames_time_people_and_warnings(tmp_path):
    done = run_stub("estimate", "good.mp4", "--out", tmp_path / "x.motion.npz")
    assert done.returncode == 0, done.stderr
    for text in (
        "3 (0.10 s at 29.970 frames/s)",
        "people found",
        "finding people",
        "lifting to 3D",
        "1.5 s",
        "x.motion.npz",
        "mind the gap",
    ):
        assert text in done.stdout
    assert "Finding people" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_cancels_and_leaves_no_file(tmp_path, number):
    process = subprocess.Popen(
        [sys.executable, str(STUB), "estimate", "slow.mp4", "--out", str(tmp_path / "x.motion.npz")],
        stderr=subprocess.PIPE,
        text=True,
    )
    assert "Finding" in process.stderr.readline()
    assert list(tmp_path.iterdir())
    process.send_signal(number)
    text = process.communicate(timeout=60)[1]
    assert process.returncode == 130
    assert "cancelled" in text
    assert list(tmp_path.iterdir()) == []


def test_a_terminal_gets_a_bar_with_rate(tmp_path):
    pty = pytest.importorskip("pty")
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, str(STUB), "estimate", "good.mp4", "--out", str(tmp_path / "x.motion.npz")],
        stderr=follower,
        stdout=subprocess.DEVNULL,
        env={**os.environ, "COLUMNS": "120", "TERM": "xterm"},
    )
    os.close(follower)
    seen = b""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            piece = os.read(leader, 4096)
        except OSError:
            break
        if not piece:
            break
        seen += piece
    os.close(leader)
    assert process.wait(60) == 0
    assert b"30 frames/s" in seen
    assert b"3/3" in seen


def test_module_and_version():
    done = subprocess.run(
        [sys.executable, "-m", "pose_core.cli", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == f"pose-core {__version__}"


def test_the_command_starts_without_heavy_libraries():
    code = (
        "import sys, pose_core.cli; print([n for n in ('cv2','av','scipy','onnxruntime','rich') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_models_are_listed_in_both_forms(capfd, tmp_path, monkeypatch):
    monkeypatch.setenv("POSE_CORE_CACHE", str(tmp_path))
    assert main(["models", "list", "--json"]) == 0
    models = {model["name"]: model for model in json.loads(capfd.readouterr().out)["models"]}
    assert models["blazepose-full"]["state"] == "missing"
    assert models["blazepose-full"]["licence"] == "Apache-2.0"
    assert main(["models", "list"]) == 0
    assert "blazepose-full" in capfd.readouterr().out
    assert main(["models", "verify", "blazepose-full"]) == ExitCode.MODEL
    assert main(["models", "get", "no-such-model"]) == ExitCode.MODEL
    (tmp_path / "own.onnx").write_bytes(b"x")
    assert main(["models", "register", str(tmp_path / "own.onnx"), "--kind", "simcc", "--keypoints", "coco17"]) == 0
    assert main(["models", "verify", "own"]) == 0
    capfd.readouterr()
    assert main(["models", "list", "--json"]) == 0
    assert "own" in [model["name"] for model in json.loads(capfd.readouterr().out)["models"]]


def test_info_refuses_what_is_neither_motion_nor_video(tmp_path, capfd):
    (tmp_path / "x.npz").write_bytes(b"no archive")
    (tmp_path / "x.mp4").write_bytes(b"no video")
    assert main(["info", str(tmp_path / "x.npz")]) == ExitCode.FILE
    assert main(["info", str(tmp_path / "x.mp4")]) == ExitCode.VIDEO
    assert main(["info", str(tmp_path / "gone.motion.npz")]) == ExitCode.FILE


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00"), (59.6, "1:00"), (61, "1:01"), (3723, "1:02:03"), (-1, "0:00")]
)
def test_clock(seconds, text):
    assert clock(seconds) == text


def test_the_stages_of_a_job_follow_each_other_on_the_bar():
    names = ["open", "track", "lift", "solve", "preview", "write"]
    fractions = [overall_fraction(name, done, 2) for name in names for done in (0, 1, 2)]
    assert fractions == sorted(fractions)
    assert (fractions[0], fractions[-1]) == (0.0, 1.0)
    assert overall_fraction("track", 1, 0) == STAGES["track"].begin
    assert overall_fraction("something new", 1, 2) == 0.5
