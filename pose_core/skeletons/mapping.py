"""Which mixture of a model's keypoints stands for which canonical joint."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from pose_core.errors import ConfigError
from pose_core.skeletons.canonical import CANONICAL
from pose_core.skeletons.keypoint_sets import KeypointSet, keypoint_set
from pose_core.types import BoolArray, FloatArray

_Mixture = dict[str, float]

# Where joints of the trunk lie on the line from the middle of the hips (0) to the middle of the shoulders (1);
# measured on public motion capture of adults.
_TRUNK = {"spine": 0.42, "chest": 0.64, "neck": 1.06}

# The ball of the foot on the line from the heel (0) to the tip of the big toe (1).
_BALL = 0.76


def _middle(name: str) -> _Mixture:
    return {f"left_{name}": 0.5, f"right_{name}": 0.5}


def _trunk(share: float) -> _Mixture:
    return {
        "left_hip": 0.5 - share / 2, "right_hip": 0.5 - share / 2,
        "left_shoulder": share / 2, "right_shoulder": share / 2,
    }  # fmt: skip


def _coco_mixtures() -> dict[str, _Mixture]:
    mixtures: dict[str, _Mixture] = {"pelvis": _middle("hip"), "head": _middle("ear"), "nose": {"nose": 1.0}}
    mixtures |= {joint: _trunk(share) for joint, share in _TRUNK.items()}
    for side in ("left", "right"):
        for name in ("hip", "knee", "ankle", "shoulder", "elbow", "wrist"):
            mixtures[f"{side}_{name}"] = {f"{side}_{name}": 1.0}
    return mixtures


def _mixtures(set_name: str) -> dict[str, _Mixture]:
    mixtures = _coco_mixtures()
    for side in ("left", "right"):
        match set_name:
            case "blazepose33":
                mixtures[f"{side}_heel"] = {f"{side}_heel": 1.0}
                mixtures[f"{side}_toe"] = {f"{side}_heel": 1 - _BALL, f"{side}_foot_index": _BALL}
                mixtures[f"{side}_hand"] = {f"{side}_index": 0.5, f"{side}_pinky": 0.5}
            case "halpe26" | "wholebody133":
                mixtures[f"{side}_heel"] = {f"{side}_heel": 1.0}
                mixtures[f"{side}_toe"] = {
                    f"{side}_heel": 1 - _BALL, f"{side}_big_toe": _BALL / 2, f"{side}_small_toe": _BALL / 2,
                }  # fmt: skip
    if set_name == "halpe26":
        mixtures["pelvis"] = {"hip_center": 1.0}
        mixtures["neck"] = {"neck": 1.0}
    if set_name == "wholebody133":
        for side in ("left", "right"):
            mixtures[f"{side}_hand"] = {f"{side}_hand_{f}_1": 0.25 for f in ("index", "middle", "ring", "pinky")}
    if set_name == "h36m17":
        mixtures |= {"pelvis": {"pelvis": 1.0}, "spine": {"spine": 1.0}, "neck": {"thorax": 1.0}}
        mixtures["head"] = {"neck": 0.5, "head_top": 0.5}
        del mixtures["nose"]
    return mixtures


@dataclass(frozen=True, eq=False)
class JointMapping:
    """Linear mixtures of keypoints, one row a canonical joint."""

    source: KeypointSet
    weights: FloatArray
    """(J, K); a row of zeros where the keypoint set says nothing about a joint."""

    @property
    def available(self) -> BoolArray:
        """(J,) joints that the keypoint set determines."""
        return np.asarray(np.any(self.weights != 0, axis=1))

    def positions(self, keypoints: FloatArray) -> FloatArray:
        """Canonical joints from keypoints.

        Args:
            keypoints: (..., K, D) positions in any space; NaN where missing.
        Returns:
            (..., J, D); NaN where a joint is not available or one of its keypoints is missing.
        """
        used = np.any(self.weights != 0, axis=0)
        filled = np.where(used[:, None], keypoints, 0.0)
        with np.errstate(invalid="ignore"):
            out = self._mix(filled)
        return np.where(self.available[:, None], out, np.nan)

    def confidences(self, confidence: FloatArray) -> FloatArray:
        """Confidence of each joint: the lowest of the keypoints it is made of; 0 where not available.

        Args:
            confidence: (..., K).
        Returns:
            (..., J).
        """
        used = self.weights != 0
        spread = np.where(used, np.asarray(confidence)[..., None, :], np.inf)
        return np.where(self.available, np.min(spread, axis=-1), 0.0)

    def _mix(self, keypoints: FloatArray) -> FloatArray:
        missing = ~np.all(np.isfinite(keypoints), axis=-1)
        values = np.where(missing[..., None], 0.0, keypoints)
        mixed = np.einsum("jk,...kd->...jd", self.weights, values)
        incomplete = np.einsum("jk,...k->...j", (self.weights != 0).astype(float), missing.astype(float)) > 0
        return np.where(incomplete[..., None], np.nan, mixed)


@cache
def joint_mapping(set_name: str) -> JointMapping:
    """The mapping from a keypoint set to the canonical joints.

    Raises:
        ConfigError: no such set.
    """
    source = keypoint_set(set_name)
    weights = np.zeros((len(CANONICAL), len(source)))
    for joint, mixture in _mixtures(set_name).items():
        for keypoint, weight in mixture.items():
            if keypoint not in source.keypoints:
                raise ConfigError(f"Keypoint set '{set_name}' has no '{keypoint}'.")
            weights[CANONICAL.index(joint), source.index(keypoint)] += weight
    return JointMapping(source, weights)
