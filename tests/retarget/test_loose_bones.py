"""Bones that hang elsewhere than on a body, or cannot move: found, keyed in place, and where the motion wants them."""

from dataclasses import replace

import numpy as np
import pytest

from pose_core.errors import RigError
from pose_core.retarget import BoneMap, KeysConfig, RigDescription, check_bone_map, map_bones, pose_bones, transfer
from pose_core.retarget.keys.plan import with_root_motion
from pose_core.retarget.mapping.loose_bones import loose_bones, rejoined
from tests.support.motions import random_motion, sample_motion
from tests.support.rig_variants import nameless, rehung, with_bones, with_root
from tests.support.rigs import RigShape, make_rig

# Forward kinematics in double precision over a dozen bones.
EXACT_M = 1e-9

BENT = RigShape(pose={"left_upper_arm": (0.2, 0.7, 0.3), "left_shin": (0.3, 0.0, 0.0), "right_thigh": (-0.2, 0.1, 0.0)},
                rolls=2, scale=0.01, turn=(0.0, 0.0, 0.7))  # fmt: skip
LOOSE = {
    "feet below the root": {"left_foot": "root", "right_foot": "root"},
    "feet below nothing": {"left_foot": None, "right_foot": None},
    "hands below the root": {"left_hand": "root", "right_hand": "root"},
    "hands below the chest": {"left_hand": "chest", "right_hand": "chest"},
    "thighs below the root": {"left_thigh": "root", "right_thigh": "root"},
    "all ends below the root": dict.fromkeys(("left_foot", "right_foot", "left_hand", "right_hand"), "root"),
}


def heads_of(rig: RigDescription, bone_map: BoneMap, motion=None) -> dict[str, np.ndarray]:
    heads, _ = pose_bones(rig, transfer(motion or sample_motion(60), rig, bone_map))
    return {name: rig.to_world(heads[:, b]) for b, name in enumerate(rig.bone_names)}


@pytest.mark.parametrize("shape", [RigShape(), BENT], ids=["T", "bent"])
@pytest.mark.parametrize("change", LOOSE)
def test_loose_bones_are_found_and_go_where_they_would_on_a_body(change: str, shape: RigShape) -> None:
    rig = with_root(make_rig(shape))
    loose = rehung(rig, LOOSE[change])
    found, right = map_bones(loose), map_bones(rig)
    assert found.bones == right.bones
    assert set(loose_bones(loose, found)) == set(LOOSE[change]) and not loose_bones(rig, right)
    wanted, got = heads_of(rig, right), heads_of(loose, found)
    for name in rig.bone_names:
        assert np.max(np.abs(got[name] - wanted[name])) < EXACT_M, name


def test_loose_feet_are_found_by_their_place_without_any_names() -> None:
    rig, old = nameless(with_root(make_rig()))
    new = {name: code for code, name in old.items()}
    loose = rehung(rig, {new["left_foot"]: new["root"], new["right_foot"]: new["root"]})
    bones = {part: tuple(old[n] for n in names) for part, names in map_bones(loose).bones.items()}
    assert bones["left_foot"] == ("left_foot",) and bones["right_foot"] == ("right_foot",)


def test_a_map_by_hand_may_name_loose_feet_but_not_those_of_the_other_leg() -> None:
    rig = with_root(make_rig())
    loose = rehung(rig, LOOSE["feet below the root"])
    right = map_bones(rig)
    check_bone_map(loose, right)
    crossed = {**right.bones, "left_foot": right.bones["right_foot"], "right_foot": right.bones["left_foot"]}
    with pytest.raises(RigError, match="'right_foot' \\(left_foot\\) does not hang below 'left_shin'"):
        check_bone_map(rig, BoneMap(crossed))
    stuck = replace(loose, connected=np.array([n.endswith("foot") for n in loose.bone_names]))
    with pytest.raises(RigError, match="'left_foot' \\(left_foot\\) does not hang below"):
        check_bone_map(stuck, right)  # connected to the root: it cannot be placed


def test_ik_targets_and_props_beside_hands_and_feet_are_not_joined() -> None:
    rig = with_root(make_rig())
    foot, hand = (rig.scale * rig.heads[rig.index(name)] for name in ("left_foot", "left_hand"))
    busy = with_bones(rig, [("foot_ik.L", "root", foot), ("Sword", "root", hand), ("Bone.007", "root", foot)])
    assert rejoined(busy) is busy
    assert map_bones(busy).bones == map_bones(rig).bones


def test_on_a_root_bone_or_in_place_loose_feet_go_along() -> None:
    rig = with_root(make_rig())
    loose = rehung(rig, LOOSE["feet below the root"])
    motion = sample_motion(60)
    for config in (KeysConfig(root_motion="root_bone"), KeysConfig(root_motion="in_place")):
        posed = []
        for one in (rig, loose):
            bone_map = map_bones(one)
            moved = with_root_motion(one, bone_map, transfer(motion, one, bone_map), config)
            heads, _ = pose_bones(one, moved)
            posed.append(np.stack([one.to_world(heads[:, one.index(n)]) for n in rig.bone_names], axis=1))
        assert np.max(np.abs(posed[0] - posed[1])) < EXACT_M, config.root_motion


@pytest.mark.parametrize("above", [1, 2])
def test_a_connected_pelvis_is_carried_by_the_next_bone_that_can_move(above: int) -> None:
    plain = with_root(make_rig(BENT))
    rig, stuck = plain, rehung(plain, {}, connected=["pelvis"])
    if above == 2:
        rig = with_root(plain, "world")
        stuck = rehung(rig, {}, connected=["pelvis", "root"])
    bone_map = map_bones(stuck)
    motion = random_motion()
    moved = transfer(motion, stuck, bone_map)
    assert moved.root_bone == ("root" if above == 1 else "world") and moved.pelvis == "pelvis"
    assert any("'pelvis' is connected to its parent" in note for note in moved.notes)
    wanted, got = heads_of(rig, map_bones(rig), motion), heads_of(stuck, bone_map, motion)
    for _, _, name in bone_map:
        assert np.max(np.abs(got[name] - wanted[name])) < EXACT_M, name


def test_the_root_bone_may_carry_a_connected_pelvis_through_another() -> None:
    stuck = rehung(with_root(with_root(make_rig()), "world"), {}, connected=["pelvis"])
    bone_map = map_bones(stuck)
    moved = transfer(sample_motion(60), stuck, bone_map)
    with_path = with_root_motion(stuck, bone_map, moved, KeysConfig(root_motion="root_bone"))
    before, after = (pose_bones(stuck, one)[0] for one in (moved, with_path))
    body = [stuck.index(name) for _, _, name in bone_map]
    assert np.max(np.abs(before[:, body] - after[:, body])) < EXACT_M
    assert float(np.ptp(with_path.all_locations["world"], axis=0).max()) > 0.5
    only = rehung(with_root(make_rig()), {}, connected=["pelvis"])
    same = transfer(sample_motion(60), only, map_bones(only))
    assert with_root_motion(only, map_bones(only), same, KeysConfig(root_motion="root_bone")) is same
