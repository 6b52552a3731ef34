"""Carrying a motion onto rigs of any rest pose, roll, size and place."""

from dataclasses import replace

import numpy as np
import pytest

from pose_core.errors import ConfigError, InsufficientDataError, RigError
from pose_core.maths.rotations import quaternion_to_matrix, rotation_vector_to_matrix, unit
from pose_core.motion_file import Motion
from pose_core.retarget import (
    LIMB_JOINTS,
    BoneMap,
    Follow,
    IkControl,
    RigDescription,
    RigMotion,
    Switch,
    TransferConfig,
    map_bones,
    new_rig_bone_map,
    pose_bones,
    transfer,
)
from pose_core.retarget.rig.rest_alignment import RestAlignment
from pose_core.retarget.transfer.body_pose import _ankle_height
from pose_core.retarget.transfer.transfer import switches_of
from pose_core.skeletons import CANONICAL
from pose_core.types import FloatArray
from tests.support.motions import make_motion, random_motion, rest_motion
from tests.support.rigs import RigShape, make_rig, without

# Forward kinematics in double precision over a dozen bones.
EXACT_M = 1e-9
EXACT_DEG = 1e-5

A_POSE = {"left_upper_arm": (0.0, 0.8, 0.0), "right_upper_arm": (0.0, -0.8, 0.0)}
ARMS_DOWN = {"left_upper_arm": (0.0, 1.5, 0.0), "right_upper_arm": (0.0, -1.5, 0.0)}
BENT = {
    "left_upper_arm": (0.2, 0.7, 0.3), "left_forearm": (0.0, 0.0, -0.9), "right_upper_arm": (0.1, -0.6, -0.2),
    "right_forearm": (0.0, 0.0, 0.8), "left_thigh": (-0.5, 0.1, 0.0), "left_shin": (0.9, 0.0, 0.0),
    "right_thigh": (-0.3, -0.2, 0.1), "right_shin": (0.7, 0.0, 0.0), "left_foot": (0.2, 0.0, 0.3),
}  # fmt: skip
TILTED = {"pelvis": (0.0, 0.0, 0.4), "left_thigh": (0.05, 0.0, 0.0)}

SHAPES = {
    "t_pose": RigShape(),
    "a_pose": RigShape(pose=A_POSE),
    "arms_down_rolls": RigShape(pose=ARMS_DOWN, rolls=3),
    "bent": RigShape(pose=BENT, rolls=4),
    "faces_elsewhere": RigShape(pose=A_POSE, turn=(0.0, 0.0, 2.5), move=(3.0, -2.0, 0.5)),
    "centimetres": RigShape(pose=A_POSE, scale=0.01, data_turn=(np.pi / 2, 0.0, 0.0), rolls=5),
    "pitched_back": RigShape(pose={"pelvis": (0.7, 0.0, 0.2)}, rolls=6),
    "long_legs": RigShape(length={"thigh": 1.3, "shin": 1.3}),
    "one_spine_bone": RigShape(spine_bones=1),
    "five_spine_bones": RigShape(spine_bones=5, pose=A_POSE),
}


def bone_map(rig: RigDescription) -> BoneMap:
    spine = tuple(name for name in rig.bone_names if name.startswith("spine") or name == "chest")
    return BoneMap({**new_rig_bone_map().bones, "spine": spine})


def world_heads(rig: RigDescription, motion: RigMotion) -> dict[str, FloatArray]:
    heads, _ = pose_bones(rig, motion)
    return dict(zip(rig.bone_names, np.moveaxis(rig.to_world(heads), 1, 0), strict=True))


def limb_angles_deg(rig: RigDescription, rig_motion: RigMotion, motion: Motion) -> dict[str, float]:
    heads = world_heads(rig, rig_motion)
    children = {"upper_arm": "forearm", "forearm": "hand", "thigh": "shin", "shin": "foot"}
    out = {}
    for limb, (start, end) in LIMB_JOINTS.items():
        side, part = limb.split("_", 1)
        if part not in children:
            continue
        of_rig = heads[f"{side}_{children[part]}"] - heads[limb]
        joints = motion.joints_world_m
        of_motion = joints[:, CANONICAL.index(end)] - joints[:, CANONICAL.index(start)]
        sine = np.linalg.norm(np.cross(unit(of_rig), unit(of_motion)), axis=-1)
        assert np.all(np.sum(of_rig * of_motion, axis=-1) > 0)
        out[limb] = float(np.degrees(np.arcsin(np.clip(sine, 0, 1)).max()))
    return out


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_limbs_point_where_the_motion_points_whatever_the_rest_pose(shape: RigShape) -> None:
    rig, motion = make_rig(shape), random_motion()
    angles = limb_angles_deg(rig, transfer(motion, rig, bone_map(rig)), motion)
    assert len(angles) == 8
    assert max(angles.values()) < EXACT_DEG, angles


def test_the_t_pose_leaves_the_built_in_rig_at_rest() -> None:
    rig = make_rig()
    moved = transfer(rest_motion(), rig, bone_map(rig))
    assert np.abs(moved.quaternions - [1, 0, 0, 0]).max() < 1e-9
    assert np.abs(moved.root_location).max() < EXACT_M


def test_the_built_in_rig_reproduces_the_motion_exactly() -> None:
    rig, motion = make_rig(), random_motion()
    heads = world_heads(rig, transfer(motion, rig, bone_map(rig)))
    joints = {"pelvis": "pelvis", "spine": "spine", "chest": "chest", "head": "head", "left_hand": "left_wrist",
              "right_foot": "right_ankle", "left_toe": "left_toe"}  # fmt: skip
    for bone, joint in joints.items():
        assert np.abs(heads[bone] - motion.joints_world_m[:, CANONICAL.index(joint)]).max() < EXACT_M, bone


def test_rolls_change_nothing_that_can_be_seen() -> None:
    motion = random_motion()
    rigs = [make_rig(RigShape(pose=A_POSE, rolls=roll)) for roll in (None, 1, 2)]
    plain, *others = (world_heads(rig, transfer(motion, rig, bone_map(rig))) for rig in rigs)
    for other in others:
        assert max(np.abs(plain[name] - other[name]).max() for name in plain) < EXACT_M


def test_where_the_object_stands_changes_nothing_in_the_world() -> None:
    motion = random_motion()
    rigs = [make_rig(RigShape()), make_rig(RigShape(turn=(0, 0, 1.8), move=(4, 1, 0), scale=0.01))]
    here, there = (world_heads(rig, transfer(motion, rig, bone_map(rig))) for rig in rigs)
    assert max(np.abs(here[name] - there[name]).max() for name in here) < EXACT_M


def test_relative_to_the_object_the_motion_goes_with_it() -> None:
    motion, config = random_motion(), TransferConfig(place="object")
    turn = rotation_vector_to_matrix(np.array([0, 0, 1.8]))
    rigs = [make_rig(RigShape()), make_rig(RigShape(turn=(0, 0, 1.8), move=(4, 1, 0)))]
    here, there = (world_heads(rig, transfer(motion, rig, bone_map(rig), config)) for rig in rigs)
    assert max(np.abs(here[name] @ turn.T + [4, 1, 0] - there[name]).max() for name in here) < EXACT_M


@pytest.mark.parametrize("shape", [SHAPES["a_pose"], SHAPES["arms_down_rolls"], SHAPES["centimetres"]])
def test_any_rest_pose_comes_to_the_same_t_pose(shape: RigShape) -> None:
    t_pose, rig = make_rig(), make_rig(shape)
    heads = world_heads(rig, transfer(rest_motion(), rig, bone_map(rig)))
    for name, position in zip(t_pose.bone_names, t_pose.heads, strict=True):
        assert np.abs(heads[name] - position).max() < 1e-6, name


def test_hips_rise_with_the_legs_and_feet_stay_on_the_floor() -> None:
    rig = make_rig(SHAPES["long_legs"])
    lift = 0.3 * (rig.heads[rig.index("left_thigh")][2] - rig.heads[rig.index("left_foot")][2]) / 1.3
    rig = replace(rig, rest_matrices=rig.rest_matrices + np.pad([[0.0], [0.0], [lift], [0.0]], ((0, 0), (3, 0))))
    heads = world_heads(rig, transfer(rest_motion(), rig, bone_map(rig)))
    assert heads["left_foot"][0, 2] == pytest.approx(float(rig.heads[rig.index("left_foot")][2]), abs=1e-6)
    assert heads["pelvis"][0, 2] == pytest.approx(float(rig.heads[rig.index("pelvis")][2]), abs=1e-6)


def test_steps_scale_with_the_legs() -> None:
    motion, rig = random_motion(), make_rig(SHAPES["long_legs"])
    moved = transfer(motion, rig, bone_map(rig))
    assert moved.leg_ratio == pytest.approx(1.3)
    heads = world_heads(rig, moved)
    hips = 0.5 * (heads["left_thigh"] + heads["right_thigh"])
    travelled = motion.root_translation_m - motion.root_translation_m[0]
    assert np.abs(hips - hips[0] - 1.3 * travelled).max() < 1e-9


def test_spine_ends_with_the_chest_and_shares_the_bend() -> None:
    vectors = np.zeros((1, len(CANONICAL), 3))
    vectors[0, CANONICAL.index("spine"), 0] = 0.4
    vectors[0, CANONICAL.index("chest"), 0] = 0.4
    motion = make_motion(rotation_vector_to_matrix(vectors), np.zeros((1, 3)), np.zeros(1))
    rig = make_rig(SHAPES["five_spine_bones"])
    moved = transfer(motion, rig, bone_map(rig))
    _, R = pose_bones(rig, moved)
    D = R[0] @ np.swapaxes(rig.rest_rotations, -1, -2)
    bend = [np.arctan2(D[rig.index(n)][2, 1], D[rig.index(n)][1, 1]) for n in bone_map(rig).bones["spine"]]
    assert bend[-1] == pytest.approx(0.8)
    assert np.all(np.diff([0.0, *bend]) > 0.05)
    assert D[rig.index("left_clavicle")] == pytest.approx(rotation_vector_to_matrix(np.array([0.8, 0, 0])))


def test_forearm_takes_part_of_the_hands_turn_and_nothing_else_moves() -> None:
    t = np.linspace(0, 1, 60)
    vectors = np.zeros((60, len(CANONICAL), 3))
    vectors[:, CANONICAL.index("left_wrist"), 0] = np.radians(170) * np.sin(2 * np.pi * t)
    motion = make_motion(rotation_vector_to_matrix(vectors), np.zeros((60, 3)), t)
    rig = make_rig()
    plain, shared = (
        transfer(motion, rig, bone_map(rig), TransferConfig(forearm_twist_share=share)) for share in (0.0, 0.5)
    )
    (heads_a, R_a), (heads_b, R_b) = pose_bones(rig, plain), pose_bones(rig, shared)
    assert np.abs(heads_a - heads_b).max() < EXACT_M
    forearm, hand = rig.index("left_forearm"), rig.index("left_hand")
    others = [b for b in range(len(rig)) if b != forearm]
    assert np.abs(R_a[:, others] - R_b[:, others]).max() < 1e-9
    relative = np.swapaxes(R_b[:, forearm], -1, -2) @ R_b[:, hand]
    angle = np.degrees(np.arccos(np.clip((np.trace(relative, axis1=1, axis2=2) - 1) / 2, -1, 1)))
    assert angle.max() == pytest.approx(85, abs=1)  # not 170: no candy wrapper


def test_twist_past_half_a_turn_does_not_flip_the_forearm() -> None:
    t = np.linspace(0, 1, 60)
    vectors = np.zeros((60, len(CANONICAL), 3))
    vectors[:, CANONICAL.index("left_wrist"), 0] = np.radians(150 + 60 * t)
    motion = make_motion(rotation_vector_to_matrix(vectors), np.zeros((60, 3)), t)
    rig = make_rig()
    moved = transfer(motion, rig, bone_map(rig))
    q = moved.quaternions[:, moved.bone_names.index("left_forearm")]
    assert np.sum(q[1:] * q[:-1], axis=-1).min() > 0.999


def test_a_bent_rest_elbow_says_which_way_the_arm_bends() -> None:
    goal_post = {"left_forearm": (0.0, -np.pi / 2, 0.0), "right_forearm": (0.0, np.pi / 2, 0.0)}
    rig = make_rig(RigShape(pose=goal_post))
    _, R = pose_bones(rig, transfer(rest_motion(1), rig, bone_map(rig)))
    D = R[0] @ np.swapaxes(rig.rest_rotations, -1, -2)
    # at rest the left forearm bends about -Y; in the T pose the same hinge must lie along -Z
    assert D[rig.index("left_upper_arm")] @ [0, -1, 0] == pytest.approx([0, 0, -1], abs=1e-9)
    assert D[rig.index("right_upper_arm")] @ [0, 1, 0] == pytest.approx([0, 0, 1], abs=1e-9)


@pytest.mark.parametrize("factor", [0.6, 1.6])
def test_feet_flat_at_rest_are_flat_whatever_the_height_of_the_ankle(factor: float) -> None:
    rig = make_rig()
    ankle, toe = rig.index("left_foot"), rig.index("left_toe")
    matrices = rig.rest_matrices.copy()
    matrices[toe, 2, 3] = matrices[ankle, 2, 3] - factor * (matrices[ankle, 2, 3] - matrices[toe, 2, 3])
    rig = replace(rig, rest_matrices=matrices)
    _, R = pose_bones(rig, transfer(rest_motion(1), rig, bone_map(rig)))
    D = R[0, ankle] @ rig.rest_rotations[ankle].T
    assert D[:, 2] == pytest.approx([0, 0, 1], abs=1e-9)


def test_bones_in_between_and_beside_keep_still() -> None:
    extra = [("root", None), ("twist", "left_forearm"), ("ik_hand", None)]
    rig, motion = make_rig(RigShape(extra=extra)), random_motion()
    moved = transfer(motion, rig, bone_map(rig))
    assert not {"root", "twist", "ik_hand"} & set(moved.bone_names)
    split = without(make_rig(), "left_clavicle")
    parts = {part: names for part, names in bone_map(split).bones.items() if part != "left_clavicle"}
    angles = limb_angles_deg(split, transfer(motion, split, BoneMap(parts)), motion)
    assert max(angles.values()) < EXACT_DEG


def test_bones_that_do_not_inherit_rotation_are_understood() -> None:
    rig, motion = make_rig(RigShape(pose=A_POSE, rolls=2)), random_motion()
    flags = np.array([not name.endswith(("thigh", "head", "left_upper_arm")) for name in rig.bone_names])
    rig = replace(rig, inherit_rotation=flags, local_location=flags & (np.array(rig.bone_names) != "pelvis"))
    angles = limb_angles_deg(rig, transfer(motion, rig, bone_map(rig)), motion)
    assert max(angles.values()) < EXACT_DEG


def test_frames_without_a_pose_stay_empty_and_the_rest_is_as_without_them() -> None:
    valid = np.ones(40, dtype=np.bool_)
    valid[[0, 1, 17, 18, 19]] = False
    rig = make_rig(SHAPES["a_pose"])
    whole, holed = (transfer(m, rig, bone_map(rig)) for m in (random_motion(), random_motion(valid=valid)))
    assert np.array_equal(holed.valid, valid)
    assert np.all(np.isnan(holed.quaternions[~valid])) and np.all(np.isnan(holed.root_location[~valid]))
    Ra, Rb = (quaternion_to_matrix(m.quaternions[valid]) for m in (whole, holed))
    assert np.abs(Ra - Rb).max() < 1e-9
    assert np.abs(whole.root_location[valid] - holed.root_location[valid]).max() < 1e-12


def test_quaternions_never_jump_to_the_other_side() -> None:
    rig = make_rig(SHAPES["bent"])
    q = transfer(random_motion(200), rig, bone_map(rig)).quaternions
    assert np.sum(q[1:] * q[:-1], axis=-1).min() > 0.9


def test_the_same_input_gives_the_same_bits() -> None:
    rig, motion = make_rig(SHAPES["bent"]), random_motion()
    a, b = (transfer(motion, rig, bone_map(rig)) for _ in range(2))
    assert a.quaternions.tobytes() == b.quaternions.tobytes()
    assert a.root_location.tobytes() == b.root_location.tobytes()


def test_a_motion_without_any_pose_is_refused() -> None:
    rig = make_rig()
    with pytest.raises(InsufficientDataError, match="no frame with a pose"):
        transfer(random_motion(valid=np.zeros(40, dtype=np.bool_)), rig, bone_map(rig))


def test_one_frame_is_enough() -> None:
    rig = make_rig(SHAPES["a_pose"])
    assert len(transfer(random_motion(1), rig, map_bones(rig))) == 1


@pytest.mark.parametrize("settings", [{"forearm_twist_share": 1.5}, {"place": "moon"}])
def test_bad_settings_are_refused(settings: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        TransferConfig(**settings)  # type: ignore[arg-type]


def test_a_correction_turns_one_part_about_the_figures_axes() -> None:
    """A turn of the hand about the left axis, said in degrees or as a quaternion, whatever the rig's rolls."""
    motion = random_motion()
    angle = np.radians(25.0)
    for shape in (SHAPES["t_pose"], SHAPES["arms_down_rolls"], SHAPES["centimetres"]):
        rig = make_rig(shape)
        plain = transfer(motion, rig, bone_map(rig))
        _, R = pose_bones(rig, plain)
        for correction in ((25.0, 0.0, 0.0), (np.cos(angle / 2), np.sin(angle / 2), 0.0, 0.0)):
            config = TransferConfig(corrections={"left_hand": correction})
            _, corrected = pose_bones(rig, transfer(motion, rig, bone_map(rig), config))
            hand, others = rig.index("left_hand"), [rig.index("right_hand"), rig.index("chest")]
            turned = R[:, hand] @ np.swapaxes(corrected[:, hand], -1, -2)
            assert np.arccos((np.trace(turned, axis1=1, axis2=2) - 1) / 2) == pytest.approx(angle)
            assert np.abs(R[:, others] - corrected[:, others]).max() < 1e-9
            in_motion = motion.world_rotations[:, CANONICAL.index("left_wrist")]
            A = rig.R_world_armature
            axis = np.einsum("tij,j->ti", in_motion, [1.0, 0.0, 0.0]) @ A
            assert np.abs(np.einsum("tij,tj->ti", turned, axis) - axis).max() < 1e-9  # about the motion's left axis


def test_a_bone_map_can_hold_the_corrections() -> None:
    """As in the settings, which go before it part by part."""
    motion, rig = random_motion(), make_rig(SHAPES["arms_down_rolls"])
    corrected = replace(bone_map(rig), corrections={"left_hand": (25.0, 0.0, 0.0), "spine": (0.0, 0.0, 9.0)})
    by_map = transfer(motion, rig, corrected)
    by_settings = transfer(
        motion,
        rig,
        bone_map(rig),
        TransferConfig(corrections={"left_hand": (25.0, 0.0, 0.0), "spine": (0.0, 0.0, 9.0)}),
    )
    assert np.array_equal(by_map.quaternions, by_settings.quaternions)
    assert by_map.corrected == ("left_hand", "spine")
    both = transfer(motion, rig, corrected, TransferConfig(corrections={"left_hand": (0.0, 0.0, 0.0)}))
    spine = transfer(motion, rig, replace(corrected, corrections={"spine": (0.0, 0.0, 9.0)}))
    assert np.allclose(both.quaternions, spine.quaternions, atol=1e-12)


@pytest.mark.parametrize(
    "correction", [{"tail": (1.0, 0.0, 0.0)}, {"head": (1.0, 2.0)}, {"head": (0.0, 0.0, 0.0, 0.0)}]
)
def test_corrections_that_make_no_sense_are_refused(correction: dict[str, tuple[float, ...]]) -> None:
    with pytest.raises(ConfigError, match="correction"):
        TransferConfig(corrections=correction)


def with_controls(rig: RigDescription, offset: FloatArray) -> RigDescription:
    """The rig with bones that hang on nothing beside its wrists and ankles, elbows and knees."""
    wanted = {"ik_hand": "left_hand", "ik_elbow": "left_forearm", "ik_foot": "left_foot", "ik_knee": "left_shin"}
    matrices = [rig.rest_matrices]
    for bone in wanted.values():
        matrix = np.eye(4)[None].copy()
        bent = np.array([0.0, 0.4, 0.0]) if "forearm" in bone else np.array([0.0, -0.4, 0.0])
        place = rig.heads[rig.index(bone)] + (bent if bone in ("left_forearm", "left_shin") else offset)
        matrix[0, :3, :3] = rotation_vector_to_matrix(np.array([0.3, 0.9, -0.5]))
        matrix[0, :3, 3] = place
        matrices.append(matrix)
    count = len(wanted)
    grown = {
        name: np.concatenate([getattr(rig, name), np.full(count, value)])
        for name, value in (
            ("lengths", 0.1), ("inherit_rotation", True), ("local_location", True), ("inherit_full_scale", True),
            ("connected", False), ("deform", False), ("constrained", False),
        )
    }  # fmt: skip
    return replace(
        rig,
        bone_names=(*rig.bone_names, *wanted),
        parents=(*rig.parents, *[-1] * count),
        rotation_modes=(*rig.rotation_modes, *["QUATERNION"] * count),
        rest_matrices=np.concatenate(matrices),
        **grown,
    )


def test_ik_controls_go_where_hands_and_feet_go() -> None:
    rig = with_controls(make_rig(RigShape(pose=A_POSE, rolls=3)), np.array([0.02, 0.05, -0.01]))
    motion = random_motion()
    plain = bone_map(rig)
    ik = {
        "left_arm": IkControl("ik_hand", "ik_elbow", turns_end=True),
        "left_leg": IkControl("ik_foot", "ik_knee"),
    }
    moved = transfer(motion, rig, replace(plain, ik=ik))
    expected, R = pose_bones(rig, transfer(motion, rig, plain))
    heads, R_ik = pose_bones(rig, moved)
    D = R @ np.swapaxes(rig.rest_rotations, -1, -2)
    for control, bone in (("ik_hand", "left_hand"), ("ik_foot", "left_foot")):
        c, b = rig.index(control), rig.index(bone)
        wanted = expected[:, b] + D[:, b] @ (rig.heads[c] - rig.heads[b])
        assert np.abs(heads[:, c] - wanted).max() < EXACT_M, control
    D_ik = R_ik @ np.swapaxes(rig.rest_rotations, -1, -2)
    assert np.abs(D_ik[:, rig.index("ik_hand")] - D[:, rig.index("left_hand")]).max() < EXACT_M
    assert moved.driven == {"left_upper_arm", "left_forearm", "left_hand", "left_thigh", "left_shin"}
    for pole, (upper, middle, end) in {
        "ik_knee": ("left_thigh", "left_shin", "left_foot"),
        "ik_elbow": ("left_upper_arm", "left_forearm", "left_hand"),
    }.items():
        a, m, e, p = (heads[:, rig.index(name)] for name in (upper, middle, end, pole))
        normal = unit(np.cross(m - a, e - a))
        bent = np.linalg.norm(np.cross(unit(m - a), unit(e - m)), axis=1) > 0.3
        assert np.abs(np.sum(normal * (p - m), axis=1))[bent].max() < 0.02, pole


def test_controls_that_follow_something_else_are_posed_the_same() -> None:
    """A thigh that takes its turn from the armature and its place from the pelvis, with a constant offset."""
    rig, motion = make_rig(RigShape(rolls=1)), random_motion()
    thigh, pelvis = rig.index("left_thigh"), rig.index("pelvis")
    R_offset = rotation_vector_to_matrix(np.array([0.2, -0.4, 0.1]))
    odd = replace(rig, follows={thigh: Follow(-1, R_offset, pelvis, rig.heads[thigh])})
    usual, strange = (transfer(motion, r, bone_map(rig)) for r in (rig, odd))
    assert np.abs(usual.quaternions - strange.quaternions).max() > 0.1
    for a, b in zip(pose_bones(rig, usual), pose_bones(odd, strange), strict=True):
        assert np.abs(a - b).max() < EXACT_M


def test_bones_that_hang_on_each_other_are_refused() -> None:
    rig = make_rig()
    a, b = rig.index("left_hand"), rig.index("right_hand")
    follows = {a: Follow(b, np.eye(3), b, rig.heads[a]), b: Follow(a, np.eye(3), a, rig.heads[b])}
    with pytest.raises(RigError, match="hang on each other"):
        _ = replace(rig, follows=follows).order


def test_a_switch_goes_to_the_controls_of_limbs_that_are_keyed_by_them_and_to_the_bones_of_others() -> None:
    switches = (
        Switch("props", "arm", fk=1.0, ik=0.0, limb="left_arm"),
        Switch("props", "leg", fk=1.0, ik=0.0, limb="left_leg"),
        Switch("props", "other", fk=0.5), Switch("props", "idle", ik=2.0),
    )  # fmt: skip
    bone_map = replace(new_rig_bone_map(), switches=switches)
    values = switches_of(bone_map, ["left_leg"])
    assert values == {("props", "arm"): 1.0, ("props", "leg"): 0.0, ("props", "other"): 0.5}


@pytest.mark.parametrize("scale", [1.0, 0.01])
def test_without_ground_and_toes_the_sole_is_a_share_of_the_leg_below_the_ankle(scale: float) -> None:
    rig = make_rig(RigShape(scale=scale))
    heads = {name: rig.heads[rig.index(name)] for name in rig.bone_names if not name.endswith("_toe")}
    leg = np.stack([heads[f"left_{part}"] for part in ("thigh", "shin", "foot")])
    leg_m = rig.scale * float(np.sum(np.linalg.norm(np.diff(leg, axis=0), axis=1)))
    assert _ankle_height(rig, heads, RestAlignment({}, {}, standing=False)) == pytest.approx(0.14 * leg_m, rel=0.02)
