"""Carry a motion onto any humanoid rig; numpy only, free of Blender."""

from pose_core.retarget.keys.plan import KeysConfig, planned_tracks, wanted_root, with_root_motion
from pose_core.retarget.keys.times import SceneRate, frames_of_times, rate_of_times, resampled, split_rate
from pose_core.retarget.keys.tracks import KeyTrack, key_tracks
from pose_core.retarget.mapping.bone_map_file import (
    bone_map_from_dict,
    bone_map_to_dict,
    read_bone_map,
    write_bone_map,
)
from pose_core.retarget.mapping.checks import check_bone_map
from pose_core.retarget.mapping.detect import detect_bones, doubtful_parts, map_bones, map_by_family, sure_bones
from pose_core.retarget.rig.bone_map import BoneMap, IkControl, Switch
from pose_core.retarget.rig.channels import rotation_channels
from pose_core.retarget.rig.description import Follow, RigDescription
from pose_core.retarget.rig.kinematics import pose_bones
from pose_core.retarget.rig.motion import RigMotion
from pose_core.retarget.rig.new_rig import NewBone, new_rig_bone_map, new_rig_layout
from pose_core.retarget.rig.rest_alignment import RestAlignment, align_rest_pose
from pose_core.retarget.transfer.body_pose import LIMB_JOINTS
from pose_core.retarget.transfer.config import CONTROLS, TransferConfig
from pose_core.retarget.transfer.control_keys import KeyedBones, keyed_bones
from pose_core.retarget.transfer.expected import motion_limb_angles, planted_at, witness_bones
from pose_core.retarget.transfer.transfer import ik_limbs, switches_of, transfer

__all__ = [
    "CONTROLS",
    "LIMB_JOINTS",
    "BoneMap",
    "Follow",
    "IkControl",
    "KeyTrack",
    "KeyedBones",
    "KeysConfig",
    "NewBone",
    "RestAlignment",
    "RigDescription",
    "RigMotion",
    "SceneRate",
    "Switch",
    "TransferConfig",
    "align_rest_pose",
    "bone_map_from_dict",
    "bone_map_to_dict",
    "check_bone_map",
    "detect_bones",
    "doubtful_parts",
    "frames_of_times",
    "ik_limbs",
    "key_tracks",
    "keyed_bones",
    "map_bones",
    "map_by_family",
    "motion_limb_angles",
    "new_rig_bone_map",
    "new_rig_layout",
    "planned_tracks",
    "planted_at",
    "pose_bones",
    "rate_of_times",
    "read_bone_map",
    "resampled",
    "rotation_channels",
    "split_rate",
    "sure_bones",
    "switches_of",
    "transfer",
    "wanted_root",
    "with_root_motion",
    "witness_bones",
    "write_bone_map",
]
