"""Real footage with a 3D reference: the balance clips, seen by the embedded 2D model."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pose_core.config import CameraConfig, TrackConfig
from pose_core.files import atomic_path
from pose_core.lab.evaluation.cases import Case
from pose_core.lab.train.lifter.bodies import CONTACT_SPEED_M_S, stature_of
from pose_core.lift.features import INPUT_JOINTS
from pose_core.maths.cameras import rays_from_pixels, transform_points
from pose_core.runtime.store import ModelStore
from pose_core.skeletons import CANONICAL, CONTACT_JOINTS, joint_mapping
from pose_core.solve.intrinsics import choose_intrinsics
from pose_core.track.run import track_people
from pose_core.types import FloatArray, KeypointTrack
from pose_core.video import open_video

CAMERAS = ("cam01", "cam04")
GROUP = "real footage"


def real_cases(clips: Path, cache: Path, frames: int | None = None) -> list[Case]:
    """The clips that have a reference.

    The camera is the one that is assumed where nothing is known. The height is that of the reference's long limbs by
    average proportions. He stands on a beam, so that contact is told by the feet's speed alone.

    Args:
        clips: folder with `balance_*.mp4` and `balance_reference.npz`.
        cache: folder in which 2D tracks are kept.
        frames: only so many of each clip; None = all.
    """
    with np.load(clips / "balance_reference.npz", allow_pickle=False) as data:
        reference = {key: data[key] for key in ("joint_names", "positions", "T_camera_world", "camera_names", "K")}
    world = _canonical([str(n) for n in reference["joint_names"]], reference["positions"])
    cases = []
    for name in CAMERAS:
        view = [str(n) for n in reference["camera_names"]].index(name)
        track = cached_track(clips / f"balance_{name}.mp4", cache / f"balance_{name}.npz", frames)
        joints = world[: len(track.timestamps_s)]
        camera = transform_points(reference["T_camera_world"][view], joints)
        K, _ = choose_intrinsics(CameraConfig(), track.image_size)
        mapping = joint_mapping(track.keypoint_set)
        xy = mapping.positions(track.xy_px)[:, INPUT_JOINTS]
        confidence = mapping.confidences(track.confidence)[:, INPUT_JOINTS]
        confidence = np.where(np.all(np.isfinite(xy), axis=-1), confidence, 0.0)
        rays = rays_from_pixels(np.where(confidence[..., None] > 0, xy, 0.0), K)[..., :2]
        time_s = track.timestamps_s
        cases.append(
            Case(
                GROUP,
                "BlazePose",
                f"balance_{name}",
                "balance",
                "balance on a beam",
                float(stature_of(np.nan_to_num(world)[None])[0]),
                time_s,
                rays,
                confidence,
                camera - camera[:, :1],
                _planted(joints, time_s),
                True,
                track,
                K,
                K_true=reference["K"][view],
                root_m=camera[:, 0],
                up_camera=reference["T_camera_world"][view][:3, 2],
            )
        )
    return cases


def cached_track(video: Path, cache: Path, frames: int | None) -> KeypointTrack:
    """The most prominent person's keypoints; run once, then read from the cache."""
    if not cache.is_file():
        with open_video(str(video)) as reader:
            (track, *_) = track_people(reader, TrackConfig(), ModelStore()).tracks
        with atomic_path(cache) as temporary, Path(temporary).open("wb") as file:
            np.savez_compressed(
                file, keypoint_set=np.array(track.keypoint_set), time_s=track.timestamps_s,
                frames=track.frame_indices, xy_px=track.xy_px, confidence=track.confidence,
                image_size=np.array(track.image_size), boxes_px=track.boxes_px, model_joints_m=track.model_joints_m,
            )  # fmt: skip
    with np.load(cache, allow_pickle=False) as d:
        width, height = (int(v) for v in d["image_size"])
        n = slice(0, frames)
        return KeypointTrack(
            1, str(d["keypoint_set"]), d["time_s"][n], d["frames"][n], d["xy_px"][n], d["confidence"][n],
            (width, height), d["boxes_px"][n], d["model_joints_m"][n],
        )  # fmt: skip


def _canonical(names: list[str], positions: FloatArray) -> FloatArray:
    out = np.full((len(positions), len(CANONICAL), 3), np.nan)
    for k, name in enumerate(names):
        if name != "neck":  # the reference's is the middle of the shoulders, ours the base of the neck
            out[:, CANONICAL.index(name)] = positions[:, k]
    return out


def _planted(joints_world_m: FloatArray, time_s: FloatArray) -> FloatArray:
    feet = joints_world_m[:, CANONICAL.indices(*CONTACT_JOINTS)]
    speed = np.linalg.norm(np.gradient(feet, time_s, axis=0), axis=-1)
    return np.asarray((speed < CONTACT_SPEED_M_S).astype(np.float64))
