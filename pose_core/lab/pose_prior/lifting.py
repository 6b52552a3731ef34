"""Lifting the 2D joints of single frames with the mixture of PPCA.

For every component and every direction from which the person may be seen, scale, shift and coefficients of the pose
follow from one small regularised linear system under scaled orthography; the likeliest wins. Deviations from the
paper: besides the yaw, the camera's elevation and roll are on the grid, since ours may look down or be held at a slant;
hypotheses are compared by their evidence, in which the coefficients are integrated out; and a second, finer grid is
laid around the winner, which stands for the paper's 100 yaw angles.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace

import numpy as np

from pose_core.errors import ConfigError, ShapeError
from pose_core.lab.pose_prior.prior import PosePrior
from pose_core.types import FloatArray, IntArray

# Frames solved at once: keeps the systems of all hypotheses below some 200 MB.
_CHUNK_NUMBERS = 2.5e7
_LEAST_POINTS = 4

# Directions of a component that take part in the choice of a hypothesis on the coarse grid.
_ROUGH_DIRECTIONS = 12
# Components that are looked at closely.
_FINALISTS = 4


@dataclass(frozen=True)
class LiftGrid:
    """Directions to try, and how exact the 2D joints are."""

    yaws: int = 16
    """Angles around the full circle."""
    elevations_deg: tuple[float, ...] = (-20.0, 5.0, 30.0)
    """How far the camera looks down on the person."""
    rolls_deg: tuple[float, ...] = (-15.0, 0.0, 15.0)
    refine: bool = True
    """Try a finer grid around the best direction."""
    image_noise_m: float = 0.02
    """Standard deviation of a 2D joint of weight 1, metres at the person."""

    def __post_init__(self) -> None:
        if self.yaws < 1 or not self.elevations_deg or not self.rolls_deg or not self.image_noise_m > 0:
            raise ConfigError("A grid needs at least one yaw, elevation and roll, and some noise.")

    def rotations(self) -> FloatArray:
        """(D, 3, 3) turns of the model's axes into those of a camera."""
        yaw = np.arange(self.yaws) * 2 * np.pi / self.yaws
        angles = [(y, np.radians(e), np.radians(r))
                  for e, r in itertools.product(self.elevations_deg, self.rolls_deg) for y in yaw]  # fmt: skip
        return view_rotations(*np.array(angles).T)


@dataclass(frozen=True, eq=False)
class PriorLift:
    """Lifted frames; NaN where fewer than four joints are seen."""

    joints_m: FloatArray
    """(T, J, 3) camera axes, relative to the pelvis, for a person of 1.70 m."""
    log_evidence: FloatArray
    """(T,) of the hypothesis taken."""
    component: IntArray
    """(T,) its component; -1 where nothing was lifted."""
    scale: FloatArray
    """(T,) size of a metre at the person in the units of the 2D joints."""


def view_rotations(yaw: FloatArray, elevation: FloatArray, roll: FloatArray) -> FloatArray:
    """(..., 3, 3) turns of Z-up axes into a camera's (x right, y down, z forward); radians."""
    o, i = np.zeros_like(yaw), np.ones_like(yaw)

    def stacked(rows: list[list[FloatArray]]) -> FloatArray:
        return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)

    c, s = np.cos(yaw), np.sin(yaw)
    about_vertical = stacked([[c, -s, o], [s, c, o], [o, o, i]])
    upright = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
    c, s = np.cos(elevation), np.sin(elevation)
    look_down = stacked([[i, o, o], [o, c, -s], [o, s, c]])
    c, s = np.cos(roll), np.sin(roll)
    slant = stacked([[c, -s, o], [s, c, o], [o, o, i]])
    return np.asarray(slant @ look_down @ upright @ about_vertical)


def lift_poses(
    prior: PosePrior, xy: FloatArray, weight: FloatArray, joints: IntArray, grid: LiftGrid | None = None
) -> PriorLift:
    """Lift frames one by one.

    Args:
        prior: the pose model.
        xy: (T, I, 2) 2D joints in any units, y down, as a camera sees them that looks at the person; anything where
            the weight is 0.
        weight: (T, I) visibility or confidence in [0, 1].
        joints: (I,) which joints of the model these are.
        grid: directions to try.
    Returns:
        All joints of the model, seen or not.
    Raises:
        ShapeError: shapes disagree.
    Source: Tome, Russell & Agapito 2017, section 4; evidence as in Bishop 2006, eq. 3.86.
    """
    grid = grid or LiftGrid()
    frames, points = weight.shape
    if xy.shape != (frames, points, 2) or joints.shape != (points,):
        raise ShapeError(f"'xy' {xy.shape}, 'weight' {weight.shape} and 'joints' {joints.shape} do not agree.")
    out = PriorLift(
        np.full((frames, prior.mean_m.shape[1], 3), np.nan), np.full(frames, -np.inf),
        np.full(frames, -1, dtype=np.int64), np.full(frames, np.nan),
    )  # fmt: skip
    R = grid.rotations()
    rough = _without_small_directions(prior)
    design = _coarse_designs(rough, R, joints)
    # every frame needs the products of every hypothesis with themselves, which do not depend on the frame
    products = np.einsum("hpxa,hpxb->phab", design, design).reshape(points, -1)
    unknowns = design.shape[-1]
    seen = np.flatnonzero(np.sum(weight > 0, axis=1) >= _LEAST_POINTS)
    step = max(1, int(_CHUNK_NUMBERS / (len(design) * unknowns**2)))
    for first in range(0, len(seen), step):
        part = seen[first : first + step]
        w = weight[part]
        points_xy = np.where(w[..., None] > 0, xy[part], 0.0)
        A = (w @ products).reshape(len(part), len(design), unknowns, unknowns)
        b = (w[..., None] * points_xy).reshape(len(part), -1) @ design.reshape(len(design), -1, unknowns).transpose(
            1, 0, 2).reshape(2 * points, -1)  # fmt: skip
        component = np.repeat(np.arange(len(prior)), len(R))
        _, evidence = _solve(rough, component[None], A, b.reshape(len(part), -1, unknowns), w, points_xy, grid)
        evidence = evidence.reshape(len(part), len(prior), len(R))
        # the best direction of every component, and of those the best few, so that they differ
        direction = np.argmax(evidence, axis=2)
        order = np.argsort(-np.max(evidence, axis=2), axis=1)[:, :_FINALISTS]
        for chosen in order.T:
            R_chosen = R[direction[np.arange(len(part)), chosen]][:, None]
            candidates = _around(grid, R_chosen) if grid.refine else R_chosen
            _finish(out, part, prior, chosen, candidates, joints, w, points_xy, grid)
    return out


def _without_small_directions(prior: PosePrior) -> PosePrior:
    """The model with its largest directions alone, the others part of the noise: enough to choose a hypothesis."""
    rest = np.sum(prior.basis_m[:, _ROUGH_DIRECTIONS:] ** 2, axis=(1, 2, 3)) / (3 * (prior.mean_m.shape[1] - 1))
    return replace(prior, basis_m=prior.basis_m[:, :_ROUGH_DIRECTIONS], noise_m=np.sqrt(prior.noise_m**2 + rest))


def _coarse_designs(prior: PosePrior, R: FloatArray, joints: IntArray) -> FloatArray:
    """(M D, I, 2, Q + 3) what one unit of scale, coefficients and shift moves each coordinate."""
    parts = np.concatenate([prior.mean_m[:, None], prior.basis_m], axis=1)[:, :, joints]
    turned = np.einsum("dxy,mqiy->mdixq", R[:, :2], parts)
    return _with_shift(turned.reshape(-1, *turned.shape[2:]))


def _with_shift(turned: FloatArray) -> FloatArray:
    shift = np.broadcast_to(np.eye(2), (*turned.shape[:-1], 2))
    return np.concatenate([turned, shift], axis=-1)


def _around(grid: LiftGrid, R: FloatArray) -> FloatArray:
    """(T, C, 3, 3) directions around those chosen (T, 1, 3, 3): halfway to their neighbours on the grid."""
    half = np.pi / grid.yaws
    offsets = itertools.product(
        (-half, -half / 2, 0.0, half / 2, half), np.radians((-12, 0, 12)), np.radians((-8, 0, 8))
    )
    yaw, elevation, roll = np.array(list(offsets)).T
    # a small yaw acts on the model's side, elevation and roll on the camera's
    c, s, o, i = np.cos(yaw), np.sin(yaw), np.zeros_like(yaw), np.ones_like(yaw)
    about_vertical = np.stack([np.stack(r, axis=-1) for r in ([c, -s, o], [s, c, o], [o, o, i])], axis=-2)
    upright = view_rotations(np.zeros(1), np.zeros(1), np.zeros(1))[0]
    tilt = view_rotations(o, elevation, roll) @ upright.T
    return np.asarray(tilt @ R @ about_vertical)


def _finish(
    out: PriorLift, frames: IntArray, prior: PosePrior, component: IntArray, R: FloatArray, joints: IntArray,
    w: FloatArray, xy: FloatArray, grid: LiftGrid,
) -> None:  # fmt: skip
    """Choose among directions R (T, C, 3, 3) of one component a frame, and write the poses that are likelier."""
    parts = np.concatenate([prior.mean_m[component][:, None], prior.basis_m[component]], axis=1)
    turned = np.einsum("tcxy,tqiy->tcixq", R[:, :, :2], parts[:, :, joints], optimize=True)
    design = _with_shift(turned)
    flat = design.reshape(*design.shape[:2], -1, design.shape[-1])
    w2 = np.repeat(w, 2, axis=1)[:, None]
    weighted = flat * w2[..., None]
    A = np.swapaxes(flat, -1, -2) @ weighted
    b = np.einsum("tcpa,tp->tca", weighted, xy.reshape(len(xy), -1), optimize=True)
    unknowns, evidences = _solve(prior, component[:, None], A, b, w, xy, grid)
    best = np.argmax(evidences, axis=1)
    rows = np.arange(len(best))
    u, evidence = unknowns[rows, best], evidences[rows, best]
    scale = np.maximum(u[:, 0], 1e-9)
    coefficients = u[:, 1:-2] / scale[:, None]
    pose = parts[:, 0] + np.einsum("tq,tqjx->tjx", coefficients, parts[:, 1:])
    joints_m = pose @ np.swapaxes(R[rows, best], -1, -2)
    better = evidence > out.log_evidence[frames]
    at = frames[better]
    out.joints_m[at], out.log_evidence[at] = joints_m[better], evidence[better]
    out.component[at], out.scale[at] = component[better], scale[better]


def _solve(
    prior: PosePrior, component: IntArray, A: FloatArray, b: FloatArray, w: FloatArray, xy: FloatArray, grid: LiftGrid
) -> tuple[FloatArray, FloatArray]:
    """Solve all hypotheses.

    Args:
        prior: the pose model.
        component: (T or 1, H) component of each hypothesis.
        A: (T, H, U, U) weighted products of the design; U unknowns: scale, coefficients times scale, shift.
        b: (T, H, U) weighted products of design and 2D joints.
        w: (T, I) weights.
        xy: (T, I, 2) 2D joints.
        grid: for the noise of the joints.
    Returns:
        unknowns (T, H, U) and log evidence (T, H) of every hypothesis.
    """
    variance = (prior.noise_m**2 + grid.image_noise_m**2)[component]
    unknowns = A.shape[-1]
    ridge = np.ones(unknowns)
    ridge[0], ridge[-2:] = 1e-6, 1e-9
    A = A / variance[..., None, None] + np.diag(ridge)
    b = b / variance[..., None]
    u = np.linalg.solve(A, b[..., None])[..., 0]
    squared = np.sum(w[..., None] * xy**2, axis=(1, 2))[:, None] / variance - np.sum(b * u, axis=-1)
    scale = np.maximum(u[..., 0], 1e-9)
    log_det = np.linalg.slogdet(A)[1]
    # residuals and coefficients count in metres at the person, hence the scale
    evidence = (
        np.log(prior.share)[component]
        - 0.5 * squared / scale**2
        - 0.5 * log_det
        - np.sum(w, axis=1)[:, None] * (np.log(variance) + 2 * np.log(scale))
    )
    # a negative scale would be a person seen through the back of the camera
    return np.asarray(u), np.asarray(np.where(u[..., 0] > 1e-6, evidence, -np.inf))
