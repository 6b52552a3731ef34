"""Solid shapes as signed distance functions, and quad meshes of their surfaces."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from pose_core.types import FloatArray, IntArray

Field = Callable[[FloatArray], FloatArray]
"""Signed distance, metres, of points (..., 3); negative inside."""


@dataclass(frozen=True, eq=False)
class QuadMesh:
    """Vertices (V, 3) in metres and quads (F, 4), counter-clockwise from outside."""

    vertices: FloatArray
    quads: IntArray


def limb(a: FloatArray, b: FloatArray, radii_a: Sequence[float], radii_b: Sequence[float], side: FloatArray) -> Field:
    """A tapered tube with rounded ends and elliptical cross-section.

    Args:
        a, b: (3,) end points of the axis; they may be equal.
        radii_a, radii_b: half-widths along `side` and across it, at each end.
        side: (3,) direction of the first half-width, made square to the axis.
    """
    a, b = np.asarray(a, float), np.asarray(b, float)
    length = float(np.linalg.norm(b - a))
    axis = (b - a) / length if length > 1e-9 else np.cross(side, [0.31, 0.52, 0.79])
    axis = axis / np.linalg.norm(axis)
    first = np.asarray(side, float) - axis * np.dot(side, axis)
    first = first / np.linalg.norm(first)
    second = np.cross(axis, first)

    def distance(p: FloatArray) -> FloatArray:
        q = p - a
        along = q @ axis
        t = np.clip(along / length, 0.0, 1.0) if length > 1e-9 else np.zeros_like(along)
        r1 = radii_a[0] + (radii_b[0] - radii_a[0]) * t
        r2 = radii_a[1] + (radii_b[1] - radii_a[1]) * t
        return _ellipsoid_distance(q @ first, q @ second, along - t * length, r1, r2, (r1 + r2) / 2)

    return distance


def ellipsoid(centre: Sequence[float], radii: Sequence[float], tilt_x_rad: float = 0.0) -> Field:
    """An ellipsoid, turned about the X axis by `tilt_x_rad`."""
    middle = np.asarray(centre, float)
    c, s = np.cos(tilt_x_rad), np.sin(tilt_x_rad)

    def distance(p: FloatArray) -> FloatArray:
        q = p - middle
        y, z = q[..., 1] * c + q[..., 2] * s, -q[..., 1] * s + q[..., 2] * c
        return _ellipsoid_distance(q[..., 0], y, z, *(np.asarray(r) for r in radii))

    return distance


def _ellipsoid_distance(
    x: FloatArray, y: FloatArray, z: FloatArray, rx: FloatArray, ry: FloatArray, rz: FloatArray
) -> FloatArray:
    """First-order estimate of the distance to an ellipsoid, exact on the surface."""
    inside = np.sqrt((x / rx) ** 2 + (y / ry) ** 2 + (z / rz) ** 2)
    slope = np.sqrt((x / rx**2) ** 2 + (y / ry**2) ** 2 + (z / rz**2) ** 2)
    return inside * (inside - 1.0) / np.maximum(slope, 1e-9)


def column(stations: Sequence[tuple[float, float, float, float]]) -> Field:
    """An upright trunk with elliptical cross-sections and flat ends.

    Args:
        stations: rows of height z, half-width along X, half-depth along Y, and the centre's Y, upwards.
    """
    table = np.asarray(stations, float)
    fine = np.linspace(table[0, 0], table[-1, 0], 200)
    profile = np.stack([_smooth_interpolation(fine, table[:, 0], table[:, i]) for i in (1, 2, 3)])

    def distance(p: FloatArray) -> FloatArray:
        z = p[..., 2]
        rx, ry, cy = (np.interp(z, fine, row) for row in profile)
        x, y = p[..., 0], p[..., 1] - cy
        inside = np.sqrt((x / rx) ** 2 + (y / ry) ** 2)
        slope = np.sqrt((x / rx**2) ** 2 + (y / ry**2) ** 2)
        around = inside * (inside - 1.0) / np.maximum(slope, 1e-9)
        around = np.where(inside < 1e-6, -np.minimum(rx, ry), around)
        ends = np.maximum(table[0, 0] - z, z - table[-1, 0])
        return np.maximum(around, ends)

    return distance


def _smooth_interpolation(x: FloatArray, xs: FloatArray, ys: FloatArray) -> FloatArray:
    """Cubic Hermite interpolation with averaged slopes."""
    slopes = np.gradient(ys, xs)
    i = np.clip(np.searchsorted(xs, x) - 1, 0, len(xs) - 2)
    h = xs[i + 1] - xs[i]
    t = (x - xs[i]) / h
    h00, h10 = 2 * t**3 - 3 * t**2 + 1, t**3 - 2 * t**2 + t
    return h00 * ys[i] + h10 * h * slopes[i] + (1 - h00) * ys[i + 1] + (t**3 - t**2) * h * slopes[i + 1]


def half_space(point: Sequence[float], outward: Sequence[float]) -> Field:
    """Everything behind the plane through `point`; `outward` points away from it."""
    normal = np.asarray(outward, float) / np.linalg.norm(outward)
    return lambda p: (p - np.asarray(point, float)) @ normal


def grow(field: Field, by_m: float) -> Field:
    """The shape made thicker by `by_m`."""
    return lambda p: field(p) - by_m


def unite(*fields: Field, blend_m: float = 0.0) -> Field:
    """The union of shapes, melted together over `blend_m`."""

    def distance(p: FloatArray) -> FloatArray:
        total = fields[0](p)
        for field in fields[1:]:
            total = _smooth_minimum(total, field(p), blend_m)
        return total

    return distance


def intersect(*fields: Field, blend_m: float = 0.0) -> Field:
    """What all shapes share, with the edges rounded over `blend_m`."""

    def distance(p: FloatArray) -> FloatArray:
        total = fields[0](p)
        for field in fields[1:]:
            total = -_smooth_minimum(-total, -field(p), blend_m)
        return total

    return distance


def subtract(field: Field, *holes: Field, blend_m: float = 0.0) -> Field:
    """The shape without the holes."""
    return intersect(field, *((lambda p, h=hole: -h(p)) for hole in holes), blend_m=blend_m)


def mirrored(field: Field) -> Field:
    """The shape reflected at X = 0."""
    return lambda p: field(p * np.array([-1.0, 1.0, 1.0]))


def _smooth_minimum(a: FloatArray, b: FloatArray, blend_m: float) -> FloatArray:
    if blend_m <= 0:
        return np.minimum(a, b)
    h = np.maximum(blend_m - np.abs(a - b), 0.0) / blend_m
    return np.minimum(a, b) - h * h * blend_m / 4


def mesh_surface(field: Field, lower: Sequence[float], upper: Sequence[float], step_m: float) -> QuadMesh:
    """Quads of a shape's surface by surface nets, then drawn onto the surface.

    Args:
        field: the shape.
        lower, upper: corners of a box that holds it.
        step_m: edge of a grid cell.
    Source: naive surface nets (one vertex a cell at the mean of the edge crossings).
    """
    counts = np.ceil((np.asarray(upper) - np.asarray(lower)) / step_m).astype(int) + 3
    axes = [lower[i] - step_m + step_m * np.arange(counts[i]) for i in range(3)]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    values = field(grid)
    inside = values < 0
    cells = tuple(n - 1 for n in inside.shape)
    total, crossings = np.zeros((*cells, 3)), np.zeros(cells)
    offsets = [(0, 0), (0, 1), (1, 0), (1, 1)]
    for axis in range(3):
        others = [i for i in range(3) if i != axis]
        first, second = _shifted(values, axis, 0), _shifted(values, axis, 1)
        crossed = (first < 0) != (second < 0)
        share = np.where(crossed, first / np.where(crossed, first - second, 1.0), 0.0)
        points = _shifted(grid, axis, 0).copy()
        points[..., axis] += share * step_m
        for offset in offsets:
            window = [slice(None)] * 3
            for other, o in zip(others, offset, strict=True):
                window[other] = slice(o, o + cells[other])
            mask = crossed[tuple(window)]
            crossings += mask
            total += points[tuple(window)] * mask[..., None]
    used = crossings > 0
    number = np.full(cells, -1)
    number[used] = np.arange(int(used.sum()))
    vertices = total[used] / crossings[used][:, None]
    quads = np.concatenate([_quads_across(inside, number, axis) for axis in range(3)])
    vertices = _relax(vertices, quads, field, step_m)
    return QuadMesh(vertices, quads)


def _shifted(array: FloatArray, axis: int, start: int) -> FloatArray:
    window = [slice(None)] * 3
    window[axis] = slice(start, array.shape[axis] - 1 + start)
    return array[tuple(window)]


def _quads_across(inside: FloatArray, number: IntArray, axis: int) -> IntArray:
    """One quad around every grid edge along `axis` that leaves or enters the shape."""
    u, v = (axis + 1) % 3, (axis + 2) % 3
    a, b = _shifted(inside, axis, 0), _shifted(inside, axis, 1)
    window = [slice(None)] * 3
    window[u] = slice(1, a.shape[u] - 1)
    window[v] = slice(1, a.shape[v] - 1)
    leaving = (a & ~b)[tuple(window)]
    entering = (~a & b)[tuple(window)]
    corners = []
    for du, dv in ((0, 0), (1, 0), (1, 1), (0, 1)):
        pick = [slice(None)] * 3
        pick[u] = slice(du, du + leaving.shape[u])
        pick[v] = slice(dv, dv + leaving.shape[v])
        corners.append(number[tuple(pick)])
    stacked = np.stack(corners, axis=-1)
    return np.concatenate([stacked[leaving], stacked[entering][:, ::-1]])


def _relax(vertices: FloatArray, quads: IntArray, field: Field, step_m: float, rounds: int = 4) -> FloatArray:
    """Even out the quads, then pull the vertices back onto the surface."""
    for _ in range(rounds):
        vertices = 0.5 * vertices + 0.5 * neighbour_mean(vertices, quads)
        for _ in range(2):
            vertices = vertices - _clipped_step(field, vertices, step_m)
    return vertices


def _clipped_step(field: Field, points: FloatArray, step_m: float) -> FloatArray:
    h = 0.1 * step_m
    gradient = np.stack([(field(points + e) - field(points - e)) / (2 * h) for e in np.eye(3) * h], axis=-1)
    squared = np.maximum(np.sum(gradient**2, axis=-1, keepdims=True), 0.2)
    move = field(points)[..., None] * gradient / squared
    length = np.linalg.norm(move, axis=-1, keepdims=True)
    return move * np.minimum(1.0, 0.5 * step_m / np.maximum(length, 1e-12))


def neighbour_mean(values: FloatArray, quads: IntArray) -> FloatArray:
    """(V, C) mean of each vertex's edge neighbours."""
    total, count = np.zeros_like(values), np.zeros((len(values), 1))
    for i in range(4):
        a, b = quads[:, i], quads[:, (i + 1) % 4]
        for p, q in ((a, b), (b, a)):
            np.add.at(total, p, values[q])
            np.add.at(count, p, 1.0)
    return total / np.maximum(count, 1.0)
