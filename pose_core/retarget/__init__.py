"""Carry a motion onto any humanoid rig; numpy only, free of Blender."""

from pose_core.retarget.auto_map import check_bone_map, map_bones
from pose_core.retarget.bone_map import BoneMap, read_bone_map, write_bone_map
from pose_core.retarget.channels import rotation_channels
from pose_core.retarget.key_tracks import KeyTrack, key_tracks
from pose_core.retarget.keying import KeysConfig, planned_tracks, with_root_motion
from pose_core.retarget.kinematics import pose_bones
from pose_core.retarget.new_rig import NewBone, new_rig_bone_map, new_rig_layout
from pose_core.retarget.rest_alignment import RestAlignment, align_rest_pose
from pose_core.retarget.rig import RigDescription
from pose_core.retarget.rig_motion import RigMotion
from pose_core.retarget.times import SceneRate, frames_of_times, rate_of_times, resampled, split_rate
from pose_core.retarget.transfer import LIMB_JOINTS, TransferConfig, transfer

__all__ = [
    "LIMB_JOINTS",
    "BoneMap",
    "KeyTrack",
    "KeysConfig",
    "NewBone",
    "RestAlignment",
    "RigDescription",
    "RigMotion",
    "SceneRate",
    "TransferConfig",
    "align_rest_pose",
    "check_bone_map",
    "frames_of_times",
    "key_tracks",
    "map_bones",
    "new_rig_bone_map",
    "new_rig_layout",
    "planned_tracks",
    "pose_bones",
    "rate_of_times",
    "read_bone_map",
    "resampled",
    "rotation_channels",
    "split_rate",
    "transfer",
    "with_root_motion",
    "write_bone_map",
]
