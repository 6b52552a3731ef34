"""What each term of the solve is worth: every one off in turn, on known motion and on real footage."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from pose_core.config import CameraConfig, SolveConfig
from pose_core.lab.evaluation.cases import Case
from pose_core.lab.evaluation.measure import Figures, measure
from pose_core.lab.evaluation.methods import Estimate
from pose_core.lab.train.lifter.bodies import REFERENCE_HEIGHT_M
from pose_core.lift import lift_track, repair_track
from pose_core.lift.temporal import TemporalLifter, lift_by_network
from pose_core.motion_file import Motion
from pose_core.skeletons import CANONICAL, CONTACT_JOINTS
from pose_core.solve import solve_motion
from pose_core.solve.sequence.problem import SOLE_M, TermWeights
from pose_core.types import FloatArray, LiftedTrack

# A standard deviation that leaves nothing of its term.
_OFF = 1e3

COLUMNS = (
    ("mpjpe", "MPJPE mm", 1), ("pa_mpjpe", "PA mm", 1), ("acceleration", "acceleration error m/s²", 1),
    ("skate", "skate in true contact mm/frame", 1), ("slip", "slip in found contact mm/frame", 2),
    ("slip_most", "at most", 2), ("sunk", "deepest foot mm", 0), ("knee", "knee acceleration, 99 % m/s²", 0),
    ("up", "up off by °", 1), ("path", "path off by, % of its length", 1),
)  # fmt: skip


@dataclass(frozen=True)
class Variant:
    """The solve with something changed."""

    name: str
    weights: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    lift: Callable[[LiftedTrack], LiftedTrack] = lambda lifted: lifted
    true_focal: bool = False
    network_alone: bool = False


VARIANTS = (
    Variant("everything"),
    Variant("reprojection off", {"pixel_share": _OFF}),
    Variant("lifted joints and bone directions off",
            lift=lambda lifted: replace(lifted, sigma_m=_OFF * lifted.sigma_m)),
    Variant("bone directions off", {"direction_deg": 1e6}),
    Variant("depth of lifted joints as sure as the rest", {"depth_ratio": 1.0}),
    Variant("no robust scale", {"robust_sigmas": _OFF}),
    Variant("smoothness off", settings={"smoothness": 0.0}),
    Variant("root depth no smoother than the rest", {"root_depth_acceleration_m_s2": 4.0}),
    Variant("planted feet off", settings={"foot_contact": False}),
    Variant("floor off", settings={"floor": False}),
    Variant("joint limits off", settings={"joint_limits": False}),
    Variant("pull to rest off", {"ball_prior_rad": _OFF, "hinge_prior_rad": _OFF}),
    Variant("bone length prior off", {"length_sigma": 10.0}),
    Variant("size by height off", {"size_sigma": 10.0}),
    Variant("size by the lifted bones", lift=lambda lifted: replace(lifted, height_m=None)),
    Variant("model of usual poses on", {"pose_sigmas": 4.0}),
    Variant("true focal length given", true_focal=True),
    Variant("the 2D model's own depth off", network_alone=True),
)  # fmt: skip


def run_ablation(
    lifter: TemporalLifter, groups: dict[str, list[Case]], tell: Callable[[str], None]
) -> dict[str, dict[str, Figures]]:
    """Figures by group and variant; what makes no difference by its nature is left out."""
    out: dict[str, dict[str, Figures]] = {}
    for group, cases in groups.items():
        real = cases[0].noise == "BlazePose"
        prepared = [_prepare(case, lifter, real) for case in cases]
        rows = out.setdefault(group, {})
        rows["lifter alone"] = _mean([
            measure("lifter", _lifted_alone(both[0], case.height_m), case).figures
            for case, (_, both) in zip(cases, prepared, strict=True)
        ])  # fmt: skip
        for variant in VARIANTS:
            if (variant.network_alone and not real) or (variant.true_focal and cases[0].noise == "exact"):
                continue
            tell(f"{group}: {variant.name}")
            rows[variant.name] = _mean([
                _solve(case, track, both[variant.network_alone], variant)
                for case, (track, both) in zip(cases, prepared, strict=True)
            ])  # fmt: skip
    return out


def world_figures(motion: Motion, case: Case) -> Figures:
    """Figures of the motion in the world: feet, up, path."""
    feet = motion.joints_world_m[:, [motion.joint_names.index(name) for name in CONTACT_JOINTS]]
    held = np.minimum(motion.contacts[1:], motion.contacts[:-1]) > 0.5
    slip = 1000 * np.linalg.norm(np.diff(feet, axis=0), axis=-1)[held]
    knees = motion.joints_world_m[:, [motion.joint_names.index(f"{s}_knee") for s in ("left", "right")]]
    step = float(np.median(np.diff(case.time_s)))
    jolt = np.linalg.norm(np.diff(knees, 2, axis=0), axis=-1) / step**2
    figures = {
        "sunk": 1000 * float(np.nanmax(np.maximum(SOLE_M - feet[..., 2], 0.0))),
        "knee": float(np.nanpercentile(jolt, 99)),
    }
    if len(slip):
        figures |= {"slip": float(np.mean(slip)), "slip_most": float(np.max(slip))}
    if case.up_camera is not None and motion.T_world_camera.ndim == 2:
        up = motion.T_world_camera[2, :3]
        figures["up"] = float(np.degrees(np.arccos(np.clip(up @ case.up_camera, -1.0, 1.0))))
    if case.root_m is not None:
        figures["path_error_m"], figures["path_m"] = path_error(motion.joints_camera_m[:, 0], case.root_m)
    return figures


def path_error(estimate_m: FloatArray, truth_m: FloatArray) -> tuple[float, float]:
    """Mean distance of two paths (T, 3) after the best rotation and translation, and the length of the true one."""
    known = np.all(np.isfinite(estimate_m), axis=1) & np.all(np.isfinite(truth_m), axis=1)
    a, b = estimate_m[known], truth_m[known]
    a, b = a - a.mean(axis=0), b - b.mean(axis=0)
    U, _, Vt = np.linalg.svd(a.T @ b)
    flip = np.diag([1.0, 1.0, np.sign(np.linalg.det(U @ Vt))])
    error = np.linalg.norm(a @ (U @ flip @ Vt) - b, axis=1)
    return float(np.mean(error)), float(np.sum(np.linalg.norm(np.diff(b, axis=0), axis=1)))


def write_page(figures: dict[str, dict[str, Figures]], facts: list[str], folder: Path) -> None:
    """Write `solver.md` and its picture."""
    _draw(figures, folder / "solver_ablation.png")
    parts = [_HEAD, *(f"- {fact}" for fact in facts)]
    for group, rows in figures.items():
        parts += ["", f"## {group}", ""]
        parts += ["| Solve | " + " | ".join(title for _, title, _ in COLUMNS) + " |", "|---" * (len(COLUMNS) + 1) + "|"]
        for name, row in rows.items():
            cells = [
                f"{row[key]:.{digits}f}" if np.isfinite(row.get(key, np.nan)) else "" for key, _, digits in COLUMNS
            ]
            parts.append(f"| {name} | " + " | ".join(cells) + " |")
    parts += ["", "![MPJPE with every term off in turn](solver_ablation.png)", ""]
    (folder / "solver.md").write_text("\n".join(parts), encoding="utf-8")


def _prepare(case: Case, lifter: TemporalLifter, real: bool) -> tuple[Any, list[LiftedTrack]]:
    assert case.track is not None and case.K is not None
    track, _ = repair_track(case.track)
    alone = lift_by_network(track, case.K, lifter)
    return track, [lift_track(track, case.K) if real else alone, alone]


def _lifted_alone(lifted: LiftedTrack, height_m: float) -> Estimate:
    factor = height_m / REFERENCE_HEIGHT_M
    return Estimate(factor * lifted.joints_m, factor * lifted.sigma_m, lifted.contact_probability)


def _solve(case: Case, track: Any, lifted: LiftedTrack, variant: Variant) -> Figures:
    K = case.K_true if variant.true_focal else case.K
    assert K is not None
    unknown = case.noise == "BlazePose" and not variant.true_focal
    camera = CameraConfig() if unknown else CameraConfig(focal_px=float(K[0, 0]))
    motion = solve_motion(
        track, variant.lift(lifted), case.source, SolveConfig(height_m=case.height_m, **variant.settings), camera,
        weights=TermWeights(**variant.weights),
    )  # fmt: skip
    index = [motion.joint_names.index(name) for name in CANONICAL.names]
    joints = motion.joints_camera_m[:, index]
    feet = motion.joints_world_m[:, [motion.joint_names.index(name) for name in CONTACT_JOINTS]]
    estimate = Estimate(joints - joints[:, :1], motion.joint_sigma_m[:, index], motion.contacts, feet)
    return measure(variant.name, estimate, case).figures | world_figures(motion, case)


def _mean(rows: list[Figures]) -> Figures:
    """Means over sequences, the largest of what is a largest; the path's error as a share of all paths together."""
    out: Figures = {}
    for key in dict.fromkeys(k for row in rows for k in row):
        values = np.array([row[key] for row in rows if np.isfinite(row.get(key, np.nan))])
        if len(values):
            out[key] = float(np.max(values) if key in {"slip_most", "sunk"} else np.mean(values))
    if out.get("path_m"):
        out["path"] = 100 * out["path_error_m"] / out["path_m"]
    return out


def _draw(figures: dict[str, dict[str, Figures]], path: Path) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    names = [v.name for v in VARIANTS]
    figure, panels = plt.subplots(1, len(figures), figsize=(4.6 * len(figures), 5.2), sharey=True, squeeze=False)
    for panel, (group, rows) in zip(panels[0], figures.items(), strict=True):
        values = [rows.get(name, {}).get("mpjpe", np.nan) for name in names]
        bars = panel.barh(range(len(names)), values, color=["#d55e00"] + ["#0072b2"] * (len(names) - 1))
        panel.bar_label(bars, fmt="%.0f", fontsize=7, padding=2)
        panel.axvline(rows["everything"]["mpjpe"], color="#d55e00", linewidth=0.8)
        panel.axvline(rows["lifter alone"]["mpjpe"], color="#999999", linewidth=0.8, linestyle="--")
        panel.set_title(group, fontsize=9)
        panel.set_xlim(0, 2.2 * rows["everything"]["mpjpe"])
        panel.spines[["top", "right"]].set_visible(False)
    panels[0, 0].set_yticks(range(len(names)), names, fontsize=8)
    panels[0, 0].invert_yaxis()
    figure.suptitle("MPJPE, mm; dashed: the lifter alone", fontsize=10)
    figure.tight_layout()
    figure.savefig(path, dpi=90)
    plt.close(figure)


_HEAD = """\
# The solve, term by term

Made by `scripts/evaluate.py --parts ablation`; do not edit. Every term is switched off in turn, everything else stays.

MPJPE, PA-MPJPE, acceleration error: as on the page of accuracy, twelve limb joints about the pelvis. **Skate in true
contact**: slip of heel and ball of the foot where the truth says planted. **Slip in found contact**: where the solve
itself says planted: what the foot lock does; **at most** over all sequences. **Deepest foot**: furthest below the floor
over all sequences. **Up**: angle between the up that was found and the true one. **Path**: mean distance of the pelvis
after one rigid alignment, over the length of the true path, all sequences together; the true focal length is known with
exact 2D, is 10 % wrong with noisy 2D and unknown on real footage, unless it is said to be given. The 2D of the real
footage is BlazePose's; its truth is good to 15 to 25 mm.
"""
