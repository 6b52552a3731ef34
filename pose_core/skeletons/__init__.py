"""Joint trees, keypoint sets of 2D models, and the mappings between them."""

from pose_core.skeletons.canonical import CANONICAL, CONTACT_JOINTS, REST_DIRECTIONS, rest_offsets_from_lengths
from pose_core.skeletons.keypoint_sets import KEYPOINT_SETS, KeypointSet, keypoint_set
from pose_core.skeletons.mapping import JointMapping, joint_mapping
from pose_core.skeletons.tree import Skeleton

__all__ = [
    "CANONICAL",
    "CONTACT_JOINTS",
    "KEYPOINT_SETS",
    "REST_DIRECTIONS",
    "JointMapping",
    "KeypointSet",
    "Skeleton",
    "joint_mapping",
    "keypoint_set",
    "rest_offsets_from_lengths",
]
