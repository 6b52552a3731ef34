"""`scripts/run_ablations.py`: the table of arms, the verdicts, and a run in small. Needs PyTorch."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

from pose_core.lab.ablations.arms import LOWER_IS_BETTER, MEAN_OF, PAPERS, Claim
from pose_core.lab.ablations.pictures import receptive_field
from pose_core.lab.ablations.results import Run, judge

pytestmark = pytest.mark.train

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "samples" / "rendered_people"
HABIBIE = next(paper for paper in PAPERS if paper.name == "habibie2019")
PARK = next(paper for paper in PAPERS if paper.name == "park2016")


@pytest.mark.parametrize("paper", PAPERS, ids=lambda paper: paper.name)
def test_arms_differ_in_what_they_say_alone(paper):
    configs = {arm.name: paper.config(arm) for arm in paper.arms}
    assert len(configs) == len(paper.arms)
    for config in configs.values():
        recipe = config.recipe
        assert (recipe.steps, recipe.batch) == (paper.steps, paper.batch)
        assert config.image_size == paper.changes["image_size"]
    known = {*configs, *(MEAN_OF[paper.name][:1] if paper.name in MEAN_OF else ())}
    for claim in paper.claims:
        assert {claim.better, claim.worse} <= known and claim.better != claim.worse
        assert (claim.figure or paper.figure) in LOWER_IS_BETTER


def test_the_strategy_of_an_arm_brings_its_stages():
    li_chan = next(paper for paper in PAPERS if paper.name == "li_chan2014")
    stages = {arm.name: li_chan.config(arm).recipe.stages for arm in li_chan.arms}
    assert [name for name, _ in stages["pretrain"]] == ["detect", "regress"]
    assert stages["regression"] == (("train", 1.0),)


def run(arm, seed, values, figure, people, split="test"):
    return Run(arm, seed, {}, {split: {"subject": people}}, {split: {figure: np.asarray(values, dtype=float)}})


def test_a_claim_holds_if_every_seed_and_the_people_say_so():
    people = np.repeat(np.arange(8), 5)
    noise = np.random.default_rng(0).normal(0, 1, 40)
    claim = Claim("multi_root", "neither", "")

    def verdict(*gains):
        runs = [run("neither", s, 100 + noise, "mpjpe_mm", people) for s in range(len(gains))]
        runs += [run("multi_root", s, 100 + noise - g, "mpjpe_mm", people) for s, g in enumerate(gains)]
        return judge(PARK, claim, runs)

    clear = verdict(5.0, 3.0)
    assert clear.words == "yes" and clear.by_seed == pytest.approx((5.0, 3.0)) and clear.mean == pytest.approx(4.0)
    assert clear.low <= clear.mean <= clear.high
    assert verdict(5.0, -3.0).words == "on average, not with every seed"
    assert verdict(1.0, -3.0).words == "no, the reverse"
    scattered = np.tile(np.linspace(-20, 21, 8)[:, None], (1, 5)).ravel()
    runs = [
        run("neither", 1, 100 + scattered, "mpjpe_mm", people),
        run("multi_root", 1, noise * 0 + 100, "mpjpe_mm", people),
    ]
    assert judge(PARK, claim, runs).words == "yes, but no more than chance could do"
    assert judge(PARK, claim, runs[:1]) is None


def test_more_is_better_where_shares_are_counted():
    people = np.arange(6)
    runs = [run("both", 1, np.full(6, 70.0), "pck", people, "wild_test"),
            run("studio", 1, np.full(6, 60.0), "pck", people, "wild_test")]  # fmt: skip
    verdict = judge(HABIBIE, Claim("both", "studio", ""), runs)
    assert verdict.mean == pytest.approx(10.0) and verdict.words == "yes"


def test_what_a_cell_of_the_third_convolution_sees():
    """Against the gradient of such a stack."""
    import torch

    kernels = (7, 5, 3)
    side, stride = receptive_field(kernels)
    layers = torch.nn.Sequential(
        torch.nn.Conv2d(1, 1, 7, 2), torch.nn.AvgPool2d(2), torch.nn.Conv2d(1, 1, 5), torch.nn.AvgPool2d(2),
        torch.nn.Conv2d(1, 1, 3),
    )  # fmt: skip
    for layer in layers:
        if isinstance(layer, torch.nn.Conv2d):
            torch.nn.init.ones_(layer.weight)
    image = torch.zeros(1, 1, 96, 96, requires_grad=True)
    layers(image)[0, 0, 1, 0].backward()
    rows = np.flatnonzero(image.grad[0, 0].abs().sum(dim=1).numpy())
    assert len(rows) == side and rows[0] == stride


def test_a_run_in_small_leaves_a_page_and_is_not_repeated(tmp_path):
    command = [
        sys.executable, str(ROOT / "scripts" / "run_ablations.py"), "hourglass", "--data", str(SAMPLE),
        "--out", str(tmp_path / "runs"), "--page", str(tmp_path / "page.md"), "--seeds", "1", "--steps", "2",
        "--threads", "1", "--mocap", str(tmp_path / "none"),
    ]  # fmt: skip
    done = subprocess.run([*command, "--no-page"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    results = sorted((tmp_path / "runs").glob("hourglass/*/result.json"))
    assert [json.loads(path.read_text())["arm"] for path in results] == ["2d", "3d"]
    done = subprocess.run([*command, "--page-only"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "page.md").read_text()
    assert "mean of both" in page and "The mean beats the 3D hourglass" in page
    assert (tmp_path / "page" / "hourglass_3d_examples.png").stat().st_size > 5000
    again = subprocess.run([*command, "--no-page"], capture_output=True, text=True, check=False)
    assert "0 of 2 runs to do" in again.stdout
    wrong = subprocess.run([*command[:2], "alexnet", *command[3:]], capture_output=True, text=True, check=False)
    assert wrong.returncode == 2 and "no paper 'alexnet'" in wrong.stderr
