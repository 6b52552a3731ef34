"""Where the points of a rig's body are for given channel values: joints, tips, and points beside the bones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Self

import numpy as np

from pose_core.maths.rotations import turned
from pose_core.retarget.keys.tracks import LOCATION, KeyTrack
from pose_core.retarget.rig.channels import channel_rotations
from pose_core.retarget.rig.description import RigDescription
from pose_core.types import FloatArray, IntArray

# A point this share of the bone's length beside it sees turns about the bone, as the skin does.
_BESIDE = 0.25


@dataclass(frozen=True, eq=False)
class Pose:
    """Nodes and points of a body over T frames, armature space."""

    points: FloatArray
    """(T, P, 3)"""
    heads: FloatArray
    """(T, n, 3) of the nodes."""
    D: FloatArray
    """(T, n, 3, 3) rotations of the nodes relative to rest, along the armature's axes."""

    @classmethod
    def empty(cls, frames: int, nodes: int, points: int) -> Self:
        """Room for a pose, in memory node by node: strided products take several times as long."""
        rooms = np.empty((points, frames, 3)), np.empty((nodes, frames, 3)), np.empty((nodes, frames, 3, 3))
        return cls(*(np.swapaxes(room, 0, 1) for room in rooms))


@dataclass(frozen=True, eq=False)
class _Hang:
    """What a node inherits: rotation from one node, place from another; -1 = from the armature object."""

    rotation_of: int
    R_offset: FloatArray | None
    location_of: int
    point: FloatArray
    """(3,) its head while that node is at rest, armature space."""


class BodyPoints:
    """Points on the bones that tracks move, directly or through their parents.

    A bone without a track sticks to the one above it, so its points count among those of the nearest bone with one.
    Controls hang on what the rig's description says; what follows them through constraints is not among the points.
    """

    def __init__(
        self, rig: RigDescription, tracks: Sequence[KeyTrack], extra: Sequence[tuple[str, FloatArray]] = ()
    ) -> None:
        """Work out what hangs where.

        Args:
            rig: B bones.
            tracks: what moves; their values do not matter here.
            extra: further points: a bone, and (3,) the point's place at rest, armature space.
        """
        self.rig = rig
        keyed = {rig.index(track.bone) for track in tracks}
        owner: dict[int, int] = {}  # bone -> node it sticks to
        self.bones: list[int] = []
        self.hangs: list[_Hang] = []
        """For each node what it gets from which nodes."""
        offsets: list[list[FloatArray]] = []
        for b in rig.order:
            follow, above = rig.follows.get(b), owner.get(rig.parents[b], -1)
            hang = (
                _Hang(above if rig.inherit_rotation[b] else -1, None, above, rig.heads[b])
                if follow is None
                else _Hang(
                    owner.get(follow.rotation_of, -1), follow.R_offset, owner.get(follow.location_of, -1), follow.point
                )
            )
            sticks = follow is None and rig.inherit_rotation[b]
            if b in keyed or (not sticks and max(hang.rotation_of, hang.location_of) >= 0):
                owner[b] = len(self.bones)
                self.bones.append(b)
                self.hangs.append(hang)
                offsets.append([])
            elif sticks and above >= 0:
                owner[b] = above
            if b in owner:
                node = owner[b]
                beside = rig.heads[b] + _BESIDE * rig.lengths[b] * rig.rest_rotations[b][:, 0]
                for point in (rig.heads[b], rig.tails[b], beside):
                    offsets[node].append(point - rig.heads[self.bones[node]])
        self.parents = [h.location_of if h.location_of >= 0 else h.rotation_of for h in self.hangs]
        """For each node the one that mainly carries it."""
        places: list[tuple[int, int] | None] = []
        for bone, position in extra:
            node = owner.get(rig.index(bone), -1)
            if node < 0:
                places.append(None)
                continue
            places.append((node, len(offsets[node])))
            offsets[node].append(position - rig.heads[self.bones[node]])
        before = np.concatenate([[0], np.cumsum([len(own) for own in offsets])])
        self.extra_points = [None if place is None else int(before[place[0]]) + place[1] for place in places]
        """Numbers of the further points; None for one on a bone that no track moves."""
        self.offsets = [np.array(own) for own in offsets]
        """For each node (p, 3) of its points from its head, at rest, armature axes."""
        self.point_node: IntArray = np.repeat(np.arange(len(self.bones)), [len(own) for own in offsets])
        """(P,) node of each point."""
        self.track_node: IntArray = np.array([owner[rig.index(track.bone)] for track in tracks], dtype=np.int64)
        """For each track the node it moves."""
        self.node_tracks = [np.flatnonzero(self.track_node == k).tolist() for k in range(len(self.bones))]
        """For each node its tracks."""
        self.node_points = [slice(int(a), int(b)) for a, b in pairwise(before)]
        """For each node its points."""
        self._tracks = [(track.channel, track.mode) for track in tracks]

    def place(self, values: Sequence[FloatArray]) -> Pose:
        """Where everything is.

        Args:
            values: for each track (T, C) channel values.
        Returns:
            The pose at all T frames.
        """
        pose = Pose.empty(len(values[0]), len(self.bones), len(self.point_node))
        for k in range(len(self.bones)):
            basis, location = None, None
            for i in self.node_tracks[k]:
                channel, mode = self._tracks[i]
                if channel == LOCATION:
                    location = values[i]
                else:
                    basis = channel_rotations(values[i], mode)
            self.place_head(pose, k, location)
            self.place_rest(pose, k, basis)
        return pose

    def above(self, pose: Pose, k: int) -> FloatArray:
        """(T, 3, 3) rotation, relative to rest, that a node inherits."""
        hang = self.hangs[k]
        R = pose.D[:, hang.rotation_of] if hang.rotation_of >= 0 else np.broadcast_to(np.eye(3), (len(pose.D), 3, 3))
        return R if hang.R_offset is None else R @ hang.R_offset

    def place_head(self, pose: Pose, k: int, location: FloatArray | None) -> None:
        """Put the head of a node where its location and the nodes above, which are placed already, bring it.

        Args:
            pose: is filled in.
            k: the node.
            location: (T, 3) its location channels; None = at rest.
        """
        rig, b, hang = self.rig, self.bones[k], self.hangs[k]
        pose.heads[:, k] = hang.point
        if hang.location_of >= 0:
            p = hang.location_of
            pose.heads[:, k] = pose.heads[:, p] + (hang.point - rig.heads[self.bones[p]]) @ np.swapaxes(
                pose.D[:, p], -1, -2
            )
        if location is not None:
            along = location @ rig.rest_rotations[b].T if rig.local_location[b] else location
            pose.heads[:, k] += (self.above(pose, k) @ along[..., None])[..., 0]

    def place_rest(self, pose: Pose, k: int, basis: FloatArray | None) -> None:
        """Turn a node whose head is in place, and put its points where they come.

        Args:
            pose: is filled in.
            k: the node.
            basis: (T, 3, 3) rotation of its channels; None = at rest.
        """
        R = self.rig.rest_rotations[self.bones[k]]
        above = self.above(pose, k)
        D = above if basis is None else above @ turned(R, basis, R.T)
        pose.D[:, k] = D
        swung = (D.reshape(-1, 3) @ self.offsets[k].T).reshape(len(D), 3, -1)  # one product of large matrices
        pose.points[:, self.node_points[k]] = pose.heads[:, k, None] + np.swapaxes(swung, 1, 2)
