import numpy as np
import pytest

from pose_core.errors import ConfigError, ShapeError
from pose_core.maths.rotations import rotation_vector_to_matrix
from pose_core.skeletons import (
    CANONICAL,
    KEYPOINT_SETS,
    REST_DIRECTIONS,
    Skeleton,
    joint_mapping,
    keypoint_set,
    rest_offsets_from_lengths,
)
from pose_core.skeletons.canonical import stature_lengths


def test_rest_pose_faces_minus_y_with_left_at_plus_x():
    joints, _ = CANONICAL.forward_kinematics(
        np.broadcast_to(np.eye(3), (1, 24, 3, 3)), rest_offsets_from_lengths(stature_lengths(1.7)), np.zeros((1, 3))
    )
    where = dict(zip(CANONICAL.names, joints[0], strict=True))
    assert where["left_wrist"][0] > where["left_elbow"][0] > where["left_shoulder"][0] > 0
    assert where["right_hip"][0] < 0
    assert where["nose"][1] < where["head"][1] and where["left_toe"][1] < where["left_heel"][1]
    assert where["head"][2] > where["neck"][2] > where["pelvis"][2] > where["left_knee"][2] > where["left_ankle"][2]
    assert np.allclose(joints[0][CANONICAL.mirror] * [-1, 1, 1], joints[0])


def test_a_standing_person_is_about_as_tall_as_asked():
    joints, _ = CANONICAL.forward_kinematics(
        np.broadcast_to(np.eye(3), (1, 24, 3, 3)), rest_offsets_from_lengths(stature_lengths(1.7)), np.zeros((1, 3))
    )
    span = joints[0, CANONICAL.index("head"), 2] - joints[0, CANONICAL.index("left_toe"), 2]
    # ears lie about 12 cm below the crown, the ball of the foot 2 cm above the ground
    assert span == pytest.approx(1.7 - 0.12 - 0.02, abs=0.08)


def test_forward_kinematics_keeps_bone_lengths():
    rng = np.random.default_rng(0)
    lengths = stature_lengths(1.8)
    R = rotation_vector_to_matrix(rng.normal(size=(30, 24, 3)))
    joints, R_world = CANONICAL.forward_kinematics(R, rest_offsets_from_lengths(lengths), rng.normal(size=(30, 3)))
    parents = np.array(CANONICAL.parents[1:])
    measured = np.linalg.norm(joints[:, 1:] - joints[:, parents], axis=-1)
    assert np.allclose(measured, lengths[1:], atol=1e-12)
    assert np.allclose(np.linalg.det(R_world), 1.0)


@pytest.mark.parametrize("parents", [(0, 0), (-1, 1), (-1, -1)])
def test_malformed_trees_are_refused(parents):
    with pytest.raises(ShapeError):
        Skeleton(("a", "b"), parents)


@pytest.mark.parametrize(
    ("name", "count"), [("blazepose33", 33), ("coco17", 17), ("halpe26", 26), ("wholebody133", 133), ("h36m17", 17)]
)
def test_keypoint_sets_are_complete(name, count):
    points = KEYPOINT_SETS[name]
    assert len(points) == len(set(points.keypoints)) == count
    assert np.array_equal(points.mirror[points.mirror], np.arange(count))
    assert points.edge_indices.max() < count


def test_unknown_keypoint_set_names_the_known_ones():
    with pytest.raises(ConfigError, match="blazepose33"):
        keypoint_set("nonsense")


@pytest.mark.parametrize("name", sorted(KEYPOINT_SETS))
def test_mappings_are_affine_and_symmetric(name):
    mapping = joint_mapping(name)
    sums = mapping.weights.sum(axis=1)
    assert np.allclose(sums[mapping.available], 1.0)
    mirrored = mapping.weights[CANONICAL.mirror][:, mapping.source.mirror]
    assert np.allclose(mirrored, mapping.weights)


def test_missing_keypoints_make_joints_missing_with_confidence_zero():
    mapping = joint_mapping("blazepose33")
    xy, confidence = np.ones((2, 33, 2)), np.full((2, 33), 0.8)
    hip = mapping.source.index("left_hip")
    xy[0, hip], confidence[0, hip] = np.nan, 0.0
    joints, sure = mapping.positions(xy), mapping.confidences(confidence)
    for joint in ("pelvis", "left_hip"):
        assert np.all(np.isnan(joints[0, CANONICAL.index(joint)])) and sure[0, CANONICAL.index(joint)] == 0
    assert np.all(np.isfinite(joints[0, CANONICAL.index("right_hip")]))
    assert np.all(np.isfinite(joints[1])) and np.all(sure[1] == pytest.approx(0.8))
    coco = joint_mapping("coco17")
    assert not coco.available[CANONICAL.index("left_toe")]
    assert np.all(np.isnan(coco.positions(np.ones((17, 3)))[CANONICAL.index("left_toe")]))


def test_rest_directions_are_unit():
    assert np.allclose(np.linalg.norm(REST_DIRECTIONS[1:], axis=1), 1.0)
