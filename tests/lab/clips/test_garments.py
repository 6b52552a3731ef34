"""Wide clothes: closed surfaces with weights, and cloth that hangs round both legs."""

import numpy as np
import pytest

from pose_core.lab.mannequin.garments import build_bag, build_coat, build_wide_trousers, empty_mesh
from pose_core.lab.mannequin.hanging import AROUND, LEVELS, HangingCut, hanging_rings
from pose_core.lab.mannequin.skeleton import BONE_NAMES, JOINT_REST_M
from pose_core.lab.mannequin.skin import part_weights
from pose_core.skeletons import CANONICAL

CUT = HangingCut(0.8, 0.20, 0.15, 0.05, folds_m=0.0)


PARTS = (
    build_coat(3.0, 0.02, 0.9, 0.02), build_wide_trousers(3.0), *build_bag(3.0, "backpack"),
    *build_bag(3.0, "shoulder"),
)  # fmt: skip


@pytest.mark.parametrize("part", PARTS)
def test_parts_have_a_surface_and_weights(part):
    assert len(part.mesh.quads) > 50 and np.isfinite(part.mesh.vertices).all()
    weights = part_weights(part)
    np.testing.assert_allclose(weights.sum(axis=1), 1.0)
    if part.name == "coat":  # the crotch is hidden: what is below the waist hangs apart from the legs
        assert not weights[:, [BONE_NAMES.index(f"{s}_thigh") for s in ("left", "right")]].any()
        assert 0 < part.material_of_quad.sum() < len(part.mesh.quads) / 4


def _standing(frames=4):
    return np.repeat(JOINT_REST_M[None], frames, axis=0)


def _winds(polygon, point):
    angles = np.unwrap(np.arctan2(*(np.vstack([polygon, polygon[:1]]) - point).T[::-1]))
    return abs(abs(angles[-1] - angles[0]) - 2 * np.pi) < 1e-6


def test_the_cloth_goes_round_both_legs_also_when_one_is_raised():
    joints = _standing()
    for name, forward in (("left_knee", 0.35), ("left_ankle", 0.45)):
        joints[2:, CANONICAL.index(name)] += [0.0, -forward, 0.08]
    rings = hanging_rings(joints, np.arange(4) / 24, CUT, 1.0, 1.0)
    assert rings.shape == (4, LEVELS * AROUND, 3)
    names = ("left_knee", "right_knee")
    for frame in (0, 3):
        one = rings[frame].reshape(LEVELS, AROUND, 3)
        knees = joints[frame, CANONICAL.indices(*names)]
        middle = one.mean(axis=1)
        # the ring nearest to the knees along the legs holds both of them
        level = np.argmin(np.linalg.norm(middle - knees.mean(axis=0), axis=-1))
        for knee in knees:
            assert _winds(one[level][:, :2], knee[:2]) or _winds(one[level][:, [0, 2]], knee[[0, 2]])


def test_the_cloth_starts_above_the_hips_ends_where_it_is_cut_and_is_mirrored():
    rings = hanging_rings(_standing(1), np.zeros(1), CUT, 1.0, 1.0)[0].reshape(LEVELS, AROUND, 3)
    hip, ankle = (JOINT_REST_M[CANONICAL.index(f"left_{n}"), 2] for n in ("hip", "ankle"))
    assert rings[0, :, 2].mean() > hip + 0.05
    assert abs(rings[-1, :, 2].mean() - (hip - 0.8 * (hip - ankle))) < 0.02
    assert abs(rings[..., 0].max() + rings[..., 0].min()) < 5e-3
    assert np.ptp(rings[-1, :, 0]) > np.ptp(rings[3, :, 0])  # it flares


def test_cloth_gives_way_at_once_and_falls_back_later():
    joints = _standing(6)
    for name in ("left_knee", "left_ankle"):
        joints[1:2, CANONICAL.index(name)] += [0.0, -0.4, 0.05]
    wide = np.ptp(hanging_rings(joints, np.arange(6) / 60, CUT, 1.0, 1.0)[:, -AROUND:, 1], axis=1)
    assert wide[1] > wide[0] + 0.1 and wide[0] < wide[2] < wide[1] and wide[5] < wide[2]


def test_an_empty_tube_has_quads_between_its_rings():
    tube = empty_mesh(3, 4)
    assert tube.vertices.shape == (12, 3) and tube.quads.shape == (8, 4) and tube.quads.max() == 11
    assert all(len(set(q)) == 4 for q in tube.quads.tolist())
