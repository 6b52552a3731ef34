"""A rough motion to start the sequence solve from, and its camera.

The order of work: smooth the lifted joints; fit bone lengths; find gravity; place the root; pull the joints sideways
onto their pixels, where an image is sharp and a lift is not; fit the body again and place it so that planted feet stay.
Every step is linear or closed-form, so it cannot get lost.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pose_core.config import CameraConfig, SolveConfig
from pose_core.errors import InsufficientDataError
from pose_core.maths.axes import UP_WORLD
from pose_core.maths.cameras import rigid_transform, transform_points
from pose_core.skeletons import CANONICAL, CONTACT_JOINTS, joint_mapping
from pose_core.solve.ground.contacts import detect_contacts
from pose_core.solve.sequence.problem import SOLE_M
from pose_core.solve.start.bone_lengths import fit_bone_lengths
from pose_core.solve.start.gravity import estimate_camera_rotation
from pose_core.solve.start.root import solve_root
from pose_core.solve.start.smoothed_body import Body, build_body, complete_joints, smooth_joints
from pose_core.solve.start.smoothing import fill_spans
from pose_core.types import BoolArray, FloatArray, KeypointTrack, LiftedTrack

# A frame needs this many joints, seen at least this well, to count as evidence.
_LEAST_JOINTS = 6
_LEAST_CONFIDENCE = 0.2

# One standard deviation of a joint's pixels, as a share of the person's height in the image.
_PIXEL_SHARE = 0.02

_CONTACT_INDICES = CANONICAL.indices(*CONTACT_JOINTS)


@dataclass(frozen=True, eq=False)
class Evidence:
    """What is known of one person, in canonical joints."""

    time_s: FloatArray
    xy_px: FloatArray
    confidence: FloatArray
    lifted_m: FloatArray
    sigma_m: FloatArray
    person_px: FloatArray
    seen: BoolArray
    valid: BoolArray
    lift_height_m: float | None = None
    """Height of the person whose joints were lifted; None if their size says nothing."""


@dataclass(frozen=True, eq=False)
class RoughMotion:
    """Where the body roughly is."""

    body: Body
    root_world_m: FloatArray
    """(T, 3)."""
    length_m: FloatArray
    """(J,) canonical bone lengths."""
    lift_scale: float
    """Factor that brings lifted joints to the person's size."""
    T_world_camera: FloatArray
    """(T, 4, 4)."""
    diagnostics: dict[str, float]


def rough_motion(
    evidence: Evidence,
    K: FloatArray,
    config: SolveConfig,
    camera: CameraConfig,
    T_world_camera: FloatArray | None = None,
) -> RoughMotion:
    """Find a rough motion.

    Args:
        evidence: what is known.
        K: (3, 3) intrinsics.
        config: settings; the body height sets the scale.
        camera: what is known of the camera's angles.
        T_world_camera: (T, 4, 4) where the camera is, if that is known.
    Returns:
        The motion, in the world of the given camera; else in one that is upright, whose floor is z = 0 (if
        `config.floor`), and in which the person starts at x = y = 0.
    Raises:
        InsufficientDataError: too little of the person is seen.
    """
    weights = _trust(evidence)
    frames = len(evidence.time_s)
    # whatever is smoothed must be seen from a place that does not turn
    known = np.broadcast_to(np.eye(3), (frames, 3, 3)) if T_world_camera is None else T_world_camera[:, :3, :3]
    joints = smooth_joints(_turn(known, evidence.lifted_m), weights, evidence.time_s, config.smoothness)
    lengths = fit_bone_lengths(evidence.lifted_m, np.where(evidence.seen[:, None], weights, 0.0), config.height_m)
    # a lifter that knows whose size it answers for errs less on the whole than on single bones, whose depth it flattens
    scale = config.height_m / evidence.lift_height_m if evidence.lift_height_m else _scale_to_lengths(joints, lengths)
    joints = joints * scale
    R, gravity = known, dict[str, float]()
    if T_world_camera is None:
        standing = np.where(evidence.seen[:, None, None], joints, np.nan)
        rotation, gravity = estimate_camera_rotation(standing, camera)
        R = np.broadcast_to(rotation, (frames, 3, 3))
        joints = _turn(R, joints)
    body = _fit(joints, lengths, evidence, config)
    root_camera = _place(body, R, evidence, K, config)
    offsets_camera = _turn(np.swapaxes(R, -1, -2), body.offsets_m)
    fused, fused_weights = _pull_onto_pixels(offsets_camera, root_camera, evidence, K, weights)
    joints = smooth_joints(_turn(R, fused), fused_weights, evidence.time_s, config.smoothness)
    body = _fit(joints, lengths, evidence, config)
    root_camera = _place(body, R, evidence, K, config)
    if T_world_camera is not None:
        return RoughMotion(
            body, transform_points(T_world_camera, root_camera[:, None])[:, 0], lengths, scale, T_world_camera, gravity
        )
    contacts = np.zeros((frames, len(CONTACT_JOINTS)))
    if config.foot_contact:
        feet = body.offsets_m[:, _CONTACT_INDICES] + _turn(R, root_camera[:, None])
        feet = np.where(evidence.valid[:, None, None], feet, np.nan)
        contacts = detect_contacts(feet, UP_WORLD, evidence.time_s)
        root_camera = _place(body, R, evidence, K, config, contacts)
    T = _world_frame(body, root_camera, R[0], contacts, evidence.valid, config)
    root_world = root_camera @ R[0].T + T[:3, 3]
    return RoughMotion(body, root_world, lengths, scale, np.broadcast_to(T, (frames, 4, 4)), gravity)


def _turn(R: FloatArray, vectors: FloatArray) -> FloatArray:
    """Rotate (T, N, 3) vectors by one rotation (T, 3, 3) a frame."""
    return np.asarray(np.einsum("tij,tnj->tni", R, vectors))


def gather_evidence(track: KeypointTrack, lifted: LiftedTrack, config: SolveConfig) -> Evidence:
    """Bring a track and its lift into canonical joints.

    Raises:
        InsufficientDataError: no frame shows enough of the person.
    """
    mapping = joint_mapping(track.keypoint_set)
    xy, confidence = mapping.positions(track.xy_px), mapping.confidences(track.confidence)
    confidence = np.where(np.isfinite(xy[..., 0]), confidence, 0.0)
    known = np.isfinite(lifted.joints_m[..., 0])
    seen = np.sum((confidence >= _LEAST_CONFIDENCE) & known, axis=1) >= _LEAST_JOINTS
    if not np.any(seen):
        raise InsufficientDataError(
            f"Person {track.person_id} is not seen well enough in any of {len(track.timestamps_s)} frames.",
            "Use a clip in which most of the body is visible.",
        )
    confidence = np.where(seen[:, None], confidence, 0.0)
    size = np.max(track.boxes_px[:, 2:] - track.boxes_px[:, :2], axis=1)
    return Evidence(
        track.timestamps_s, xy, confidence, np.where(seen[:, None, None], lifted.joints_m, np.nan), lifted.sigma_m,
        np.where(seen, size, np.nan), seen, fill_spans(seen, track.timestamps_s, config.max_gap_s),
        lifted.height_m,
    )  # fmt: skip


def _trust(evidence: Evidence) -> FloatArray:
    """(T, J) weight of each lifted joint; 1 for the surest."""
    best = float(np.nanmin(evidence.sigma_m)) if np.any(np.isfinite(evidence.sigma_m)) else 1.0
    weight = (best / np.where(np.isfinite(evidence.sigma_m), evidence.sigma_m, np.inf)) ** 2
    return np.asarray(np.where(evidence.seen[:, None], weight, 0.0))


def _scale_to_lengths(joints: FloatArray, lengths: FloatArray) -> float:
    parents = np.array(CANONICAL.parents)
    bones = CANONICAL.indices(*(f"{s}_{j}" for s in ("left", "right") for j in ("knee", "ankle", "elbow", "wrist")))
    observed = np.nanmedian(np.linalg.norm(joints[:, bones] - joints[:, parents[bones]], axis=-1), axis=0)
    usable = np.isfinite(observed) & (observed > 1e-6)
    return float(np.sum(lengths[bones][usable]) / np.sum(observed[usable]))


def _fit(joints_world: FloatArray, lengths: FloatArray, evidence: Evidence, config: SolveConfig) -> Body:
    complete = complete_joints(joints_world, lengths)
    return build_body(complete, lengths, evidence.time_s, evidence.valid, config.smoothness)


def _place(
    body: Body,
    R_world_camera: FloatArray,
    evidence: Evidence,
    K: FloatArray,
    config: SolveConfig,
    contacts: FloatArray | None = None,
) -> FloatArray:
    offsets = _turn(np.swapaxes(R_world_camera, -1, -2), body.offsets_m)
    return solve_root(
        offsets, evidence.xy_px, evidence.confidence, K, evidence.time_s, evidence.person_px,
        feet_m=offsets[:, _CONTACT_INDICES], contacts=contacts, smoothness=config.smoothness,
    )  # fmt: skip


def _pull_onto_pixels(
    offsets: FloatArray, root: FloatArray, evidence: Evidence, K: FloatArray, weights: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Move joints across the line of sight towards their pixels, as far as both are trusted.

    Depth stays as lifted: the image says nothing about it.
    """
    depth = np.maximum(root[:, None, 2] + offsets[..., 2], 0.2)
    on_ray = (evidence.xy_px - K[:2, 2]) / np.array([K[0, 0], K[1, 1]]) * depth[..., None] - root[:, None, :2]
    sigma_image = _PIXEL_SHARE * evidence.person_px[:, None] * depth / K[0, 0]
    distance = np.linalg.norm(on_ray - offsets[..., :2], axis=-1)
    robust = 1.0 / (1.0 + (distance / 0.25) ** 2) ** 2
    trust_image = np.where(np.isfinite(distance), evidence.confidence * robust / sigma_image**2, 0.0)
    trust_lift = 1.0 / np.where(np.isfinite(evidence.sigma_m), evidence.sigma_m, 1.0) ** 2
    share = (trust_image / (trust_image + trust_lift))[..., None]
    fused = offsets.copy()
    fused[..., :2] += share * np.where(np.isfinite(on_ray), on_ray - offsets[..., :2], 0.0)
    fused = fused - fused[:, :1]
    certain = np.where(evidence.seen[:, None], np.maximum(weights, evidence.confidence), 0.0)
    return fused, certain


def _world_frame(
    body: Body,
    root_camera: FloatArray,
    R_world_camera: FloatArray,
    contacts: FloatArray,
    valid: BoolArray,
    config: SolveConfig,
) -> FloatArray:
    """World from camera: the person starts at x = y = 0, the soles stand on z = 0."""
    root = root_camera @ R_world_camera.T
    start = root[np.argmax(valid)]
    origin = np.array([-start[0], -start[1], 0.0])
    if config.floor:
        heights = (body.offsets_m[:, _CONTACT_INDICES] + root[:, None])[..., 2]
        planted = heights[(contacts > 0.5) & valid[:, None]]
        # a low share rather than the lowest: single frames dip, and people stand on things as well
        ground = np.percentile(planted, 20) if len(planted) >= 10 else np.percentile(heights[valid].min(axis=1), 5)
        origin[2] = SOLE_M - float(ground)
    return rigid_transform(R_world_camera, origin)
