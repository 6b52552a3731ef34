"""Sequences to lift, with the truth: motion capture seen by virtual cameras."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pose_core.lab.datasets.mocap import MOCAP_FPS, MocapSet
from pose_core.lab.train.lifter.bodies import (
    draw_proportions,
    draw_stances,
    label_contacts,
    scale_bones,
    set_legs_apart,
    stature_of,
)
from pose_core.lab.train.lifter.detections import (
    CLOTHED,
    EXACT,
    REALISTIC,
    NoiseLevel,
    focal_errors,
    observe,
    offset_joints,
)
from pose_core.lab.train.lifter.standing import standing_windows
from pose_core.lab.train.lifter.views import Views, draw_views
from pose_core.lift.features import INPUT_JOINTS, INPUT_NAMES
from pose_core.maths.cameras import camera_matrix
from pose_core.skeletons import joint_mapping, keypoint_set
from pose_core.types import BoolArray, FloatArray, KeypointTrack

NOISES: dict[str, NoiseLevel] = {"exact": EXACT, "noisy": REALISTIC}
STANDING = "people who stand"
_CLOTHED = "noisy, clothed"
_LEVELS = {**NOISES, _CLOTHED: CLOTHED}

_WIDTH_PX = 1280
_LEAST_SEEN = 0.3
_NEAREST_M = 0.9


@dataclass(frozen=True, eq=False)
class Case:
    """One person over one sequence."""

    group: str
    """What it belongs to in the tables."""
    noise: str
    """`exact`, `noisy` or the 2D model's name."""
    source: str
    subject: str
    action: str
    height_m: float
    """Given to every method."""
    time_s: FloatArray
    rays: FloatArray
    """(T, I, 2) x / z and y / z of the network's input joints, by the camera that is assumed."""
    confidence: FloatArray
    """(T, I)."""
    truth_m: FloatArray
    """(T, J, 3) true camera axes, relative to the pelvis; NaN where it does not count."""
    contacts: FloatArray
    """(T, 4) true contacts."""
    contacts_known: bool
    track: KeypointTrack | None = None
    """The same 2D joints as keypoints, for what works on those."""
    K: FloatArray | None = None
    """The camera that is assumed, for `track`."""
    K_true: FloatArray | None = None
    """The camera that took it."""
    root_m: FloatArray | None = None
    """(T, 3) true path of the pelvis in the axes of a camera that stands still."""
    up_camera: FloatArray | None = None
    """(3,) true up in camera axes."""


@dataclass(frozen=True, eq=False)
class _Window:
    clip: int
    first: int
    frames: int


def mocap_cases(
    group: str, mocap: MocapSet, noise: str, per_subject: int, seed: int, *, frames: int = 128, still: bool = False
) -> list[Case]:
    """Windows spread over recordings, as many of every subject, each seen by one random camera.

    Cameras are drawn as in training, or, with `still`, do not move. The same seed gives the same windows and cameras
    at every noise.

    Args:
        group: name for the tables.
        mocap: recordings.
        noise: key of `NOISES`.
        per_subject: sequences of each subject.
        seed: of everything.
        frames: length of a sequence at 30 frames/s, at most.
        still: keep the cameras still and add keypoint tracks.
    """
    cases = []
    for number, window in enumerate(_windows(mocap, per_subject, frames, np.random.default_rng([seed, 0]))):
        rng = np.random.default_rng([seed, 1, number])
        at = slice(window.first, window.first + window.frames)
        joints = mocap.joints_m[None, at].astype(np.float64)
        views = draw_views(rng, joints)
        if still:
            views = _stand_still(views, joints)
        cases.append(_film(group, mocap, noise, window, joints, views, np.random.default_rng([seed, 2, number]), still))
    return cases


def standing_cases(mocap: MocapSet, count: int, seed: int, frames: int = 80) -> list[Case]:
    """People who stand, with other proportions, in clothes, their legs more or less apart, from above and below.

    A crouch in which they do not stand fits the picture as well: legs that look short may be bent or seen wrongly.

    Args:
        mocap: recordings.
        count: sequences; fewer where fewer windows show people who stand.
        seed: of everything.
        frames: length of a sequence at 30 frames/s, at most.
    """
    clips, starts = standing_windows(mocap, frames)
    rng = np.random.default_rng([seed, 3])
    cases = []
    for number in np.sort(rng.choice(len(clips), size=min(count, len(clips)), replace=False)):
        own = np.random.default_rng([seed, 4, int(number)])
        clip = int(clips[number])
        window = _Window(clip, int(mocap.clip_start[clip] + starts[number]), min(frames, int(mocap.clip_length[clip])))
        joints = mocap.joints_m[None, window.first : window.first + window.frames].astype(np.float64)
        joints = scale_bones(set_legs_apart(joints, draw_stances(own, 1)), *draw_proportions(own, 1))
        views = _stand_still(draw_views(own, joints, steep_share=1.0), joints)
        # the floor is no longer where it was under such legs
        filmed = _film(STANDING, mocap, _CLOTHED, window, joints, views, own, True)
        cases.append(replace(filmed, contacts_known=False))
    return cases


def _windows(mocap: MocapSet, per_subject: int, frames: int, rng: np.random.Generator) -> list[_Window]:
    out = []
    for subject in sorted(set(mocap.subject)):
        everything = [c for c, s in enumerate(mocap.subject) if s == subject]
        own = [c for c in everything if mocap.clip_length[c] >= frames // 2] or everything
        chance = mocap.clip_length[own] / mocap.clip_length[own].sum()
        for clip in rng.choice(own, size=per_subject, p=chance):
            length = int(mocap.clip_length[clip])
            offset = int(rng.integers(0, max(length - frames, 0) + 1))
            out.append(_Window(int(clip), int(mocap.clip_start[clip]) + offset, min(frames, length)))
    return out


def _stand_still(views: Views, joints: FloatArray) -> Views:
    """The camera of the middle frame throughout, moved back until nobody runs into it."""
    middle = joints.shape[1] // 2
    R = np.repeat(views.R_camera_world[:, middle : middle + 1], joints.shape[1], axis=1)
    position = np.repeat(views.position_m[:, middle : middle + 1], joints.shape[1], axis=1)
    still = replace(views, R_camera_world=R, position_m=position)
    lack = np.maximum(2 * _NEAREST_M - still.to_camera(joints)[..., 2].min(axis=(1, 2)), 0.0)
    return replace(still, position_m=position - lack[:, None, None] * R[:, :, 2])


def _film(
    group: str, mocap: MocapSet, noise: str, window: _Window, joints: FloatArray, views: Views,
    rng: np.random.Generator, still: bool,
) -> Case:  # fmt: skip
    level, clip = _LEVELS[noise], window.clip
    camera = views.to_camera(joints)[0]
    points = views.to_camera(offset_joints(rng, joints, level))
    rays = points[..., :2] / np.maximum(points[..., 2:], 0.3)
    half_view = np.stack([0.5 / views.focal, 0.5 * views.aspect / views.focal], axis=-1)
    rays, confidence = observe(rng, rays, half_view, level)
    focal_error = float(focal_errors(rng, 1, level)[0])
    rays = (rays * focal_error)[0]
    confidence = confidence[0]
    counted = counted_joints(confidence, mocap.joint_weight[clip] >= 0.5)
    time_s = np.arange(window.frames) / MOCAP_FPS
    more: dict[str, Any] = {}
    if still:
        track, K = _as_track(time_s, rays, confidence, float(views.focal[0]), float(views.aspect[0]))
        more = {"track": track, "K": K, "K_true": K * [[focal_error], [focal_error], [1.0]], "root_m": camera[:, 0],
                "up_camera": views.R_camera_world[0, 0, :, 2]}  # fmt: skip
        more["K_true"][:2, 2] = K[:2, 2]
    return Case(
        group, noise, mocap.source[clip], mocap.subject[clip], mocap.action[clip], float(stature_of(joints)[0]),
        time_s, rays, confidence, np.where(counted[..., None], camera - camera[:, :1], np.nan),
        label_contacts(joints, mocap.floor_m[clip : clip + 1], 1 / MOCAP_FPS)[0], bool(mocap.timed[clip]), **more,
    )  # fmt: skip


def counted_joints(confidence: FloatArray, measured: BoolArray) -> BoolArray:
    """(T, J) measured joints of frames in which something of the person is seen; the pelvis always."""
    seen = np.mean(confidence > 0, axis=-1) >= _LEAST_SEEN
    use = measured.copy()
    use[0] = True
    return np.asarray(seen[:, None] & use)


def _as_track(
    time_s: FloatArray, rays: FloatArray, confidence: FloatArray, focal: float, aspect: float
) -> tuple[KeypointTrack, FloatArray]:
    """The same joints as BlazePose keypoints, from which the network's input joints follow exactly."""
    size = (_WIDTH_PX, round(_WIDTH_PX * aspect))
    K = camera_matrix(focal * _WIDTH_PX, size)
    points = rays * K[0, 0] + K[:2, 2]
    names = keypoint_set("blazepose33").keypoints
    mapping = joint_mapping("blazepose33")
    xy = np.full((len(time_s), len(names), 2), np.nan)
    sure = np.zeros((len(time_s), len(names)))
    for k, name in enumerate(names):
        side, _, part = name.partition("_")
        shown = {"ear": "head", "index": f"{side}_hand", "pinky": f"{side}_hand"}.get(part, name)
        if part == "foot_index":
            heel, toe = INPUT_NAMES.index(f"{side}_heel"), INPUT_NAMES.index(f"{side}_toe")
            share = mapping.weights[INPUT_JOINTS[toe], k]
            xy[:, k] = points[:, heel] + (points[:, toe] - points[:, heel]) / share
            sure[:, k] = np.minimum(confidence[:, heel], confidence[:, toe])
        elif shown in INPUT_NAMES:
            xy[:, k] = points[:, INPUT_NAMES.index(shown)]
            sure[:, k] = confidence[:, INPUT_NAMES.index(shown)]
    xy = np.where(sure[..., None] > 0, xy, np.nan)
    seen = np.any(sure > 0, axis=1)
    boxes = np.full((len(time_s), 4), np.nan)
    boxes[seen] = np.concatenate([np.nanmin(xy[seen], axis=1), np.nanmax(xy[seen], axis=1)], axis=1)
    return KeypointTrack(1, "blazepose33", time_s, np.arange(len(time_s)), xy, sure, size, boxes), K
