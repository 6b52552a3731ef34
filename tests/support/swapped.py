"""Recorded movement seen by virtual cameras and a noisy 2D model that exchanges left and right now and then."""

from dataclasses import replace

import numpy as np

from pose_core.lab.datasets.mocap import MOCAP_FPS, read_mocap
from pose_core.lab.train.lifter.detections import NoiseLevel, observe, offset_joints
from pose_core.lab.train.lifter.views import draw_views
from pose_core.lift.features import INPUT_JOINTS, INPUT_NAMES
from pose_core.lift.swaps import groups_of
from pose_core.skeletons import keypoint_set
from pose_core.types import BoolArray, FloatArray, KeypointTrack
from tests.support.shared import shared_file

GOOD_MODEL = NoiseLevel(0.0, 0.0065, 0.25, 1.0, 0.0, 0.0, 0.0, 0.0)
"""About a good 2D model on clear video, without mistakes: those are added knowingly."""

_NAMES = {"toe": {"halpe26": "big_toe", "blazepose33": "foot_index"}, "hand": {"blazepose33": "index"}}
_PX = 1000.0


def sequences(
    archive: str,
    count: int,
    frames: int = 150,
    set_name: str = "halpe26",
    seed: int = 0,
    level: NoiseLevel = GOOD_MODEL,
) -> list[KeypointTrack]:
    """Tracks of random stretches of an archive of motion capture, one random camera each."""
    mocap = read_mocap([shared_file(f"mocap/{archive}.npz")])
    rng = np.random.default_rng(seed)
    long_enough = np.flatnonzero((mocap.clip_length >= frames) & mocap.timed)
    clips = rng.choice(long_enough, count)
    starts = mocap.clip_start[clips] + rng.integers(0, mocap.clip_length[clips] - frames + 1)
    joints = mocap.joints_m[starts[:, None] + np.arange(frames)].astype(np.float64)
    views = draw_views(rng, joints)
    camera = views.to_camera(joints)
    points = views.to_camera(offset_joints(rng, joints, level))
    half_view = np.stack([0.5 / views.focal, 0.5 * views.aspect / views.focal], axis=-1)
    # larger pictures than the camera's: cutting people off is not what is looked at
    rays, confidence = observe(rng, points[..., :2] / np.maximum(points[..., 2:], 0.3), half_view * 10, level)
    relative = camera[:, :, INPUT_JOINTS] - camera[:, :, :1]
    return [_track(set_name, rays[b] * _PX, confidence[b], _noisy_depth(rng, relative[b])) for b in range(count)]


def _noisy_depth(rng: np.random.Generator, joints_m: FloatArray) -> FloatArray:
    """Joints as a single-frame network would have them: errors mostly in depth, slowly changing."""
    frames = len(joints_m)
    keys = rng.normal(size=(frames // 9 + 3, *joints_m.shape[1:])) * np.array([0.02, 0.02, 0.06])
    at = np.arange(frames) / 9
    low = at.astype(np.int64)
    share = (at - low)[:, None, None]
    white = rng.normal(size=joints_m.shape) * np.array([0.006, 0.006, 0.02])
    return joints_m + keys[low] * (1 - share) + keys[low + 1] * share + white


def _track(set_name: str, xy: FloatArray, confidence: FloatArray, joints_m: FloatArray) -> KeypointTrack:
    keypoints = keypoint_set(set_name)
    frames, K = len(xy), len(keypoints)
    out, sure, model = np.full((frames, K, 2), np.nan), np.zeros((frames, K)), np.full((frames, K, 3), np.nan)
    for i, name in enumerate(INPUT_NAMES):
        side, _, part = name.rpartition("_")
        part = _NAMES.get(part, {}).get(set_name, part)
        keypoint = f"{side}_{part}" if side else part
        if keypoint in keypoints.keypoints:
            k = keypoints.index(keypoint)
            out[:, k], sure[:, k], model[:, k] = xy[:, i], confidence[:, i], joints_m[:, i]
    out -= np.nanmin(out, axis=(0, 1))
    sure = np.where(np.isfinite(out[..., 0]), sure, 0.0)
    width, height = (int(v) + 1 for v in np.nanmax(out, axis=(0, 1)))
    boxes = np.concatenate([np.nanmin(out, axis=1), np.nanmax(out, axis=1)], axis=1)
    time_s = np.arange(frames) / MOCAP_FPS
    return KeypointTrack(
        1, set_name, time_s, np.arange(frames), out, sure, (width, height), boxes,
        model if set_name == "blazepose33" else None,
    )  # fmt: skip


def draw_swap(rng: np.random.Generator, frames: int, shortest: int = 3, longest: int = 60) -> BoolArray:
    """(T, 3) an exchange of head, arms and legs at once, or of arms or legs alone, somewhere in the clip."""
    length = round(np.exp(rng.uniform(np.log(shortest), np.log(longest))))
    start = int(rng.integers(0, frames - length + 1))
    out = np.zeros((frames, 3), dtype=bool)
    out[start : start + length] = [(True, True, True), (False, True, False), (False, False, True)][rng.integers(3)]
    return out


def swap_sides(track: KeypointTrack, exchanged: BoolArray, depth_too: bool = True) -> KeypointTrack:
    """The track with sides exchanged where `exchanged` (T, 3) says so."""
    keypoints = keypoint_set(track.keypoint_set)
    group = groups_of(keypoints)
    over = exchanged[:, group] & (group >= 0)
    mirror, model = keypoints.mirror, track.model_joints_m
    if model is not None:
        changed = np.where(over[..., None], model[:, mirror], model)
        model = changed if depth_too else np.concatenate([changed[..., :2], model[..., 2:]], axis=-1)
    return replace(
        track,
        xy_px=np.where(over[..., None], track.xy_px[:, mirror], track.xy_px),
        confidence=np.where(over, track.confidence[:, mirror], track.confidence),
        model_joints_m=model,
    )
