"""What is compared: every method turns a case into joints in camera axes for a person of the given height."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from pose_core.config import CameraConfig, SolveConfig
from pose_core.lab.evaluation.cases import Case
from pose_core.lab.nets.tome2017 import PosePrior, lift_poses
from pose_core.lab.train.lifter.bodies import REFERENCE_HEIGHT_M, stature_of
from pose_core.lift import MODEL_DEPTH_LOOSER, fuse_lifts, lift_by_model_depth, lift_track, repair_track
from pose_core.lift.features import INPUT_JOINTS, INPUT_MIRROR, INPUT_NAMES, make_features
from pose_core.lift.temporal import TemporalLifter, lift_by_network
from pose_core.runtime.session import Session
from pose_core.skeletons import CANONICAL, CONTACT_JOINTS
from pose_core.solve import solve_motion
from pose_core.types import FloatArray, LiftedTrack

LIMBS = tuple(f"{s}_{n}" for s in ("left", "right") for n in ("hip", "knee", "ankle", "shoulder", "elbow", "wrist"))
LIMB_JOINTS = CANONICAL.indices(*LIMBS)


@dataclass(frozen=True, eq=False)
class Estimate:
    """One method's answer to a case."""

    joints_m: FloatArray
    """(T, J, 3) camera axes, relative to the pelvis; NaN where the method says nothing."""
    sigma_m: FloatArray | None = None
    """(T, J)."""
    contacts: FloatArray | None = None
    """(T, 4) in [0, 1]."""
    feet_world_m: FloatArray | None = None
    """(T, 4, 3) contact points in a world that stands still; None where only the pose is known."""


Method = Callable[[Case], Estimate]


def by_network(lifter: TemporalLifter, *, repair: bool = True) -> Method:
    """A network of ours on what it was made for; sides of keypoints put right before, as the product does it."""

    def lift(case: Case) -> Estimate:
        factor = case.height_m / REFERENCE_HEIGHT_M
        if case.track is not None and case.K is not None:
            track = repair_track(case.track)[0] if repair else case.track
            return _from_lifted(lift_by_network(track, case.K, lifter), factor)
        made = make_features(case.rays, case.confidence)
        if made is None:
            return Estimate(np.full_like(case.truth_m, np.nan))
        joints, sigma, contacts = lifter.lift(made.features)
        camera = joints @ made.R_virtual_camera  # rows times the inverse's transpose
        return Estimate(factor * camera, factor * sigma, contacts)

    return lift


def by_prior(prior: PosePrior) -> Method:
    """The mixture of PPCA, frame by frame, on the virtual camera's picture."""

    def lift(case: Case) -> Estimate:
        made = make_features(case.rays, case.confidence)
        if made is None:
            return Estimate(np.full_like(case.truth_m, np.nan))
        seen = made.features[:, : 3 * len(INPUT_NAMES)].reshape(len(case.time_s), -1, 3).astype(np.float64)
        lifted = lift_poses(prior, seen[..., :2], seen[..., 2], INPUT_JOINTS)
        return Estimate(case.height_m / REFERENCE_HEIGHT_M * (lifted.joints_m @ made.R_virtual_camera))

    return lift


def by_fusion(lifter: TemporalLifter) -> Method:
    """A network of ours, and the 2D model's own depth as weak evidence beside it."""

    def lift(case: Case) -> Estimate:
        assert case.track is not None and case.K is not None
        track, _ = repair_track(case.track)
        own = lift_by_model_depth(track)
        own = replace(own, sigma_m=MODEL_DEPTH_LOOSER * own.sigma_m)
        return _from_lifted(fuse_lifts(lift_by_network(track, case.K, lifter), own),
                            case.height_m / REFERENCE_HEIGHT_M)  # fmt: skip

    return lift


def by_solver(lifter: TemporalLifter | None) -> Method:
    """A lifter and the solve over the clip; without one, what the product takes by default."""

    def lift(case: Case) -> Estimate:
        assert case.track is not None and case.K is not None
        track, _ = repair_track(case.track)
        lifted = lift_track(track, case.K) if lifter is None else lift_by_network(track, case.K, lifter)
        known = case.noise != "BlazePose"
        camera = CameraConfig(focal_px=float(case.K[0, 0])) if known else CameraConfig()
        motion = solve_motion(track, lifted, case.source, SolveConfig(height_m=case.height_m), camera)
        index = [motion.joint_names.index(name) for name in CANONICAL.names]
        joints = motion.joints_camera_m[:, index]
        feet = [motion.joint_names.index(name) for name in CONTACT_JOINTS]
        return Estimate(
            joints - joints[:, :1], motion.joint_sigma_m[:, index], motion.contacts, motion.joints_world_m[:, feet]
        )

    return lift


def by_blazepose(case: Case) -> Estimate:
    """The 2D model's own world landmarks, at the given height."""
    assert case.track is not None
    joints = lift_by_model_depth(case.track).joints_m
    return Estimate(_at_height(joints, case.height_m))


# A person of usual height 5 m away, as in the recordings that PoseAug's network learned from.
_POSEAUG_EXTENT = 0.35


def by_poseaug(session: Session, *, centred: bool) -> Method:
    """PoseAug's graph network, frame by frame, at the given height; joints that are not seen are filled over time.

    Args:
        session: the network.
        centred: show it the person in the middle of the picture and at a usual size, by a virtual camera, instead of
            what its description asks for: the camera's own picture.
    """
    # the network's order; trunk and head by its own description
    order = ("right_hip", "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle", None, None, None,
             "left_shoulder", "left_elbow", "left_wrist", "right_shoulder", "right_elbow", "right_wrist")  # fmt: skip
    at = {name: k + 1 for k, name in enumerate(order) if name}

    def lift(case: Case) -> Estimate:
        rays, R = _filled(case.rays, case.confidence), None
        if centred and (made := make_features(rays, case.confidence)) is not None:
            R = made.R_virtual_camera
            turned = rays @ np.swapaxes(R[..., :2], -1, -2) + R[:, None, :, 2]
            rays = _POSEAUG_EXTENT * turned[..., :2] / turned[..., 2:] / made.size[:, None, None]
        point = {name: rays[:, i] for i, name in enumerate(INPUT_NAMES)}
        hip = (point["left_hip"] + point["right_hip"]) / 2
        thorax = (point["left_shoulder"] + point["right_shoulder"]) / 2
        trunk = iter(((hip + thorax) / 2, thorax, thorax + 1.6 * (point["head"] - thorax)))
        points = [hip, *(point[name] if name else next(trunk) for name in order)]
        seen = (2.29 * np.stack(points, axis=1)).astype(np.float32)
        out = np.concatenate([session.run({"input": frame[None]})[0] for frame in seen]).astype(np.float64)
        joints = np.full((len(out), len(CANONICAL), 3), np.nan)
        joints[:, 0] = 0.0
        for name, k in at.items():
            joints[:, CANONICAL.index(name)] = out[:, k] - out[:, 0]
        return Estimate(_at_height(joints if R is None else joints @ R, case.height_m))

    return lift


def open_lifter_or_none(path: Path) -> TemporalLifter | None:
    """A network of ours, or None where there is no file."""
    from pose_core.lift.temporal import open_lifter

    return open_lifter(path) if path.is_file() else None


def _from_lifted(lifted: LiftedTrack, factor: float) -> Estimate:
    return Estimate(factor * lifted.joints_m, factor * lifted.sigma_m, lifted.contact_probability)


def _at_height(joints: FloatArray, height_m: float) -> FloatArray:
    """One scale over the sequence, by the typical lengths of the long limbs."""
    known = np.all(np.isfinite(joints[:, LIMB_JOINTS]), axis=(1, 2))
    if not np.any(known):
        return joints
    return np.asarray(height_m / float(stature_of(joints[None, known])[0]) * joints)


def _filled(rays: FloatArray, confidence: FloatArray) -> FloatArray:
    """Joints filled over time; one that is never seen lies on its parent, else on the other side."""
    out = rays.copy()
    frames = np.arange(len(rays))
    for i in range(rays.shape[1]):
        seen = np.flatnonzero(confidence[:, i] > 0)
        if len(seen):
            for axis in range(2):
                out[:, i, axis] = np.interp(frames, seen, rays[seen, i, axis])
        else:
            parent = CANONICAL.names[CANONICAL.parents[INPUT_JOINTS[i]]]
            out[:, i] = out[:, INPUT_NAMES.index(parent) if parent in INPUT_NAMES else INPUT_MIRROR[i]]
    return out
