"""The clip-wide solve: from one person's keypoints and lifted joints to a motion."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from pose_core.config import CameraConfig, SolveConfig
from pose_core.maths.axes import UP_WORLD, camera_angles
from pose_core.maths.cameras import invert_rigid, transform_points
from pose_core.maths.frame_times import REFERENCE_FPS, frame_spans
from pose_core.maths.rotations import continuous_quaternions, matrix_to_quaternion, quaternion_to_matrix
from pose_core.motion_file import Motion
from pose_core.skeletons import CANONICAL, CONTACT_JOINTS, Skeleton, keypoint_set
from pose_core.solve.body.body_model import BODY
from pose_core.solve.body.kinematics import BodyState, forward, state_from_rotations
from pose_core.solve.camera_poses import poses_of_frames, read_camera_poses
from pose_core.solve.evidence import Evidence, gather_evidence
from pose_core.solve.intrinsics import choose_intrinsics
from pose_core.solve.observed_points import LIFTED_POINTS, observe_points, observed_points
from pose_core.solve.outside import inside_picture, sigma_outside
from pose_core.solve.sequence.problem import Problem, TermSigmas, TermSwitches
from pose_core.solve.sequence.residuals import reprojection
from pose_core.solve.sequence.staged import SequenceSolution, solve_sequence
from pose_core.solve.start.rough import RoughMotion, rough_motion
from pose_core.types import BoolArray, FloatArray, KeypointTrack, LiftedTrack

_JOINTS = slice(0, BODY.joint_count)


def solve_motion(
    track: KeypointTrack,
    lifted: LiftedTrack,
    source: str,
    solve: SolveConfig | None = None,
    camera: CameraConfig | None = None,
    on_progress: Callable[[float], None] | None = None,
    T_world_camera: FloatArray | None = None,
    sigmas: TermSigmas | None = None,
) -> Motion:
    """Solve one person's motion over the clip.

    Args:
        track: 2D evidence.
        lifted: root-relative 3D of the same frames.
        source: name of the video, kept in the motion.
        solve: settings; the body height sets the scale.
        camera: what is known of the camera.
        on_progress: called with the share that is done, in [0, 1]; what it raises ends the work.
        T_world_camera: where the camera is, if that is known: (4, 4), or (V, 4, 4) with one for every frame of the
            video, in a world whose z points up and whose unit is the metre; goes before what `camera` says.
        sigmas: standard deviations of the terms, for experiments; None = as tuned.
    Returns:
        The motion; frames outside fillable gaps are NaN. In the world of the given camera; else the person starts over
        the origin of a world whose floor is z = 0.
    Raises:
        InsufficientDataError: too little of the person is seen.
        ConfigError: the camera's poses do not fit.
    """
    config, camera_config = solve or SolveConfig(), camera or CameraConfig()
    whole = gather_evidence(track, lifted, config)
    # nothing before the first or after the last sight of the person is ever filled, so it need not be solved
    seen = np.flatnonzero(whole.valid)
    span = slice(int(seen[0]), int(seen[-1]) + 1)
    part_track, part_lift = _cut(track, lifted, span)
    evidence = gather_evidence(part_track, part_lift, config)
    K, focal_source = choose_intrinsics(camera_config, track.image_size)
    if T_world_camera is None and camera_config.poses_path is not None:
        T_world_camera = read_camera_poses(camera_config.poses_path)
    poses = None if T_world_camera is None else poses_of_frames(T_world_camera, part_track.frame_indices)
    rough = rough_motion(evidence, K, config, camera_config, poses)
    problem, state = _problem(part_track, part_lift, evidence, rough, K, config, fit_focal=focal_source != "given")
    if sigmas is not None:
        problem = replace(problem, sigmas=sigmas)
    if poses is None:
        problem = replace(problem, known_angles_rad=_known_angles(camera_config))
    solution = solve_sequence(
        problem,
        state,
        find_contacts=config.foot_contact,
        on_progress=on_progress,
    )
    diagnostics: dict[str, Any] = {
        **rough.diagnostics,
        "focal_px": float(solution.problem.K[0, 0]),
        "focal_source": {"assumed": "estimated", "metadata": "estimated from metadata"}.get(focal_source, focal_source),
        "lifter": lifted.method,
        "height_m": config.height_m,
        **_evidence_facts(whole),
        "track": dict(track.diagnostics),
        "lift": dict(lifted.diagnostics),
        "solve": solution.diagnostics,
        **_camera_facts(solution, still=poses is None),
    }
    solution = _in_user_world(solution, config, still=poses is None)
    return _motion(track, whole, evidence, span, solution, source, diagnostics)


def _in_user_world(solution: SequenceSolution, config: SolveConfig, *, still: bool) -> SequenceSolution:
    """Put the motion where the user expects it: over the origin, or in the world of the camera that was given."""
    if still:
        solution = _moved(solution, np.array([*-solution.state.root_m[0, :2], 0.0]))
    else:
        solution = _moved(solution, np.array([0.0, 0.0, solution.ground_m]))
    if config.in_place:
        solution = _moved(solution, solution.state.root_m * [-1.0, -1.0, 0.0])
    return solution


def _evidence_facts(whole: Evidence) -> dict[str, int]:
    return {
        "seen_frames": int(np.sum(whole.seen)),
        "filled_frames": int(np.sum(whole.valid & ~whole.seen)),
        "empty_frames": int(np.sum(~whole.valid)),
    }


def _camera_facts(solution: SequenceSolution, *, still: bool) -> dict[str, float]:
    if not still:
        return {}
    pitch, roll = camera_angles(solution.problem.R_camera_world[0] @ UP_WORLD)
    return {"camera_pitch_deg": float(np.degrees(pitch)), "camera_roll_deg": float(np.degrees(roll))}


def _known_angles(camera: CameraConfig) -> tuple[float | None, float | None] | None:
    """Pitch and roll as far as they are given; None if nothing is left to find."""
    pitch, roll = (None if d is None else float(np.radians(d)) for d in (camera.pitch_deg, camera.roll_deg))
    return None if pitch is not None and roll is not None else (pitch, roll)


def _moved(solution: SequenceSolution, by_m: FloatArray) -> SequenceSolution:
    """The same motion and cameras in another place, (3,) or one (T, 3) a frame."""
    problem = solution.problem
    by_frame = np.broadcast_to(by_m, solution.state.root_m.shape)
    t = problem.t_camera_world_m - np.einsum("tij,tj->ti", problem.R_camera_world, by_frame)
    state = replace(solution.state, root_m=solution.state.root_m + by_m)
    return replace(solution, state=state, problem=replace(problem, t_camera_world_m=t))


def _cut(track: KeypointTrack, lifted: LiftedTrack, span: slice) -> tuple[KeypointTrack, LiftedTrack]:
    model_joints, contact = track.model_joints_m, lifted.contact_probability
    return (
        replace(
            track, timestamps_s=track.timestamps_s[span], frame_indices=track.frame_indices[span],
            xy_px=track.xy_px[span], confidence=track.confidence[span], boxes_px=track.boxes_px[span],
            model_joints_m=None if model_joints is None else model_joints[span],
        ),
        replace(
            lifted, joints_m=lifted.joints_m[span], sigma_m=lifted.sigma_m[span],
            contact_probability=None if contact is None else contact[span],
            covariance_m2=None if lifted.covariance_m2 is None else lifted.covariance_m2[span],
        ),
    )  # fmt: skip


def _problem(
    track: KeypointTrack,
    lifted: LiftedTrack,
    evidence: Evidence,
    rough: RoughMotion,
    K: FloatArray,
    config: SolveConfig,
    *,
    fit_focal: bool,
) -> tuple[Problem, BodyState]:
    """The sequence problem, and the rough motion as its first state."""
    frames = len(evidence.time_s)
    state = _first_state(rough, config.height_m)
    points, xy, confidence = observe_points(track)
    T_camera_world = invert_rigid(rough.T_world_camera)
    # errors of neighbouring frames are alike, so that a higher frame rate does not bring as much more evidence
    span = np.minimum(frame_spans(evidence.time_s) * REFERENCE_FPS, 1.0)[:, None]
    known = np.isfinite(evidence.lifted_m[:, 1:, 0]) & np.isfinite(evidence.sigma_m[:, 1:])
    sigma = np.where(known, evidence.sigma_m[:, 1:], np.inf) / np.sqrt(span)
    person = evidence.person_px
    person = np.interp(evidence.time_s, evidence.time_s[np.isfinite(person)], person[np.isfinite(person)])
    problem = Problem(
        time_s=evidence.time_s,
        R_camera_world=T_camera_world[:, :3, :3],
        t_camera_world_m=T_camera_world[:, :3, 3],
        K=K,
        keypoint_points=points,
        xy_px=xy,
        confidence=np.where(evidence.seen[:, None], confidence * span, 0.0),
        person_px=person,
        lifted_points=LIFTED_POINTS,
        lifted_m=evidence.lifted_m[:, 1:] * rough.lift_scale,
        lifted_sigma_m=sigma,
        contacts=np.zeros((frames, 4)),
        grounded=np.ones(frames),
        log_length_prior=state.log_length,
        fit_focal=fit_focal,
        switches=TermSwitches(smoothness=config.smoothness, floor=config.floor, limits=config.joint_limits),
    )
    return problem, state


def _along(T: FloatArray, span: slice, frames: int) -> FloatArray:
    """Cameras of a part of the clip as cameras of the whole: the first and last are held."""
    at = np.clip(np.arange(frames) - span.start, 0, len(T) - 1)
    return np.asarray(T[at])


def _first_state(rough: RoughMotion, height_m: float) -> BodyState:
    R = np.broadcast_to(np.eye(3), (len(rough.root_world_m), len(BODY.tree), 3, 3)).copy()
    local = quaternion_to_matrix(rough.body.rotations_wxyz)
    length = BODY.lengths_of_stature(height_m)
    for j, name in enumerate(CANONICAL.names):
        R[:, BODY.tree.index(name)] = local[:, j]
        if j and not name.endswith("_shoulder"):  # measured from the chest there, from the collar bone here
            length[BODY.tree.index(name)] = rough.length_m[j]
    return state_from_rotations(R, rough.root_world_m, length)


def _contacts_seen(contacts: FloatArray, inside: BoolArray, tree: Skeleton) -> FloatArray:
    """(T, 4) contacts without those of heels and toes outside of the picture: nobody knows whether they stand."""
    return np.where(inside[:, [tree.index(name) for name in CONTACT_JOINTS]], contacts, 0.0)


def _reprojection_errors(track: KeypointTrack, span: slice, points_camera_m: FloatArray, K: FloatArray) -> FloatArray:
    """(S, K) pixels from each keypoint of a span to the point of the body that it shows; NaN where it shows none."""
    error = np.full(track.confidence[span].shape, np.nan)
    for point, keypoints, _ in observed_points(track.keypoint_set):
        for k in keypoints:
            off, _ = reprojection(points_camera_m[:, point], track.xy_px[span][:, k], K)
            error[:, k] = np.linalg.norm(off, axis=-1)
    return error


def _motion(
    track: KeypointTrack,
    whole: Evidence,
    evidence: Evidence,
    span: slice,
    solution: SequenceSolution,
    source: str,
    diagnostics: dict[str, Any],
) -> Motion:
    pose = forward(solution.state)
    problem = solution.problem
    T_camera_world = np.broadcast_to(np.eye(4), (len(problem.time_s), 4, 4)).copy()
    T_camera_world[:, :3, :3], T_camera_world[:, :3, 3] = problem.R_camera_world, problem.t_camera_world_m
    T_world_camera = invert_rigid(T_camera_world)
    camera = transform_points(T_camera_world, pose.points_m)
    error = _reprojection_errors(track, span, camera, problem.K)
    still = bool(np.ptp(T_camera_world, axis=0).max() < 1e-9)
    R_local = pose.R_local[:, _JOINTS]
    quaternions = continuous_quaternions(matrix_to_quaternion(R_local))
    frames = len(track.timestamps_s)

    def placed(values: FloatArray) -> FloatArray:
        out = np.full((frames, *values.shape[1:]), np.nan)
        keep = whole.valid[span]
        out[span][keep] = values[keep]
        return out

    joints_camera, sigma = (
        placed(camera[:, _JOINTS]),
        placed(np.where(evidence.seen[:, None], solution.sigma_m, np.inf)),
    )
    inside = inside_picture(joints_camera, problem.K, track.image_size)
    lengths = np.where(np.arange(len(pose.length_m)) > 0, pose.length_m, 0.0)[_JOINTS]
    tree = Skeleton(BODY.tree.names[_JOINTS], BODY.tree.parents[_JOINTS])
    if not np.all(inside):
        sigma = sigma_outside(sigma, inside, lengths, tree)
    return Motion(
        joint_seen=None if np.all(inside) else inside,
        joint_names=BODY.tree.names[_JOINTS],
        parents=BODY.tree.parents[_JOINTS],
        timestamps_s=track.timestamps_s,
        rest_offsets_m=BODY.rest_directions[_JOINTS] * pose.length_m[_JOINTS, None],
        rotations_wxyz=placed(quaternions),
        root_translation_m=placed(solution.state.root_m),
        joints_world_m=placed(pose.points_m[:, _JOINTS]),
        joints_camera_m=joints_camera,
        keypoint_names=keypoint_set(track.keypoint_set).keypoints,
        keypoints_px=track.xy_px,
        keypoint_confidence=track.confidence,
        reprojection_error_px=placed(error),
        joint_sigma_m=sigma,
        contacts=_contacts_seen(np.nan_to_num(placed(solution.contacts)), inside, tree),
        camera_matrix=problem.K,
        T_world_camera=T_world_camera[0] if still else _along(T_world_camera, span, frames),
        image_size=track.image_size,
        person_id=track.person_id,
        source=source,
        diagnostics=diagnostics,
    )
