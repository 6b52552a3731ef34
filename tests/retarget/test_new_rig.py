"""The built-in armature fits the motion it is made for."""

import numpy as np
import pytest

from pose_core.retarget import new_rig_bone_map, new_rig_layout
from pose_core.skeletons import CANONICAL
from tests.support.motions import random_motion


def test_bones_have_the_motions_lengths_and_stand_on_the_floor() -> None:
    motion = random_motion()
    bones = {bone.name: bone for bone in new_rig_layout(motion)}
    for bone, joint in {"left_upper_arm": "left_elbow", "right_shin": "right_ankle", "spine": "chest"}.items():
        length = float(np.linalg.norm(bones[bone].tail_m - bones[bone].head_m))
        assert length == pytest.approx(float(motion.bone_lengths_m[CANONICAL.index(joint)]))
    assert min(bone.head_m[2] for bone in bones.values()) == pytest.approx(0.0, abs=0.02)
    assert all(np.linalg.norm(bone.tail_m - bone.head_m) > 0.01 for bone in bones.values())


def test_left_is_at_positive_x_and_the_toes_point_to_negative_y() -> None:
    bones = {bone.name: bone for bone in new_rig_layout(random_motion())}
    assert bones["left_hand"].head_m[0] > 0.4 > -0.4 > bones["right_hand"].head_m[0]
    assert bones["left_toe"].tail_m[1] < bones["left_toe"].head_m[1] < bones["left_foot"].head_m[1]


def test_parents_come_first_and_the_map_names_every_bone() -> None:
    bones = new_rig_layout(random_motion())
    names = [bone.name for bone in bones]
    assert all(bone.parent is None or names.index(bone.parent) < i for i, bone in enumerate(bones))
    assert sorted(name for _, _, name in new_rig_bone_map()) == sorted(names)
