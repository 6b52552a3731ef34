"""What the sequence solver is given: evidence of one person in one stretch of frames, and its weights."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np

from pose_core.errors import ShapeError
from pose_core.solve.body.body_model import BODY
from pose_core.types import BoolArray, FloatArray, check_shape

CONTACT_POINTS: tuple[int, ...] = tuple(BODY.tree.indices("left_heel", "left_toe", "right_heel", "right_toe"))
SOLE_M = 0.02
"""Heel and ball of the foot lie this far above the sole, metres."""


@dataclass(frozen=True)
class TermWeights:
    """Standard deviations of the residuals, and switches; see the solver's README for where they come from."""

    pixel_share: float = 0.013
    """Reprojection, as a share of the person's height in the image."""
    robust_sigmas: float = 3.0
    """Geman-McClure scale of reprojection and lifted joints, in their own standard deviations."""
    depth_ratio: float = 4.0
    """How much looser lifted joints are along the line of sight than across it, where they have no covariance."""
    covariance_looser: float = math.inf
    """Factor on the standard deviations of a lifted joint's covariance; infinite = by the joint's one sigma and
    `depth_ratio` alone, which measured as well as factors of 0.7 to 3.5 did."""
    direction_deg: float = 20.0
    """Direction of a lifted bone."""
    root_acceleration_m_s2: float = 4.0
    """Acceleration of the pelvis."""
    root_depth_acceleration_m_s2: float = 1.5
    """The same along the line of sight."""
    ball_acceleration_rad_s2: float = 30.0
    """Angular acceleration of free joints; trunk joints a third of it."""
    hinge_acceleration_rad_s2: float = 40.0
    """Angular acceleration of hinges."""
    contact_velocity_m: float = 0.0005
    """Slip of a planted point from one frame to the next at 30 frames a second."""
    contact_height_m: float = 0.01
    """Height of a planted point above the ground."""
    contact_height_sigmas: float = 5.0
    """Geman-McClure scale of that height: what rests higher stands on something else, or is the heel on tiptoe."""
    penetration_m: float = 0.003
    """Depth of any foot point below the ground; one-sided."""
    limit_rad: float = 0.05
    """Beyond a joint limit (3 degrees)."""
    ball_prior_rad: float = 0.7
    """Pull of free joints to rest; trunk joints half of it, so that a bend spreads along the spine."""
    hinge_prior_rad: float = 0.8
    """Pull of twists, wrists and collar bones to rest."""
    pose_sigmas: float = math.inf
    """How unlikely a pose may be: standard deviations of the model of poses count so many times; infinite = no such
    term, which measured as well as 4 did."""
    length_sigma: float = 0.07
    """Log length about its prior."""
    size_sigma: float = 0.003
    """Mean log length about its prior: pixels cannot tell a tall person far away from a small one near by."""
    focal_sigma: float = 0.15
    """Log focal length about its prior, where it is estimated."""
    smoothness: float = 1.0
    """Multiplies the penalty on accelerations."""
    limits: bool = True
    floor: bool = True


@dataclass(frozen=True, eq=False)
class Problem:
    """Evidence, cameras and weights.

    Keypoints and lifted joints are given per point of the body model; what is not seen has confidence 0 or sigma
    infinity, and its numbers are ignored.
    """

    time_s: FloatArray
    """(T,) strictly increasing."""
    R_camera_world: FloatArray
    """(T, 3, 3)."""
    t_camera_world_m: FloatArray
    """(T, 3) so that x_camera = R x_world + t."""
    K: FloatArray
    """(3, 3) intrinsics."""
    keypoint_points: tuple[int, ...]
    """(P,) points of the body that keypoints show."""
    xy_px: FloatArray
    """(T, P, 2)."""
    confidence: FloatArray
    """(T, P) in [0, 1]."""
    person_px: FloatArray
    """(T,) height of the person in the image; finite."""
    lifted_points: tuple[int, ...]
    """(Q,) points of the body that the lifter gives, root excluded."""
    lifted_m: FloatArray
    """(T, Q, 3) relative to the pelvis, camera axes, at the person's own scale."""
    lifted_sigma_m: FloatArray
    """(T, Q) infinite where unknown."""
    contacts: FloatArray
    """(T, 4) how surely heel and toe are planted."""
    grounded: FloatArray
    """(T,) 1 where the feet are near the one ground level that is modelled, 0 where they stand on something else."""
    log_length_prior: FloatArray
    """(L,)."""
    lifted_information: FloatArray | None = None
    """(T, Q, 3, 3) inverse covariance of the lifted joints, camera axes, 0 where unknown; None = by sigma alone."""
    height_m: float = 1.70
    """Height of the person, for the model of poses."""
    fit_lengths: bool = True
    fit_focal: bool = False
    known_angles_rad: tuple[float | None, float | None] | None = None
    """Pitch and roll of a camera that stands still, None where they are to be found; None altogether: up is known."""
    weights: TermWeights = field(default_factory=TermWeights)

    def __post_init__(self) -> None:
        sizes = {"P": len(self.keypoint_points), "Q": len(self.lifted_points)}
        for name, shape in {
            "time_s": ("T",), "R_camera_world": ("T", 3, 3), "t_camera_world_m": ("T", 3), "K": (3, 3),
            "xy_px": ("T", "P", 2), "confidence": ("T", "P"), "person_px": ("T",), "lifted_m": ("T", "Q", 3),
            "lifted_sigma_m": ("T", "Q"), "contacts": ("T", len(CONTACT_POINTS)), "grounded": ("T",),
            "log_length_prior": (BODY.length_count,),
        }.items():  # fmt: skip
            check_shape(name, getattr(self, name), shape, sizes)
        if self.lifted_information is not None:
            check_shape("lifted_information", self.lifted_information, ("T", "Q", 3, 3), sizes)
        if not np.all(np.isfinite(self.person_px)):
            raise ShapeError("'person_px' must be finite in every frame; fill the gaps.")

    @property
    def clip_wide_count(self) -> int:
        """Number of clip-wide unknowns: lengths, then focal length."""
        return BODY.length_count * self.fit_lengths + self.fit_focal

    @property
    def has_evidence(self) -> BoolArray:
        """(T,) frames with any keypoint or lifted joint."""
        return np.asarray(np.any(self.confidence > 0, axis=1) | np.any(np.isfinite(self.lifted_sigma_m), axis=1))

    def at(self, frames: slice) -> Problem:
        """The problem of some neighbouring frames."""
        names = ("time_s", "R_camera_world", "t_camera_world_m", "xy_px", "confidence", "person_px", "lifted_m",
                 "lifted_sigma_m", "contacts", "grounded")  # fmt: skip
        information = None if self.lifted_information is None else self.lifted_information[frames]
        return replace(self, lifted_information=information, **{name: getattr(self, name)[frames] for name in names})
