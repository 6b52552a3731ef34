"""What the network's further answers mean."""

import numpy as np

from pose_core.lift.answers import covariances, flexions
from pose_core.lift.temporal import TemporalLifter
from pose_core.skeletons import CANONICAL


def test_covariances_are_those_of_the_factor():
    answer = np.random.default_rng(0).normal(0, 1.0, (5, 6))
    for factor, covariance in zip(answer, covariances(answer), strict=True):
        A = np.diag(np.exp(factor[:3]))
        A[1, 0], A[2, 0], A[2, 1] = factor[3:]
        assert np.allclose(A @ covariance @ A.T, np.eye(3))


def test_flexion_of_a_bent_knee():
    joints = np.zeros((24, 3))
    hip, knee, ankle = CANONICAL.indices("left_hip", "left_knee", "left_ankle")
    joints[knee], joints[ankle] = [0, 0, -0.4], [0, 0.4 * np.sin(0.6), -0.4 - 0.4 * np.cos(0.6)]
    joints[hip] = 0.0
    assert np.isclose(flexions(joints)[0], 0.6)


class Lopsided:
    """Says that left joints are unsure along a slope, right ones sure, whatever is shown."""

    provider = "test"

    def run(self, inputs):
        shape = inputs["features"].shape[:3]
        factor = np.zeros((*shape, 24, 6))
        factor[..., :3] = 4.0
        left = [j for j, name in enumerate(CANONICAL.names) if name.startswith("left_")]
        factor[..., left, :3], factor[..., left, 4] = 2.0, 5.0
        return [np.zeros((*shape, 24, 3)), np.zeros((*shape, 24)), np.zeros((*shape, 4)), factor]


def test_the_mirrored_pass_brings_mirrored_covariances():
    axis = np.ones((24, 3))
    axis[:, 2] = 2.0
    lifter = TemporalLifter(Lopsided(), np.ones(24), 1, 2, ("precision_factor",), axis)
    covariance = lifter.lift_more(np.zeros((7, 63), dtype=np.float32))[3]["covariance_m2"]
    left, right = CANONICAL.indices("left_knee", "right_knee")
    flip = np.diag([-1.0, 1.0, 1.0])
    assert np.allclose(covariance[:, left], flip @ covariance[:, right] @ flip)  # both passes count the same
    raw = covariances(np.array([2.0, 2, 2, 0, 5, 0])), covariances(np.array([4.0, 4, 4, 0, 0, 0]))
    scale = np.outer(axis[0], axis[0])
    assert np.allclose(covariance[0, left], (raw[0] + flip @ raw[1] @ flip) / 2 * scale)


def test_a_network_without_further_answers_has_none():
    class Plain(Lopsided):
        def run(self, inputs):
            return super().run(inputs)[:3]

    assert TemporalLifter(Plain(), np.ones(24), 1, 2).lift_more(np.zeros((5, 63), dtype=np.float32))[3] == {}
