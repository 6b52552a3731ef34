"""Legs outside of the picture get no keys and stay at rest; all else is as before."""

from dataclasses import replace

import numpy as np
import pytest

from pose_core.motion_file import Motion, read_motion, write_motion
from pose_core.retarget import KeysConfig, map_bones, planned_tracks, transfer, without_unseen_legs
from pose_core.retarget.keys.unseen_legs import unseen_legs
from pose_core.skeletons import CANONICAL
from pose_core.solve.outside import inside_picture, limbs_outside, sigma_outside
from tests.support.motions import random_motion
from tests.support.rigs import make_rig

LEGS = ("knee", "ankle", "heel", "toe")


def half_body(sides: tuple[str, ...] = ("left", "right"), share: float = 1.0) -> Motion:
    motion = random_motion(40)
    seen = np.ones((40, len(motion.joint_names)), dtype=bool)
    for side in sides:
        for joint in LEGS:
            seen[: round(40 * share), motion.joint_names.index(f"{side}_{joint}")] = False
    return replace(motion, joint_seen=seen)


@pytest.mark.parametrize("sides", [("left",), ("left", "right")])
@pytest.mark.parametrize("error_mm", [None, 2.0])
def test_unseen_legs_get_no_keys_and_stay_at_rest(sides: tuple[str, ...], error_mm: float | None) -> None:
    rig, motion = make_rig(), half_body(sides)
    bone_map = map_bones(rig)
    whole = transfer(motion, rig, bone_map)
    without, notes = without_unseen_legs(bone_map, whole, motion)
    gone = {name for side in sides for part in ("thigh", "shin", "foot") for name in bone_map.bones[f"{side}_{part}"]}
    assert gone <= without.unkeyed and len(notes) == len(sides)
    frames = np.arange(40.0)
    tracks = planned_tracks(rig, bone_map, without, frames, motion, KeysConfig(error_mm=error_mm))
    assert tracks and not {track.bone for track in tracks} & without.unkeyed
    kept = [k for k, name in enumerate(whole.bone_names) if name not in without.unkeyed]
    rest = [k for k, name in enumerate(whole.bone_names) if name in without.unkeyed]
    assert np.array_equal(without.quaternions[:, kept], whole.quaternions[:, kept])
    assert np.all(without.quaternions[:, rest] == [1.0, 0.0, 0.0, 0.0])


def test_legs_that_are_seen_keep_their_keys() -> None:
    rig = make_rig()
    bone_map = map_bones(rig)
    for motion in (random_motion(40), half_body(share=0.4)):
        whole = transfer(motion, rig, bone_map)
        assert without_unseen_legs(bone_map, whole, motion) == (whole, [])
    assert unseen_legs(half_body(share=0.6)) == ("left", "right")


def test_the_mark_is_kept_in_the_file_and_files_without_it_are_read(tmp_path) -> None:
    marked = half_body(("left",))
    for motion in (marked, random_motion(5)):
        write_motion(tmp_path / "m.npz", motion)
        back = read_motion(tmp_path / "m.npz").joint_seen
        assert back is None if motion.joint_seen is None else np.array_equal(back, motion.joint_seen)
    with np.load(tmp_path / "m.npz") as data:
        assert "joint_seen" not in data.files


def test_what_lies_outside_is_unsure_by_its_reach() -> None:
    K = np.array([[500.0, 0, 320], [0, 500, 180], [0, 0, 1]])
    joints = np.zeros((2, len(CANONICAL), 3)) + [0.0, 0.0, 3.0]
    legs = [CANONICAL.index(f"left_{joint}") for joint in LEGS]
    joints[0, legs, 1] = 2.0
    joints[1] = np.nan
    inside = inside_picture(joints, K, (640, 360))
    assert np.all(inside[1]) and sorted(np.flatnonzero(~inside[0])) == sorted(legs)
    lengths = np.where(np.array(CANONICAL.parents) < 0, 0.0, 0.4)
    sigma = sigma_outside(np.full(inside.shape, 0.01), inside, lengths, CANONICAL)
    assert np.all(sigma[inside] == 0.01)
    knee, ankle = (sigma[0, CANONICAL.index(f"left_{joint}")] for joint in ("knee", "ankle"))
    assert 0.15 < knee < 0.3 < ankle < 0.5
    behind = joints.copy()
    behind[0] = [0.0, 0.0, -1.0]
    assert not np.any(inside_picture(behind, K, (640, 360))[0])
    assert limbs_outside(inside[:1], CANONICAL.names) == {"left leg": 1}
    assert limbs_outside(~np.ones((4, len(CANONICAL)), dtype=bool), CANONICAL.names)["legs"] == 4
