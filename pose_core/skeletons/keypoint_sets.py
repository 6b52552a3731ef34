"""The keypoints that 2D models report: names, sides, and lines to draw. Data only."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from pose_core.errors import ConfigError
from pose_core.skeletons.tree import mirrored_name
from pose_core.types import IntArray


@dataclass(frozen=True)
class KeypointSet:
    """Names in the order a model reports them, and pairs of names to draw as lines."""

    name: str
    keypoints: tuple[str, ...]
    edges: tuple[tuple[str, str], ...]

    def __len__(self) -> int:
        return len(self.keypoints)

    def index(self, name: str) -> int:
        """Position of a keypoint."""
        return self.keypoints.index(name)

    @cached_property
    def mirror(self) -> IntArray:
        """(K,) index of the keypoint on the other side."""
        return np.array([self.keypoints.index(mirrored_name(name)) for name in self.keypoints])

    @cached_property
    def edge_indices(self) -> IntArray:
        """(E, 2) indices of the lines to draw."""
        return np.array([[self.index(a), self.index(b)] for a, b in self.edges]).reshape(-1, 2)


def _sides(*names: str) -> tuple[str, ...]:
    return tuple(f"{side}_{name}" for name in names for side in ("left", "right"))


_BODY_EDGES = (
    ("left_shoulder", "right_shoulder"),
    ("left_hip", "right_hip"),
    *((f"{s}_{a}", f"{s}_{b}") for s in ("left", "right") for a, b in (
        ("shoulder", "elbow"), ("elbow", "wrist"), ("shoulder", "hip"), ("hip", "knee"), ("knee", "ankle"),
    )),
)  # fmt: skip

_COCO = ("nose", *_sides("eye", "ear", "shoulder", "elbow", "wrist", "hip", "knee", "ankle"))
_COCO_FACE_EDGES = tuple((f"{s}_eye", o) for s in ("left", "right") for o in ("nose", f"{s}_ear"))

_BLAZEPOSE = (
    "nose", "left_eye_inner", "left_eye", "left_eye_outer", "right_eye_inner", "right_eye", "right_eye_outer",
    *_sides("ear", "mouth", "shoulder", "elbow", "wrist", "pinky", "index", "thumb", "hip", "knee", "ankle", "heel"),
    "left_foot_index", "right_foot_index",
)  # fmt: skip
_BLAZEPOSE_EDGES = (
    *_BODY_EDGES,
    *_COCO_FACE_EDGES,
    ("left_mouth", "right_mouth"),
    *((f"{s}_{a}", f"{s}_{b}") for s in ("left", "right") for a, b in (
        ("wrist", "index"), ("wrist", "pinky"), ("wrist", "thumb"), ("index", "pinky"),
        ("ankle", "heel"), ("heel", "foot_index"), ("ankle", "foot_index"),
    )),
)  # fmt: skip

_HALPE26 = (*_COCO, "head_top", "neck", "hip_center", *_sides("big_toe", "small_toe", "heel"))
_HALPE_EDGES = (
    *_BODY_EDGES,
    *_COCO_FACE_EDGES,
    ("head_top", "neck"),
    ("neck", "hip_center"),
    *((f"{s}_{a}", f"{s}_{b}") for s in ("left", "right") for a, b in (
        ("ankle", "heel"), ("ankle", "big_toe"), ("big_toe", "small_toe"),
    )),
)  # fmt: skip

_FINGERS = ("thumb", "index", "middle", "ring", "pinky")
_HAND_PARTS = ("root", *(f"{f}_{n}" for f in _FINGERS for n in range(1, 5)))
_WHOLE_BODY = (
    *_COCO,
    *(f"{s}_{toe}" for s in ("left", "right") for toe in ("big_toe", "small_toe", "heel")),
    *(f"face_{n}" for n in range(68)),
    *(f"left_hand_{part}" for part in _HAND_PARTS),
    *(f"right_hand_{part}" for part in _HAND_PARTS),
)
_WHOLE_BODY_EDGES = (
    *_BODY_EDGES,
    *_COCO_FACE_EDGES,
    *((f"{s}_ankle", f"{s}_{toe}") for s in ("left", "right") for toe in ("heel", "big_toe")),
    *((f"{s}_hand_{a}", f"{s}_hand_{b}") for s in ("left", "right") for f in _FINGERS for a, b in (
        ("root", f"{f}_1"), (f"{f}_1", f"{f}_2"), (f"{f}_2", f"{f}_3"), (f"{f}_3", f"{f}_4"),
    )),
)  # fmt: skip

_H36M = (
    "pelvis", "right_hip", "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle", "spine", "thorax",
    "neck", "head_top", "left_shoulder", "left_elbow", "left_wrist", "right_shoulder", "right_elbow", "right_wrist",
)  # fmt: skip
_H36M_EDGES = (
    *(e for e in _BODY_EDGES if e not in {("left_shoulder", "left_hip"), ("right_shoulder", "right_hip")}),
    ("pelvis", "spine"), ("spine", "thorax"), ("thorax", "neck"), ("neck", "head_top"),
)  # fmt: skip

KEYPOINT_SETS: dict[str, KeypointSet] = {
    s.name: s
    for s in (
        KeypointSet("blazepose33", _BLAZEPOSE, _BLAZEPOSE_EDGES),
        KeypointSet("coco17", _COCO, (*_BODY_EDGES, *_COCO_FACE_EDGES)),
        KeypointSet("halpe26", _HALPE26, _HALPE_EDGES),
        KeypointSet("wholebody133", _WHOLE_BODY, _WHOLE_BODY_EDGES),
        KeypointSet("h36m17", _H36M, _H36M_EDGES),
    )
}
"""All keypoint sets by name."""


def keypoint_set(name: str) -> KeypointSet:
    """Look up a keypoint set.

    Raises:
        ConfigError: no such set.
    """
    if name not in KEYPOINT_SETS:
        raise ConfigError(f"Unknown keypoint set '{name}'.", f"Known sets: {', '.join(KEYPOINT_SETS)}.")
    return KEYPOINT_SETS[name]
