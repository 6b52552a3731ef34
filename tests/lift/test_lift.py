import numpy as np
import pytest

from pose_core.errors import InsufficientDataError
from pose_core.lift import lift_by_model_depth, lift_track
from pose_core.maths.metrics import mpjpe
from tests.support.synthetic import observe, walking_joints


def test_model_depth_gives_the_models_joints_relative_to_the_pelvis():
    scene = observe(walking_joints(20))
    lifted = lift_by_model_depth(scene.track)
    assert mpjpe(lifted.joints_m[:, :15], scene.joints_camera_m[:, :15]) < 0.05
    assert np.all(lifted.joints_m[:, 0] == 0)


def test_sigma_grows_as_confidence_falls():
    scene = observe(walking_joints(5))
    sure = lift_by_model_depth(scene.track).sigma_m
    scene.track.confidence[:] *= 0.3
    assert np.nanmean(lift_by_model_depth(scene.track).sigma_m) > 1.5 * np.nanmean(sure)


def test_models_without_depth_are_lifted_by_the_network_alone():
    scene = observe(walking_joints(60), set_name="coco17")
    lifted = lift_track(scene.track, scene.K)
    assert lifted.method == "temporal"
    assert np.all(np.isfinite(lifted.joints_m))
    with pytest.raises(InsufficientDataError, match="no depth"):
        lift_by_model_depth(scene.track)


@pytest.mark.parametrize("heading", [0.0, 0.8, -0.8, np.pi])
def test_network_and_model_depth_together_tell_front_from_back(heading):
    scene = observe(walking_joints(60, heading_rad=heading), noise_m=0.05)
    lifted = lift_track(scene.track, scene.K)
    assert lifted.method == "temporal+model-depth"
    assert mpjpe(lifted.joints_m, scene.joints_camera_m) < 0.13


def test_nothing_to_lift_is_said():
    scene = observe(walking_joints(5), set_name="coco17")
    scene.track.confidence[:] = 0
    with pytest.raises(InsufficientDataError):
        lift_track(scene.track, scene.K)
