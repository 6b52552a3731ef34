"""Preview videos: exact times, whole files or none."""

from fractions import Fraction

import av
import numpy as np
import pytest

from pose_core.errors import ConfigError, ShapeError, VideoError
from pose_core.video import PreviewWriter, open_video, probe_video
from tests.video.make import number_of, numbered_picture

# One tick of the file's clock.
TICK_S = 1 / 90_000


def write(path, times, size=(96, 72), **options) -> None:
    with PreviewWriter(path, *size, **options) as writer:
        for number, time_s in enumerate(times):
            writer.write(numbered_picture(number, *size), time_s)


def read(path):
    with open_video(path) as reader:
        return [(number_of(frame.to_rgb()), frame.time_s) for frame in reader]


@pytest.mark.parametrize("fps", [Fraction(30000, 1001), 24, 60, Fraction(60000, 1001), 12.5])
def test_even_rates_are_exact(tmp_path, fps):
    times = [float(k / Fraction(fps)) for k in range(40)]
    write(tmp_path / "out.mp4", times, fps=fps)
    numbers, read_times = zip(*read(tmp_path / "out.mp4"), strict=True)
    assert list(numbers) == list(range(40))
    np.testing.assert_allclose(read_times, times, rtol=0, atol=TICK_S)
    info = probe_video(tmp_path / "out.mp4")
    assert info.average_fps == Fraction(fps)
    assert info.duration_s == pytest.approx(float(40 / Fraction(fps)), abs=2 * TICK_S)
    assert (info.codec, info.pixel_format) == ("h264", "yuv420p")


def test_uneven_times_are_kept_from_zero(tmp_path):
    times = 7.0 + np.cumsum([0.0, *np.random.default_rng(0).uniform(0.004, 0.5, 30)])
    write(tmp_path / "out.mp4", times)
    np.testing.assert_allclose([t for _, t in read(tmp_path / "out.mp4")], times - 7.0, rtol=0, atol=TICK_S)
    assert probe_video(tmp_path / "out.mp4").start_time_s == 0


def test_odd_sizes_are_filled_up(tmp_path):
    write(tmp_path / "out.mp4", [0.0, 0.1], size=(97, 71))
    info = probe_video(tmp_path / "out.mp4")
    assert (info.width, info.height) == (98, 72)


@pytest.mark.parametrize("size", [(96, 72), (1280, 720)])
def test_colours_survive(tmp_path, size):
    colours = [(200, 30, 40), (20, 180, 60), (30, 40, 220), (255, 255, 255), (0, 0, 0)]
    with PreviewWriter(tmp_path / "out.mp4", *size, crf=10) as writer:
        for k, colour in enumerate(colours):
            writer.write(np.full((size[1], size[0], 3), colour, np.uint8), k / 10)
    with open_video(tmp_path / "out.mp4") as reader:
        for colour, frame in zip(colours, reader, strict=True):
            assert np.abs(frame.to_rgb().mean(axis=(0, 1)) - colour).max() < 4


def test_index_comes_first_and_nothing_else_is_left(tmp_path):
    write(tmp_path / "out.mp4", [k / 30 for k in range(20)])
    data = (tmp_path / "out.mp4").read_bytes()
    assert 0 < data.find(b"moov") < data.find(b"mdat")
    assert [file.name for file in tmp_path.iterdir()] == ["out.mp4"]
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert container.streams.video[0].start_time == 0
        # No picture is stored out of order: that would need an edit list to start at 0.
        assert all(packet.dts == packet.pts for packet in container.demux(video=0))


@pytest.mark.parametrize("count", [0, 5])
def test_failure_leaves_nothing_and_keeps_the_old_file(tmp_path, count):
    path = tmp_path / "out.mp4"
    path.write_bytes(b"older")
    with pytest.raises(KeyboardInterrupt), PreviewWriter(path, 96, 72) as writer:
        for number in range(count):
            writer.write(numbered_picture(number), number / 30)
        raise KeyboardInterrupt
    assert [file.name for file in tmp_path.iterdir()] == ["out.mp4"]
    assert path.read_bytes() == b"older"


def test_no_picture_is_an_error(tmp_path):
    with pytest.raises(VideoError, match="at least one picture"), PreviewWriter(tmp_path / "out.mp4", 96, 72):
        pass
    assert not list(tmp_path.iterdir())


def test_refusals(tmp_path):
    (tmp_path.parent / "a file").touch()
    with pytest.raises(VideoError, match=r"out\.mp4.*a file stands where a folder is needed"):
        PreviewWriter(tmp_path.parent / "a file" / "out.mp4", 64, 48)
    with pytest.raises(VideoError, match=r"there is a folder of this name"):
        PreviewWriter(tmp_path, 64, 48)
    for options in ({"width": 0}, {"fps": 0}, {"crf": 60}, {"preset": "hasty"}):
        with pytest.raises(ConfigError):
            PreviewWriter(tmp_path / "out.mp4", **{"width": 96, "height": 72, **options})
    picture = numbered_picture(0)
    for bad, time_s in ((picture[:-1], 1.0), (picture.astype(float), 1.0), (picture, float("nan")), (picture, 0.0)):
        with pytest.raises(ShapeError), PreviewWriter(tmp_path / "out.mp4", 96, 72) as writer:
            writer.write(picture, 0.0)
            writer.write(bad, time_s)
    assert not list(tmp_path.iterdir())
