"""Soles by the mesh: where a foot stands, and how it stays out of the floor."""

from dataclasses import replace

import numpy as np
import pytest

from pose_core.maths.rotations import rotation_vector_to_matrix
from pose_core.retarget import map_bones, transfer
from pose_core.retarget.feet.mesh_soles import FootSkin, ankle_over, outermost, rise_m, sole_of_skin, upright
from pose_core.retarget.rig.kinematics import pose_bones
from tests.support.motions import sample_walk
from tests.support.rigs import RigShape, make_rig

SOLE_M = 0.11
"""How far under the ankle a boot reaches."""


def boot(sole_m: float = SOLE_M) -> np.ndarray:
    """A box around a foot that looks along -Y, from the ankle."""
    x, y, z = np.meshgrid([-0.05, 0.0, 0.05], np.linspace(-0.25, 0.08, 12), [-sole_m, -0.05, 0.0])
    return np.stack([x, y, z], axis=-1).reshape(-1, 3)


def test_a_box_has_its_heel_behind_and_its_ball_at_the_toes_and_both_at_the_sole() -> None:
    skin = FootSkin(boot(), np.zeros((0, 3)), np.zeros(3))
    heel, ball = sole_of_skin(skin, np.eye(3), np.array([0.0, -0.15, -0.06]))
    assert heel[1] > 0 > ball[1] and heel[2] == ball[2] == -SOLE_M
    assert ankle_over(np.stack([heel, ball])) == pytest.approx(SOLE_M)


def test_the_outermost_points_hold_every_turned_foot() -> None:
    points = np.random.default_rng(1).normal(size=(4000, 3))
    few = outermost(points)
    assert len(few) <= 320
    for seed in range(20):
        R = rotation_vector_to_matrix(np.random.default_rng(seed).normal(size=3))
        assert (few @ R.T)[:, 2].min() == pytest.approx((points @ R.T)[:, 2].min(), abs=0.15)


def test_a_foot_rises_in_the_air_and_stays_where_it_stands() -> None:
    T = 90
    time = np.arange(T) / 30
    dip = 0.04 * np.exp(-(((time - 1.5) / 0.1) ** 2))
    ankles = np.stack([np.zeros(T), np.zeros(T), SOLE_M - dip], axis=1)
    still = np.broadcast_to(np.eye(3), (T, 3, 3))
    skin = FootSkin(boot(), np.zeros((0, 3)), np.zeros(3))
    planted = time < 1.0
    rise = rise_m(skin, ankles, still, still, np.zeros(T), time, planted)
    assert (ankles[:, 2] + rise - SOLE_M)[~planted].min() > -1e-3
    assert np.abs(np.diff(rise[planted])).max() < 2e-4


def test_a_tilted_foot_that_stands_is_put_upright() -> None:
    sole = np.array([[0.0, 0.1, -0.1], [0.0, -0.15, -0.1]])
    tilted = rotation_vector_to_matrix(np.array([[0.0, 0.2, 0.0]] * 2))
    out = upright(tilted, np.eye(3), sole, np.array([1.0, 0.0]))
    assert np.allclose(out[0], np.eye(3), atol=1e-9) and np.allclose(out[1], tilted[1])


def lowest(rig, bone_map, moved, side, thick) -> float:
    """Lowest point of a boot over all frames; what lies before the joint of the toes turns with these."""
    heads, rotations = pose_bones(rig, moved)
    rotations = rotations @ np.swapaxes(rig.rest_rotations, -1, -2)  # from rest
    foot, toe = (rig.index(bone_map.bones[f"{side}_{part}"][0]) for part in ("foot", "toe"))
    front = thick[:, 1] < (rig.heads[toe] - rig.heads[foot])[1]
    out = heads[:, foot, 2] + np.min(rotations[:, foot, 2] @ thick[~front].T, axis=1)
    toes = thick[front] - (rig.heads[toe] - rig.heads[foot])
    return float(min(out.min(), (heads[:, toe, 2] + np.min(rotations[:, toe, 2] @ toes.T, axis=1)).min()))


def test_boots_stand_on_the_floor_where_bones_alone_would_sink_them() -> None:
    rig = make_rig(RigShape(length={"shin": 0.8, "thigh": 0.9}))
    bone_map = map_bones(rig)
    thick = boot(0.2)  # lower than the bones say
    skin = {}
    for side in ("left", "right"):
        foot, toe = (bone_map.bones[f"{side}_{part}"][0] for part in ("foot", "toe"))
        ankle, joint = rig.heads[rig.index(foot)], rig.heads[rig.index(toe)]
        front = thick[:, 1] < (joint - ankle)[1]
        skin |= {foot: ankle + thick[~front], toe: ankle + thick[front]}
    lows = {}
    for name, one in (("bones", rig), ("mesh", replace(rig, skin=skin))):
        moved = transfer(sample_walk(), one, bone_map)
        lows[name] = min(lowest(one, bone_map, moved, side, thick) for side in ("left", "right"))
    assert lows["bones"] < -0.02
    assert lows["mesh"] > -0.009
