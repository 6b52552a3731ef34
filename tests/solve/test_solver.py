import dataclasses

import numpy as np
import pytest

from pose_core.config import CameraConfig, SolveConfig
from pose_core.errors import ConfigError, InsufficientDataError
from pose_core.lift import lift_by_model_depth, lift_track
from pose_core.maths.axes import UP_WORLD
from pose_core.maths.cameras import invert_rigid, project_points, transform_points
from pose_core.maths.metrics import acceleration_error, bone_length_variation, foot_skate, mpjpe, pa_mpjpe
from pose_core.maths.rotations import rotation_vector_to_matrix
from pose_core.skeletons import CANONICAL, CONTACT_JOINTS, keypoint_set, rest_offsets_from_lengths
from pose_core.skeletons.canonical import stature_lengths
from pose_core.solve import solve_motion
from pose_core.solve.sequence import staged as sequence
from pose_core.solve.sequence.residuals import acceleration
from tests.support.synthetic import keypoints_from_joints, observe, walking_joints

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


def test_bad_input_no_person_for_half_the_clip():
    scene = observe(walking_joints(120, HEIGHT_M))
    motion = _solve(_hide(scene, slice(40, 100), slice(None)))
    assert motion.valid[:40].all() and motion.valid[100:].all() and not motion.valid[41:99].any()
    assert np.all(np.isfinite(motion.joints_world_m[motion.valid]))
    assert mpjpe(_canonical(motion)[motion.valid], scene.joints_camera_m[motion.valid]) < 0.1


_BODY_PARTS = {
    "feet": ("ankle", "heel", "foot_index"),
    "legs": ("hip", "knee", "ankle", "heel", "foot_index"),
}


@pytest.mark.parametrize("hidden", _BODY_PARTS)
@pytest.mark.parametrize("with_depth", [True, False])
def test_bad_input_parts_never_visible(hidden, with_depth):
    """Feet out of the picture, or only the upper body in it; whether or not the 2D model guesses the rest in 3D."""
    whole = observe(walking_joints(60, HEIGHT_M), noise_px=1.0)
    names = keypoint_set("blazepose33").keypoints
    parts = [k for k, n in enumerate(names) if n.endswith(_BODY_PARTS[hidden])]
    scene = _hide(whole, slice(None), parts, depth=not with_depth)

    def lift(seen):
        return lift_by_model_depth(seen.track) if with_depth else lift_track(seen.track, seen.K)

    motion = solve_motion(scene.track, lift(scene), "clip.mp4", SolveConfig(height_m=HEIGHT_M))
    assert motion.valid.all() and np.all(np.isfinite(motion.joints_world_m))
    upper = CANONICAL.indices("left_shoulder", "right_shoulder", "left_wrist", "right_wrist", "neck")
    seen = _canonical(motion)[:, upper]
    # where the person is stays right although the size of what is seen alone tells it
    assert np.mean(np.linalg.norm(seen - scene.joints_camera_m[:, upper], axis=-1)) < 0.6
    everything = solve_motion(whole.track, lift(whole), "clip.mp4", SolveConfig(height_m=HEIGHT_M))
    ankle = motion.joint_names.index("left_ankle")
    assert np.mean(motion.joint_sigma_m[:, ankle]) > 1.1 * np.mean(everything.joint_sigma_m[:, ankle])


def test_bad_input_a_person_upside_down():
    joints = walking_joints(60, HEIGHT_M)
    joints = joints * [1.0, -1.0, -1.0] + [0.0, 0.0, HEIGHT_M]  # half a turn about x: a handstand
    scene = observe(joints, noise_px=1.0)
    motion = _solve(scene, camera=CameraConfig(focal_px=scene.K[0, 0], pitch_deg=-8.0, roll_deg=0.0))
    assert motion.valid.all()
    assert pa_mpjpe(_canonical(motion), scene.joints_camera_m) < 0.04
    head, pelvis = motion.joint_names.index("head"), 0
    assert np.all(motion.joints_world_m[:, head, 2] < motion.joints_world_m[:, pelvis, 2])


def _hide(scene, frames, keypoints, *, depth=True):
    """The scene without some keypoints in some frames; with `depth` the model's own 3D of them is gone as well."""
    xy, confidence = scene.track.xy_px.copy(), scene.track.confidence.copy()
    joints = scene.track.model_joints_m.copy()
    where = np.zeros(confidence.shape, dtype=bool)
    where[frames, keypoints] = True
    xy[where], confidence[where] = np.nan, 0.0
    if depth:
        joints[where] = np.nan
    return dataclasses.replace(
        scene, track=dataclasses.replace(scene.track, xy_px=xy, confidence=confidence, model_joints_m=joints)
    )


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
    scene = observe(walking_joints(210, HEIGHT_M), noise_px=3.0, noise_m=0.02, seed=5)
    # the feet of this walk glide at just the speed at which contacts begin, so those are left out
    settings = SolveConfig(height_m=HEIGHT_M, foot_contact=False), CameraConfig(focal_px=scene.K[0, 0])
    whole = _solve(scene, *settings)
    monkeypatch.setattr(sequence, "_WINDOW", 110)  # the overlap stays as it is
    assert len(sequence.windows(210)) > 2
    cut = _solve(scene, *settings)
    apart = np.linalg.norm(whole.joints_camera_m - cut.joints_camera_m, axis=-1)
    jump = np.linalg.norm(np.diff(cut.joints_camera_m, 2, axis=0), axis=-1)
    usual = np.linalg.norm(np.diff(whole.joints_camera_m, 2, axis=0), axis=-1)
    print(f"windowed against whole: mean {1000 * apart.mean():.2f} mm, worst {1000 * apart.max():.2f} mm")
    assert apart.max() < 0.002
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


def _moving(frames=90, **more):
    """A walk filmed by a camera that pans, tilts and travels, its poses known."""
    joints = walking_joints(frames, HEIGHT_M)
    scene = observe(joints, **more)
    share = np.linspace(0.0, 1.0, frames)
    turn = rotation_vector_to_matrix(share[:, None] * [[0.1, -0.05, 0.3]])
    poses = np.broadcast_to(np.eye(4), (frames, 4, 4)).copy()
    poses[:, :3, :3] = turn @ scene.R_world_camera
    aim = joints[:, 0].mean(axis=0)
    poses[:, :3, 3] = aim - 5.0 * (turn @ scene.R_world_camera)[:, :, 2] + share[:, None] * [0.4, 0.2, 0.3]
    camera = transform_points(invert_rigid(poses), joints)
    xy = project_points(keypoints_from_joints(camera, "blazepose33"), scene.K)
    xy = xy + np.random.default_rng(2).normal(0, 2.0, xy.shape)
    lifted = keypoints_from_joints(camera - camera[:, :1], "blazepose33")
    boxes = np.concatenate([np.nanmin(xy, axis=1), np.nanmax(xy, axis=1)], axis=1)
    track = dataclasses.replace(scene.track, xy_px=xy, model_joints_m=lifted, boxes_px=boxes)
    return dataclasses.replace(scene, track=track, joints_camera_m=camera), poses, joints


def test_a_moving_camera_that_is_known_gives_the_way_through_its_own_world():
    scene, poses, truth = _moving()
    lifted, config = lift_by_model_depth(scene.track), SolveConfig(height_m=HEIGHT_M)
    camera = CameraConfig(focal_px=scene.K[0, 0])
    motion = solve_motion(scene.track, lifted, "clip.mp4", config, camera, T_world_camera=poses)
    index = [motion.joint_names.index(n) for n in CANONICAL.names]
    assert np.allclose(motion.T_world_camera, poses, atol=1e-6)
    assert np.allclose(transform_points(motion.T_world_camera, motion.joints_camera_m), motion.joints_world_m)
    error = np.linalg.norm(motion.joints_world_m[:, index[0]] - truth[:, 0], axis=-1)
    assert np.mean(error) < 0.15
    assert mpjpe(motion.joints_world_m[:, index], truth) < 0.05
    # taken for one that stands still, the level walk goes down
    still = solve_motion(scene.track, lifted, "clip.mp4", config, camera)
    assert np.ptp(still.joints_world_m[:, 0, 2]) > 3 * np.ptp(motion.joints_world_m[:, 0, 2])


def test_camera_poses_come_from_a_file_by_the_frames_of_the_video(tmp_path):
    scene, poses, _ = _moving()
    np.save(tmp_path / "camera.npy", np.concatenate([poses[:1]] * 7 + [poses]))
    track = dataclasses.replace(scene.track, frame_indices=scene.track.frame_indices + 7)
    camera = CameraConfig(focal_px=scene.K[0, 0], poses_path=str(tmp_path / "camera.npy"))
    motion = _solve(dataclasses.replace(scene, track=track), camera=camera)
    assert np.allclose(motion.T_world_camera, poses, atol=1e-6)


@pytest.mark.parametrize(
    ("poses", "words"),
    [
        (np.eye(3), "shape"),
        (np.stack([np.eye(4)] * 5), "30 frames are needed, but 5"),
        (2 * np.eye(4), "rigid"),
        (np.diag([-1.0, 1, 1, 1]), "rigid"),
        (np.full((4, 4), np.nan), "rigid"),
    ],
)
def test_camera_poses_that_make_no_sense_are_said(poses, words):
    scene = observe(walking_joints(30, HEIGHT_M))
    with pytest.raises(ConfigError, match=words):
        solve_motion(scene.track, lift_by_model_depth(scene.track), "clip.mp4", T_world_camera=poses)


def test_in_place_takes_out_the_way_and_nothing_else():
    scene = observe(walking_joints(60, HEIGHT_M))
    usual, here = _solve(scene), _solve(scene, SolveConfig(height_m=HEIGHT_M, in_place=True))
    assert np.allclose(here.root_translation_m[:, :2], 0.0)
    assert np.allclose(here.root_translation_m[:, 2], usual.root_translation_m[:, 2])
    assert np.array_equal(here.rotations_wxyz, usual.rotations_wxyz)
    assert np.allclose(here.joints_camera_m, usual.joints_camera_m)
    assert np.allclose(transform_points(here.T_world_camera, here.joints_camera_m), here.joints_world_m)


def test_diagnostics_tell_every_term_every_step_and_the_worst_frames(noisy):
    _, motion = noisy
    solve = motion.diagnostics["solve"]
    assert [s["stage"] for s in solve["stages"]] == ["lengths", "lengths", "free", "contacts", "contacts again"]
    for stage in solve["stages"]:
        totals = [step["total"] for step in stage["energy_by_step"]]
        assert totals == sorted(totals, reverse=True) and sum(stage["stop"].values()) == stage["windows"]
        first = stage["energy_by_step"][0]
        assert sum(v for k, v in first.items() if k != "total") == pytest.approx(first["total"], rel=1e-3, abs=0.1)
    assert len(solve["worst_frames"]) == 10 and solve["worst_frames"][0]["times_usual"] >= 1.0


def _steps(fps_scatter=0.0, seconds=4.0):
    """A person shifts the weight and lifts one foot after the other, high; frame times may be uneven."""
    rng = np.random.default_rng(0)
    count = round(seconds * 30)
    time_s = np.cumsum(rng.uniform(1 - fps_scatter, 1 + fps_scatter, count)) / 30
    vectors = np.zeros((count, len(CANONICAL), 3))
    for side, sign in (("left", 1.0), ("right", -1.0)):
        lift = np.maximum(sign * np.sin(2 * np.pi * 0.5 * time_s), 0.0) ** 2
        vectors[:, CANONICAL.index(f"{side}_hip"), 0] = -0.9 * lift
        vectors[:, CANONICAL.index(f"{side}_knee"), 0] = 0.15 + 1.2 * lift
        vectors[:, CANONICAL.index(f"{side}_shoulder"), 1] = sign * 1.2
    rest = rest_offsets_from_lengths(stature_lengths(HEIGHT_M))
    joints, _ = CANONICAL.forward_kinematics(rotation_vector_to_matrix(vectors), rest, np.zeros((count, 3)))
    feet = CANONICAL.indices(*CONTACT_JOINTS)
    joints[..., 2] -= joints[:, feet, 2].min(axis=1)[:, None] - 0.02
    return joints, time_s


@pytest.mark.parametrize("scatter", [0.0, 0.6])
def test_planted_feet_are_locked_and_knees_do_not_pop(scatter):
    joints, time_s = _steps(scatter)
    scene = observe(joints, noise_px=2.0, noise_m=0.02, seed=4)
    scene = dataclasses.replace(scene, track=dataclasses.replace(scene.track, timestamps_s=time_s))
    motion = _solve(scene, camera=CameraConfig(focal_px=scene.K[0, 0], pitch_deg=-8.0, roll_deg=0.0))
    feet = motion.joints_world_m[:, motion.skeleton.indices(*CONTACT_JOINTS)]
    held = np.minimum(motion.contacts[1:], motion.contacts[:-1]) > 0.5
    assert 0.2 < np.mean(held) < 0.95
    slip = np.linalg.norm(np.diff(feet, axis=0), axis=-1)[held]
    print(f"slip of planted feet: mean {1000 * slip.mean():.2f}, most {1000 * slip.max():.2f} mm a frame")
    assert np.max(slip) < 0.001
    assert np.min(feet[..., 2]) > 0.02 - 0.005
    knees = [CANONICAL.index(f"{s}_knee") for s in ("left", "right")]
    index = [motion.joint_names.index(CANONICAL.names[k]) for k in knees]

    def jolt(positions):
        return np.linalg.norm(acceleration(positions.reshape(len(time_s), -1), time_s).reshape(-1, 2, 3), axis=-1)

    # without noise they speed up by 8 m/s^2; a knee that pops as its foot is let go reaches hundreds
    print(f"knee acceleration: most {np.max(jolt(motion.joints_world_m[:, index])):.1f} m/s^2")
    assert np.max(jolt(motion.joints_world_m[:, index])) < 25.0
