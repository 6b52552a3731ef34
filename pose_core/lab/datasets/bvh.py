"""BVH recordings as motion capture for training.

Joint centres come from forward kinematics. What BVH does not say is found out: which way is up (from feet to head), the
unit (from the length of the limbs), and which joint is which (by the common naming habits).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pose_core.errors import MotionFileError
from pose_core.lab.datasets.mocap import MOCAP_FPS, MocapSet, from_joints, join_sets
from pose_core.lab.train.lifter.bodies import stature_of
from pose_core.skeletons import CANONICAL
from pose_core.types import FloatArray

# Names of joints without sides, case and separators, in order of preference.
_CENTRE_NAMES = {
    "spine": ("spine1", "spine", "abdomen", "lowerback", "spine01"),
    "chest": ("chest", "spine3", "spine2", "thorax", "upperchest", "chest2", "spine1"),
    "neck": ("neck", "neck1", "neck01", "lowerneck"),
    "head": ("head",),
}
_SIDE_NAMES = {
    "hip": ("upleg", "thigh", "hip", "upperleg", "hipjoint", "legupper", "femur"),
    "knee": ("leg", "shin", "knee", "lowerleg", "calf", "leglower", "tibia"),
    "ankle": ("foot", "ankle"),
    "toe": ("toebase", "toe", "toes", "ball"),
    "shoulder": ("arm", "upperarm", "uparm", "shldr", "humerus"),
    "elbow": ("forearm", "lowerarm", "lowarm", "elbow", "radius"),
    "wrist": ("hand", "wrist"),
}
_SIDE_MARKS = {"left": ("left", "l"), "right": ("right", "r")}
_REQUIRED = tuple(f"{s}_{j}" for s in ("left", "right") for j in ("hip", "knee", "ankle", "shoulder", "elbow", "wrist"))

_UNITS_M = (1.0, 0.1, 0.01, 0.001, 0.0254, 0.0254 / 0.45)  # the last: CMU's own unit, inches scaled by 0.45
_STATURE_RANGE_M = (1.35, 2.15)

_ROTATIONS = {"Xrotation": 0, "Yrotation": 1, "Zrotation": 2}
_POSITIONS = {"Xposition": 0, "Yposition": 1, "Zposition": 2}


@dataclass(frozen=True, eq=False)
class BvhClip:
    """A recording as joint positions in the file's own axes and unit."""

    names: tuple[str, ...]
    """Joints, then end sites as `NAME/end`."""
    positions: FloatArray
    """(T, N, 3)."""
    frame_s: float


@dataclass
class _Node:
    name: str
    parent: int
    offset: FloatArray
    channels: tuple[str, ...] = ()


def read_bvh(path: Path) -> BvhClip:
    """Read a BVH file.

    Raises:
        MotionFileError: the file is no BVH, or its tables do not fit each other.
    """
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise MotionFileError(f"'{path}' cannot be read: {error}") from error
    head, found, body = text.partition("MOTION")
    if not found:
        raise MotionFileError(f"'{path}' has no MOTION section: it is no BVH file.")
    try:
        nodes = _parse_hierarchy(head.split())
        count, frame_s, values = _parse_motion(body)
    except (ValueError, IndexError) as error:
        raise MotionFileError(f"'{path}' is a damaged BVH file: {error}") from error
    channels = sum(len(node.channels) for node in nodes)
    if channels == 0 or values.size != count * channels or frame_s <= 0:
        raise MotionFileError(
            f"'{path}' should hold {count} frames of {channels} numbers, but holds {values.size} numbers."
        )
    positions = _forward_kinematics(nodes, values.reshape(count, channels))
    return BvhClip(tuple(node.name for node in nodes), positions, frame_s)


def to_canonical(clip: BvhClip, origin: str = "clip") -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Canonical joints of a recording, world axes with Z up, metres.

    Args:
        clip: the recording.
        origin: what to call it in messages.
    Returns:
        (T, J, 3), NaN where absent, and `joint_kind` (J,): 2 from the file, 1 estimated, 0 absent.
    Raises:
        MotionFileError: arms or legs cannot be told by name, or the body is no size an adult can be.
    """
    places = _find_joints(clip.names)
    missing = [name for name in _REQUIRED if name not in places]
    if missing:
        raise MotionFileError(f"'{origin}' has no joints that could be {', '.join(missing)}.")
    count = len(clip.positions)
    joints = np.full((count, len(CANONICAL), 3), np.nan)
    kind = np.zeros(len(CANONICAL), dtype=np.int64)
    for name, place in places.items():
        joints[:, CANONICAL.index(name)] = clip.positions[:, place]
        kind[CANONICAL.index(name)] = 2
    _complete(clip, joints, kind)
    joints = _z_up(joints)
    stature = float(stature_of(joints[None])[0])
    sizes = [stature * unit for unit in _UNITS_M]
    middle = np.sqrt(_STATURE_RANGE_M[0] * _STATURE_RANGE_M[1])
    best = min(range(len(sizes)), key=lambda i: abs(np.log(max(sizes[i], 1e-12) / middle)))
    if not _STATURE_RANGE_M[0] <= sizes[best] <= _STATURE_RANGE_M[1]:
        raise MotionFileError(f"The body in '{origin}' is {stature:g} units tall, which is no adult in any known unit.")
    return (joints * _UNITS_M[best]).astype(np.float32), kind


def read_bvh_folder(paths: Iterable[Path]) -> MocapSet:
    """Read BVH files; the folder a file lies in names its subject.

    Raises:
        MotionFileError: a file cannot be used.
    """
    sets = []
    for path in paths:
        clip = read_bvh(path)
        joints, kind = to_canonical(clip, str(path))
        joints = _resample(joints, clip.frame_s)
        toes = joints[:, CANONICAL.indices("left_toe", "right_toe"), 2]
        feet = (
            toes if np.all(np.isfinite(toes)) else joints[:, CANONICAL.indices("left_ankle", "right_ankle"), 2] - 0.06
        )
        floor = float(np.percentile(feet.min(axis=1), 2)) - 0.03
        sets.append(
            from_joints(
                joints,
                np.array([0]),
                np.array([len(joints)]),
                kind[None],
                np.array([floor]),
                np.array([True]),
                ("bvh",),
                (path.parent.name,),
                (path.stem,),
            )
        )
    return join_sets(sets)


def _parse_hierarchy(words: list[str]) -> list[_Node]:
    nodes: list[_Node] = []
    stack: list[int] = []
    i = words.index("HIERARCHY") + 1
    while i < len(words):
        word = words[i]
        if word in {"ROOT", "JOINT"}:
            nodes.append(_Node(words[i + 1], stack[-1] if stack else -1, np.zeros(3)))
            i += 2
        elif word == "End":
            nodes.append(_Node(f"{nodes[stack[-1]].name}/end", stack[-1], np.zeros(3)))
            i += 2
        elif word == "{":
            stack.append(len(nodes) - 1)
            i += 1
        elif word == "}":
            stack.pop()
            i += 1
        elif word == "OFFSET":
            nodes[stack[-1]].offset = np.array([float(x) for x in words[i + 1 : i + 4]])
            i += 4
        elif word == "CHANNELS":
            n = int(words[i + 1])
            nodes[stack[-1]].channels = tuple(words[i + 2 : i + 2 + n])
            i += 2 + n
        else:
            raise ValueError(f"unexpected word '{word}'")
    if not nodes:
        raise ValueError("no joints")
    return nodes


def _parse_motion(body: str) -> tuple[int, float, FloatArray]:
    lines = body.strip().splitlines()
    count = int(lines[0].split(":")[1])
    frame_s = float(lines[1].split(":")[1])
    return count, frame_s, np.array(" ".join(lines[2:]).split(), dtype=np.float64)


def _forward_kinematics(nodes: list[_Node], values: FloatArray) -> FloatArray:
    count = len(values)
    positions = np.zeros((count, len(nodes), 3))
    rotations = np.zeros((count, len(nodes), 3, 3))
    column = 0
    for n, node in enumerate(nodes):
        moved = np.broadcast_to(node.offset, (count, 3)).copy()
        turned = np.broadcast_to(np.eye(3), (count, 3, 3))
        for channel in node.channels:
            value = values[:, column]
            column += 1
            if channel in _POSITIONS:
                # a position channel replaces the offset
                moved[:, _POSITIONS[channel]] = value
            elif channel in _ROTATIONS:
                turned = turned @ _axis_rotation(_ROTATIONS[channel], np.radians(value))
            else:
                raise ValueError(f"unknown channel '{channel}'")
        if node.parent < 0:
            positions[:, n], rotations[:, n] = moved, turned
        else:
            R = rotations[:, node.parent]
            positions[:, n] = positions[:, node.parent] + (R @ moved[..., None])[..., 0]
            rotations[:, n] = R @ turned
    return positions


def _axis_rotation(axis: int, angle: FloatArray) -> FloatArray:
    c, s = np.cos(angle), np.sin(angle)
    R = np.zeros((len(angle), 3, 3))
    a, b = (axis + 1) % 3, (axis + 2) % 3
    R[:, axis, axis] = 1.0
    R[:, a, a], R[:, b, b], R[:, a, b], R[:, b, a] = c, c, -s, s
    return R


def _find_joints(names: tuple[str, ...]) -> dict[str, int]:
    """Canonical joint to the index of a joint of the file."""
    plain = [_plain(name) for name in names]
    found: dict[str, int] = {}
    for joint, options in _CENTRE_NAMES.items():
        place = next((plain.index(option) for option in options if option in plain), None)
        if place is not None and place not in found.values():
            found[joint] = place
    for side, marks in _SIDE_MARKS.items():
        for joint, options in _SIDE_NAMES.items():
            spelled = [word for option in options for mark in marks for word in (mark + option, option + mark)]
            place = next((plain.index(word) for word in spelled if word in plain), None)
            if place is not None:
                found[f"{side}_{joint}"] = place
    if "left_shoulder" not in found:  # some files call the arm's joint the shoulder and the collar the collar
        for side, marks in _SIDE_MARKS.items():
            place = next((plain.index(m + "shoulder") for m in marks if m + "shoulder" in plain), None)
            if place is not None:
                found[f"{side}_shoulder"] = place
    return found


def _plain(name: str) -> str:
    if name.endswith("/end"):
        return name  # end sites are found through their joint
    bare = name.rpartition(":")[2].lower()
    return "".join(c for c in bare if c.isalnum())


def _complete(clip: BvhClip, joints: FloatArray, kind: NDArray[np.int64]) -> None:
    """Put in place what no joint of the file stands for."""

    def put(name: str, value: FloatArray) -> None:
        joints[:, CANONICAL.index(name)], kind[CANONICAL.index(name)] = value, 1

    def at(name: str) -> FloatArray:
        return np.asarray(joints[:, CANONICAL.index(name)])

    def known(name: str) -> bool:
        return bool(kind[CANONICAL.index(name)])

    put("pelvis", (at("left_hip") + at("right_hip")) / 2)
    shoulders = (at("left_shoulder") + at("right_shoulder")) / 2
    for name, share in (("spine", 0.42), ("chest", 0.64), ("neck", 1.06)):
        if not known(name):
            put(name, at("pelvis") + share * (shoulders - at("pelvis")))
    plain = [_plain(name) for name in clip.names]
    if known("head"):  # the joint at the base of the skull; the ears lie most of the way to its tip
        head = plain.index("head")
        end = f"{clip.names[head]}/end"
        if end in clip.names:
            tip = clip.positions[:, clip.names.index(end)]
            put("head", at("head") + 0.7 * (tip - at("head")))
    for side in ("left", "right"):
        wrist = _find_joints(clip.names)[f"{side}_wrist"]
        end = f"{clip.names[wrist]}/end"
        if end in clip.names:
            put(f"{side}_hand", clip.positions[:, clip.names.index(end)])


def _z_up(joints: FloatArray) -> FloatArray:
    """Turn the axes so that the body's long axis, over the clip, points along +Z."""
    feet = (joints[:, CANONICAL.index("left_ankle")] + joints[:, CANONICAL.index("right_ankle")]) / 2
    up = np.mean(joints[:, CANONICAL.index("neck")] - feet, axis=0)
    axis = int(np.argmax(np.abs(up)))
    order = [(axis + 1) % 3, (axis + 2) % 3, axis]  # cyclic: stays right-handed
    turned = joints[..., order]
    if up[axis] < 0:
        turned = turned * np.array([1.0, -1.0, -1.0])
    return np.asarray(turned)


def _resample(joints: NDArray[np.float32], frame_s: float) -> NDArray[np.float32]:
    count = len(joints)
    steps = max(int(np.floor((count - 1) * frame_s * MOCAP_FPS + 1e-6)) + 1, 1)
    at = np.minimum(np.arange(steps) / (MOCAP_FPS * frame_s), count - 1)
    low = np.minimum(at.astype(np.int64), max(count - 2, 0))
    share = (at - low).astype(np.float32)[:, None, None]
    return np.asarray(joints[low] + share * (joints[np.minimum(low + 1, count - 1)] - joints[low]))
