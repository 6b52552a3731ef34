"""Head, face and hair."""

from __future__ import annotations

import numpy as np

from pose_core.lab.mannequin.sdf import (
    Field,
    QuadMesh,
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
from pose_core.types import IntArray

_HeadPart = tuple[str, QuadMesh, tuple[str, ...], IntArray, str]
_X = np.array([1.0, 0.0, 0.0])
_EYE = (0.0325, -0.0845, 1.640)


def _skull() -> Field:
    cranium = ellipsoid((0, 0.008, 1.666), (0.077, 0.096, 0.092))
    face = ellipsoid((0, -0.030, 1.612), (0.062, 0.068, 0.088))
    jaw = limb(np.array([0, -0.040, 1.572]), np.array([0, -0.074, 1.556]), (0.052, 0.040), (0.026, 0.026), _X)
    cheek = ellipsoid((0.036, -0.058, 1.612), (0.030, 0.030, 0.032))
    brow = limb(np.array([0.012, -0.084, 1.661]), np.array([0.046, -0.074, 1.660]), (0.012, 0.012), (0.010, 0.010), _X)
    return unite(unite(cranium, face, blend_m=0.04), jaw, cheek, mirrored(cheek), brow, mirrored(brow), blend_m=0.025)


def _nose() -> Field:
    ridge = limb(np.array([0, -0.088, 1.652]), np.array([0, -0.116, 1.612]), (0.0085, 0.010), (0.0125, 0.011), _X)
    wing = ellipsoid((0.0125, -0.104, 1.606), (0.0085, 0.011, 0.0085))
    return unite(ridge, wing, mirrored(wing), blend_m=0.010)


def _ear() -> Field:
    shell = ellipsoid((0.079, -0.004, 1.634), (0.010, 0.020, 0.033), 0.25)
    return subtract(shell, ellipsoid((0.090, -0.006, 1.636), (0.008, 0.012, 0.021), 0.25), blend_m=0.004)


def _skin() -> Field:
    socket = ellipsoid((0.0325, -0.100, 1.640), (0.020, 0.016, 0.012))
    neck = limb(np.array([0, 0.022, 1.43]), np.array([0, 0.006, 1.60]), (0.060, 0.060), (0.054, 0.060), _X)
    neck = intersect(neck, half_space((0, 0, 1.425), (0, 0, -1)), blend_m=0.01)
    hollow = subtract(_skull(), socket, mirrored(socket), blend_m=0.012)
    whole = unite(hollow, _nose(), blend_m=0.014)
    whole = unite(whole, _ear(), mirrored(_ear()), blend_m=0.006)
    return unite(whole, neck, blend_m=0.030)


def _hair() -> Field:
    cap = unite(
        ellipsoid((0, 0.012, 1.672), (0.0865, 0.104, 0.101)),
        ellipsoid((0, 0.052, 1.615), (0.068, 0.054, 0.065)),
        ellipsoid((0.012, -0.068, 1.738), (0.052, 0.040, 0.026)),
        blend_m=0.03,
    )
    hairline = half_space((0, -0.070, 1.700), (0, -1.0, -0.95))
    nape = half_space((0, 0.05, 1.572), (0, 0.15, -1.0))
    around_ear = ellipsoid((0.085, -0.012, 1.628), (0.028, 0.030, 0.040))
    cap = intersect(cap, hairline, nape, blend_m=0.012)
    return subtract(cap, around_ear, mirrored(around_ear), blend_m=0.010)


def _long_hair() -> Field:
    fall = limb(np.array([0, 0.055, 1.66]), np.array([0, 0.085, 1.46]), (0.082, 0.060), (0.088, 0.030), _X)
    lock = limb(np.array([0.078, 0.012, 1.68]), np.array([0.088, 0.016, 1.50]), (0.018, 0.036), (0.016, 0.030), _X)
    return unite(_hair(), fall, lock, mirrored(lock), blend_m=0.02)


def _hair_with_bun() -> Field:
    return unite(_hair(), ellipsoid((0, 0.112, 1.715), (0.044, 0.042, 0.040)), blend_m=0.012)


def _hair_with_tail() -> Field:
    start, bend, end = (np.array(p) for p in ((0, 0.105, 1.690), (0, 0.150, 1.630), (0, 0.140, 1.480)))
    tail = unite(
        limb(start, bend, (0.022, 0.022), (0.030, 0.028), _X), limb(bend, end, (0.030, 0.028), (0.012, 0.010), _X)
    )
    return unite(_hair(), tail, blend_m=0.015)


def _thick_hair() -> Field:
    cloud = grow(ellipsoid((0, 0.022, 1.690), (0.092, 0.104, 0.098)), 0.022)
    face = half_space((0, -0.062, 1.690), (0, -1.0, -0.55))
    low = half_space((0, 0.05, 1.585), (0, 0.25, -1.0))
    return intersect(cloud, face, low, blend_m=0.02)


def _cap() -> Field:
    dome = intersect(
        grow(ellipsoid((0, 0.010, 1.674), (0.0865, 0.104, 0.101)), 0.006),
        half_space((0, 0, 1.690), (0, -0.10, -1.0)),
        blend_m=0.008,
    )
    visor = intersect(
        ellipsoid((0, -0.100, 1.694), (0.072, 0.082, 0.012), 0.12),
        half_space((0, -0.06, 1.69), (0, 1, 0)),
        blend_m=0.004,
    )
    return unite(dome, visor, blend_m=0.008)


_HAIR = {
    "short": _hair, "long": _long_hair, "bun": _hair_with_bun, "tail": _hair_with_tail, "thick": _thick_hair,
    "cap": _cap,
}  # fmt: skip
HAIR_STYLES = (*_HAIR, "bald")


def _ball(centre: tuple[float, float, float], radii: tuple[float, float, float], segments: int, rings: int) -> QuadMesh:
    """A closed sphere of quads around the Y axis, poles cut to small caps so that the iris can be coloured by ring."""
    polar = np.linspace(0.02, np.pi - 0.02, rings)
    around = np.linspace(0, 2 * np.pi, segments, endpoint=False)
    ring, turn = np.meshgrid(polar, around, indexing="ij")
    points = np.stack([np.sin(ring) * np.cos(turn), -np.cos(ring), np.sin(ring) * np.sin(turn)], axis=-1)
    vertices = np.asarray(centre) + np.asarray(radii) * points.reshape(-1, 3)
    quads = [
        (
            i * segments + j,
            i * segments + (j + 1) % segments,
            (i + 1) * segments + (j + 1) % segments,
            (i + 1) * segments + j,
        )
        for i in range(rings - 1)
        for j in range(segments)
    ]
    return QuadMesh(vertices, np.array(quads))


def _eye(side: float) -> tuple[QuadMesh, IntArray]:
    """Eyeball that looks along -Y, and the material of each quad: white, iris, pupil."""
    ball = _ball((side * _EYE[0], _EYE[1], _EYE[2]), (0.0150, 0.0135, 0.0090), 16, 14)
    middle = ball.vertices[ball.quads].mean(axis=1)
    off_axis = np.hypot(middle[:, 0] - side * _EYE[0], middle[:, 2] - _EYE[2])
    front = middle[:, 1] < _EYE[1]
    return ball, np.where(front & (off_axis < 0.0035), 2, np.where(front & (off_axis < 0.0070), 1, 0))


def _brow_mesh(side: float, step_m: float) -> QuadMesh:
    bend = [
        np.array(p) * [side, 1, 1]
        for p in ((0.014, -0.0975, 1.6625), (0.034, -0.0945, 1.6655), (0.052, -0.0815, 1.6590))
    ]
    shape = unite(
        limb(bend[0], bend[1], (0.0050, 0.0045), (0.0050, 0.0045), _X),
        limb(bend[1], bend[2], (0.0050, 0.0045), (0.0030, 0.0035), _X),
        blend_m=0.004,
    )
    lower = np.min(bend, axis=0) - 0.01
    return mesh_surface(shape, lower, np.max(bend, axis=0) + 0.01, step_m)


def _lips() -> Field:
    upper = ellipsoid((0, -0.0935, 1.5840), (0.0205, 0.0080, 0.0046))
    lower = ellipsoid((0, -0.0920, 1.5770), (0.0195, 0.0085, 0.0058))
    corner = limb(
        np.array([0.012, -0.0930, 1.5815]), np.array([0.0245, -0.0850, 1.5865]), (0.004, 0.004), (0.002, 0.003), _X
    )
    return unite(upper, lower, corner, mirrored(corner), blend_m=0.003)


def build_head(fine: float, hair: str = "short") -> list[_HeadPart]:
    """Name, mesh, materials, material of each quad, and rigid bone of every part of the head.

    Args:
        fine: edge of the quads, relative to the committed clip's.
        hair: one of `HAIR_STYLES`.
    """
    none = np.zeros(0, int)
    parts: list[_HeadPart] = [
        ("head", mesh_surface(_skin(), (-0.11, -0.15, 1.41), (0.11, 0.13, 1.78), 0.0062 * fine), ("skin",), none, ""),
        (
            "lips",
            mesh_surface(_lips(), (-0.035, -0.11, 1.565), (0.035, -0.075, 1.600), 0.0027 * fine),
            ("lips",),
            none,
            "head",
        ),
    ]
    if hair in _HAIR:
        mesh = mesh_surface(_HAIR[hair](), (-0.14, -0.20, 1.42), (0.14, 0.20, 1.84), 0.0085 * fine)
        parts.insert(1, ("hair", mesh, ("hair",), none, "head"))
    for name, side in (("left", 1.0), ("right", -1.0)):
        ball, colours = _eye(side)
        parts.append((f"{name}_eye", ball, ("eye_white", "iris", "pupil"), colours, "head"))
        parts.append((f"{name}_brow", _brow_mesh(side, 0.0026 * fine), ("hair",), none, "head"))
    return parts
