"""The page of results, out of whatever runs are finished."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from pose_core.files import atomic_path
from pose_core.lab.ablations.arms import MEAN_OF, PAPERS, Paper
from pose_core.lab.ablations.lifting import COMPONENTS, POSES, TEST_POSES, read_lifting
from pose_core.lab.ablations.pictures import draw_pictures
from pose_core.lab.ablations.results import Run, constant_figures, judge, read_runs
from pose_core.lab.ablations.train import Pictures
from pose_core.lab.datasets.layout import DATASET_FILE, read_json

_UNITS = {"mpjpe_mm": "mm", "pa_mpjpe_mm": "mm", "error_2d_percent": "% of the picture", "pck": "points of 3DPCK"}
_COLUMNS = (("error_2d_percent", "2D error %", 2), ("mpjpe_mm", "MPJPE mm", 1), ("pa_mpjpe_mm", "PA-MPJPE mm", 1),
            ("pck", "3DPCK@150 %", 1), ("auc", "AUC %", 1))  # fmt: skip
_Constant = dict[str, dict[str, float]]
_SPLITS = {"test": "studio look", "wild_test": "wild look"}


def write_page(out: Path, data: Path, path: Path) -> None:
    """Write the page, and its pictures into a folder of the same name beside it.

    Args:
        out: folder of the runs.
        data: folder of the data set; for the pictures.
        path: the page.
    """
    runs = {paper.name: read_runs(out, paper) for paper in PAPERS}
    drawn = draw_pictures(out, Pictures(data), runs, path.with_suffix(""))
    constant = constant_figures(data)
    parts = [_HEAD, *_conditions(data, runs), "", "## In short", "", *_summary(runs, constant, out)]
    for paper in PAPERS:
        if runs[paper.name]:
            parts += _section(paper, runs[paper.name], constant, out)
            parts += [f"\n![{text}]({path.stem}/{name})" for name, text in drawn.get(paper.name, [])]
    parts += ["", _TAIL]
    with atomic_path(path) as temporary:
        temporary.write_text("\n".join(parts).rstrip() + "\n", encoding="utf-8")


def _conditions(data: Path, runs: dict[str, list[Run]]) -> list[str]:
    described = read_json(data / DATASET_FILE)
    everything = [run for own in runs.values() for run in own if run.facts]
    minutes = sum(run.facts["minutes"] for run in everything)
    half = ", products as bfloat16 (`--half`)" if any(run.facts["half"] for run in everything) else ""
    lines = [
        f"- Data: {described['count']} pictures of {described['size_px']} px by "
        f"`python scripts/render_dataset.py --out people --count {described['count']} --size {described['size_px']} "
        f"--shard-size {described['shard_size']} --mocap MOCAP_FOLDER`; one person, one outfit and one look for every "
        f"{described['shard_size']} pictures.",
        f"- {len(everything)} runs, {minutes:.0f} minutes in all on one thread of a processor that had other work "
        f"too{half}: `python scripts/run_ablations.py --data people --mocap MOCAP_FOLDER --threads 1 --half`. One "
        "that was stopped goes on; `pose_core/lab/ablations/arms.py` is the table of all arms.",
    ]
    for split, look in _SPLITS.items():
        facts = next((r.facts["measured"][split] for r in everything if split in r.facts["measured"]), None)
        if facts:
            where = f"{facts['samples']} pictures of {facts['people']} people (`{split}`)"
            lines.append(f"- Measured in the {look} on {where}.")
    return lines


def _summary(runs: dict[str, list[Run]], constant: _Constant, out: Path) -> list[str]:
    rows = [
        "| Paper | Claim | Better by, seed by seed | Mean, and 95 % over test people | Holds here |",
        "|---|---|---|---|---|",
    ]
    for paper in PAPERS:
        for claim in paper.claims:
            verdict = judge(paper, claim, runs[paper.name], constant[paper.measured_on])
            if verdict is None:
                continue
            unit = _UNITS[claim.figure or paper.figure]
            seeds = ", ".join(f"{value:+.2f}" for value in verdict.by_seed)
            rows.append(
                f"| {paper.name} | {claim.text} | {seeds} | {verdict.mean:+.2f} {unit} "
                f"({verdict.low:+.2f} to {verdict.high:+.2f}) | **{verdict.words}** |"
            )
        if paper.name == "tome2017":
            rows += _tome_rows(runs[paper.name], out)
    return rows


def _tome_rows(runs: list[Run], out: Path) -> list[str]:
    """Claims that no pair of arms decides."""
    by_stage = [run.facts["stages"]["test"] for run in runs if run.facts["stages"].get("test")]
    gains = {"The last stage is better than the first": ([e[0] - e[-1] for e in by_stage], "% of the picture")}
    figures = [facts["figures"] for facts in read_lifting(out).values()]
    for worse, text in (("single component", "A mixture lifts exact 2D better than one component"),
                        ("mean pose, true direction", "It lifts better than the mean pose")):  # fmt: skip
        gains[text] = ([f[worse]["mpjpe_mm"] - f["mixture"]["mpjpe_mm"] for f in figures], "mm")
    return [
        f"| tome2017 | {text} | {', '.join(f'{g:+.2f}' for g in values)} | {np.mean(values):+.2f} {unit} | "
        f"**{'yes' if min(values) > 0 else 'no' if max(values) <= 0 else 'not always'}** |"
        for text, (values, unit) in gains.items() if values
    ]  # fmt: skip


def _section(paper: Paper, runs: list[Run], constant: _Constant, out: Path) -> list[str]:
    first = next(run.facts for run in runs if run.facts)
    config = ", ".join(f"{key} {value}" for key, value in paper.changes.items())
    lines = [
        "", f"## {paper.title}", "",
        f"The paper: {paper.reported}", "",
        f"Here: `{paper.network}`, configuration `{paper.size}` with {config}; {first['steps']} steps of "
        f"{first['config']['recipe']['batch']} pictures, {first['train']} training pictures in the first arm."
        f"{f' {paper.note}' if paper.note else ''}", "",
    ]  # fmt: skip
    shown = [column for column in _COLUMNS if any(not np.isnan(r.figure(paper.measured_on, column[0])) for r in runs)]
    lines += [
        f"On `{paper.measured_on}`, people that no run has seen:", "",
        "| Arm | Seed | " + " | ".join(title for _, title, _ in shown) + " | parameters | minutes |",
        "|---" * (4 + len(shown)) + "|",
    ]  # fmt: skip
    titles = {arm.name: arm.title for arm in paper.arms}
    if paper.name in MEAN_OF:
        name, title, _ = MEAN_OF[paper.name]
        titles[name] = title
    for name, title in titles.items():
        own = sorted((run for run in runs if run.arm == name), key=lambda run: run.seed)
        for run in own:
            cells = [_number(run.figure(paper.measured_on, key), digits) for key, _, digits in shown]
            facts = run.facts
            cost = [f"{facts['parameters'] / 1e6:.2f} M", f"{facts['minutes']:.1f}"] if facts else ["", ""]
            lines.append(f"| {title} | {run.seed} | " + " | ".join(cells + cost) + " |")
        if len(own) > 1:
            means = [_number(float(np.mean([r.figure(paper.measured_on, key) for r in own])), digits)
                     for key, _, digits in shown]  # fmt: skip
            lines.append(f"| **{title}** | mean | " + " | ".join(f"**{m}**" if m else "" for m in means) + " | | |")
    said = constant[paper.measured_on]
    cells = [_number(said.get(key, float("nan")), digits) for key, _, digits in shown]
    lines.append("| the mean pose of the training people, always | | " + " | ".join(cells) + " | | |")
    other = next(split for split in _SPLITS if split != paper.measured_on)
    lines += ["", f"MPJPE on `{other}`, the {_SPLITS[other]}, means over seeds: " + ", ".join(
        f"{title} {_number(float(np.mean(values)), 1)} mm" for name, title in titles.items()
        if (values := [r.figure(other, "mpjpe_mm") for r in runs if r.arm == name])
    ) + "."]  # fmt: skip
    lines += _stages(paper, runs, titles)
    if paper.name == "tome2017":
        lines += _lifting(out)
    return lines


def _stages(paper: Paper, runs: list[Run], titles: dict[str, str]) -> list[str]:
    with_stages = [run for run in runs if run.facts and run.facts["stages"].get(paper.measured_on)]
    if not with_stages or paper.name == "habibie2019":
        return []
    lines = ["", "2D error by stage, % of the picture:", ""]
    count = max(len(run.facts["stages"][paper.measured_on]) for run in with_stages)
    lines += ["| Arm | Seed | " + " | ".join(f"stage {n + 1}" for n in range(count)) + " | fusion weights |",
              "|---" * (3 + count) + "|"]  # fmt: skip
    for run in with_stages:
        errors = run.facts["stages"][paper.measured_on]
        cells = [f"{error:.2f}" for error in errors] + [""] * (count - len(errors))
        weights = ", ".join(f"{w:.2f}" for w in run.facts.get("fusion_weights", []))
        lines.append(f"| {titles[run.arm]} | {run.seed} | " + " | ".join(cells) + f" | {weights} |")
    by_run = [run.facts["stages"][paper.measured_on] for run in with_stages]
    falls = sum(errors[-1] < errors[0] for errors in by_run)
    lines += ["", f"The last stage is better than the first in {falls} of {len(with_stages)} runs."]
    return lines


def _lifting(out: Path) -> list[str]:
    results = read_lifting(out)
    if not results:
        return []
    lines = [
        "", f"Lifting noiseless 2D joints of {TEST_POSES} poses of held-out performers without any image network "
        f"(cameras all around); {COMPONENTS} components against one, learned by EM from {POSES} poses:", "",
        "| Model | Seed | log-likelihood of a pose | MPJPE mm | PA-MPJPE mm |", "|---|---|---|---|---|",
    ]  # fmt: skip
    names = list(next(iter(results.values()))["figures"])
    for name in names:
        for seed, facts in results.items():
            f: dict[str, Any] = facts["figures"][name]
            likelihood = _number(f["log_likelihood"], 1)
            lines.append(f"| {name} | {seed} | {likelihood} | {f['mpjpe_mm']:.1f} | {f['pa_mpjpe_mm']:.1f} |")
    error = {name: [r["figures"][name]["mpjpe_mm"] for r in results.values()] for name in names}
    gains = [one - many for one, many in zip(error["single component"], error["mixture"], strict=True)]
    rises = all(r["rises"] for r in results.values())
    lines += [
        "", f"The mixture is better than one component by {', '.join(f'{g:+.1f}' for g in gains)} mm (the paper: 4.6 "
        f"mm); the likelihood {'rises in every step of EM' if rises else 'does NOT rise in every step of EM'}.",
    ]  # fmt: skip
    return lines


def _number(value: float, digits: int) -> str:
    return "" if np.isnan(value) else f"{value:.{digits}f}"


_HEAD = """\
# The networks of five papers, and whether their claims hold here

Made by `scripts/run_ablations.py`; do not edit. What is compared are directions (what beats what), not numbers: the
papers trained for days on real people, these networks are small, saw mannequins alone and were trained for minutes
each, far from convergence. All arms of a paper have the same data, steps, batches and sizes, and differ in what is
named.

- The weights of a run are chosen on the people of `validation`; what is printed was measured once, on others.
- 2D error: mean distance over 17 joints, hidden ones and those outside of the picture included. 3D: 17 joints relative
  to the pelvis, unscaled (MPJPE), after Procrustes alignment (PA-MPJPE), 3DPCK at 150 mm and its AUC.
- Intervals draw the test people anew, seed by seed averaged; they say nothing of other seeds. Two seeds are few: read a
  difference as real only where both agree and the interval leaves zero out ("yes").
- Where neither arm beats one and the same mean pose for everybody by 5 % or more, nothing is decided, whichever comes
  out ahead: networks that have not begun to learn cannot be compared.
- `--longer 20 --device cuda` trains all of it twenty times as long on a GPU."""

_TAIL = """\
## What this does not show

- Nothing of photographs: people, clothes and light are synthetic.
- Nothing of the full-size configurations (`--config paper`), for which a GPU and real data are needed.
- Orders that come out of minutes of training can turn with more of it."""
