"""Augmentation: bodies, cameras, imagined detections, and samples as a whole."""

import numpy as np
import pytest

from pose_core.lab.datasets.mocap import from_joints
from pose_core.lab.train.lifter.bodies import (
    draw_proportions,
    label_contacts,
    label_supports,
    mirror_bodies,
    mix_halves,
    scale_bones,
    set_legs_apart,
    stature_of,
)
from pose_core.lab.train.lifter.detections import EXACT, REALISTIC, TRAINING_NOISE, offset_joints
from pose_core.lab.train.lifter.samples import SampleSettings, SampleSource
from pose_core.lab.train.lifter.validation import make_validation_set, score
from pose_core.lab.train.lifter.views import draw_views
from pose_core.lift.answers import SUPPORTS
from pose_core.lift.features import INPUT_JOINTS
from pose_core.skeletons import CANONICAL
from tests.support.synthetic import walking_joints

PARENTS = np.array(CANONICAL.parents)


def rng(seed=0):
    return np.random.default_rng(seed)


def bodies(count=3, frames=50):
    return np.stack([walking_joints(frames, heading_rad=k) for k in range(count)])


def recordings():
    clips = [walking_joints(120), walking_joints(60, heading_rad=2.0), walking_joints(20, height_m=1.9)]
    joints = np.concatenate(clips).astype(np.float32)
    return from_joints(
        joints, np.array([0, 120, 180]), np.array([120, 60, 20]), np.full((3, len(CANONICAL)), 2), np.zeros(3),
        np.ones(3, dtype=bool), ("s",) * 3, ("a", "b", "c"), ("walk",) * 3,
    )  # fmt: skip


def lengths(joints):
    return np.linalg.norm(joints - joints[:, :, np.maximum(PARENTS, 0)], axis=-1)


def test_bones_get_their_factor_and_keep_their_direction():
    joints = bodies()
    factors, _ = draw_proportions(rng(), 3)
    assert np.allclose(factors, factors[:, CANONICAL.mirror])
    scaled = scale_bones(joints, factors, np.ones((3, 2)))
    assert np.allclose(lengths(scaled), lengths(joints) * np.where(PARENTS >= 0, factors, 1.0)[:, None])
    knee, hip = CANONICAL.index("left_knee"), CANONICAL.index("left_hip")
    before, after = joints[:, :, knee] - joints[:, :, hip], scaled[:, :, knee] - scaled[:, :, hip]
    cosine = np.sum(before * after, -1) / np.linalg.norm(before, axis=-1) / np.linalg.norm(after, axis=-1)
    assert cosine.min() > 1 - 1e-9


def test_width_factor_widens_the_hips():
    joints = bodies()
    wide = scale_bones(joints, np.ones((3, len(CANONICAL))), np.array([[1.2, 1.0]] * 3))
    left, right = CANONICAL.indices("left_hip", "right_hip")
    ratio = np.linalg.norm(wide[:, :, left] - wide[:, :, right], axis=-1) / np.linalg.norm(
        joints[:, :, left] - joints[:, :, right], axis=-1
    )
    assert np.allclose(ratio, 1.2)


def test_stature():
    assert np.allclose(stature_of(walking_joints(30, height_m=1.82)[None]), 1.82, atol=1e-3)


def test_mirror_twice_is_nothing_and_sides_change():
    joints = bodies()
    chosen = np.array([True, False, True])
    once = mirror_bodies(joints, chosen)
    assert np.allclose(mirror_bodies(once, chosen), joints) and np.allclose(once[1], joints[1])
    wrist = CANONICAL.index("left_wrist")
    assert not np.allclose(once[0, :, wrist], joints[0, :, wrist])


def test_mixed_body_has_the_legs_of_one_and_the_arms_of_the_other():
    lower, upper = bodies(2)[:1], bodies(2)[1:] + np.array([5.0, 0, 0])
    upper = upper[:, ::-1]
    mixed = mix_halves(lower, upper)
    knee, wrist = CANONICAL.index("left_knee"), CANONICAL.index("left_wrist")
    assert np.allclose(mixed[:, :, knee], lower[:, :, knee])
    assert np.allclose(lengths(mixed), lengths(lower), atol=1e-9)  # same body, so no bone may tear
    to_shoulder = np.linalg.norm(upper[:, :, wrist] - upper[:, :, 0], axis=-1)
    assert np.allclose(np.linalg.norm(mixed[:, :, wrist] - mixed[:, :, 0], axis=-1), to_shoulder)


def test_contacts_need_rest_and_height():
    joints = np.repeat(walking_joints(1)[None], 20, axis=1)
    floor = joints[:, :, CANONICAL.indices("left_toe")].min() - 0.03
    planted = label_contacts(joints, np.array([floor]), 1 / 30)  # the right foot swings
    assert planted[..., :2].all() and not planted[..., 2:].any()
    assert not label_contacts(joints, np.array([floor - 0.5]), 1 / 30).any()
    moving = joints + np.arange(20)[None, :, None, None] * np.array([0.02, 0, 0])
    assert not label_contacts(moving, np.array([floor]), 1 / 30).any()


def test_mirrored_samples_have_mirrored_contacts():
    """Of a walker, the planted foot is the lower one: that must hold for those who were mirrored too."""
    settings = SampleSettings(frames=40, noise=EXACT, mixed_share=0.0, standing_share=0.0, slow_fast=1.0)
    s = SampleSource(recordings(), settings).draw(rng(), 64)
    up = np.einsum("btjk,btk->btj", s.joints_m.astype(float), s.up.astype(float))
    left, right = (up[..., CANONICAL.indices(f"{side}_toe", f"{side}_heel")].min(axis=-1) for side in ("left", "right"))
    one = (s.contacts[..., :2].any(axis=-1) != s.contacts[..., 2:].any(axis=-1)) & (np.abs(left - right) > 0.02)
    assert one.sum() > 50
    assert np.mean((left < right)[one] == s.contacts[..., :2].any(axis=-1)[one]) > 0.95


def test_legs_are_set_apart_with_their_lengths_and_the_trunk_as_it_was():
    joints = bodies()
    angles = np.radians(np.broadcast_to([[12.0, 0.0], [12.0, 0.0]], (3, 2, 2)))
    apart = set_legs_apart(joints, angles)
    assert np.allclose(lengths(apart), lengths(joints), atol=1e-9)
    ankles, hips = CANONICAL.indices("left_ankle", "right_ankle"), CANONICAL.indices("left_hip", "right_hip")
    across = joints[:, :, hips[0]] - joints[:, :, hips[1]]
    across = across / np.linalg.norm(across, axis=-1, keepdims=True)

    def width(body):
        return np.sum((body[:, :, ankles[0]] - body[:, :, ankles[1]]) * across, axis=-1)

    leg = lengths(joints)[:, :, CANONICAL.indices("left_knee", "left_ankle")].sum(axis=-1)
    assert np.all(width(apart) - width(joints) > leg * np.sin(np.radians(12.0)))
    unmoved = [j for j, name in enumerate(CANONICAL.names) if name.split("_")[-1] not in
               {"knee", "ankle", "heel", "toe"}]  # fmt: skip
    assert np.array_equal(apart[:, :, unmoved], joints[:, :, unmoved])
    assert np.allclose(set_legs_apart(joints, np.zeros((3, 2, 2))), joints)


def test_what_rests_beside_the_feet():
    standing = np.repeat(walking_joints(1)[None], 20, axis=1).astype(float)
    floor = np.array([standing[..., 2].min() - 0.02])
    assert not label_supports(standing, floor, 1 / 30).any()
    # flat on the back: what was up is now along the floor
    lying = standing[..., [2, 0, 1]]
    lying[..., 2] += 0.1 - lying[..., 2].min()
    on = dict(zip(SUPPORTS, label_supports(lying, np.array([0.0]), 1 / 30).all(axis=(0, 1)), strict=True))
    assert on["seat"] or on["back"]
    moving = lying + np.arange(20)[None, :, None, None] * np.array([0.02, 0, 0])
    assert not label_supports(moving, np.array([0.0]), 1 / 30).any()


def test_cameras_are_rotations_and_see_everybody_in_front():
    joints = bodies(64)
    views = draw_views(rng(), joints)
    R = views.R_camera_world
    assert np.allclose(R @ np.swapaxes(R, -1, -2), np.eye(3), atol=1e-9) and np.allclose(np.linalg.det(R), 1)
    assert views.to_camera(joints)[..., 2].min() >= 0.85
    # mostly upright: a head above its feet has the smaller y
    camera = views.to_camera(joints)
    head, ankle = CANONICAL.indices("head", "left_ankle")
    assert np.mean(camera[:, :, head, 1] < camera[:, :, ankle, 1]) > 0.9


def test_offset_joints_move_with_the_body():
    joints = bodies(4)
    moved = offset_joints(rng(), joints, TRAINING_NOISE) - joints[:, :, INPUT_JOINTS]
    size = np.linalg.norm(moved, axis=-1)
    assert 0.005 < size.mean() < 0.05
    assert np.all(np.std(size, axis=1) < 0.2 * size.mean() + 0.02)
    assert np.array_equal(offset_joints(rng(), joints, EXACT), joints[:, :, INPUT_JOINTS])


def test_samples_are_repeatable_finite_and_of_the_reference_height():
    source = SampleSource(recordings(), SampleSettings(frames=40))
    a, b = source.draw(rng(3), 16), source.draw(rng(3), 16)
    assert np.array_equal(a.features, b.features) and np.array_equal(a.joints_m, b.joints_m)
    assert not np.array_equal(a.features, source.draw(rng(4), 16).features)
    assert np.all(np.isfinite(a.features)) and np.all(np.isfinite(a.joints_m))
    assert np.all(np.abs(a.joints_m[:, :, 0]) < 1e-6)
    assert np.allclose(stature_of(a.joints_m.astype(float)), 1.70, atol=0.02)
    assert a.confidence.min() >= 0 and a.confidence.max() <= 1


def test_exact_rays_meet_the_joints():
    """With perfect 2D, the rays point at the joints: rotate the answer back and look along the rays."""
    source = SampleSource(recordings(), SampleSettings(frames=40, noise=EXACT, vary_bodies=False))
    s = source.draw(rng(), 8)
    camera = np.einsum("btji,btkj->btki", s.R_virtual_camera, s.joints_m.astype(float))[:, :, INPUT_JOINTS]
    rays = np.concatenate([s.rays, np.ones_like(s.rays[..., :1])], axis=-1)
    # place the root so that all joints lie on their rays: least squares over t
    for b, t in ((0, 0), (3, 20), (7, 39)):
        rows, right = [], []
        for k in range(len(INPUT_JOINTS)):
            x, y, _ = rays[b, t, k]
            X, Y, Z = camera[b, t, k]
            rows += [[1, 0, -x], [0, 1, -y]]
            right += [x * Z - X, y * Z - Y]
        _, residual, _, _ = np.linalg.lstsq(np.array(rows), np.array(right), rcond=None)
        assert residual[0] < 1e-9


def test_short_clips_are_played_back_and_marked():
    source = SampleSource(recordings(), SampleSettings(frames=40, noise=EXACT, vary_bodies=False))
    s = source.windows(rng(), np.array([2, 0]), np.array([0, 10]))
    assert s.in_clip[0].sum() == 20 and s.in_clip[1].all()


def test_noise_levels_are_ordered():
    def spread(level):
        s = SampleSource(recordings(), SampleSettings(frames=40, noise=level, vary_bodies=False))
        return s.windows(rng(), np.zeros(64, dtype=int), np.zeros(64, dtype=int))

    exact, noisy = spread(EXACT), spread(REALISTIC)
    assert np.all(exact.confidence > 0.5)
    assert np.mean(noisy.confidence) < np.mean(exact.confidence)
    assert np.mean(noisy.confidence > 0) > 0.8


def test_scores_of_a_perfect_and_a_scaled_lifter():
    test = make_validation_set("x", recordings(), EXACT, 3, 0, frames=40)
    truth, sigma = test.samples.joints_m, np.full(test.samples.joints_m.shape[:-1], np.log(0.01), dtype=np.float32)
    logits = np.where(test.samples.contacts > 0, 5.0, -5.0).astype(np.float32)
    perfect = score(test, lambda f: (truth, sigma, logits), batch=len(truth))
    assert perfect["mpjpe_mm"] == pytest.approx(0, abs=1e-3) and perfect["within_sigma"] == 1
    small = score(test, lambda f: (0.9 * truth, sigma, logits), batch=len(truth))
    assert small["mpjpe_mm"] > 30 and small["pa_mpjpe_mm"] < 0.1
