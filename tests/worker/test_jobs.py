"""What the worker runs: the pipeline with the client's request, the self-test, fetching models."""

import pytest

import pose_core.pipeline
from pose_core.config import EstimateRequest
from pose_core.errors import CancelledError, ConfigError, ModelError
from pose_core.pipeline import EstimateResult
from pose_core.worker import jobs, protocol


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
    result = jobs.run_estimate(protocol.Estimate("a", request.to_data()), quiet, never)
    assert seen == {"request": request, "progress": quiet, "cancel": never}
    assert result == protocol.Result("a", {"mean_reprojection_px": None, "frames": 3}, ["o.motion.npz"], None)
    protocol.encode(result)


@pytest.mark.parametrize("change", [{"version": 99}, {"video": ""}, {"video": 3}, {"unknown": 1}, {"track": []}])
def test_a_request_that_is_none_is_refused(change):
    data = EstimateRequest(video="v.mp4", out="o.motion.npz").to_data()
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
