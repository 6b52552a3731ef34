"""Spans that deserve a look: where there is no pose, a guessed one, or an uncertain one."""

import dataclasses

import numpy as np
import pytest

from pose_core.doubts import EMPTY, FILLED, UNSURE, doubt_spans
from tests.support.motions import random_motion

RATE = 30.0


def motion_with(sigma_m=None, unseen=None, empty=None, frames=40):
    valid = np.ones(frames, dtype=bool)
    if empty is not None:
        valid[empty] = False
    motion = random_motion(frames, RATE, valid=valid)
    sigma = np.full(motion.joint_sigma_m.shape, 0.03)
    confidence = np.ones_like(motion.keypoint_confidence)
    if sigma_m is not None:
        sigma[sigma_m[0]] = sigma_m[1]
    if unseen is not None:
        confidence[unseen] = 0.0
        sigma[unseen] = np.inf
    sigma[~valid] = np.nan
    return dataclasses.replace(motion, joint_sigma_m=sigma, keypoint_confidence=confidence)


def test_a_sure_motion_has_no_doubts():
    assert doubt_spans(motion_with()) == ()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"sigma_m": (slice(10, 20), 0.5)}, UNSURE),
        ({"unseen": slice(10, 20)}, FILLED),
        ({"empty": slice(10, 20)}, EMPTY),
    ],
)
def test_each_kind_of_doubt_is_one_span_with_its_times(changes, reason):
    motion = motion_with(**changes)
    (span,) = doubt_spans(motion)
    assert span.reason == reason
    assert span.start_s == motion.timestamps_s[10]
    assert span.end_s == motion.timestamps_s[19]


def test_little_trust_and_distance_from_the_evidence_are_doubts():
    motion = motion_with()
    times = len(motion.timestamps_s)
    confidence = np.ones((times, 3))
    confidence[5:15] = 0.2
    keypoints = np.tile([[100.0, 100.0], [150.0, 200.0], [100.0, 500.0]], (times, 1, 1))
    error = np.full((times, 3), 4.0)
    error[20:30] = 30.0  # of a figure that is 400 px high
    motion = dataclasses.replace(
        motion,
        keypoint_names=("nose", "left_hip", "left_ankle"),
        keypoints_px=keypoints,
        keypoint_confidence=confidence,
        reprojection_error_px=error,
    )
    first, second = doubt_spans(motion)
    assert (first.start_s, first.end_s) == (motion.timestamps_s[5], motion.timestamps_s[14])
    assert (second.start_s, second.end_s) == (motion.timestamps_s[20], motion.timestamps_s[29])
    assert first.reason == second.reason == UNSURE


def test_spans_come_in_the_order_of_time_and_reach_both_ends():
    motion = motion_with(empty=slice(0, 5), unseen=slice(30, 40), sigma_m=(slice(12, 18), 0.4))
    assert [span.reason for span in doubt_spans(motion)] == [EMPTY, UNSURE, FILLED]
    assert doubt_spans(motion)[0].start_s == motion.timestamps_s[0]
    assert doubt_spans(motion)[-1].end_s == motion.timestamps_s[-1]


def test_a_single_uncertain_frame_is_not_worth_a_word():
    assert doubt_spans(motion_with(sigma_m=(slice(10, 11), 0.5))) == ()


def test_one_bad_joint_does_not_make_a_frame_unsure():
    motion = motion_with()
    sigma = motion.joint_sigma_m.copy()
    sigma[:, 3] = 5.0
    assert doubt_spans(dataclasses.replace(motion, joint_sigma_m=sigma)) == ()
