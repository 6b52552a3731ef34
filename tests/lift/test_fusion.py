import dataclasses

import numpy as np
import pytest

from pose_core.lift.fusion import fuse_lifts
from pose_core.types import LiftedTrack
from tests.support.synthetic import walking_joints


def _lift(joints, sigma, method, **more):
    relative = joints - joints[:, :1]
    return LiftedTrack(relative, np.full(relative.shape[:2], sigma), method, **more)


@pytest.fixture
def truth():
    return walking_joints(30)


def test_independent_errors_shrink(truth):
    rng = np.random.default_rng(0)
    first = _lift(truth + rng.normal(0, 0.05, truth.shape), 0.05, "a")
    second = _lift(truth + rng.normal(0, 0.05, truth.shape), 0.05, "b")
    fused = fuse_lifts(first, second)
    wanted = truth - truth[:, :1]
    error = [np.mean(np.linalg.norm(lift.joints_m - wanted, axis=-1)) for lift in (first, second, fused)]
    assert error[2] < 0.8 * min(error[:2])
    assert fused.method == "a+b"


def test_the_surer_one_leads_and_the_result_is_no_surer(truth):
    first, second = _lift(truth, 0.02, "a"), _lift(truth + [0, 0, 0], 0.2, "b")
    second.joints_m[:, 5] += [0.3, 0, 0]
    fused = fuse_lifts(first, second)
    assert np.max(np.abs(fused.joints_m - first.joints_m)) < 0.3 * 0.02**2 / (0.02**2 + 0.2**2) + 1e-6
    assert np.array_equal(fused.sigma_m, first.sigma_m)


def test_the_surer_one_gives_the_sigma_whichever_leads_joint_by_joint(truth):
    first, second = _lift(truth, 0.1, "a"), _lift(truth, 0.1, "b")
    second.sigma_m[:, 4], second.sigma_m[:, 6], first.sigma_m[:, 8] = 0.03, 0.5, np.nan
    fused = fuse_lifts(first, second).sigma_m
    assert np.all(fused[:, 4] == 0.03) and np.all(fused[:, 6] == 0.1) and np.all(fused[:, 8] == 0.1)


def test_scale_of_the_second_does_not_matter(truth):
    first = _lift(truth, 0.05, "a")
    doubled = _lift(2.0 * truth, 0.05, "b")
    assert np.allclose(fuse_lifts(first, doubled).joints_m, first.joints_m, atol=1e-9)


def test_what_one_does_not_know_comes_from_the_other(truth):
    contacts = np.full((30, 4), 0.5)
    first, second = _lift(truth, 0.05, "a", contact_probability=contacts), _lift(truth, 0.1, "b")
    for lift, frames in ((first, slice(0, 10)), (second, slice(5, 12))):
        lift.joints_m[frames, 7] = np.nan
        lift.sigma_m[frames, 7] = np.nan
    fused = fuse_lifts(first, second)
    assert np.all(np.isnan(fused.joints_m[5:10, 7])) and np.all(np.isfinite(fused.joints_m[:5, 7]))
    assert np.allclose(fused.joints_m[:5, 7], second.joints_m[:5, 7], atol=1e-9)
    assert fused.contact_probability is contacts


def test_an_empty_opinion_changes_nothing(truth):
    first = _lift(truth, 0.05, "a")
    nothing = dataclasses.replace(
        first, joints_m=np.full_like(first.joints_m, np.nan), sigma_m=np.full_like(first.sigma_m, np.nan)
    )
    assert np.allclose(fuse_lifts(first, nothing).joints_m, first.joints_m)
