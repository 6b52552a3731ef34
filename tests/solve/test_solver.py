import dataclasses

import numpy as np
import pytest

from pose_core.axes import UP_WORLD
from pose_core.config import CameraConfig, SolveConfig
from pose_core.errors import InsufficientDataError
from pose_core.lift import lift_by_model_depth
from pose_core.metrics import acceleration_error, bone_length_variation, foot_skate, mpjpe, pa_mpjpe
from pose_core.skeletons import CANONICAL, CONTACT_JOINTS
from pose_core.solve import sequence, solve_motion
from tests.support.synthetic import observe, walking_joints

HEIGHT_M = 1.75


def _canonical(motion):
    """(T, 24, 3) camera-frame joints in canonical order; the solver's body has collar bones besides."""
    return motion.joints_camera_m[:, [motion.joint_names.index(n) for n in CANONICAL.names]]


def _solve(scene, solve=None, camera=None):
    return solve_motion(
        scene.track, lift_by_model_depth(scene.track), "clip.mp4", solve or SolveConfig(height_m=HEIGHT_M), camera
    )


@pytest.fixture(scope="module")
def noisy():
    scene = observe(walking_joints(150, HEIGHT_M), roll_deg=6.0, noise_px=4.0, noise_m=0.03, seed=3)
    return scene, _solve(scene)


def test_bone_lengths_are_constant_and_sides_equal(noisy):
    _, motion = noisy
    assert bone_length_variation(motion.joints_world_m, motion.parents) < 1e-9
    lengths = motion.bone_lengths_m
    assert np.allclose(lengths, lengths[motion.skeleton.mirror])


def test_solving_improves_on_the_lift_and_lands_near_the_truth(noisy):
    scene, motion = noisy
    lifted = lift_by_model_depth(scene.track)
    assert mpjpe(_canonical(motion), scene.joints_camera_m) < 0.75 * mpjpe(lifted.joints_m, scene.joints_camera_m)
    assert pa_mpjpe(_canonical(motion), scene.joints_camera_m) < 0.03
    # 3 cm of white noise a frame shakes by some 60 m/s^2
    assert acceleration_error(_canonical(motion), scene.joints_camera_m, scene.track.timestamps_s) < 6.0


def test_root_is_placed_within_a_few_per_cent_of_the_distance(noisy):
    scene, motion = noisy
    error = np.linalg.norm(motion.joints_camera_m[:, 0] - scene.joints_camera_m[:, 0], axis=-1)
    assert np.mean(error) < 0.05 * 5.0


def test_reprojection_agrees_with_the_pixels(noisy):
    _, motion = noisy
    assert np.nanmean(motion.reprojection_error_px) < 10.0  # the person is about 400 px tall


def test_world_is_upright_and_stands_on_the_floor(noisy):
    _, motion = noisy
    joints = motion.joints_world_m
    trunk = joints[:, motion.joint_names.index("neck")] - joints[:, 0]
    tilt = np.degrees(np.arccos(np.mean(trunk @ UP_WORLD / np.linalg.norm(trunk, axis=-1))))
    assert tilt < 8
    feet = joints[:, motion.skeleton.indices(*CONTACT_JOINTS), 2].min(axis=1)
    # the walk keeps its hips level, so the feet leave the floor between steps
    assert abs(np.percentile(feet, 10) - 0.02) < 0.03
    assert np.allclose(motion.root_translation_m[0, :2], 0.0)


@pytest.mark.parametrize(("pitch", "roll"), [(-20.0, 0.0), (0.0, 15.0), (10.0, -20.0)])
def test_a_given_camera_angle_is_used_as_it_is(pitch, roll):
    scene = observe(walking_joints(40, HEIGHT_M), pitch_deg=pitch, roll_deg=roll)
    motion = _solve(scene, camera=CameraConfig(pitch_deg=pitch, roll_deg=roll))
    assert np.allclose(motion.T_world_camera[:3, :3], scene.R_world_camera, atol=1e-9)


def test_roll_of_the_camera_is_found_from_a_person_who_stands():
    scene = observe(walking_joints(90, HEIGHT_M), roll_deg=15.0)
    assert _solve(scene).diagnostics["camera_roll_deg"] == pytest.approx(15.0, abs=5.0)


def test_planted_feet_stay():
    joints = walking_joints(90, HEIGHT_M)
    standing = np.broadcast_to(joints[:1], joints.shape).copy()
    upper = [
        j for j, n in enumerate(CANONICAL.names) if not any(p in n for p in ("hip", "knee", "ankle", "heel", "toe"))
    ]
    standing[:, upper] += 0.03 * np.sin(np.arange(90) / 10)[:, None, None] * [1, 0, 0]
    scene = observe(standing, noise_px=3.0, noise_m=0.02, seed=1)
    with_contact = _solve(scene)
    without = _solve(scene, SolveConfig(height_m=HEIGHT_M, foot_contact=False))
    assert np.mean(with_contact.contacts) > 0.6  # one heel is lifted in this pose
    planted = with_contact.contacts
    feet = with_contact.skeleton.indices(*CONTACT_JOINTS)
    slip = foot_skate(with_contact.joints_world_m[:, feet], planted)
    assert slip < 0.85 * foot_skate(without.joints_world_m[:, feet], planted)


def test_short_gaps_are_filled_and_marked_long_ones_stay_empty():
    scene = observe(walking_joints(120, HEIGHT_M))
    confidence, xy = scene.track.confidence.copy(), scene.track.xy_px.copy()
    joints = scene.track.model_joints_m.copy()
    for gap in (slice(20, 30), slice(50, 100)):
        confidence[gap], xy[gap], joints[gap] = 0.0, np.nan, np.nan
    track = dataclasses.replace(scene.track, confidence=confidence, xy_px=xy, model_joints_m=joints)
    motion = _solve(dataclasses.replace(scene, track=track))
    assert motion.valid[20:30].all() and motion.filled[20:30].all()
    assert np.all(np.isinf(motion.joint_sigma_m[20:30]))
    assert not motion.valid[50:100].any() and np.all(np.isnan(motion.joints_world_m[50:100]))
    assert motion.valid[30:50].all() and motion.valid[100:].all()
    filled = np.linalg.norm(_canonical(motion)[20:30] - scene.joints_camera_m[20:30], axis=-1)
    assert np.max(filled) < 0.5


@pytest.mark.parametrize("frames", [1, 2, 3])
def test_very_short_clips(frames):
    motion = _solve(observe(walking_joints(frames, HEIGHT_M)))
    assert motion.valid.all()


@pytest.mark.parametrize("fps", [1.0, 10.0, 240.0])
def test_odd_frame_rates(fps):
    motion = _solve(observe(walking_joints(40, HEIGHT_M, fps=fps), fps=fps))
    assert motion.valid.all() and np.all(np.isfinite(motion.joints_world_m))


@pytest.mark.parametrize("fov", [10.0, 150.0])
def test_wild_fields_of_view_give_a_result(fov):
    motion = _solve(observe(walking_joints(30, HEIGHT_M)), camera=CameraConfig(fov_deg=fov))
    assert np.all(np.isfinite(motion.joints_world_m)) and np.all(motion.joints_camera_m[:, 0, 2] > 0)


def test_nobody_seen_is_said():
    scene = observe(walking_joints(10, HEIGHT_M))
    track = dataclasses.replace(
        scene.track, confidence=np.zeros_like(scene.track.confidence), xy_px=np.full_like(scene.track.xy_px, np.nan)
    )
    with pytest.raises(InsufficientDataError, match="not seen well enough"):
        _solve(dataclasses.replace(scene, track=track))


def test_same_input_twice_gives_the_same_motion():
    scene = observe(walking_joints(50, HEIGHT_M), noise_px=2.0, noise_m=0.02)
    assert np.array_equal(_solve(scene).rotations_wxyz, _solve(scene).rotations_wxyz)


def test_height_sets_the_scale():
    scene = observe(walking_joints(50, HEIGHT_M))
    tall = _solve(scene, SolveConfig(height_m=2.0)).bone_lengths_m
    small = _solve(scene, SolveConfig(height_m=1.0)).bone_lengths_m
    assert np.sum(tall) / np.sum(small) == pytest.approx(2.0, rel=0.02)
    assert np.allclose(tall[1:] / small[1:], 2.0, rtol=0.06)  # proportions follow the evidence a little


def test_progress_grows_and_what_it_raises_ends_the_work():
    scene = observe(walking_joints(30, HEIGHT_M))
    lifted = lift_by_model_depth(scene.track)
    shares = []
    solve_motion(scene.track, lifted, "clip.mp4", on_progress=shares.append)
    assert shares == sorted(shares) and 0 < shares[0] < shares[-1] <= 1

    def stop(share):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        solve_motion(scene.track, lifted, "clip.mp4", on_progress=stop)


def test_windows_leave_no_seam(monkeypatch):
    scene = observe(walking_joints(150, HEIGHT_M), noise_px=3.0, noise_m=0.02, seed=5)
    # the feet of this walk glide at just the speed at which contacts begin, so those are left out
    settings = SolveConfig(height_m=HEIGHT_M, foot_contact=False), CameraConfig(focal_px=scene.K[0, 0])
    whole = _solve(scene, *settings)
    monkeypatch.setattr(sequence, "_WINDOW", 70)
    monkeypatch.setattr(sequence, "_OVERLAP", 30)
    assert len(sequence.windows(150)) > 2
    cut = _solve(scene, *settings)
    apart = np.linalg.norm(whole.joints_camera_m - cut.joints_camera_m, axis=-1)
    jump = np.linalg.norm(np.diff(cut.joints_camera_m, 2, axis=0), axis=-1)
    usual = np.linalg.norm(np.diff(whole.joints_camera_m, 2, axis=0), axis=-1)
    print(f"windowed against whole: mean {1000 * apart.mean():.2f} mm, worst {1000 * apart.max():.2f} mm")
    assert apart.max() < 0.003
    assert jump.max() < 1.5 * usual.max()


def test_a_jump_down_from_a_box_does_not_bend_the_body():
    """The ground at the end lies 1.2 m lower: feet must follow it, not be held up by the ground of the most part."""
    joints = np.broadcast_to(walking_joints(1, HEIGHT_M), (150, 24, 3)).copy()
    drop = np.clip((np.arange(150) - 122) / 12.0, 0.0, 1.0) ** 2 * 1.2
    joints[..., 2] -= drop[:, None]
    scene = observe(joints, noise_px=1.0, noise_m=0.01, distance_m=7.0)
    motion = _solve(scene, camera=CameraConfig(focal_px=scene.K[0, 0], pitch_deg=-8.0, roll_deg=0.0))
    assert pa_mpjpe(_canonical(motion)[138:], scene.joints_camera_m[138:]) < 0.03
    feet = motion.joints_world_m[:, motion.skeleton.indices(*CONTACT_JOINTS), 2].min(axis=1)
    assert np.median(feet[:100]) - np.median(feet[138:]) == pytest.approx(1.2, abs=0.15)
