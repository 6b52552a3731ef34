"""What is too large or impossible is refused before it costs anything; what is odd is read as well as it can be."""

import itertools
import resource
import struct
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from pose_core.config import EstimateRequest
from pose_core.detect.windows import MOST_TILES, square_tiles
from pose_core.errors import CancelledError, NoPersonError, VideoError
from pose_core.pipeline import estimate
from pose_core.video import open_video
from pose_core.video.bounds import MOST_PIXELS
from pose_core.video.image_size import image_size
from pose_core.video.timeline import LONGEST_GAP_S, SHORTENED_GAP_S, TimestampRepair
from tests.support.shared import shared_file


def read(path: Path) -> tuple[list[float], list[str]]:
    with open_video(path) as reader:
        times = [frame.time_s for frame in reader]
        return times, reader.warnings


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("h264_flip16_2.mp4", "known coding"),
        ("hevc_head4.mkv", "known coding"),
        ("pasp_10000.mp4", "pixels at most 8 times"),
        ("bomb30000.png", "at most 50 million pixels"),
    ],
)
def test_impossible_videos_are_refused(name: str, says: str) -> None:
    path = shared_file(f"cases/{name}")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(VideoError, match=says):
        read(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # kilobytes


def test_a_size_that_only_the_coded_pictures_tell_is_bounded_too(tmp_path: Path) -> None:
    bomb = shared_file("cases/bomb30000.png").read_bytes()
    with av.open(str(tmp_path / "bomb.mov"), "w") as container:
        stream = container.add_stream("png", rate=30)
        stream.width = stream.height = 64
        stream.pix_fmt = "rgb24"
        for packet in stream.encode(av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")):
            container.mux(packet)
        packet = av.Packet(bomb)
        packet.stream, packet.pts, packet.dts, packet.time_base = stream, 1, 1, stream.time_base
        container.mux(packet)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    times, warnings = read(tmp_path / "bomb.mov")
    assert len(times) == 1 and "damaged" in warnings[0]
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000


def test_an_impossible_rate_is_replaced(tmp_path: Path) -> None:
    times, warnings = read(shared_file("cases/avi_ratemax.avi"))
    assert np.allclose(np.diff(times), 1 / 30) and len(times) == 18
    assert "no valid time" in warnings[0]


def test_a_jump_of_the_clock_leaves_a_gap_not_half_a_day() -> None:
    times, warnings = read(shared_file("cases/ts_jump.ts"))
    assert len(times) == 18 and times[-1] < 4.0
    assert sorted(np.diff(times))[-1] == pytest.approx(float(SHORTENED_GAP_S), abs=0.1)
    assert any("clock jumps ahead 1 time, by up to 45563 s" in warning for warning in warnings)


def test_gaps_stay_jumps_are_shortened_and_equal_stamps_parted() -> None:
    repair = TimestampRepair(Fraction(1, 1000), Fraction(1, 25))
    ticks = [0, 40, 80, 80 + 599_000, 599_120, 2_000_000, 2_000_040, 599_160, 599_160]
    times = [float(repair.time_of(tick)) for tick in ticks]
    assert times[:5] == [0.0, 0.04, 0.08, 599.08, 599.12]
    assert times[5] - times[4] == float(SHORTENED_GAP_S) and repair.jumps == 1
    assert np.all(np.diff(times) > 0.009) and times[-1] < float(LONGEST_GAP_S) + 4
    close = TimestampRepair(Fraction(1, 90_000), Fraction(1, 25))
    assert np.min(np.diff([float(close.time_of(tick)) for tick in (0, 1, 3600, 7200)])) > 0.01


def test_animated_webp_gives_all_pictures_with_their_times() -> None:
    path = shared_file("cases/animated.webp")
    times, warnings = read(path)
    assert len(times) == 38 and not warnings
    assert np.allclose(np.diff(times), 1 / 15, atol=1e-3)
    with open_video(path, start_s=0.5, end_s=1.0) as reader:
        assert [round(frame.time_s, 3) for frame in reader] == [round(t, 3) for t in times if 0.5 <= t < 1.0]


@pytest.mark.parametrize("kind", ["webp", "png", "gif"])
def test_animations_are_drawn_as_their_format_says(kind: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    base = cv2.resize(rng.integers(0, 255, (6, 8, 3), dtype=np.uint8), (96, 64), interpolation=cv2.INTER_CUBIC)
    pictures = []
    for k in range(5):  # only a small part changes: encoders store just that
        base = base.copy()
        base[10 + 8 * k : 30 + 8 * k, 20:50] = 40 * k
        pictures.append(base)
    animation = cv2.Animation()
    animation.frames, animation.durations = pictures, [100, 40, 60, 80, 100]
    cv2.imwriteanimation(
        str(tmp_path / f"a.{kind}"), animation, [cv2.IMWRITE_WEBP_QUALITY, 101] if kind == "webp" else []
    )
    with open_video(tmp_path / f"a.{kind}") as reader:
        frames = list(reader)
    assert [round(frame.time_s, 3) for frame in frames] == [0.0, 0.1, 0.14, 0.2, 0.28]
    tolerance = 60 if kind == "gif" else 2
    for frame, bgr in zip(frames, pictures, strict=True):
        assert np.median(np.abs(frame.to_rgb().astype(int) - bgr[..., ::-1])) <= tolerance


def test_a_damaged_animation_gives_what_is_whole(tmp_path: Path) -> None:
    data = shared_file("cases/animated.webp").read_bytes()
    rng = np.random.default_rng(0)
    for k in range(60):
        spoilt = bytearray(data)
        for at in rng.integers(30, len(data), 6):
            spoilt[at] ^= int(rng.integers(1, 256))
        (tmp_path / "a.webp").write_bytes(bytes(spoilt if k % 2 else data[: int(rng.integers(1, len(data)))]))
        try:
            times, _ = read(tmp_path / "a.webp")
        except VideoError:
            continue
        assert np.all(np.diff(times) > 0)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tif", ".bmp", ".jp2", ".ppm"])
def test_sizes_are_known_without_decoding(suffix: str, tmp_path: Path) -> None:
    ok, data = cv2.imencode(suffix, np.zeros((37, 91, 3), np.uint8))
    assert ok and image_size(data.tobytes()) == (91, 37)
    for length in range(40):
        image_size(data.tobytes()[:length])


def test_more_sizes() -> None:
    for order, word in (("<", b"II"), (">", b"MM")):
        tags = struct.pack(order + "HHII", 256, 4, 1, 70_000) + struct.pack(order + "HHII", 257, 4, 1, 9)
        data = word + struct.pack(order + "HIH", 42, 8, 2) + tags
        assert image_size(data) == (70_000, 9)
    assert image_size(b"P5\n# a comment\n12 34\n255\n") == (12, 34)
    assert image_size(b"GIF89a") is None and image_size(b"") is None


@pytest.mark.parametrize("size", [(4000, 2), (2, 4000), (1920, 1080), (16384, 1)])
def test_windows_are_bounded_and_cover_the_picture(size: tuple[int, int]) -> None:
    tiles = square_tiles(size)
    assert 1 < len(tiles) <= MOST_TILES
    across = sorted((t.center_x - t.width / 2, t.center_x + t.width / 2) for t in tiles)
    if size[0] > size[1]:
        assert across[0][0] <= 0 and across[-1][1] >= size[0]
        assert all(a[1] >= b[0] for a, b in itertools.pairwise(across))


@pytest.mark.model
def test_a_strip_is_searched_and_given_up(tmp_path: Path) -> None:
    with pytest.raises(NoPersonError):
        estimate(EstimateRequest(str(shared_file("cases/px4000x2.mp4")), str(tmp_path / "x.motion.npz")))


def test_cancel_is_looked_at_while_pictures_are_skipped() -> None:
    asked = []

    def cancel() -> bool:
        asked.append(1)
        return len(asked) > 5

    path = shared_file("cases/cut_two_people.mp4")
    with open_video(path, start_s=3.0, cancel=cancel) as reader, pytest.raises(CancelledError):
        next(reader)
    assert len(asked) == 6


def test_the_bound_holds_eight_k() -> None:
    assert MOST_PIXELS > 7680 * 4320
