"""What one term of the energy adds: its cost, and the Gauss-Newton factors of its residuals.

A factor says how residuals pull on something at hand (positions of points, directions of bones, steps between frames,
unknowns themselves); the assembler carries all of them over to the unknowns. So a term needs no Jacobian of the body.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pose_core.solve.body.kinematics import BodyState
from pose_core.types import FloatArray


@dataclass(frozen=True, eq=False)
class SequenceState:
    """All unknowns of a sequence."""

    body: BodyState
    log_focal: float
    """Logarithm of the focal length over that of the problem's intrinsics."""


@dataclass(frozen=True, eq=False)
class PointFactor:
    """Residuals of positions of points in the world."""

    points: list[int]
    """P points of the body, each named once."""
    information: FloatArray
    """(T, P, 3, 3)."""
    gradient: FloatArray
    """(T, P, 3)."""
    to_root: bool = False
    """Positions relative to the root, which the root's own position does not change."""


@dataclass(frozen=True, eq=False)
class DirectionFactor:
    """Residuals of unit directions of bones: only turns change them."""

    ends: list[int]
    """P points in which the bones end."""
    directions: FloatArray
    """(T, P, 3)."""
    weight: FloatArray
    """(T, P)."""
    residual: FloatArray
    """(T, P, 3)."""


@dataclass(frozen=True, eq=False)
class FocalFactor:
    """What residuals of points say of the logarithm of the focal length, and of both together."""

    points: list[int]
    coupling: FloatArray
    """(T, P, 3) with the positions of the points."""
    information: float
    gradient: float


@dataclass(frozen=True, eq=False)
class StepFactor:
    """Residuals of how far points move from one frame to the next: couples neighbouring frames."""

    points: list[int]
    weight: FloatArray
    """(T-1, P)."""
    step_m: FloatArray
    """(T-1, P, 3)."""


@dataclass(frozen=True, eq=False)
class AccelerationFactor:
    """Residuals of second differences of all unknowns of a frame: couples three frames."""

    coefficients: FloatArray
    """(T-2, 3) of the second difference."""
    weight: FloatArray
    """(T-2,) of each inner frame."""
    root_information: FloatArray
    """(T-2, 3, 3) of the root's acceleration."""
    root_gradient: FloatArray
    """(T-2, 3) information times acceleration."""
    angle_information: FloatArray
    """(D-3,) of each angular acceleration."""
    angle_acceleration: FloatArray
    """(T-2, D-3)."""


@dataclass(frozen=True, eq=False)
class UnknownFactor:
    """Residuals of single unknowns of a frame, from one on to the last."""

    first: int
    """Index of the first of N unknowns."""
    information: FloatArray
    """(T, N)."""
    gradient: FloatArray
    """(T, N)."""


@dataclass(frozen=True, eq=False)
class ClipFactor:
    """Residuals of some clip-wide unknowns."""

    unknowns: slice
    """N of the clip-wide unknowns."""
    information: FloatArray
    """(N, N)."""
    gradient: FloatArray
    """(N,)."""


PointsFactor = PointFactor | DirectionFactor | FocalFactor | StepFactor
"""Factors that are carried over to the unknowns along the tree of the body."""
UnknownsFactor = AccelerationFactor | UnknownFactor | ClipFactor
"""Factors of the unknowns themselves."""
Factor = PointsFactor | UnknownsFactor


@dataclass(frozen=True, eq=False)
class Contribution:
    """What one term adds at a state."""

    costs: Mapping[str, FloatArray | float] = field(default_factory=dict)
    """Half the squared residuals by the name they are reported under: (T, ...) of single frames, or a sum over those
    between frames or of the whole clip."""
    factors: tuple[Factor, ...] = ()
