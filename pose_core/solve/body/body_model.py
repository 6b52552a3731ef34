"""The body that the sequence solver moves: joints, their degrees of freedom and limits, and points to observe.

The tree is the canonical skeleton with collar bones added, so that shoulders can rise, and with points fixed to bones
(ears, knuckles, toe tips), so that head, hand and foot cannot turn unseen.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from pose_core.skeletons import CANONICAL, Skeleton
from pose_core.skeletons.canonical import REST_DIRECTIONS, STATURE_FRACTIONS
from pose_core.types import BoolArray, FloatArray, IntArray

# Collar bone: from beside the top of the breast bone to the shoulder, shares of stature in the rest pose.
_CLAVICLE_ROOT = np.array([0.018, -0.010, 0.108])
_SHOULDER = 0.157 * np.array([0.7, 0.03, 0.71]) / np.linalg.norm([0.7, 0.03, 0.71])

# Points fixed to bones (left side): name, joint whose rotation moves them, rest offset as shares of stature.
_ATTACHED = (
    ("ear", "head", (0.044, 0.0, 0.0)),
    ("index", "wrist", (0.053, -0.020, 0.0)),
    ("pinky", "wrist", (0.047, 0.022, 0.0)),
    ("toe_tip", "ankle", (0.0, -0.108, -0.043)),
)

# Joints that turn freely, and joints that turn about given axes of the rest pose, in this order (left side).
_BALLS = ("pelvis", "spine", "chest", "neck", "head", "hip", "shoulder", "ankle")
_HINGES: dict[str, tuple[tuple[tuple[float, float, float], float, float], ...]] = {
    # joint: (axis, lowest, highest angle in degrees) ...
    "clavicle": (((0.0, -1.0, 0.0), -10.0, 40.0), ((0.0, 0.0, -1.0), -20.0, 30.0)),
    "elbow": (((0.0, 0.0, -1.0), 0.0, 150.0), ((1.0, 0.0, 0.0), -90.0, 90.0)),
    "wrist": (((0.0, 1.0, 0.0), -80.0, 80.0), ((0.0, 0.0, 1.0), -35.0, 25.0)),
    "knee": (((1.0, 0.0, 0.0), 0.0, 155.0),),
}

# Limits of free joints on the components of their rotation vector, degrees, rest-pose axes (left side):
# x turns the front up, y leans, z turns about the vertical.
_BALL_LIMITS: dict[str, tuple[tuple[float, float], tuple[float, float], tuple[float, float]]] = {
    "spine": ((-25.0, 60.0), (-30.0, 30.0), (-30.0, 30.0)),
    "chest": ((-25.0, 50.0), (-30.0, 30.0), (-40.0, 40.0)),
    "neck": ((-45.0, 55.0), (-40.0, 40.0), (-45.0, 45.0)),
    "head": ((-40.0, 40.0), (-30.0, 30.0), (-50.0, 50.0)),
    "hip": ((-130.0, 45.0), (-75.0, 35.0), (-60.0, 60.0)),
    "ankle": ((-40.0, 55.0), (-35.0, 35.0), (-35.0, 35.0)),
}


def _sides(name: str) -> tuple[str, ...]:
    return (name,) if name in {"pelvis", "spine", "chest", "neck", "head"} else (f"left_{name}", f"right_{name}")


@dataclass(frozen=True)
class BodyModel:
    """Joint tree with attached points, degrees of freedom and bone-length groups.

    The order of the degrees of freedom is: root position (3), then for each free joint 3, then each hinge axis.
    """

    tree: Skeleton
    """Joints first, attached points last."""
    joint_count: int
    """How many of the tree's entries are joints."""
    rest_directions: FloatArray
    """(N, 3) unit directions from the parent at rest; zero for the root."""
    stature_fractions: FloatArray
    """(N,) bone lengths as shares of stature."""
    balls: tuple[int, ...]
    """Joints that turn freely; the first is the root."""
    hinge_joints: tuple[int, ...]
    """The joint of each hinge axis; a joint's axes follow each other."""
    hinge_axes: FloatArray
    """(H, 3) unit axes in the rest pose."""
    hinge_limits_rad: FloatArray
    """(H, 2) lowest and highest angle."""
    ball_limits_rad: FloatArray
    """(len(balls), 3, 2) limits on the rotation vector; infinite where there are none."""
    length_groups: IntArray
    """(N,) index of the length that a bone shares with its mirror image; -1 for the root."""

    @property
    def dof_count(self) -> int:
        """Unknowns a frame."""
        return 3 + 3 * len(self.balls) + len(self.hinge_joints)

    @property
    def length_count(self) -> int:
        """Unknown lengths a clip."""
        return int(self.length_groups.max()) + 1

    @cached_property
    def dof_joints(self) -> IntArray:
        """(D - 3,) the joint of each rotational degree of freedom."""
        return np.array([b for b in self.balls for _ in range(3)] + list(self.hinge_joints))

    @cached_property
    def ancestor(self) -> BoolArray:
        """(N, N) whether the second is a proper ancestor of the first: its rotation moves the first."""
        out = np.zeros((len(self.tree), len(self.tree)), dtype=bool)
        for j, p in enumerate(self.tree.parents):
            if p >= 0:
                out[j] = out[p]
                out[j, p] = True
        return out

    @cached_property
    def mirror_dofs(self) -> IntArray:
        """(D,) position of the degree of freedom on the other side."""
        order = list(range(3))
        ball_names = [self.tree.names[b] for b in self.balls]
        for b in self.balls:
            other = self.balls.index(int(self.tree.mirror[b]))
            order += [3 + 3 * other + k for k in range(3)]
        base = 3 + 3 * len(ball_names)
        for h, joint in enumerate(self.hinge_joints):
            first = self.hinge_joints.index(joint)
            order.append(base + self.hinge_joints.index(int(self.tree.mirror[joint])) + h - first)
        return np.array(order)

    def lengths_of_stature(self, height_m: float) -> FloatArray:
        """(N,) lengths for an average adult of the given height, metres."""
        return np.asarray(self.stature_fractions * height_m)


def _tree() -> tuple[list[str], list[str], list[FloatArray]]:
    """Names, parents' names and offsets as shares of stature."""
    names, parents, offsets = [], [], []
    for j, name in enumerate(CANONICAL.names):
        short = name.removeprefix("left_").removeprefix("right_")
        flip = np.array([-1.0 if name.startswith("right_") else 1.0, 1.0, 1.0])
        parent = CANONICAL.names[CANONICAL.parents[j]] if j else ""
        offset = REST_DIRECTIONS[j] * STATURE_FRACTIONS.get(short, 0.0)
        if short == "shoulder":
            side = name.split("_")[0]
            names.append(f"{side}_clavicle")
            parents.append("chest")
            offsets.append(_CLAVICLE_ROOT * flip)
            parent, offset = f"{side}_clavicle", (_SHOULDER - _CLAVICLE_ROOT) * flip
        names.append(name)
        parents.append(parent)
        offsets.append(np.asarray(offset))
    return names, parents, offsets


def _build() -> BodyModel:
    names, parents, offsets = _tree()
    joint_count = len(names)
    for side, sign in (("left", 1.0), ("right", -1.0)):
        for part, joint, offset in _ATTACHED:
            names.append(f"{side}_{part}")
            parents.append(joint if joint == "head" else f"{side}_{joint}")
            offsets.append(np.array(offset) * [sign, 1.0, 1.0])
    tree = Skeleton(tuple(names), tuple(names.index(p) if p else -1 for p in parents))
    lengths = np.linalg.norm(offsets, axis=1)
    directions = np.array(offsets) / np.maximum(lengths, 1e-12)[:, None]
    balls = tuple(tree.index(name) for kind in _BALLS for name in _sides(kind))
    ball_limits = np.full((len(balls), 3, 2), np.inf) * [-1.0, 1.0]
    for k, b in enumerate(balls):
        short = tree.names[b].removeprefix("left_").removeprefix("right_")
        if short in _BALL_LIMITS:
            ball_limits[k] = np.radians(_BALL_LIMITS[short])
            if tree.names[b].startswith("right_"):  # mirrored in x: turns about y and z change sign
                ball_limits[k, 1:] = -ball_limits[k, 1:, ::-1]
    joints, axes, limits = [], [], []
    for kind, rows in _HINGES.items():
        for name in _sides(kind):
            for axis, low, high in rows:
                joints.append(tree.index(name))
                # a mirrored axis turns the other way round: (x, y, z) -> (x, -y, -z)
                axes.append(np.array(axis) * ([1.0, -1.0, -1.0] if name.startswith("right_") else 1.0))
                limits.append(np.radians([low, high]))
    groups = np.full(len(tree), -1)
    seen: dict[int, int] = {}
    for j in range(1, len(tree)):
        key = min(j, int(tree.mirror[j]))
        groups[j] = seen.setdefault(key, len(seen))
    return BodyModel(
        tree,
        joint_count,
        directions,
        lengths,
        balls,
        tuple(joints),
        np.array(axes),
        np.array(limits),
        ball_limits,
        groups,
    )


BODY = _build()
"""The solver's body."""
