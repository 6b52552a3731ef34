import av
import pytest

from pose_core.config import CameraConfig
from pose_core.solve.intrinsics import choose_intrinsics
from pose_core.video.probe import probe_video, stated_focal_35mm
from tests.video.make import make_video

KEY = "com.apple.quicktime.camera.focal_length.35mm_equivalent"


def test_the_focal_length_that_a_telephone_wrote_is_read(tmp_path):
    plain = make_video(tmp_path / "plain.mp4")
    stated = tmp_path / "stated.mov"
    with (
        av.open(str(plain)) as source,
        av.open(str(stated), "w", format="mov", options={"movflags": "use_metadata_tags"}) as target,
    ):
        target.metadata[KEY] = "26"
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(source.streams.video[0]):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    assert probe_video(plain).focal_35mm is None
    assert probe_video(stated).focal_35mm == 26.0


@pytest.mark.parametrize("text", ["", "wide", "0", "-3", "nan", "1e9"])
def test_nonsense_is_as_nothing(text):
    assert stated_focal_35mm({KEY: text}) is None


def test_what_the_user_says_goes_before_the_file():
    size = (1920, 1080)
    K, source = choose_intrinsics(CameraConfig(focal_35mm=26.0), size)
    assert source == "metadata" and K[0, 0] == pytest.approx(2202.9 * 26 / 43.27, rel=1e-3)
    K, source = choose_intrinsics(CameraConfig(focal_px=900.0, focal_35mm=26.0), size)
    assert source == "given" and K[0, 0] == 900.0
