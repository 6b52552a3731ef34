"""The whole job on real pictures, with the embedded model."""

from pathlib import Path

import av
import numpy as np
import pytest

from pose_core.config import CameraConfig, EstimateRequest, SolveConfig, TrackConfig, VideoConfig
from pose_core.errors import CancelledError, ConfigError, NoPersonError, VideoError
from pose_core.maths.metrics import acceleration_error, bone_length_variation, mpjpe, pa_mpjpe
from pose_core.motion_file import read_motion
from pose_core.pipeline import estimate, motion_paths
from pose_core.video import PreviewWriter, open_video
from tests.support.shared import shared_file

SAMPLE = Path(__file__).resolve().parents[1] / "samples" / "mannequin_walk.mp4"
TRUTH = SAMPLE.with_name("mannequin_walk_truth.npz")

pytestmark = pytest.mark.model


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sample")
    with np.load(TRUTH, allow_pickle=False) as data:
        truth = {k: data[k] for k in data.files}
    seen = []
    request = EstimateRequest(
        str(SAMPLE), str(folder / "walk.motion.npz"), preview=str(folder / "walk.preview.mp4"),
        solve=SolveConfig(height_m=float(truth["height_m"])),
    )  # fmt: skip
    result = estimate(request, progress=seen.append)
    return result, truth, seen, folder


def test_sample_clip_comes_out_near_its_truth(sample, record_property):
    result, truth, _, _ = sample
    motion = read_motion(result.motion_paths[0])
    assert np.allclose(motion.timestamps_s, truth["timestamps_s"], atol=1e-3)
    assert motion.valid.mean() > 0.98
    R, t = truth["T_world_camera"][:3, :3], truth["T_world_camera"][:3, 3]
    camera = (truth["joints_world_m"] - t) @ R
    joints = motion.joints_camera_m[:, [motion.joint_names.index(str(n)) for n in truth["joint_names"]]]
    error, aligned = mpjpe(joints, camera), pa_mpjpe(joints, camera)
    record_property("mpjpe_mm", 1000 * error)
    record_property("pa_mpjpe_mm", 1000 * aligned)
    assert error < 0.13 and aligned < 0.09
    assert bone_length_variation(motion.joints_world_m, motion.parents) < 1e-6
    travelled = np.linalg.norm(np.ptp(motion.root_translation_m[:, :2], axis=0))
    assert travelled > 0.3 * np.linalg.norm(np.ptp(truth["joints_world_m"][:, 0, :2], axis=0))


def test_sides_are_not_swapped(sample):
    result, truth, _, _ = sample
    motion = read_motion(result.motion_paths[0])
    left, right = (motion.keypoint_names.index(f"{s}_wrist") for s in ("left", "right"))
    names = [str(n) for n in truth["joint_names"]]
    same = np.linalg.norm(motion.keypoints_px[:, left] - truth["joints_px"][:, names.index("left_wrist")], axis=-1)
    other = np.linalg.norm(motion.keypoints_px[:, right] - truth["joints_px"][:, names.index("left_wrist")], axis=-1)
    assert np.nanmedian(same) < np.nanmedian(other)


def test_report_and_progress(sample):
    result, truth, seen, folder = sample
    report = result.report
    assert report["frames"] == len(truth["timestamps_s"])
    assert report["people_found"] >= 1 and report["mean_reprojection_px"] < 25
    assert set(report["stage_seconds"]) == {"track", "lift", "solve", "preview", "write"}
    assert {p.stage for p in seen} >= {"track", "solve", "preview"}
    assert all(0 <= p.fraction <= 1 for p in seen)
    assert {p.name for p in folder.iterdir()} == {"walk.motion.npz", "walk.preview.mp4"}


def test_preview_has_every_frame(sample):
    result, truth, _, _ = sample
    with open_video(result.preview_path) as reader:
        times = [frame.time_s for frame in reader]
    assert np.allclose(times, truth["timestamps_s"], atol=2e-3)


def test_part_of_a_clip(tmp_path):
    request = EstimateRequest(
        str(SAMPLE), str(tmp_path / "part.motion.npz"), video_config=VideoConfig(start_s=1.0, end_s=1.6)
    )
    motion = read_motion(estimate(request).motion_paths[0])
    assert 1.0 <= motion.timestamps_s[0] < motion.timestamps_s[-1] < 1.6
    assert len(motion.timestamps_s) == 18


def test_cancelling_leaves_nothing(tmp_path):
    calls = []

    def cancel():
        calls.append(1)
        return len(calls) > 20

    request = EstimateRequest(str(SAMPLE), str(tmp_path / "x.motion.npz"), preview=str(tmp_path / "x.mp4"))
    with pytest.raises(CancelledError):
        estimate(request, cancel=cancel)
    assert list(tmp_path.iterdir()) == []


def test_cancelling_during_the_preview_leaves_nothing(tmp_path):
    in_preview = []

    def progress(p):
        if p.stage == "preview":
            in_preview.append(p)

    request = EstimateRequest(
        str(SAMPLE), str(tmp_path / "x.motion.npz"), preview=str(tmp_path / "x.mp4"),
        video_config=VideoConfig(end_s=1.0),
    )  # fmt: skip
    with pytest.raises(CancelledError):
        estimate(request, progress=progress, cancel=lambda: bool(in_preview))
    assert list(tmp_path.iterdir()) == []


def test_a_preview_that_fails_costs_no_motion(tmp_path, monkeypatch):
    def full_disk(self, frame):
        raise VideoError("expected to write the preview, but that failed: No space left on device.")

    monkeypatch.setattr(PreviewWriter, "_encode", full_disk)
    request = EstimateRequest(
        str(SAMPLE), str(tmp_path / "x.motion.npz"), preview=str(tmp_path / "x.mp4"),
        video_config=VideoConfig(end_s=0.6),
    )  # fmt: skip
    result = estimate(request)
    assert result.preview_path is None and any("no preview" in w for w in result.report["warnings"])
    assert [p.name for p in tmp_path.iterdir()] == ["x.motion.npz"]
    assert len(read_motion(result.motion_paths[0]).timestamps_s) == 18


def test_the_footage_is_never_an_output(tmp_path):
    footage = tmp_path / "walk.mp4"
    footage.write_bytes(SAMPLE.read_bytes())
    with pytest.raises(ConfigError, match="is the video"):
        estimate(EstimateRequest(str(footage), str(tmp_path / "walk.motion.npz"), preview=str(footage)))
    assert footage.read_bytes() == SAMPLE.read_bytes() and len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("poses", [np.zeros((3, 3)), np.eye(4) * 2, np.zeros((9, 4, 5))])
def test_a_camera_file_that_cannot_serve_is_refused_before_the_video_is_looked_at(tmp_path, poses):
    np.save(tmp_path / "camera.npy", poses)
    camera = CameraConfig(poses_path=str(tmp_path / "camera.npy"))
    with pytest.raises(ConfigError, match="Camera poses must"):
        estimate(EstimateRequest(str(tmp_path / "nowhere.mp4"), str(tmp_path / "x.motion.npz"), camera=camera))


def test_nobody_in_the_picture(tmp_path):
    video = tmp_path / "empty.mp4"
    rng = np.random.default_rng(0)
    with PreviewWriter(video, 320, 240) as writer:
        for t in range(20):
            writer.write(rng.integers(90, 110, (240, 320, 3), dtype=np.uint8), t / 20)
    with pytest.raises(NoPersonError, match="20 frames"):
        estimate(EstimateRequest(str(video), str(tmp_path / "x.motion.npz")))
    assert [p.name for p in tmp_path.iterdir()] == ["empty.mp4"]


def test_a_person_that_is_not_there(tmp_path):
    request = EstimateRequest(
        str(SAMPLE), str(tmp_path / "x.motion.npz"), track=TrackConfig(person_id=9), video_config=VideoConfig(end_s=1.0)
    )
    with pytest.raises(NoPersonError, match="9"):
        estimate(request)


def test_missing_video(tmp_path):
    with pytest.raises(VideoError, match="nowhere"):
        estimate(EstimateRequest(str(tmp_path / "nowhere.mp4"), str(tmp_path / "x.motion.npz")))


def test_damage_in_the_middle_is_told(tmp_path):
    with av.open(str(SAMPLE)) as container:
        packets = [(packet.pos, packet.size) for packet in container.demux(video=0) if packet.size]
    content = bytearray(SAMPLE.read_bytes())
    position, size = packets[20]
    content[position : position + size] = b"\xff" * size
    path = tmp_path / "damaged.mp4"
    path.write_bytes(content)
    result = estimate(EstimateRequest(str(path), str(tmp_path / "x.motion.npz"), video_config=VideoConfig(end_s=1.0)))
    assert 15 < result.report["frames"] < 30
    assert any("video is damaged" in warning for warning in result.report["warnings"])


def test_several_people_get_a_file_each(tmp_path):
    assert motion_paths("a/b.motion.npz", [1, 3]) == ("a/b.motion.npz", "a/b.p3.motion.npz")
    clip = shared_file("clips/two_people_cam01.mp4")
    request = EstimateRequest(str(clip), str(tmp_path / "two.motion.npz"), track=TrackConfig(people=2))
    result = estimate(request)
    motions = [read_motion(p) for p in result.motion_paths]
    assert len(motions) == 2 and motions[0].person_id != motions[1].person_id
    apart = np.linalg.norm(motions[0].joints_camera_m[:, 0, :2] - motions[1].joints_camera_m[:, 0, :2], axis=-1)
    assert np.nanmedian(apart) > 0.2


@pytest.mark.parametrize("camera", ["cam01", "cam04"])
def test_accuracy_on_real_footage_is_printed(camera, tmp_path, record_property):
    clip = shared_file(f"clips/balance_{camera}.mp4")
    with np.load(shared_file("clips/balance_reference.npz"), allow_pickle=False) as reference:
        view = [str(n) for n in reference["camera_names"]].index(camera)
        T = reference["T_camera_world"][view]
        truth = reference["positions"] @ T[:3, :3].T + T[:3, 3]
        names, times = [str(n) for n in reference["joint_names"]], reference["timestamps_s"]
    motion = read_motion(estimate(EstimateRequest(str(clip), str(tmp_path / "b.motion.npz"))).motion_paths[0])
    joints = motion.joints_camera_m[:, [motion.joint_names.index(n) for n in names]]
    figures = {
        "mpjpe_mm": 1000 * mpjpe(joints, truth),
        "pa_mpjpe_mm": 1000 * pa_mpjpe(joints, truth),
        "acceleration_error_m_s2": acceleration_error(joints, truth, times),
    }
    for name, value in figures.items():
        record_property(name, value)
    # not a target: twice as bad as today means that something broke
    assert figures["mpjpe_mm"] < 220 and figures["pa_mpjpe_mm"] < 150


def test_legs_that_cross_in_profile_keep_their_sides(sample):
    """The 2D model exchanges the legs for a frame or two of this clip; the motion must not show it."""
    result, truth, _, _ = sample
    motion = read_motion(result.motion_paths[0])
    repaired = motion.diagnostics["lift"]["repair"]["swapped"]
    assert any(span["start"] <= 27 < span["stop"] and "legs" in span["limbs"] for span in repaired)
    names = [str(n) for n in truth["joint_names"]]
    for side, other in (("left", "right"), ("right", "left")):
        k = motion.keypoint_names.index(f"{side}_ankle")
        own = np.linalg.norm(motion.keypoints_px[27, k] - truth["joints_px"][27, names.index(f"{side}_ankle")])
        wrong = np.linalg.norm(motion.keypoints_px[27, k] - truth["joints_px"][27, names.index(f"{other}_ankle")])
        assert own < wrong


def test_legs_that_no_pixel_shows_are_marked(tmp_path):
    result = estimate(EstimateRequest(str(shared_file("cases/half_body.mp4")), str(tmp_path / "x.motion.npz")))
    motion = read_motion(result.motion_paths[0])
    ankles = [motion.joint_names.index(f"{side}_ankle") for side in ("left", "right")]
    shoulders = [motion.joint_names.index(f"{side}_shoulder") for side in ("left", "right")]
    assert not np.any(motion.joint_seen[:, ankles]) and np.all(motion.joint_seen[:, shoulders])
    assert np.all(motion.joint_sigma_m[:, ankles] > 0.3) and np.median(motion.joint_sigma_m[:, shoulders]) < 0.1
    assert not np.any(motion.contacts)
    assert any("legs of person 1 are outside of the picture" in warning for warning in result.report["warnings"])
