from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pose_core.errors import ModelError
from pose_core.keypoints import topdown
from pose_core.keypoints.crop import Region
from pose_core.keypoints.topdown import TopDownKeypoints, pose_from_unit
from pose_core.runtime.tensors import TensorInfo
from pose_core.video.frame import VideoFrame
from tests.support.shared import shared_file

SIZE = (192, 256)


class SimccSession:
    """A network that reports SimCC distributions around known input pixels."""

    def __init__(self, truth: np.ndarray) -> None:
        self.truth = truth
        self.seen: list[np.ndarray] = []
        self.inputs = (TensorInfo("input", (None, 3, SIZE[1], SIZE[0]), "float32"),)
        self.outputs = (
            TensorInfo("simcc_x", (None, 26, 384), "float32"),
            TensorInfo("simcc_y", (None, 26, 512), "float32"),
        )
        self.provider, self.diagnostics = "cpu", {}

    def run(self, inputs: dict[str, np.ndarray]) -> list[np.ndarray]:
        self.seen.append(inputs["input"])
        return [
            np.exp(-((np.arange(2 * n) - 2 * self.truth[:, k, None]) ** 2) / (2 * 5.0**2))[None]
            for k, n in enumerate(SIZE)
        ]


def open_fake(monkeypatch: pytest.MonkeyPatch, session: object, keypoint_set: str = "halpe26") -> TopDownKeypoints:
    monkeypatch.setattr(topdown, "open_session", lambda *_, **__: session)
    return TopDownKeypoints(Path("net.onnx"), head="simcc", keypoint_set=keypoint_set)


def test_simcc_keypoints_land_in_the_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    truth = np.random.default_rng(0).uniform((10, 10), (180, 240), (26, 2))
    session = SimccSession(truth)
    region = Region(300, 200, 150, 200)
    frame = VideoFrame.from_rgb(np.full((400, 600, 3), (200, 100, 50), np.uint8))
    pose = open_fake(monkeypatch, session).estimate(frame, region)
    assert pose is not None
    scale = 150 / 192
    np.testing.assert_allclose(pose.xy_px, (truth + 0.5) * scale + (225, 100), atol=0.02)
    # RGB in this order, mean and deviation of ImageNet.
    expected = (np.array([200, 100, 50]) - topdown.MEAN_RGB) / topdown.STD_RGB
    np.testing.assert_allclose(session.seen[0][0, :, 128, 96], expected, atol=1e-4)


def test_a_network_with_other_keypoints_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    network = open_fake(monkeypatch, SimccSession(np.full((26, 2), 50.0)), keypoint_set="coco17")
    with pytest.raises(ModelError, match="26 keypoints"):
        network.estimate(VideoFrame.from_rgb(np.zeros((90, 90, 3), np.uint8)), Region(45, 45, 60, 80))


def test_nobody_where_all_keypoints_are_unlikely() -> None:
    assert pose_from_unit(Region(0, 0, 75, 100), np.full((17, 2), 0.5), np.full(17, 0.1), 0.75) is None


def test_the_next_region_holds_the_pose_and_shrinks_slowly() -> None:
    unit = np.random.default_rng(2).uniform(0.45, 0.55, (17, 2))
    region = Region(100, 100, 300, 400)
    pose = pose_from_unit(region, unit, np.full(17, 0.9), 0.75)
    assert pose is not None
    assert pose.next_region.width == pytest.approx(0.97 * 300)
    assert pose.next_region.width / pose.next_region.height == pytest.approx(0.75)
    x0, y0, x1, y1 = pose.next_region.square_box
    assert np.all((pose.xy_px > (x0, y0)) & (pose.xy_px < (x1, y1)))


def test_tinypose_agrees_with_itself_mirrored() -> None:
    """A picture and its mirror image give mirrored keypoints: any half-cell bias would show twice."""
    from pose_core.skeletons import KEYPOINT_SETS
    from pose_core.video.reader import open_video

    network = TopDownKeypoints(shared_file("models/tinypose_256x192.onnx"), head="heatmap", keypoint_set="coco17")
    with open_video(shared_file("clips/balance_cam04.mp4"), start_frame=0, end_frame=30) as reader:
        frames = list(reader)[::5]
    region, differences = Region(410, 985, 780, 1040), []
    for frame in frames:
        rgb = frame.to_rgb()
        pose = network.estimate(VideoFrame.from_rgb(rgb), region)
        mirrored_region = Region(frame.width - region.center_x, region.center_y, region.width, region.height)
        mirrored = network.estimate(VideoFrame.from_rgb(np.ascontiguousarray(rgb[:, ::-1])), mirrored_region)
        assert pose is not None and mirrored is not None
        back = mirrored.xy_px[KEYPOINT_SETS["coco17"].mirror]
        differences.append(np.stack([frame.width - back[:, 0], back[:, 1]], axis=1) - pose.xy_px)
    cell_px = 780 / 48
    assert np.abs(np.median(np.array(differences)[..., 0])) < 0.15 * cell_px
