"""The page of results."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from pose_core.lab.evaluation.measure import Figures, Result, mean_figures

_POSE = (
    ("mpjpe", "MPJPE mm", 1), ("n_mpjpe", "N-MPJPE mm", 1), ("pa_mpjpe", "PA-MPJPE mm", 1), ("pck", "3DPCK@150 %", 1),
    ("auc", "AUC %", 1), ("acceleration", "acceleration error m/s²", 1), ("jitter", "jitter m/s³", 0),
    ("bones", "bone lengths vary %", 1), ("lost", "not found %", 1),
)  # fmt: skip
_ALL_JOINTS = (("all_mpjpe", "MPJPE mm", 1), ("all_n_mpjpe", "N-MPJPE mm", 1), ("all_pa_mpjpe", "PA-MPJPE mm", 1))
_STANDING = (
    ("knee_bias", "knees more bent than they are, degrees", 1), ("knee_straight", "knees below 20 degrees %", 0),
    ("lean", "trunk's lean along the view off by, degrees", 1),
)  # fmt: skip
_EXTRA = (
    ("contact_precision", "contact precision", 2), ("contact_recall", "recall", 2), ("contact_f1", "F1", 2),
    ("skate", "foot skate mm/frame", 1), ("sigma", "within one sigma %", 0), ("sigma_x", "across %", 0),
    ("sigma_y", "up %", 0), ("sigma_z", "along the view %", 0),
)  # fmt: skip


def build_page(results: list[Result], facts: list[str], words: list[str]) -> str:
    """The whole page.

    Args:
        results: all of them.
        facts: what was run; shown as a list.
        words: methods that were left out and why; shown as a list.
    """
    parts = [_HEAD, *[f"- {fact}" for fact in facts]]
    if words:
        parts += ["", "Left out:", "", *[f"- {word}" for word in words]]
    parts += _summary(results)
    for group in dict.fromkeys(r.case.group for r in results):
        for noise in dict.fromkeys(r.case.noise for r in results if r.case.group == group):
            chosen = [r for r in results if r.case.group == group and r.case.noise == noise]
            parts += ["", f"## {group[0].upper()}{group[1:]}, {noise} 2D", "", _size(chosen), *_group(chosen)]
    parts += _by_label(results, "source", lambda r: r.case.source)
    parts += _by_label(results, "action", lambda r: r.case.action, 18)
    return "\n".join(parts) + "\n"


def _summary(results: list[Result]) -> list[str]:
    """Ours beside the best of the others, wherever both ran."""
    rows = []
    for key in dict.fromkeys((r.case.group, r.case.noise) for r in results):
        own = [r for r in results if (r.case.group, r.case.noise) == key]
        figures = {m: mean_figures([r for r in own if r.method == m]) for m in dict.fromkeys(r.method for r in own)}
        ours = {m: f for m, f in figures.items() if m.startswith("Pose Core") and "mpjpe" in f}
        others = {m: f for m, f in figures.items() if m not in ours and "mpjpe" in f}
        if not ours or not others:
            continue
        best = min(others, key=lambda m: others[m]["mpjpe"])
        for method, f in ours.items():
            lower = 100 * (1 - f["mpjpe"] / others[best]["mpjpe"])
            rows.append(
                f"| {key[0]}, {key[1]} 2D | {method} | {f['mpjpe']:.1f} | {f['pa_mpjpe']:.1f} | {best} | "
                f"{others[best]['mpjpe']:.1f} | {others[best]['pa_mpjpe']:.1f} | {lower:.0f} % |"
            )
    if not rows:
        return []
    title = "| On | Ours | MPJPE mm | PA mm | best of the others | MPJPE mm | PA mm | MPJPE lower by |"
    return ["", "## In short", "", title, "|---" * 8 + "|", *rows]


def _group(results: list[Result]) -> list[str]:
    methods = list(dict.fromkeys(r.method for r in results))
    figures = {m: mean_figures([r for r in results if r.method == m]) for m in methods}
    true_jitter = next(iter(figures.values())).get("true_jitter")
    parts = ["", *_table(figures, _POSE)]
    if true_jitter is not None:
        parts += ["", f"Jitter of the truth itself: {true_jitter:.0f} m/s³."]
    whole = {m: f for m, f in figures.items() if "all_mpjpe" in f}
    if whole:
        parts += ["", "All joints, for the methods that give them and as far as the truth has them:", ""]
        parts += _table(whole, _ALL_JOINTS)
    standing = {m: f for m, f in figures.items() if "knee_bias" in f}
    if standing:
        parts += ["", "Knees that are straight in truth, and the trunk:", "", *_table(standing, _STANDING)]
    more = {m: f for m, f in figures.items() if any(key in f for key, _, _ in _EXTRA)}
    if more:
        parts += ["", "Contacts and certainty:", "", *_table(more, _EXTRA)]
    return parts


def _table(figures: dict[str, Figures], columns: Iterable[tuple[str, str, int]]) -> list[str]:
    used = [c for c in columns if any(c[0] in f for f in figures.values())]
    rows = ["| Method | " + " | ".join(title for _, title, _ in used) + " |", "|---" * (len(used) + 1) + "|"]
    for method, f in figures.items():
        cells = [f"{f[key]:.{digits}f}" if key in f else "" for key, _, digits in used]
        rows.append(f"| {method} | " + " | ".join(cells) + " |")
    return rows


def _size(results: list[Result]) -> str:
    cases = {id(r.case): r for r in results}.values()
    frames = sum(len(r.case.time_s) for r in cases)
    subjects = {r.case.subject for r in cases}
    sequences = f"{len(cases)} sequence{'s' * (len(cases) != 1)}"
    return f"{sequences} of {len(subjects)} subject{'s' * (len(subjects) != 1)}, {frames} frames."


def _by_label(results: list[Result], title: str, label: Callable[[Result], str], most: int = 0) -> list[str]:
    """MPJPE on the limbs by source or action, moving cameras, noisy 2D."""
    noisy = [r for r in results if r.case.noise == "noisy" and r.case.track is None]
    names = sorted({label(r) for r in noisy}, key=lambda n: (-sum(r.weight for r in noisy if label(r) == n), n))
    if not noisy:
        return []
    methods = list(dict.fromkeys(r.method for r in noisy))
    cut = f", the {most} with most frames" if most and len(names) > most else ""
    parts = ["", f"## By {title}: MPJPE mm on the limbs, noisy 2D{cut}", ""]
    parts += [f"| {title} | frames | " + " | ".join(methods) + " |", "|---" * (len(methods) + 2) + "|"]
    for name in names[: most or None]:
        own = [r for r in noisy if label(r) == name]
        cells = [f"{mean_figures([r for r in own if r.method == m]).get('mpjpe', float('nan')):.0f}" for m in methods]
        frames = sum(r.weight for r in own if r.method == methods[0])
        parts.append(f"| {name} | {frames:.0f} | " + " | ".join(cells) + " |")
    return parts


_HEAD = """\
# Accuracy

Made by `scripts/evaluate.py`; do not edit. All methods ran in this run, on the same 2D joints.

What is measured: positions relative to the pelvis in camera axes, on the twelve joints that every method has (hips,
knees, ankles, shoulders, elbows, wrists); the pelvis itself, without error by definition, does not count. Figures are
means over sequences weighted by frames; contacts are pooled. Joints that a method does not give count as wrong in
3DPCK and AUC, and are left out of the other figures.

- **Scale.** One view cannot tell a person's size. The networks and the pose prior answer for a person of 1.70 m, which
  is scaled to the true height; the height is given to the solver; other methods' sequences are scaled as a whole so
  that their long limbs are those of that height. The height is the one that the long limbs of the truth tell by
  average proportions. N-MPJPE scales every frame to fit, whatever the height.
- **MPJPE** Ionescu et al. 2014, protocol 1. **N-MPJPE** Rhodin et al. 2018. **PA-MPJPE** protocol 2, best similarity
  transform of every frame. **3DPCK@150, AUC** Mehta et al. 2017. **Acceleration error** Kanazawa et al. 2019.
  **Jitter** mean jerk (Flash & Hogan 1985; Yi et al. 2021). **Bone lengths vary**: largest relative standard deviation
  of the length of a thigh, shank, upper arm or forearm. **Foot skate**: mean slip of a planted heel or ball of the
  foot a frame, in the world, where the truth says it is planted. **Within one sigma** should be 68 %.
- **Exact** 2D is the projection of the truth. **Noisy** 2D has joint definitions 1 to 3 cm off, noise correlated over
  time of 0.65 % of the person's extent, some outliers, occlusions, losses, swaps, and a focal length 10 % wrong.
- Cameras are drawn at random as in training (pitch, roll, distance, focal length, motion); where the solver takes part
  they stand still, as it expects.
- **People who stand** have other proportions, legs more or less apart, and clothes that hide where hips (-4 +- 7 cm
  along the trunk), knees, feet, shoulders and head are; cameras look up or down by -45 to 35 degrees.
- Estimated joints of the recordings (heels in most of them) are not counted. Peers are measured, not shipped.
"""
