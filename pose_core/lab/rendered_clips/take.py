"""What happens in a clip, in numbers: bodies, joints and camera in every frame, without Blender."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pose_core.errors import InsufficientDataError
from pose_core.lab.datasets.mocap import MOCAP_FPS, MocapSet
from pose_core.lab.mannequin.pose import Pose, pose_joints, solve_pose
from pose_core.lab.mannequin.shape import shaped_points
from pose_core.lab.mannequin.skeleton import Points
from pose_core.lab.rendered_clips.clip_times import frame_ticks, seconds_of
from pose_core.lab.rendered_clips.outfits import person_of
from pose_core.lab.rendered_clips.plan import Act, Actor, Camera, Clip
from pose_core.lab.rendered_clips.postures import JOINT_POSTURES, facing, lie, turn
from pose_core.lab.rendered_people.people import Person
from pose_core.maths.cameras import camera_matrix
from pose_core.maths.rotations import rotation_vector_to_matrix
from pose_core.skeletons import CANONICAL
from pose_core.types import FloatArray

_CONTEXT_S = 0.4
_STILL_M_S = 0.2
_OFF_FLOOR = ("kneeling", "sitting", "lying")
# Feet are left as they were recorded: putting two uneven ones flat on the floor would bend a knee that is straight.
_FREE_FEET = ("upright", "embracing", "turning")


@dataclass(frozen=True, eq=False)
class Performer:
    """One person in every frame."""

    person: Person
    points: Points
    """The body's rest pose."""
    pose: Pose
    joints_m: FloatArray
    """(T, 24, 3) canonical joints in the world; the floor is at Z = 0."""


@dataclass(frozen=True, eq=False)
class Take:
    """One clip in every frame."""

    ticks: list[int]
    performers: tuple[Performer, ...]
    K: FloatArray
    T_world_camera: FloatArray
    """(T, 4, 4)."""

    @property
    def time_s(self) -> FloatArray:
        """(T,)."""
        return seconds_of(self.ticks)


def make_take(clip: Clip, mocap: MocapSet) -> Take:
    """Work out a clip.

    Raises:
        InsufficientDataError: a recording it needs is not there, or too short.
    """
    ticks = frame_ticks(clip.rate, clip.seconds, clip.seed)[: clip.frames]
    time_s = seconds_of(ticks)
    performers = tuple(
        perform(actor, mocap, time_s, np.random.default_rng([clip.seed, number, 11]))
        for number, actor in enumerate(clip.actors)
    )
    K = camera_matrix(clip.camera.focal_share * clip.size_px[0], clip.size_px)
    return Take(ticks, performers, K, camera_path(clip.camera, time_s))


def perform(actor: Actor, mocap: MocapSet, time_s: FloatArray, rng: np.random.Generator) -> Performer:
    """One person's motion at given times."""
    person = person_of(actor.outfit, actor.body, rng)
    points = shaped_points(person.shape)
    act = actor.act
    joints, first_s = _recorded(act, mocap, float(time_s[-1]))
    if act.posture in JOINT_POSTURES:
        joints = JOINT_POSTURES[act.posture](joints)
    if act.posture not in _OFF_FLOOR:
        joints = _on_soles(joints, points)
    pose = solve_pose(joints, points, on_floor=act.posture not in (*_OFF_FLOOR, *_FREE_FEET))
    pose = resampled(pose, (first_s + time_s) * MOCAP_FPS)
    if act.posture == "lying":
        pose = lie(pose)
    if act.posture == "turning":
        pose = turn(pose, time_s)
    pose = _placed(pose, points, actor)
    return Performer(person, points, pose, pose_joints(pose, points))


def find_recording(act: Act, mocap: MocapSet) -> int:
    """Number of the recording that an act names.

    Raises:
        InsufficientDataError: it is not there.
    """
    found = [
        c
        for c, (subject, action) in enumerate(zip(mocap.subject, mocap.action, strict=True))
        if subject == act.subject and action.startswith(act.action)
    ]
    if act.take >= len(found):
        raise InsufficientDataError(
            f"There is no recording {act.take} of {act.subject}, '{act.action}'.", "Give the folder that has it."
        )
    return found[act.take]


def _recorded(act: Act, mocap: MocapSet, seconds: float) -> tuple[FloatArray, float]:
    """Joints (T, 24, 3) above the floor with some time before and after, and where in it the act begins."""
    c = find_recording(act, mocap)
    start, length = int(mocap.clip_start[c]), int(mocap.clip_length[c])
    first = max(0, int(np.floor((act.start_s - _CONTEXT_S) * MOCAP_FPS)))
    last = min(length, int(np.ceil((act.start_s + seconds + _CONTEXT_S) * MOCAP_FPS)) + 1)
    if (act.start_s + seconds) * MOCAP_FPS > length - 1:
        raise InsufficientDataError(
            f"{act.subject}, '{act.action}' {act.take} is {length / MOCAP_FPS:.1f} s long, too short for "
            f"{act.start_s:.1f} to {act.start_s + seconds:.1f} s."
        )
    joints = mocap.joints_m[start + first : start + last].astype(np.float64)
    return joints - [0.0, 0.0, float(mocap.floor_m[c])], act.start_s - first / MOCAP_FPS


def _on_soles(joints_m: FloatArray, points: Points) -> FloatArray:
    """The whole performer raised or lowered until standing ankles are as high as the body's own.

    The solve alone would move the ankles and leave the pelvis: two centimetres that bend straight knees by 20 degrees.
    """
    legs = [CANONICAL.indices(*(f"{s}_{n}" for n in ("hip", "knee", "ankle"))) for s in ("left", "right")]
    theirs = sum(
        float(np.median(np.linalg.norm(np.diff(joints_m[:, leg], axis=1), axis=-1).sum(axis=1))) for leg in legs
    )
    rest = [np.array([points[CANONICAL.names[j]] for j in leg]) for leg in legs]
    ours = sum(float(np.linalg.norm(np.diff(leg, axis=0), axis=-1).sum()) for leg in rest)
    ankles = joints_m[:, [leg[2] for leg in legs]]
    speed = np.linalg.norm(np.gradient(ankles, axis=0), axis=-1) * MOCAP_FPS
    still = ankles[..., 2][speed < _STILL_M_S]
    low = float(np.median(still)) if len(still) else float(ankles[..., 2].min())
    return joints_m + [0.0, 0.0, float(points["left_ankle"][2]) * theirs / ours - low]


def resampled(pose: Pose, frames: FloatArray) -> Pose:
    """A pose at fractional frames, by Catmull-Rom on positions and on rotations made orthonormal again."""
    D = _catmull_rom(pose.D, frames)
    u, _, vt = np.linalg.svd(D)
    flip = np.sign(np.linalg.det(u @ vt))
    u[..., -1] *= flip[..., None]
    return Pose(u @ vt, _catmull_rom(pose.root_m, frames))


def _catmull_rom(values: FloatArray, frames: FloatArray) -> FloatArray:
    last = len(values) - 1
    base = np.clip(np.floor(frames).astype(int), 0, max(last - 1, 0))
    t = (frames - base).reshape(-1, *[1] * (values.ndim - 1))
    a, b, c, d = (values[np.clip(base + k, 0, last)] for k in (-1, 0, 1, 2))
    return np.asarray(b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a))))


def _placed(pose: Pose, points: Points, actor: Actor) -> Pose:
    """Turned to the heading and moved to the place."""
    looks = facing(pose_joints(pose, points)[:1])[0] if actor.act.posture != "lying" else np.array([0.0, -1.0, 0.0])
    now = np.arctan2(looks[0], -looks[1])
    R = rotation_vector_to_matrix(np.array([0.0, 0.0, np.radians(actor.heading_deg) - now]))
    root = pose.root_m @ R.T
    middle = (root[:, :2].min(axis=0) + root[:, :2].max(axis=0)) / 2
    return Pose(R @ pose.D, root + [actor.place_m[0] - middle[0], actor.place_m[1] - middle[1], 0.0])


def camera_path(camera: Camera, time_s: FloatArray) -> FloatArray:
    """(T, 4, 4) T_world_camera, OpenCV axes."""
    middle = float(time_s[-1]) / 2
    azimuth = np.radians(camera.azimuth_deg + camera.orbit_deg_s * (time_s - middle))
    distance = camera.distance_m - camera.dolly_m_s * (time_s - middle)
    pitch = np.full_like(azimuth, np.radians(camera.pitch_deg))
    forward = np.stack([-np.sin(azimuth) * np.cos(pitch), np.cos(azimuth) * np.cos(pitch), np.sin(pitch)], axis=-1)
    level = np.stack([np.cos(azimuth), np.sin(azimuth), np.zeros_like(azimuth)], axis=-1)
    down = np.cross(forward, level)
    c, s = np.cos(np.radians(camera.roll_deg)), np.sin(np.radians(camera.roll_deg))
    T = np.tile(np.eye(4), (len(time_s), 1, 1))
    T[:, :3, :3] = np.stack([c * level + s * down, c * down - s * level, forward], axis=-1)
    T[:, :3, 3] = np.array(camera.aim_m) - distance[:, None] * forward
    return T
