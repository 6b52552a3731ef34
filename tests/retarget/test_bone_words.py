"""What names say, whoever gave them."""

import pytest

from pose_core.retarget.mapping.words import read_name


@pytest.mark.parametrize(
    ("name", "part", "side"),
    [
        ("mixamorig1:LeftForeArm", "forearm", "left"), ("Bip01 L UpperArm", "upper_arm", "left"),
        ("ValveBiped.Bip01_R_Calf", "shin", "right"), ("CC_Base_L_Upperarm", "upper_arm", "left"),
        ("J_Bip_R_LowerLeg", "shin", "right"), ("lShldrBend", "upper_arm", "left"), ("rThighBend", "thigh", "right"),
        ("upperarm01.L", "upper_arm", "left"), ("arm.upper.R", "upper_arm", "right"),
        ("thigh_stretch.l", "thigh", "left"),
        ("LEFTUPLEG", "thigh", "left"), ("lforearm", "forearm", "left"), ("handr", "hand", "right"),
        ("Hand-l", "hand", "left"), ("R_Hip", "thigh", "right"), ("Hips", "pelvis", ""), ("hip", "pelvis", ""),
        ("UpperChest", "spine", ""), ("CC_Base_NeckTwist01", "neck", ""), ("c_head.x", "head", ""),
        ("左手", "", "left"), ("Armature_LeftToeBase", "toe", "left"), ("DEF-shin.R", "shin", "right"),
    ],
)  # fmt: skip
def test_parts_and_sides_are_read(name: str, part: str, side: str) -> None:
    said = read_name(name)
    assert said.side == side
    assert not said.helper
    assert (max(said.parts, key=lambda key: said.parts[key]) if said.parts else "") == part


@pytest.mark.parametrize(
    "name",
    ["upperarm_twist_01_l", "lThighTwist", "CC_Base_L_ForearmTwist01", "ik_foot_l", "Pole_Knee.L", "HeadTop_End",
     "handslot.l", "kneeIK.r", "control-toe-roll.l", "J_Sec_Hair1_01", "heel.02.L", "MCH-foot_fk.L", "ORG-shin.R"],
)  # fmt: skip
def test_helpers_are_known(name: str) -> None:
    assert read_name(name).helper


@pytest.mark.parametrize(
    ("name", "finger"),
    [("LeftHandThumb1", "thumb"), ("f_index.01.L", "index"), ("CC_Base_R_Mid2", "middle"), ("LeftHandRing3", "ring"),
     ("J_Bip_L_Little1", "pinky"), ("pinky_03_r", "pinky"), ("LeftIndexProximal", "index")],
)  # fmt: skip
def test_fingers_are_no_hands(name: str, finger: str) -> None:
    said = read_name(name)
    assert said.finger == finger and not said.parts


@pytest.mark.parametrize("name", ["Bone", "Bone.012", "joint12", "root", "lips", "hero_rig", "x", "1"])
def test_other_names_say_nothing_of_sides(name: str) -> None:
    assert read_name(name).side == "" and "head" not in read_name(name).parts
