"""Figures of one estimate against the truth, and their means over cases."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pose_core.lab.evaluation.cases import STANDING, Case
from pose_core.lab.evaluation.methods import LIMB_JOINTS, LIMBS, Estimate
from pose_core.lab.train.lifter.standing import standing_errors
from pose_core.maths.metrics import (
    acceleration_error,
    bone_length_variation,
    contact_scores,
    foot_skate,
    jitter,
    mpjpe,
    n_mpjpe,
    pa_mpjpe,
    pck_3d,
    pck_auc,
    within_sigma,
)
from pose_core.skeletons import CANONICAL
from pose_core.types import FloatArray

# Bones between the limb joints alone: what every method has.
_LIMB_PARENTS = tuple(
    LIMBS.index(CANONICAL.names[p]) if (p := CANONICAL.parents[j]) >= 0 and CANONICAL.names[p] in LIMBS else -1
    for j in LIMB_JOINTS
)
_ROOT_AND_LIMBS = np.array([0, *LIMB_JOINTS])

Figures = dict[str, float]


@dataclass(frozen=True, eq=False)
class Result:
    """One method's figures on one case."""

    method: str
    case: Case
    figures: Figures
    weight: float
    """Frames that count."""
    distance_m: FloatArray
    """(T, 12) errors of the limb joints; infinite where nothing was estimated, NaN where not counted."""
    sigma_ratio: FloatArray
    """(N,) error over sigma of every counted coordinate; empty without sigma."""
    contacts: FloatArray
    """(N, 2) probability and truth of every contact that counts; empty without contacts."""


def measure(method: str, estimate: Estimate, case: Case) -> Result:
    """All figures of one case; NaN where one cannot be told."""
    truth = case.truth_m
    limbs, limb_truth = estimate.joints_m[:, _ROOT_AND_LIMBS], truth[:, _ROOT_AND_LIMBS]
    known = np.isfinite(limb_truth[:, 1:, 0])
    # both are relative to the pelvis already, which itself would count as a joint without error
    inner, inner_truth = limbs[:, 1:], limb_truth[:, 1:]
    lost = known & ~np.isfinite(inner[..., 0])
    figures: Figures = {
        "mpjpe": 1000 * mpjpe(inner, inner_truth, None),
        "n_mpjpe": 1000 * _n_mpjpe_without_root(limbs, limb_truth),
        "pa_mpjpe": 1000 * pa_mpjpe(inner, inner_truth),
        "pck": 100 * pck_3d(inner, inner_truth, root=None),
        "auc": 100 * pck_auc(inner, inner_truth, root=None),
        "acceleration": acceleration_error(inner, inner_truth, case.time_s, None),
        "jitter": jitter(inner, case.time_s),
        "true_jitter": jitter(inner_truth, case.time_s),
        "bones": 100 * bone_length_variation(inner, _LIMB_PARENTS) if np.any(np.isfinite(inner)) else float("nan"),
        "lost": 100 * float(np.sum(lost)) / max(float(np.sum(known)), 1.0),
    }
    if np.all(np.any(np.isfinite(estimate.joints_m[..., 0]), axis=0)):
        figures["all_mpjpe"] = 1000 * mpjpe(estimate.joints_m[:, 1:], truth[:, 1:], None)
        figures["all_n_mpjpe"] = 1000 * _n_mpjpe_without_root(estimate.joints_m, truth)
        figures["all_pa_mpjpe"] = 1000 * pa_mpjpe(estimate.joints_m[:, 1:], truth[:, 1:])
    if estimate.feet_world_m is not None and case.contacts_known:
        known_feet = np.all(np.isfinite(estimate.feet_world_m), axis=(1, 2))[:, None]
        feet = np.where(known_feet[..., None], estimate.feet_world_m, 0.0)
        figures["skate"] = 1000 * foot_skate(feet, case.contacts * known_feet)
    if case.group == STANDING:
        figures |= _standing(estimate, truth)
    ratio = np.zeros(0)
    if estimate.sigma_m is not None:
        shares = within_sigma(estimate.joints_m, truth, estimate.sigma_m)
        figures |= {f"sigma_{axis}": 100 * float(s) for axis, s in zip("xyz", shares, strict=True)}
        ratio = _sigma_ratio(estimate, truth)
        figures["sigma"] = 100 * float(np.mean(ratio < 1)) if len(ratio) else float("nan")
    distance = np.linalg.norm(inner - inner_truth, axis=-1)
    weight = float(np.sum(np.any(known, axis=1)))
    return Result(method, case, figures, weight, np.where(lost, np.inf, distance), ratio, _contacts(estimate, case))


def mean_figures(results: list[Result]) -> Figures:
    """Means over cases, weighted by frames; a figure that no case has is left out."""
    out: Figures = {}
    for key in dict.fromkeys(k for r in results for k in r.figures):
        pairs = [(r.figures[key], r.weight) for r in results if np.isfinite(r.figures.get(key, np.nan)) and r.weight]
        if pairs:
            values, weights = np.array(pairs).T
            out[key] = float(np.average(values, weights=weights))
    contacts = np.concatenate([r.contacts for r in results]) if results else np.zeros((0, 2))
    if len(contacts):
        # pooled: a sequence without any contact has no F1 of its own
        scores = contact_scores(contacts[:, :1], contacts[:, 1:])
        rates = {"precision": scores.precision, "recall": scores.recall, "f1": scores.f1}
        out |= {f"contact_{name}": value for name, value in rates.items() if np.isfinite(value)}
    return out


def _n_mpjpe_without_root(estimate: FloatArray, truth: FloatArray) -> float:
    """N-MPJPE relative to joint 0, which does not count itself."""
    counted = np.isfinite(estimate[..., 0]) & np.isfinite(truth[..., 0])
    with_root = n_mpjpe(estimate, truth)
    others = float(np.sum(counted[:, 1:]))
    return with_root * float(np.sum(counted)) / others if others else float("nan")


def _standing(estimate: Estimate, truth: FloatArray) -> Figures:
    """What became of straight knees and of the trunk; nothing where no frame shows both."""
    used = [CANONICAL.index(f"{side}_{joint}") for side in ("left", "right") for joint in ("hip", "knee", "ankle")]
    used.append(CANONICAL.index("neck"))
    known = np.isfinite(truth[:, used]).all(axis=(1, 2)) & np.isfinite(estimate.joints_m[:, used]).all(axis=(1, 2))
    if not np.any(known):
        return {}
    found = standing_errors(
        estimate.joints_m[None, known], truth[None, known], np.ones((1, int(known.sum())), np.bool_)
    )
    return {
        "knee_bias": found["knee_bias_deg"],
        "knee_straight": 100 * found["knee_straight_share"],
        "lean": found["lean_deg"],
    }


def _contacts(estimate: Estimate, case: Case) -> FloatArray:
    if estimate.contacts is None or not case.contacts_known:
        return np.zeros((0, 2))
    seen = np.any(np.isfinite(case.truth_m[:, 1:, 0]), axis=1)
    return np.stack([np.nan_to_num(estimate.contacts[seen]).ravel(), case.contacts[seen].ravel()], axis=1)


def _sigma_ratio(estimate: Estimate, truth: FloatArray) -> FloatArray:
    assert estimate.sigma_m is not None
    ratio = np.abs(estimate.joints_m - truth)[:, 1:] / estimate.sigma_m[:, 1:, None]
    usable = np.isfinite(ratio) & np.isfinite(estimate.sigma_m[:, 1:, None])
    return np.asarray(ratio[usable])
