"""What the worker runs: the pipeline with the client's request, the self-test, fetching models."""

import json

import pytest

import pose_core.pipeline
from pose_core.config import EstimateRequest
from pose_core.errors import CancelledError, ConfigError, ModelError
from pose_core.pipeline import EstimateResult
from pose_core.worker import jobs, protocol, self_test


def never():
    return False


def quiet(_progress):
    return None


def test_the_pipeline_gets_the_same_request_and_its_report_can_be_sent(monkeypatch):
    request = EstimateRequest(video="v.mp4", out="o.motion.npz")
    seen = {}

    def estimate(given, *, progress, cancel):
        seen.update(request=given, progress=progress, cancel=cancel)
        return EstimateResult(("o.motion.npz",), None, {"mean_reprojection_px": float("nan"), "frames": 3})

    monkeypatch.setattr(pose_core.pipeline, "estimate", estimate)
    result = jobs.run_estimate(protocol.Estimate("a", json.loads(request.to_json())), quiet, never)
    assert seen == {"request": request, "progress": quiet, "cancel": never}
    assert result == protocol.Result("a", {"mean_reprojection_px": None, "frames": 3}, ["o.motion.npz"], None)
    protocol.encode(result)


@pytest.mark.parametrize("change", [{"version": 99}, {"video": ""}, {"video": 3}, {"unknown": 1}, {"track": []}])
def test_a_request_that_is_none_is_refused(change):
    data = json.loads(EstimateRequest(video="v.mp4", out="o.motion.npz").to_json())
    with pytest.raises(ConfigError):
        jobs.run_estimate(protocol.Estimate("a", {**data, **change}), quiet, never)


def test_models_that_cannot_be_had_are_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("POSE_CORE_CACHE", str(tmp_path))
    with pytest.raises(ModelError, match="no-such"):
        jobs.run_get_models(protocol.GetModels("a", ["no-such"]), quiet, never)
    with pytest.raises(ModelError, match="does not exist"):
        jobs.run_get_models(protocol.GetModels("a", [], str(tmp_path / "gone")), quiet, never)
    with pytest.raises(CancelledError):
        jobs.run_get_models(protocol.GetModels("a", []), quiet, lambda: True)


def test_the_self_test_tells_of_a_missing_model_and_goes_on(tmp_path, monkeypatch):
    monkeypatch.setenv("POSE_CORE_CACHE", str(tmp_path))
    report = jobs.run_self_test(protocol.SelfTest("a"), quiet, never).report
    found = {check["name"]: check for check in report["checks"]}
    assert not report["ok"]
    assert found["Libraries"]["ok"], found
    assert found["Video"]["ok"], found
    assert not found["Model"]["ok"]
    assert "blazepose-full" in found["Model"]["detail"]
    with pytest.raises(CancelledError):
        jobs.run_self_test(protocol.SelfTest("a"), quiet, lambda: True)


def test_a_library_that_does_not_load_is_a_result_of_the_self_test():
    def broken(_message):
        raise ImportError("libGL.so.1: cannot open shared object file")

    result = self_test.run_check(("Graphics", broken), protocol.SelfTest("a"))
    assert result == {
        "name": "Graphics",
        "ok": False,
        "detail": "ImportError: libGL.so.1: cannot open shared object file",
    }


@pytest.mark.model
def test_the_self_test_passes_here():
    report = jobs.run_self_test(protocol.SelfTest("a"), quiet, never).report
    assert report["ok"], report
    result = jobs.run_get_models(protocol.GetModels("a", []), quiet, never)
    assert list(result.report["models"]) == ["blazepose-full"]
