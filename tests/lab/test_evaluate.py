"""The evaluation: its sequences, its measures, and a tiny run from end to end."""

import re
import shutil
from dataclasses import replace

import numpy as np
import pytest

from pose_core.errors import InsufficientDataError
from pose_core.lab.datasets.mocap import split_mocap
from pose_core.lab.datasets.mocap_folder import read_folder
from pose_core.lab.evaluation.cases import mocap_cases
from pose_core.lab.evaluation.measure import mean_figures, measure
from pose_core.lab.evaluation.methods import Estimate
from pose_core.lift.features import INPUT_JOINTS
from pose_core.maths.cameras import rays_from_pixels
from pose_core.skeletons import joint_mapping
from scripts import evaluate
from tests.support.shared import shared_file


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mocap")
    for name in ("cmu_amc.npz", "fair.npz"):
        shutil.copyfile(shared_file(f"mocap/{name}"), folder / name)
    return folder


@pytest.fixture(scope="module")
def subjects(data):
    return split_mocap(read_folder(data)).subjects


def test_the_same_seed_gives_the_same_sequences_and_noise_leaves_the_view(subjects):
    first, again = (mocap_cases("g", subjects, "noisy", 1, 3, frames=30)[0] for _ in range(2))
    exact = mocap_cases("g", subjects, "exact", 1, 3, frames=30)[0]
    other = mocap_cases("g", subjects, "noisy", 1, 4, frames=30)[0]
    assert np.array_equal(first.rays, again.rays) and not np.array_equal(first.rays, other.rays)
    known = np.isfinite(first.truth_m) & np.isfinite(exact.truth_m)
    assert np.any(known) and np.array_equal(first.truth_m[known], exact.truth_m[known])
    seen = (first.confidence > 0) & (exact.confidence > 0)
    assert 0.002 < np.median(np.abs(first.rays - exact.rays)[seen]) / np.ptp(exact.rays[0]) < 0.1


def test_keypoint_tracks_show_the_same_joints(subjects):
    case = mocap_cases("g", subjects, "noisy", 1, 5, frames=30, still=True)[0]
    mapping = joint_mapping(case.track.keypoint_set)
    confidence = mapping.confidences(case.track.confidence)[:, INPUT_JOINTS]
    rays = rays_from_pixels(mapping.positions(case.track.xy_px)[:, INPUT_JOINTS], case.K)[..., :2]
    seen = confidence > 0
    assert seen.mean() > 0.5
    assert rays[seen] == pytest.approx(case.rays[seen])


def test_measures_of_a_perfect_a_scaled_and_an_absent_estimate(subjects):
    case = mocap_cases("g", subjects, "exact", 1, 6, frames=30, still=True)[0]
    sigma = np.full(case.truth_m.shape[:2], 0.05)
    result = measure("m", Estimate(case.truth_m, sigma, case.contacts), case)
    perfect = result.figures
    assert perfect["mpjpe"] == 0 and perfect["pck"] == 100 and perfect["acceleration"] == 0 and perfect["sigma"] == 100
    pooled = mean_figures([replace(result, contacts=np.array([[0.9, 1.0], [0.8, 0.0]])),
                           replace(result, contacts=np.array([[0.1, 1.0], [0.7, 1.0]]))])  # fmt: skip
    assert pooled["contact_f1"] == pytest.approx(2 / 3)
    # half as large again: the mean distance of the limbs from the pelvis, halved; N-MPJPE does not see it
    scaled = measure("m", Estimate(1.5 * case.truth_m), case).figures
    assert scaled["mpjpe"] > 100 and scaled["n_mpjpe"] < 1e-6 and scaled["pa_mpjpe"] < 1e-6
    lost = np.array(case.truth_m)
    lost[: len(lost) // 2] = np.nan
    half = measure("m", Estimate(lost), case).figures
    assert half["mpjpe"] == 0 and half["pck"] == pytest.approx(50, abs=1) and half["lost"] == pytest.approx(50, abs=1)


def test_a_method_that_gives_up_has_found_nothing(subjects):
    def gives_up(case):
        raise InsufficientDataError("no")

    cases = mocap_cases("g", subjects, "exact", 1, 6, frames=30)
    results = evaluate._apply({"m": gives_up}, cases)
    assert len(results) == len(cases)
    figures = mean_figures(results)
    assert figures["pck"] == 0 and figures["lost"] == 100 and "mpjpe" not in figures


def test_means_weigh_by_frames(subjects):
    case = mocap_cases("g", subjects, "exact", 1, 6, frames=30)[0]
    result = measure("m", Estimate(case.truth_m), case)
    parts = [replace(result, figures={"a": 1.0}, weight=30), replace(result, figures={"a": 4.0}, weight=10)]
    assert mean_figures([*parts, replace(result, figures={"a": np.nan}, weight=5)]) == {"a": pytest.approx(1.75)}


def test_a_tiny_run_from_end_to_end(data, tmp_path, capsys):
    def run(out):
        peers = shared_file("peers/gcn_poseaug.onnx").parent
        options = ["--quick", "--parts", "mocap,solver", "--data", str(data), "--peers", str(peers), "--out", str(out)]
        assert evaluate.main([*options, "--lifter", str(tmp_path / "absent.onnx")]) == 0
        return (out / "accuracy.md").read_text()

    page = run(tmp_path / "first")
    headings = ("Held-out subjects, exact 2D", "Held-out sources, noisy 2D", "still cameras", "By source", "By action")
    for expected in (*headings, "PPCA mixture", "PoseAug GCN", "whole pipeline", "Seed 7", "weights are not there"):
        assert expected in page
    assert "nan" not in page
    assert str(tmp_path) not in page
    for picture in re.findall(r"\((\w+\.png)\)", page):
        assert (tmp_path / "first" / picture).stat().st_size > 5000
    assert run(tmp_path / "second") == page
    capsys.readouterr()


def test_data_that_is_not_there_is_an_error(tmp_path, capsys):
    assert evaluate.main(["--quick", "--data", str(tmp_path), "--out", str(tmp_path / "o"), "--parts", "mocap"]) == 2
    assert "no motion capture" in capsys.readouterr().err
