"""The committed sample clip, its ground truth and the motion it was made from agree with each other."""

from pathlib import Path

import numpy as np
import pytest

from pose_core.maths.cameras import invert_rigid, project_points, transform_points
from pose_core.skeletons import CANONICAL, CONTACT_JOINTS

SAMPLES = Path(__file__).resolve().parents[1] / "samples"
VIDEO = SAMPLES / "mannequin_walk.mp4"

# Shortest and longest a bone of an adult may be, metres.
PLAUSIBLE_M = {
    "spine": (0.10, 0.25), "chest": (0.10, 0.25), "neck": (0.15, 0.28), "head": (0.10, 0.22), "nose": (0.08, 0.14),
    "hip": (0.07, 0.12), "knee": (0.36, 0.50), "ankle": (0.34, 0.48), "heel": (0.05, 0.11), "toe": (0.10, 0.18),
    "shoulder": (0.17, 0.30), "elbow": (0.24, 0.36), "wrist": (0.21, 0.32), "hand": (0.05, 0.11),
}  # fmt: skip


@pytest.fixture(scope="module")
def truth() -> dict[str, np.ndarray]:
    with np.load(SAMPLES / "mannequin_walk_truth.npz", allow_pickle=False) as data:
        return {name: data[name] for name in data.files}


def test_truth_has_the_canonical_joints(truth):
    count = len(truth["timestamps_s"])
    assert tuple(truth["joint_names"]) == CANONICAL.names
    assert truth["joints_world_m"].shape == (count, 24, 3)
    assert truth["joints_px"].shape == (count, 24, 2)
    assert np.isfinite(truth["joints_world_m"]).all() and np.isfinite(truth["joints_px"]).all()
    assert "mocap.cs.cmu.edu" in str(truth["source"])


def test_joints_project_to_their_pixels(truth):
    """Half a pixel would already be visible as an offset; float32 storage costs 0.0001 px."""
    T_camera_world = invert_rigid(truth["T_world_camera"])
    seen = project_points(transform_points(T_camera_world, truth["joints_world_m"]), truth["camera_matrix"])
    assert np.abs(seen - truth["joints_px"]).max() < 0.5


def test_person_stays_in_the_picture(truth):
    assert (truth["joints_px"] > 0).all()
    assert (truth["joints_px"] < truth["image_size"]).all()


def test_camera_is_upright_and_looks_at_the_person(truth):
    R = truth["T_world_camera"][:3, :3]
    np.testing.assert_allclose(R @ R.T, np.eye(3), atol=1e-9)
    assert np.linalg.det(R) == pytest.approx(1.0)
    assert R[2, 1] < -0.95  # the picture's down is nearly the world's down


def test_video_fits_the_truth(truth):
    av = pytest.importorskip("av")
    with av.open(str(VIDEO)) as container:
        stream = container.streams.video[0]
        assert [stream.width, stream.height] == truth["image_size"].tolist()
        assert stream.codec_context.name == "h264"
        times = [float(frame.pts * stream.time_base) for frame in container.decode(stream)]
    # 1 ms is far below a frame and far above rounding to the container's time base.
    np.testing.assert_allclose(times, truth["timestamps_s"], atol=1e-3)
    assert 180 <= len(times) <= 260


def test_bones_keep_their_lengths(truth):
    joints = truth["joints_world_m"].astype(float)
    # The trunk joints of the canonical tree skip bones of the rig, so their distances may change a little.
    flexible = {"neck", "head", "shoulder"}
    for joint, (name, parent) in enumerate(zip(CANONICAL.names, CANONICAL.parents, strict=True)):
        if parent < 0:
            continue
        kind = name.removeprefix("left_").removeprefix("right_")
        length = np.linalg.norm(joints[:, joint] - joints[:, parent], axis=-1)
        low, high = PLAUSIBLE_M[kind]
        assert low < length.min() and length.max() < high, name
        if kind not in flexible:
            assert np.ptp(length) < 1e-4, name


def test_sides_have_equal_bones(truth):
    joints = truth["joints_world_m"][0].astype(float)
    length = np.linalg.norm(joints - joints[np.maximum(CANONICAL.parents, 0)], axis=-1)
    for kind in ("hip", "knee", "ankle", "heel", "toe", "elbow", "wrist", "hand"):
        left, right = CANONICAL.indices(f"left_{kind}", f"right_{kind}")
        assert length[left] == pytest.approx(length[right], abs=1e-4), kind


def test_feet_stand_on_the_floor(truth):
    feet = truth["joints_world_m"][:, CANONICAL.indices("left_heel", "left_toe", "right_heel", "right_toe")]
    heights = feet[..., 2]
    assert heights.min() > 0.015  # heel and ball lie 24 and 30 mm above the sole
    # Somebody who walks and stands has one foot down at all times.
    assert heights.min(axis=1).max() < 0.05


def test_some_foot_always_stands_still(truth):
    """Who walks at 1.2 m/s rests on a heel or a ball: the slowest of the four hardly moves.

    Only while the body rolls from the heel over to the ball do both wander a little.
    """
    joints, step_s = truth["joints_world_m"].astype(float), np.diff(truth["timestamps_s"])
    contacts = joints[:, CANONICAL.indices(*CONTACT_JOINTS)]
    slowest = (np.linalg.norm(np.diff(contacts, axis=0), axis=-1) / step_s[:, None]).min(axis=1)
    assert np.median(slowest) < 0.04
    assert np.percentile(slowest, 90) < 0.10
    assert slowest.max() < 0.30


def test_motion_source_is_what_the_rig_does(truth):
    """The rig follows its input; the solver may move joints by millimetres to fit constant bones."""
    with np.load(SAMPLES / "mannequin_walk.motion_source.npz", allow_pickle=False) as source:
        difference = np.linalg.norm(source["joints_m"] - truth["joints_world_m"], axis=-1)
        assert float(source["fps"]) == pytest.approx(1.0 / np.diff(truth["timestamps_s"]).mean())
    assert difference.max() < 0.02


@pytest.mark.parametrize(("name", "limit"), [
    ("mannequin_walk.mp4", 2_000_000), ("mannequin.fbx", 1_500_000), ("mannequin.blend", 1_500_000),
])  # fmt: skip
def test_sample_files_stay_small(name, limit):
    assert 10_000 < (SAMPLES / name).stat().st_size < limit
