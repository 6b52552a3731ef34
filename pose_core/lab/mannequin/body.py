"""The clothed body below the neck, and the list of all parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from pose_core.lab.mannequin import head
from pose_core.lab.mannequin.sdf import (
    Field,
    QuadMesh,
    column,
    ellipsoid,
    grow,
    half_space,
    intersect,
    limb,
    mesh_surface,
    mirrored,
    subtract,
    unite,
)
from pose_core.lab.mannequin.skeleton import POINTS
from pose_core.types import FloatArray, IntArray

_BAND_Z_M = (1.205, 1.270)
_X, _Y = np.array([1.0, 0.0, 0.0]), np.array([0.0, 1.0, 0.0])


@dataclass(frozen=True, eq=False)
class Part:
    """One mesh of the figure."""

    name: str
    mesh: QuadMesh
    materials: tuple[str, ...]
    material_of_quad: IntArray = field(default_factory=lambda: np.zeros(0, int))
    """(F,) index into `materials`; empty means all 0."""
    rigid_bone: str = ""
    """The one bone the part is fixed to; empty means blended weights."""


def _at(x: float, y: float, z: float) -> FloatArray:
    return np.array([x, y, z])


def _between(a: str, b: str, share: float) -> FloatArray:
    return POINTS[a] + (POINTS[b] - POINTS[a]) * share


def _chain(points: Sequence[FloatArray], radii: Sequence[tuple[float, float]], side: FloatArray) -> Field:
    pieces = [limb(points[i], points[i + 1], radii[i], radii[i + 1], side) for i in range(len(points) - 1)]
    return unite(*pieces)


def _left_arm() -> Field:
    upper = [_between("left_shoulder", "left_elbow", s) for s in (0.0, 0.35, 0.7, 1.0)]
    fore = [_between("left_elbow", "left_wrist", s) for s in (0.0, 0.25, 0.65, 1.0)]
    return unite(
        _chain(upper, [(0.050, 0.055), (0.046, 0.052), (0.042, 0.044), (0.038, 0.040)], _Y),
        _chain(fore, [(0.038, 0.040), (0.044, 0.041), (0.036, 0.032), (0.028, 0.022)], _Y),
        blend_m=0.02,
    )


def _left_hand() -> Field:
    wrist, knuckles = POINTS["left_wrist"], POINTS["left_hand"]
    palm = unite(
        limb(wrist - _at(0.01, 0, 0), wrist + _at(0.03, 0, 0), (0.027, 0.020), (0.034, 0.017), _Y),
        limb(wrist + _at(0.03, 0, 0), knuckles, (0.034, 0.017), (0.040, 0.0135), _Y),
        blend_m=0.02,
    )
    fingers = []
    for across, length, radius, fan in (
        (-0.030, 0.075, 0.0095, -0.10), (-0.010, 0.084, 0.0100, -0.02),
        (0.011, 0.078, 0.0095, 0.05), (0.031, 0.060, 0.0085, 0.14),
    ):  # fmt: skip
        root = knuckles + _at(-0.008 - abs(across) * 0.2, across, 0.0)
        bend = root + length * 0.5 * np.array([1.0, fan, -0.10])
        tip = bend + length * 0.5 * np.array([0.94, fan * 0.8, -0.34])
        fingers += [
            limb(root, bend, (radius * 1.1,) * 2, (radius,) * 2, _Y),
            limb(bend, tip, (radius,) * 2, (radius * 0.8,) * 2, _Y),
        ]
    base = wrist + _at(0.022, -0.024, -0.006)
    joint = base + _at(0.036, -0.026, -0.010)
    thumb = [
        limb(base, joint, (0.0165, 0.0165), (0.0125, 0.0125), _Y),
        limb(joint, joint + _at(0.034, -0.010, -0.006), (0.0125, 0.0125), (0.0095, 0.0095), _Y),
    ]
    return unite(unite(palm, *thumb, blend_m=0.012), unite(*fingers, blend_m=0.003), blend_m=0.008)


def _torso() -> Field:
    trunk = column([
        (0.80, 0.150, 0.100, 0.006), (0.87, 0.166, 0.110, 0.008), (0.93, 0.168, 0.112, 0.008),
        (1.00, 0.156, 0.106, 0.004), (1.09, 0.142, 0.098, 0.002), (1.18, 0.148, 0.103, 0.002),
        (1.27, 0.164, 0.112, 0.004), (1.33, 0.166, 0.110, 0.008), (1.39, 0.140, 0.094, 0.014),
        (1.44, 0.096, 0.072, 0.018), (1.485, 0.066, 0.060, 0.014), (1.52, 0.056, 0.056, 0.008),
    ])  # fmt: skip
    slope = limb(np.array([0.030, 0.016, 1.470]), np.array([0.150, 0.016, 1.412]), (0.050, 0.036), (0.046, 0.038), _Y)
    breast = ellipsoid((0.074, -0.058, 1.325), (0.080, 0.040, 0.070))
    blade = ellipsoid((0.090, 0.078, 1.350), (0.070, 0.036, 0.090))
    left = unite(slope, breast, blade, blend_m=0.03)
    return unite(trunk, left, mirrored(left), blend_m=0.06)


def _shirt(sleeve_share: float = 0.66) -> Field:
    upper = [_between("left_shoulder", "left_elbow", s) for s in (-0.05, 0.12, 0.4, 0.72)]
    sleeve = _chain(upper, [(0.050, 0.050), (0.056, 0.055), (0.056, 0.057), (0.057, 0.058)], _Y)
    sleeve = intersect(
        sleeve, half_space(_between("left_shoulder", "left_elbow", sleeve_share), (1, 0, -0.05)), blend_m=0.006
    )
    hem = column([
        (0.80, 0.198, 0.146, 0.014), (0.90, 0.196, 0.144, 0.014), (0.98, 0.186, 0.132, 0.009),
        (1.08, 0.168, 0.114, 0.002), (1.18, 0.164, 0.112, 0.002), (1.25, 0.162, 0.108, 0.002),
    ])  # fmt: skip
    cloth = unite(grow(_torso(), 0.010), hem, blend_m=0.03)
    cloth = unite(cloth, sleeve, mirrored(sleeve), blend_m=0.06)
    collar = limb(np.array([0, -0.004, 1.470]), np.array([0, -0.004, 1.62]), (0.0620, 0.0645), (0.068, 0.090), _X)
    cloth = intersect(
        cloth, half_space((0, 0, 0.895), (0, 0, -1)), half_space((0, 0.02, 1.500), (0, -0.25, 1)), blend_m=0.022
    )
    return subtract(cloth, collar, blend_m=0.016)


def _left_leg_cloth() -> Field:
    points = [_between("left_hip", "left_knee", s) for s in (0.0, 0.3, 0.65, 1.0)]
    lower = [_between("left_knee", "left_ankle", s) for s in (0.0, 0.3, 0.7, 1.06)]
    thigh = _chain(points, [(0.078, 0.098), (0.080, 0.093), (0.072, 0.080), (0.062, 0.068)], _X)
    shank = _chain(lower, [(0.062, 0.068), (0.061, 0.070), (0.053, 0.061), (0.052, 0.062)], _X)
    calf = limb(lower[1] + _at(0, 0.020, 0.01), lower[1] + _at(0, 0.014, -0.09), (0.048, 0.050), (0.042, 0.046), _X)
    return unite(unite(thigh, shank, blend_m=0.02), calf, blend_m=0.04)


def _trousers(hem_z_m: float = 0.075) -> Field:
    leg = _left_leg_cloth()
    seat = column([
        (0.845, 0.160, 0.100, 0.006), (0.90, 0.172, 0.116, 0.008),
        (0.96, 0.166, 0.112, 0.006), (1.06, 0.150, 0.102, 0.002),
    ])  # fmt: skip
    glute = ellipsoid((0.078, 0.056, 0.885), (0.078, 0.062, 0.080))
    hips = unite(seat, glute, mirrored(glute), blend_m=0.05)
    legs = unite(leg, mirrored(leg))
    cloth = unite(hips, legs, blend_m=0.05)
    hem = half_space((0, 0, hem_z_m), (0, -0.25, -1))
    return intersect(cloth, half_space((0, 0, 1.03), (0, 0, 1)), hem, blend_m=0.006)


def _left_shoe() -> Field:
    ankle, heel, ball, tip = (POINTS[f"left_{n}"] for n in ("ankle", "heel", "toe", "toe_tip"))
    upper = unite(
        limb(ankle + _at(0, 0.006, 0.012), heel + _at(0, -0.022, 0.020), (0.038, 0.044), (0.034, 0.036), _X),
        limb(ankle + _at(0, -0.012, -0.018), ball + _at(0, 0.010, 0.012), (0.036, 0.036), (0.044, 0.030), _X),
        limb(ball + _at(0, 0.01, 0.010), tip + _at(0, 0.032, 0.006), (0.045, 0.030), (0.036, 0.024), _X),
        limb(heel + _at(0, -0.022, 0.010), ball + _at(0, 0, 0.004), (0.034, 0.034), (0.045, 0.032), _X),
        blend_m=0.025,
    )
    return intersect(upper, half_space((0, 0, 0.001), (0, 0, -1)), half_space((0, 0, 0.112), (0, 0, 1)), blend_m=0.010)


def _left_sole() -> Field:
    heel, ball, tip = (POINTS[f"left_{n}"] for n in ("heel", "toe", "toe_tip"))
    flat = np.array([1.0, 1.0, 0.0])
    outline = unite(
        limb(heel * flat + _at(0, -0.022, 0.012), ball * flat + _at(0, 0, 0.012), (0.039, 0.03), (0.049, 0.03), _X),
        limb(ball * flat + _at(0, 0, 0.012), tip * flat + _at(0, 0.030, 0.012), (0.049, 0.03), (0.040, 0.03), _X),
        blend_m=0.02,
    )
    return intersect(outline, half_space((0, 0, 0.0), (0, 0, -1)), half_space((0, 0, 0.024), (0, 0, 1)), blend_m=0.008)


def _both_sides(mesh: QuadMesh) -> tuple[QuadMesh, QuadMesh]:
    return mesh, QuadMesh(mesh.vertices * [-1.0, 1.0, 1.0], mesh.quads[:, ::-1])


def _joined(*meshes: QuadMesh) -> QuadMesh:
    starts = np.cumsum([0] + [len(m.vertices) for m in meshes[:-1]])
    return QuadMesh(
        np.concatenate([m.vertices for m in meshes]),
        np.concatenate([m.quads + start for m, start in zip(meshes, starts, strict=True)]),
    )


def build_parts(detail: float = 1.0) -> tuple[Part, ...]:
    """All parts of the figure in the rest pose.

    Args:
        detail: 1 for the committed clip; smaller numbers make fewer polygons.
    """
    fine = 1.0 / detail
    return (
        build_arms(fine),
        build_cuffs(fine),
        build_shirt(fine),
        build_trousers(fine),
        *build_shoes(fine),
        *build_head(fine),
    )


def build_head(fine: float, hair: str = "short") -> tuple[Part, ...]:
    """Head, face and one of `head.HAIR_STYLES`."""
    return tuple(Part(*values) for values in head.build_head(fine, hair))


def build_arms(fine: float, start_share: float = 0.42) -> Part:
    """Bare arms and hands.

    Args:
        fine: edge of the quads, relative to the committed clip's.
        start_share: where the arm leaves the sleeve, from the shoulder (0) to the elbow (1).
    """
    left_arm = subtract(
        _left_arm(), half_space(_between("left_shoulder", "left_elbow", start_share), (1, 0, 0)), blend_m=0.004
    )
    skin_arm = unite(left_arm, _left_hand(), blend_m=0.012)
    return Part("arms", _joined(*_both_sides(_coarse_to_hand(skin_arm, fine))), ("skin",))


def build_shirt(fine: float, sleeve_share: float = 0.66) -> Part:
    """A shirt whose sleeves end between the shoulder (0) and the elbow (1)."""
    shirt = mesh_surface(_shirt(sleeve_share), (-0.42, -0.16, 0.87), (0.42, 0.17, 1.53), 0.0115 * fine)
    shirt, band = _banded(shirt)
    return Part("shirt", shirt, ("shirt", "shirt_band"), band)


def build_sleeves(fine: float, end_share: float) -> Part:
    """What lengthens the sleeves of a shirt to a place between the elbow (0) and the wrist (1)."""
    ends = (
        half_space(_between("left_shoulder", "left_elbow", 0.3), (-1, 0, 0)),
        half_space(_between("left_elbow", "left_wrist", end_share), (1, 0, 0)),
    )
    sleeve = intersect(grow(_left_arm(), 0.011), *ends, blend_m=0.006)
    mesh = mesh_surface(sleeve, (0.20, -0.09, 1.31), (0.78, 0.11, 1.49), 0.0115 * fine)
    return Part("sleeves", _joined(*_both_sides(mesh)), ("shirt",))


def build_trousers(fine: float, hem_z_m: float = 0.075) -> Part:
    """Trousers that end at a height."""
    mesh = mesh_surface(_trousers(hem_z_m), (-0.22, -0.15, 0.04), (0.22, 0.17, 1.05), 0.0120 * fine)
    return Part("trousers", mesh, ("trousers",))


def build_skirt(fine: float, hem_z_m: float) -> Part:
    """A skirt from the waist to a height."""
    drop = 0.90 - hem_z_m
    cloth = column([
        (hem_z_m - 0.02, 0.200 + 0.16 * drop, 0.150 + 0.20 * drop, 0.006), (0.86, 0.206, 0.152, 0.010),
        (0.93, 0.188, 0.138, 0.010), (1.00, 0.166, 0.118, 0.006), (1.06, 0.152, 0.106, 0.003),
    ])  # fmt: skip
    cloth = intersect(cloth, half_space((0, 0, hem_z_m), (0, 0, -1)), half_space((0, 0, 1.03), (0, 0, 1)), blend_m=0.01)
    mesh = mesh_surface(cloth, (-0.32, -0.27, hem_z_m - 0.03), (0.32, 0.29, 1.06), 0.0120 * fine)
    return Part("skirt", mesh, ("trousers",))


def build_legs(fine: float) -> Part:
    """Bare legs from the hip into the shoe."""
    points = [_between("left_hip", "left_knee", s) for s in (0.15, 0.4, 0.7, 1.0)]
    lower = [_between("left_knee", "left_ankle", s) for s in (0.0, 0.3, 0.7, 1.06)]
    thigh = _chain(points, [(0.070, 0.080), (0.068, 0.076), (0.058, 0.063), (0.050, 0.056)], _X)
    shank = _chain(lower, [(0.050, 0.056), (0.049, 0.052), (0.037, 0.040), (0.032, 0.037)], _X)
    calf = limb(lower[1] + _at(0, 0.018, 0.02), lower[1] + _at(0, 0.012, -0.08), (0.042, 0.044), (0.036, 0.038), _X)
    leg = unite(unite(thigh, shank, blend_m=0.02), calf, blend_m=0.04)
    mesh = mesh_surface(leg, (0.01, -0.12, 0.01), (0.20, 0.15, 0.95), 0.0110 * fine)
    return Part("legs", _joined(*_both_sides(mesh)), ("skin",))


def build_shoes(fine: float) -> tuple[Part, Part]:
    """Shoes and their soles."""
    shoes = _both_sides(mesh_surface(_left_shoe(), (0.05, -0.19, -0.01), (0.18, 0.10, 0.13), 0.0085 * fine))
    soles = _both_sides(mesh_surface(_left_sole(), (0.05, -0.20, -0.01), (0.18, 0.10, 0.04), 0.0080 * fine))
    return Part("shoes", _joined(*shoes), ("shoes",)), Part("soles", _joined(*soles), ("soles",))


def build_cuffs(fine: float) -> Part:
    """Wristbands."""
    cuffs = _both_sides(mesh_surface(_left_cuff(), (0.65, -0.05, 1.35), (0.73, 0.06, 1.45), 0.0065 * fine))
    return Part("cuffs", _joined(*cuffs), ("shirt_band",))


def _left_cuff() -> Field:
    """A wristband."""
    wrist = POINTS["left_wrist"][0]
    ends = half_space((wrist - 0.008, 0, 0), (1, 0, 0)), half_space((wrist - 0.046, 0, 0), (-1, 0, 0))
    return intersect(grow(_left_arm(), 0.0045), *ends, blend_m=0.006)


def _banded(shirt: QuadMesh) -> tuple[QuadMesh, IntArray]:
    """The shirt with a straight-edged band across the chest, and the material of each quad."""
    vertices = shirt.vertices.copy()
    for edge in _BAND_Z_M:
        # Where a side of a quad crosses the edge of the band, its nearer end comes onto the edge.
        sides = np.stack([shirt.quads, np.roll(shirt.quads, -1, axis=1)], axis=-1).reshape(-1, 2)
        above = vertices[sides, 2] - edge
        crossing = above[:, 0] * above[:, 1] < 0
        nearer = sides[crossing, np.argmin(np.abs(above[crossing]), axis=1)]
        vertices[nearer, 2] = edge
    middle = vertices[shirt.quads].mean(axis=1)
    inside = (middle[:, 2] > _BAND_Z_M[0]) & (middle[:, 2] < _BAND_Z_M[1]) & (np.abs(middle[:, 0]) < 0.215)
    return QuadMesh(vertices, shirt.quads), inside.astype(int)


def _coarse_to_hand(arm: Field, fine: float) -> QuadMesh:
    """The arm at two densities, joined inside the wrist: fingers need a finer grid than the forearm."""
    cut = POINTS["left_wrist"][0] - 0.028
    fore = intersect(arm, half_space((cut + 0.006, 0, 0), (1, 0, 0)))
    hand = intersect(arm, half_space((cut, 0, 0), (-1, 0, 0)))
    return _joined(
        mesh_surface(fore, (0.26, -0.08, 1.32), (0.74, 0.10, 1.48), 0.0105 * fine),
        mesh_surface(hand, (cut - 0.01, -0.10, 1.33), (0.92, 0.08, 1.45), 0.0046 * fine),
    )
