"""The worker's self-test: it passes where a whole job gives what is known, and fails when any part of the road does."""

from dataclasses import replace

import numpy as np
import pytest

import pose_core.pipeline
from pose_core.errors import CancelledError, PoseCoreError, VideoError
from pose_core.motion_file import read_motion
from pose_core.worker import jobs, protocol, self_test
from pose_core.worker.self_test import Surroundings

RENEW = "if the estimate was changed on purpose: .venv/bin/python scripts/make_self_test.py"


def never():
    return False


def quiet(_progress):
    return None


AROUND = Surroundings(protocol.SelfTest("a"), quiet, never)


@pytest.fixture(scope="module")
def motion(tmp_path_factory):
    """The motion of the clip, as the self-test makes it."""
    folder = tmp_path_factory.mktemp("self_test")
    self_test.estimate_and_compare(folder, AROUND)
    return read_motion(folder / "clip.motion.npz")


def test_a_missing_model_fails_it_and_nothing_is_said_to_have_passed(tmp_path, monkeypatch):
    monkeypatch.setenv("POSE_CORE_CACHE", str(tmp_path))
    report = jobs.run_self_test(protocol.SelfTest("a"), quiet, never).report
    assert not report["ok"]
    assert [(check["name"], check["ok"]) for check in report["checks"]] == [("Libraries", True), ("Model", False)]
    assert "blazepose-full" in report["checks"][1]["detail"]
    with pytest.raises(CancelledError):
        jobs.run_self_test(protocol.SelfTest("a"), quiet, lambda: True)


@pytest.mark.parametrize("error", [ImportError("libGL.so.1: cannot open"), TypeError("no argument 'metadata_errors'")])
def test_whatever_a_library_does_wrong_is_a_result(error):
    def broken(_around):
        raise error

    result = self_test.run_check(("Graphics", broken), AROUND)
    assert result == {"name": "Graphics", "ok": False, "detail": f"{type(error).__name__}: {error}"}


def test_being_cancelled_is_no_failure():
    def cancelled(_around):
        raise CancelledError("The job was cancelled.")

    with pytest.raises(CancelledError):
        self_test.run_check(("Estimate", cancelled), AROUND)


@pytest.mark.model
def test_it_passes_here_and_tells_how_far_it_is():
    told = []
    report = jobs.run_self_test(protocol.SelfTest("a"), told.append, never).report
    assert report["ok"], f"{report}; {RENEW}"
    assert [check["name"] for check in report["checks"]] == ["Libraries", "Model", "Estimate"]
    shares = [update.done for update in told]
    assert shares == sorted(shares) and len(set(shares)) > 4


@pytest.mark.model
def test_a_job_that_fails_fails_it(monkeypatch):
    def broken(*_arguments, **_options):
        raise VideoError("expected a video file")

    monkeypatch.setattr(pose_core.pipeline, "estimate", broken)
    report = jobs.run_self_test(protocol.SelfTest("a"), quiet, never).report
    assert not report["ok"]
    assert "expected a video" in report["checks"][-1]["detail"]


@pytest.mark.model
def test_a_preview_that_lacks_frames_fails_it(monkeypatch, tmp_path):
    monkeypatch.setattr(self_test, "_frames_of", lambda _path: 29)
    with pytest.raises(PoseCoreError, match="29 frames"):
        self_test.estimate_and_compare(tmp_path, AROUND)


@pytest.mark.model
def test_other_results_fail_it(motion):
    known = self_test.known_results()
    assert "as known" in self_test.compare_with_known(motion, known), RENEW
    unseen = known["keypoints_px"].copy()
    unseen[:, 0] = np.nan
    for name, values, text in (
        ("keypoints_px", known["keypoints_px"] + 2.0, "Keypoints are 2.8 px"),
        ("joints_world_m", known["joints_world_m"] + 0.01, "Joints are 17 mm"),
        ("joints_world_m", known["joints_world_m"][:-1], "shape"),
    ):
        with pytest.raises(PoseCoreError, match=text):
            self_test.compare_with_known(motion, {**known, name: values})
    lost = motion.keypoints_px.copy()
    lost[3] = np.nan
    object.__setattr__(changed := replace(motion), "keypoints_px", lost)
    with pytest.raises(PoseCoreError, match="Keypoints are nan"):
        self_test.compare_with_known(changed, known)
    stretched = motion.joints_world_m.copy()
    stretched[3, 5] += 0.005
    object.__setattr__(changed := replace(motion), "joints_world_m", stretched)
    with pytest.raises(PoseCoreError, match="change their length"):
        self_test.compare_with_known(changed, known)


def test_the_clip_and_its_results_are_small():
    assert self_test.known_results()["joints_world_m"].shape[0] == 30
