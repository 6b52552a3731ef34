"""Lifting by the trained temporal network.

The network knows the motion around a frame, how surely each 2D point was seen, and where in the camera's view the
person is. Its joints are those of a person of 1.70 m: the solver puts the true height in their place.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pose_core.config import REFERENCE_HEIGHT_M
from pose_core.errors import InsufficientDataError, ModelError
from pose_core.lift.answers import CONTACT_MIRROR, covariances
from pose_core.lift.features import INPUT_JOINTS, make_features, mirror_features
from pose_core.lift.resample import from_grid, seconds_from_seen, stretches, to_grid
from pose_core.maths.cameras import rays_from_pixels
from pose_core.runtime.session import Session, open_session
from pose_core.skeletons import CANONICAL, joint_mapping
from pose_core.types import FloatArray, KeypointTrack, LiftedTrack
from pose_core.untrusted.text import read_json

WEIGHTS = Path(__file__).resolve().parents[1] / "weights" / "lifter.onnx"
"""The network in the package; the facts about it lie beside it in `lifter.json`."""

LONGEST_GAP_S = 0.5
"""The network's guess is kept up to this time from a frame in which the person was seen."""

_LEAST_SEEN_JOINTS = 4
_CHUNK_STEPS = 1024
_FLIP = np.array([-1.0, 1.0, 1.0])


@dataclass(frozen=True, eq=False)
class TemporalLifter:
    """The loaded network and what must be known to use it."""

    session: Session
    sigma_factor: FloatArray
    """(J,) true over predicted sigma on held-out people."""
    reach_steps: int
    """Steps to either side that a step's answer depends on."""
    frames_per_step: int
    """Frames that the network takes in and gives out at a time."""
    further: tuple[str, ...] = ()
    """Names of its answers beyond joints, sigma and contacts, in its order."""
    axis_factor: FloatArray | None = None
    """(J, 3) true over predicted sigma by axis of the virtual camera, for `precision_factor`."""

    def lift(self, features: NDArray[np.float32]) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Lift one sequence at the network's rate, as seen and in a mirror, and average.

        Args:
            features: (G, F) of `pose_core.lift.features`.
        Returns:
            joints (G, J, 3) in virtual camera axes, sigma (G, J) in metres, contact probability (G, 4).
        """
        return self.lift_more(features)[:3]

    def lift_more(
        self, features: NDArray[np.float32]
    ) -> tuple[FloatArray, FloatArray, FloatArray, dict[str, FloatArray]]:
        """As `lift`, with further answers as far as the network has them, by name.

        `covariance_m2` (G, J, 3, 3) in virtual camera axes.
        """
        joints, log_sigma, logits, *more = self._run(features, 0)
        # steps that begin elsewhere: what is left of their seams is averaged away as well
        shift = self.frames_per_step // 2
        mirrored, mirrored_sigma, mirrored_logits, *mirrored_more = self._run(mirror_features(features), shift)
        mirror = CANONICAL.mirror
        joints = (joints + mirrored[:, mirror] * _FLIP) / 2
        sigma = np.exp((log_sigma + mirrored_sigma[:, mirror]) / 2) * self.sigma_factor
        logits = (logits + mirrored_logits[:, CONTACT_MIRROR]) / 2
        further = {}
        if "precision_factor" in self.further and self.axis_factor is not None:
            at = self.further.index("precision_factor")
            own, other = covariances(more[at]), covariances(mirrored_more[at])[:, mirror]
            scale = self.axis_factor[:, :, None] * self.axis_factor[:, None, :]
            further["covariance_m2"] = (own + other * (_FLIP[:, None] * _FLIP)) / 2 * scale
        return joints, sigma, 1.0 / (1.0 + np.exp(-logits)), further

    def _run(self, features: NDArray[np.float32], before: int) -> list[FloatArray]:
        """The network's answers for any length, the first frame repeated `before` times.

        Pieces that overlap by the network's reach give exactly what one piece would.
        """
        frames, per_step, reach = len(features), self.frames_per_step, self.reach_steps
        after = -(frames + before) % per_step
        padded = np.pad(features, ((before, after), (0, 0)), mode="edge")
        steps = padded.reshape(-1, per_step, features.shape[1])
        parts: list[list[FloatArray]] = []
        for first in range(0, len(steps), _CHUNK_STEPS):
            last = min(first + _CHUNK_STEPS, len(steps))
            low, high = max(first - reach, 0), min(last + reach, len(steps))
            answers = self.session.run({"features": steps[None, low:high]})
            parts.append([answer[0, first - low : last - low].astype(np.float64) for answer in answers])
        whole = [np.concatenate(answer) for answer in zip(*parts, strict=True)]
        return [w.reshape(-1, *w.shape[2:])[before : before + frames] for w in whole]


def open_lifter(path: Path = WEIGHTS, *, threads: int = 0) -> TemporalLifter:
    """Load the network.

    Args:
        path: `.onnx` file with its `.json` beside it.
        threads: processor threads; 0 = two, or one on a machine with one core.
    Raises:
        ModelError: a file is absent or does not fit this version.
        RuntimeUnavailableError: ONNX Runtime is not installed.
    """
    facts_path = path.with_suffix(".json")
    try:
        facts = read_json(facts_path, "the lifter's facts", ModelError, "Install the package anew.")
        factor = np.array(facts["sigma_factor"], dtype=np.float64)
        reach, per_step = int(facts["reach_steps"]), int(facts["frames_per_step"])
        joints = tuple(facts["joint_names"])
        further = tuple(str(name) for name in facts.get("further_outputs", ()))
        by_axis = np.array(facts["axis_factor"], dtype=np.float64) if "axis_factor" in facts else None
    except (OSError, KeyError, ValueError, TypeError) as error:
        raise ModelError(f"'{facts_path.name}' beside the lifter's weights cannot be read: {error}") from error
    if (
        joints != CANONICAL.names
        or factor.shape != (len(CANONICAL),)
        or (by_axis is not None and by_axis.shape != (len(CANONICAL), 3))
    ):
        raise ModelError(f"The lifter in '{path.name}' was trained for another skeleton.", "Install the package anew.")
    session = open_session(path, device="cpu", threads=threads or min(2, os.cpu_count() or 1))
    return TemporalLifter(session, factor, reach, per_step, further, by_axis)


@cache
def default_lifter() -> TemporalLifter:
    """The network in the package, loaded once; a session may be used from several threads."""
    return open_lifter()


def lift_by_network(track: KeypointTrack, K: FloatArray, lifter: TemporalLifter | None = None) -> LiftedTrack:
    """Lift 2D keypoints over time.

    Args:
        track: 2D evidence of one person, at any frame rate.
        K: (3, 3) intrinsics, pixels.
        lifter: the network to use; None = that in the package.
    Returns:
        Joints in camera axes relative to the pelvis for a person of 1.70 m. All joints are known, those without
        keypoints too, with a sigma that says so, in every frame within `LONGEST_GAP_S` of one in which the person was
        seen; elsewhere all are NaN.
    Raises:
        InsufficientDataError: no frame shows enough of the person.
        ModelError, RuntimeUnavailableError: the network cannot be run.
    """
    lifter = lifter or default_lifter()
    mapping = joint_mapping(track.keypoint_set)
    xy = mapping.positions(track.xy_px)[:, INPUT_JOINTS]
    confidence = mapping.confidences(track.confidence)[:, INPUT_JOINTS]
    confidence = np.where(np.all(np.isfinite(xy), axis=-1), confidence, 0.0)
    rays = rays_from_pixels(np.where(confidence[..., None] > 0, xy, 0.0), K)[..., :2]
    seen = np.sum(confidence > 0, axis=1) >= _LEAST_SEEN_JOINTS

    count, joint_count = len(track.timestamps_s), len(CANONICAL)
    joints, sigma = np.full((count, joint_count, 3), np.nan), np.full((count, joint_count), np.nan)
    contacts = np.zeros((count, 4))
    covariance: FloatArray | None = None
    lifted_frames = 0
    for stretch in stretches(track.timestamps_s):
        part, time_s = stretch.frames, track.timestamps_s[stretch.frames]
        made = make_features(*to_grid(rays[part], confidence[part], time_s, stretch.grid_s))
        if made is None:
            continue
        virtual, grid_sigma, grid_contacts, further = lifter.lift_more(made.features)
        camera = np.einsum("tji,tkj->tki", made.R_virtual_camera, virtual)
        joints[part] = from_grid(camera, stretch.grid_s, time_s)
        sigma[part] = np.exp(from_grid(np.log(grid_sigma), stretch.grid_s, time_s))
        contacts[part] = np.clip(from_grid(grid_contacts, stretch.grid_s, time_s), 0.0, 1.0)
        if "covariance_m2" in further:
            covariance = np.full((count, joint_count, 3, 3), np.nan) if covariance is None else covariance
            R = made.R_virtual_camera[:, None]
            turned = np.swapaxes(R, -1, -2) @ further["covariance_m2"] @ R
            # no curve between covariances: it might leave what covariances can be
            covariance[part] = turned[np.argmin(np.abs(stretch.grid_s - time_s[:, None]), axis=1)]
        lifted_frames += len(stretch.grid_s)
    if not lifted_frames or not np.any(seen):
        raise InsufficientDataError(
            "No frame shows enough joints to lift.", "Use a clip in which arms, legs and trunk are visible."
        )
    unknown = seconds_from_seen(seen, track.timestamps_s) > LONGEST_GAP_S
    joints[unknown], sigma[unknown], contacts[unknown] = np.nan, np.nan, 0.0
    if covariance is not None:
        covariance[unknown] = np.nan
    diagnostics = {
        "frames_lifted": lifted_frames,
        "frames_guessed": int(np.sum(~unknown & ~seen)),
        "frames_unknown": int(np.sum(unknown)),
        "runtime": lifter.session.provider,
    }
    return LiftedTrack(joints, sigma, "temporal", contacts, diagnostics, REFERENCE_HEIGHT_M, covariance)
