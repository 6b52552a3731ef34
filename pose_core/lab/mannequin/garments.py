"""Wide clothes over the modelled body: coats, loose shirts, wide trousers, bags. What hangs below is in `hanging`."""

from __future__ import annotations

import numpy as np

from pose_core.lab.mannequin.body import Part
from pose_core.lab.mannequin.sdf import (
    Field,
    QuadMesh,
    column,
    ellipsoid,
    half_space,
    intersect,
    limb,
    mesh_surface,
    mirrored,
    subtract,
    unite,
)
from pose_core.lab.mannequin.skeleton import POINTS
from pose_core.types import FloatArray

_X, _Y = np.array([1.0, 0.0, 0.0]), np.array([0.0, 1.0, 0.0])


def _between(a: str, b: str, share: float) -> FloatArray:
    return POINTS[a] + (POINTS[b] - POINTS[a]) * share


def _tube(points: list[FloatArray], radii: list[tuple[float, float]], side: FloatArray) -> Field:
    return unite(*(limb(points[i], points[i + 1], radii[i], radii[i + 1], side) for i in range(len(points) - 1)))


def build_coat(fine: float, thick_m: float, end_share: float, front_m: float = 0.0) -> Part:
    """What lies over the shirt from the shoulders to the hips and down the arms, cut straight so that no waist shows.

    Args:
        fine: edge of the quads, relative to the sample clip's.
        thick_m: how far it stands off: 0.01 for a loose shirt, 0.03 for a winter coat.
        end_share: where the sleeves end, from the elbow (0) to the wrist (1); below 0 on the upper arm.
        front_m: half-width of a strip of the second material down the front.
    """
    t = thick_m
    body = column([
        (0.78, 0.200 + t, 0.148 + t, 0.014), (0.95, 0.192 + t, 0.142 + t, 0.012), (1.10, 0.184 + t, 0.130 + t, 0.008),
        (1.25, 0.180 + t, 0.124 + t, 0.008), (1.34, 0.176 + t, 0.118 + t, 0.010), (1.40, 0.152 + t, 0.100 + t, 0.014),
        (1.45, 0.105 + t, 0.078 + t, 0.018), (1.50, 0.074 + t, 0.066 + t, 0.014), (1.54, 0.066 + t, 0.064 + t, 0.010),
    ])  # fmt: skip
    yoke = limb(np.array([0.03, 0.016, 1.462]), np.array([0.165, 0.016, 1.408]), (0.056 + t, 0.042 + t),
                (0.058 + t, 0.048 + t), _Y)  # fmt: skip
    upper = [_between("left_shoulder", "left_elbow", s) for s in (-0.05, 0.3, 0.7, 1.0)]
    fore = [_between("left_elbow", "left_wrist", s) for s in (0.0, 0.35, 0.7, 1.0)]
    sleeve = unite(
        _tube(upper, [(r + t, s + t) for r, s in ((0.056, 0.058), (0.054, 0.060), (0.050, 0.056), (0.047, 0.052))], _Y),
        _tube(fore, [(r + t, s + t) for r, s in ((0.047, 0.052), (0.049, 0.053), (0.044, 0.048), (0.042, 0.044))], _Y),
        blend_m=0.02,
    )  # fmt: skip
    end = (
        _between("left_elbow", "left_wrist", end_share)
        if end_share >= 0
        else _between("left_shoulder", "left_elbow", 1.0 + end_share)
    )
    sleeve = intersect(sleeve, half_space(tuple(end), (1, 0, 0)), blend_m=0.006)
    cloth = unite(body, unite(yoke, mirrored(yoke)), sleeve, mirrored(sleeve), blend_m=0.05)
    cloth = intersect(
        cloth, half_space((0, 0, 0.84), (0, 0, -1)), half_space((0, 0.02, 1.512), (0, -0.30, 1)), blend_m=0.02
    )
    throat = limb(np.array([0, -0.004, 1.470]), np.array([0, -0.004, 1.62]), (0.062, 0.0645), (0.068, 0.090), _X)
    mesh = mesh_surface(subtract(cloth, throat, blend_m=0.016), (-0.80, -0.24, 0.82), (0.80, 0.24, 1.56), 0.0140 * fine)
    middle = mesh.vertices[mesh.quads].mean(axis=1)
    strip = (np.abs(middle[:, 0]) < front_m) & (middle[:, 1] < 0.0)
    return Part("coat", mesh, ("coat", "trim"), strip.astype(int))


def build_wide_trousers(fine: float) -> Part:
    """Trousers with a low crotch whose legs widen down to the shoe."""
    points = [_between("left_hip", "left_knee", s) for s in (0.0, 0.35, 0.7, 1.0)]
    lower = [_between("left_knee", "left_ankle", s) for s in (0.0, 0.5, 1.08)]
    leg = unite(
        _tube(points, [(0.100, 0.112), (0.104, 0.112), (0.102, 0.108), (0.100, 0.106)], _X),
        _tube(lower, [(0.100, 0.106), (0.106, 0.116), (0.108, 0.126)], _X),
        blend_m=0.03,
    )
    seat = column([
        (0.74, 0.150, 0.100, 0.008), (0.82, 0.176, 0.126, 0.010), (0.92, 0.184, 0.130, 0.008),
        (0.98, 0.172, 0.120, 0.006), (1.06, 0.154, 0.106, 0.002),
    ])  # fmt: skip
    cloth = unite(seat, unite(leg, mirrored(leg)), blend_m=0.06)
    cloth = intersect(cloth, half_space((0, 0, 1.03), (0, 0, 1)), half_space((0, 0, 0.05), (0, 0, -1)), blend_m=0.006)
    mesh = mesh_surface(cloth, (-0.30, -0.18, 0.03), (0.30, 0.20, 1.05), 0.0130 * fine)
    return Part("wide_trousers", mesh, ("trousers",))


def build_bag(fine: float, kind: str) -> tuple[Part, ...]:
    """A bag and its strap.

    Args:
        fine: edge of the quads, relative to the sample clip's.
        kind: "backpack" on the back, or "shoulder" on the right hip with a strap over the left shoulder.
    """
    if kind == "backpack":
        sack = unite(
            limb(np.array([0, 0.190, 1.12]), np.array([0, 0.185, 1.36]), (0.135, 0.085), (0.125, 0.070), _X),
            ellipsoid((0, 0.265, 1.16), (0.100, 0.045, 0.085)),
            blend_m=0.03,
        )
        strap = _tube(
            [np.array(p) for p in ((0.10, 0.14, 1.40), (0.11, 0.02, 1.478), (0.11, -0.125, 1.36), (0.12, -0.10, 1.16),
                                   (0.13, 0.08, 1.10))],
            [(0.028, 0.012)] * 5, _X,
        )  # fmt: skip
        straps = unite(strap, mirrored(strap))
        sack_mesh = mesh_surface(sack, (-0.2, 0.06, 0.98), (0.2, 0.34, 1.48), 0.014 * fine)
        strap_mesh = mesh_surface(straps, (-0.2, -0.2, 1.04), (0.2, 0.2, 1.54), 0.010 * fine)
        return Part("bag", sack_mesh, ("bag",), rigid_bone="chest"), Part("strap", strap_mesh, ("bag",))
    sack = limb(np.array([-0.275, -0.09, 0.84]), np.array([-0.275, 0.11, 0.84]), (0.055, 0.125), (0.055, 0.125), _X)
    strap = _tube(
        [np.array(p) for p in ((-0.23, 0.10, 0.94), (-0.12, 0.165, 1.12), (0.06, 0.150, 1.36), (0.13, 0.02, 1.475),
                               (0.07, -0.140, 1.34), (-0.10, -0.165, 1.12), (-0.23, -0.09, 0.94))],
        [(0.020, 0.010)] * 7, _X,
    )  # fmt: skip
    sack_mesh = mesh_surface(sack, (-0.36, -0.3, 0.66), (-0.18, 0.3, 1.0), 0.014 * fine)
    strap_mesh = mesh_surface(strap, (-0.3, -0.24, 0.88), (0.2, 0.24, 1.54), 0.010 * fine)
    return Part("bag", sack_mesh, ("bag",), rigid_bone="pelvis"), Part("strap", strap_mesh, ("bag",))


def empty_mesh(levels: int, around: int) -> QuadMesh:
    """A tube of quads, `levels` rings of `around` vertices, whose vertices are all at the origin."""
    ring, turn = np.meshgrid(np.arange(levels - 1), np.arange(around), indexing="ij")
    after = (turn + 1) % around
    quads = np.stack(
        [ring * around + turn, (ring + 1) * around + turn, (ring + 1) * around + after, ring * around + after], axis=-1
    )
    return QuadMesh(np.zeros((levels * around, 3)), quads.reshape(-1, 4))
