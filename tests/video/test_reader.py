"""Reading video files: counts, times, ranges, damage and refusals."""

import json
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from pose_core.errors import ConfigError, VideoError
from pose_core.video import open_video, probe_video
from tests.support.shared import shared_file
from tests.video.make import NTSC, decoded_by_pyav, make_sound, make_video, number_of, numbered_picture

CONTAINERS = [
    ("mp4", "libx264"),
    ("mov", "libx264"),
    ("mkv", "libx264"),
    ("ts", "libx264"),
    ("avi", "libx264"),
    ("mp4", "mpeg4"),
    ("avi", "mpeg4"),
    ("mp4", "libvpx-vp9"),
    ("webm", "libvpx-vp9"),
]
FAST_VP9 = {"deadline": "realtime", "cpu-used": "8"}
CLIPS = {
    "balance_cam01.mp4": (1080, 1920, 60, 100, "h264"),
    "balance_cam04.mp4": (1088, 1920, 60, 100, "h264"),
    "two_people_cam01.mp4": (1088, 1920, 60, 100, "h264"),
    "street_two_people.mp4": (1768, 994, 30, 230, "vp9"),
    "sit_single.mp4": (720, 720, 20, 187, "mpeg4"),
    "corridor_empty_spans.mp4": (768, 432, 10, 1394, "h264"),
}


def read(path: Path, **options) -> tuple[list[int], list[int], list[float], dict[str, object]]:
    """Numbers in the pictures, indices, times, diagnostics."""
    numbers, indices, times = [], [], []
    with open_video(path, **options) as reader:
        for frame in reader:
            numbers.append(number_of(frame.to_rgb()))
            indices.append(frame.index)
            times.append(frame.time_s)
    return numbers, indices, times, reader.diagnostics


def options_for(codec: str) -> dict[str, str]:
    return FAST_VP9 if "vp9" in codec else {}


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize(("suffix", "codec"), CONTAINERS)
def test_every_picture_once_in_order_at_its_time(tmp_path, suffix, codec, threads):
    path = make_video(tmp_path / f"clip.{suffix}", 40, codec=codec, options=options_for(codec))
    numbers, indices, times, diagnostics = read(path, threads=threads)
    assert numbers == indices == list(range(40))
    # Matroska counts whole milliseconds; AVI and MP4 are exact.
    tolerance = 5.1e-4 if suffix in {"mkv", "webm"} else 1e-12
    np.testing.assert_allclose(times, np.arange(40) * 1001 / 30000, rtol=0, atol=tolerance)
    assert diagnostics["frames_decoded"] == diagnostics["frames_yielded"] == 40
    assert diagnostics["stopped_early"] is None
    assert diagnostics["timestamps_repaired"] == diagnostics["damaged_packets"] == 0
    assert json.loads(json.dumps(diagnostics)) == diagnostics


@pytest.mark.parametrize(("suffix", "codec"), CONTAINERS)
def test_rate_is_never_rounded(tmp_path, suffix, codec):
    info = probe_video(make_video(tmp_path / f"clip.{suffix}", 30, codec=codec, options=options_for(codec)))
    assert info.average_fps == NTSC
    assert info.frame_count == pytest.approx(30, abs=1)
    assert info.duration_s == pytest.approx(1.001, abs=0.04)
    assert (info.width, info.height, info.rotation_deg) == (96, 72, 0)


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_variable_rate_keeps_its_times(tmp_path, suffix):
    ticks = np.cumsum([0, *np.random.default_rng(3).integers(5, 400, 49)]).tolist()
    path = make_video(tmp_path / f"vfr.{suffix}", 50, ticks=ticks, time_base=Fraction(1, 1000))
    numbers, _, times, _ = read(path)
    assert numbers == list(range(50))
    np.testing.assert_allclose(times, np.array(ticks) / 1000, rtol=0, atol=1e-9)
    assert times == pytest.approx(decoded_by_pyav(path))
    if suffix == "mp4":
        assert probe_video(path).is_variable_rate is True


def test_even_rate_is_recognised(tmp_path):
    assert probe_video(make_video(tmp_path / "a.mp4", 30)).is_variable_rate is False


def test_first_picture_is_time_zero(tmp_path):
    path = make_video(tmp_path / "late.mkv", 10, ticks=range(5000, 5400, 40), time_base=Fraction(1, 1000))
    _, _, times, _ = read(path)
    assert times[0] == 0.0 and times[1] == pytest.approx(0.04)
    assert probe_video(path).start_time_s == 5


@pytest.mark.parametrize("ccw", [90, 180, -90])
def test_rotation_is_honoured(tmp_path, ccw):
    upright = [numbered_picture(k + 1, 72, 96) for k in range(5)]
    stored = [np.rot90(picture, -ccw // 90).copy() for picture in upright]
    size = (stored[0].shape[1], stored[0].shape[0])
    path = make_video(tmp_path / "turned.mp4", size=size, pictures=stored, rotation_ccw_deg=ccw)
    info = probe_video(path)
    assert (info.width, info.height, info.rotation_deg) == (72, 96, -ccw % 360)
    with open_video(path) as reader:
        for picture, frame in zip(upright, reader, strict=True):
            assert frame.to_rgb().shape == (96, 72, 3)
            assert np.abs(frame.to_rgb().astype(int) - picture).mean() < 6
            assert np.abs(frame.warp_rgb(np.eye(3), (72, 96)).astype(int) - picture).mean() < 6


def test_odd_sizes(tmp_path):
    path = make_video(tmp_path / "odd.mkv", 8, codec="ffv1", size=(97, 71), pixel_format="yuv420p")
    with open_video(path) as reader:
        for number, frame in enumerate(reader):
            assert (frame.width, frame.height) == (97, 71)
            assert number_of(frame.warp_rgb(np.eye(3), (97, 71))) == number_of(frame.to_rgb()) == number


def test_non_square_pixels(tmp_path):
    path = make_video(tmp_path / "wide.mp4", 5, pixel_aspect=Fraction(4, 3))
    info = probe_video(path)
    assert (info.width, info.height, info.pixel_aspect) == (128, 72, Fraction(4, 3))
    assert read(path)[0] == list(range(5))


# --- Ranges and rates -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"start_frame": 5}, range(5, 300)),
        ({"end_frame": 7}, range(7)),
        ({"start_frame": 200, "end_frame": 206}, range(200, 206)),
        ({"start_frame": 299}, range(299, 300)),
        ({"start_s": 0.2, "end_s": 0.3}, range(6, 9)),
        ({"start_s": 7.0, "end_s": 7.2}, range(210, 216)),
        ({"start_s": 7.001, "end_frame": 213}, range(210, 213)),
        ({"end_s": 1001.0}, range(300)),
    ],
)
@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts", "avi"])
def test_ranges(tmp_path_factory, suffix, options, expected):
    folder = tmp_path_factory.getbasetemp() / "ranges"
    folder.mkdir(exist_ok=True)
    path = folder / f"clip.{suffix}"
    if not path.exists():
        make_video(path, 300, gop=25)
    numbers, indices, times, diagnostics = read(path, **options)
    assert numbers == indices == list(expected)
    np.testing.assert_allclose(times, np.array(expected) * 1001 / 30000, rtol=0, atol=5.1e-4)
    assert diagnostics["stopped_early"] is None
    if (options.get("start_frame") or 0) > 120 and suffix in {"mp4", "mkv", "ts"}:
        assert diagnostics["frames_decoded"] <= len(expected) + 1, "the start was reached by decoding, not by a jump"


def test_range_of_a_video_that_starts_late_and_varies(tmp_path):
    ticks = np.cumsum([7000, *np.random.default_rng(5).integers(5, 90, 299)]).tolist()
    path = make_video(tmp_path / "vfr.mp4", 300, ticks=ticks, time_base=Fraction(1, 1000), gop=40)
    whole = read(path)
    part = read(path, start_frame=250, end_frame=260)
    assert part[:2] == (whole[0][250:260], whole[1][250:260])
    assert part[2] == whole[2][250:260]


def test_target_rate(tmp_path):
    path = make_video(tmp_path / "clip.mp4", 60, fps=60)
    numbers, indices, times, diagnostics = read(path, target_fps=20)
    assert numbers == indices == list(range(0, 60, 3))
    assert times == pytest.approx([k / 60 for k in numbers])
    assert diagnostics["frames_yielded"] == 20
    assert read(path, target_fps=240)[0] == list(range(60))


@pytest.mark.parametrize(
    "options",
    [
        {"start_s": -1.0},
        {"start_s": float("nan")},
        {"end_s": 0.0},
        {"start_s": 2.0, "end_s": 1.0},
        {"start_frame": 3, "end_frame": 3},
        {"start_s": 1.0, "start_frame": 3},
        {"target_fps": 0.0},
        {"target_fps": float("nan")},
        {"threads": 0},
    ],
)
def test_nonsense_options_are_refused(tmp_path, options):
    with pytest.raises(ConfigError):
        open_video(tmp_path / "never_looked_at.mp4", **options)


def test_range_past_the_end(tmp_path):
    path = make_video(tmp_path / "clip.mp4", 20)
    with open_video(path, start_frame=20) as reader, pytest.raises(VideoError, match=r"about 20 frames, 0\.667 s"):
        list(reader)


# --- Damage -----------------------------------------------------------------------------------------------------


def noisy_pictures(count: int, size: tuple[int, int]) -> list[np.ndarray]:
    """Numbered pictures with moving noise, so that packets are large enough to be hit."""
    noise = np.random.default_rng(1).integers(0, 60, (size[1], size[0] + count, 3))
    return [
        np.clip(numbered_picture(k, *size) // 2 + 40 + noise[:, k : k + size[0]] * 1, 0, 255).astype(np.uint8)
        for k in range(count)
    ]


@pytest.fixture(scope="module")
def noisy_mp4(tmp_path_factory) -> Path:
    size = (192, 144)
    pictures = noisy_pictures(60, size)
    path = tmp_path_factory.mktemp("damage") / "noisy.mp4"
    return make_video(path, size=size, pictures=pictures, gop=15, container_options={"movflags": "+faststart"}, fps=30)


def level(rgb: np.ndarray) -> int:
    """The number of a noisy picture (its blocks are 40 or 167 bright, plus noise of 30)."""
    return number_of(np.where(rgb.mean(axis=-1, keepdims=True) > 133, 255, 0).repeat(3, axis=-1))


@pytest.mark.parametrize("threads", [1, 3])
def test_damage_in_the_middle(noisy_mp4, tmp_path, threads):
    data = bytearray(noisy_mp4.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 2500] = bytes(np.random.default_rng(0).integers(0, 256, 2500, np.uint8))
    path = tmp_path / "damaged.mp4"
    path.write_bytes(data)
    clean = {frame.index: frame.to_rgb() for frame in open_video(noisy_mp4)}
    with open_video(path, threads=threads) as reader:
        frames = list(reader)
    diagnostics = reader.diagnostics
    indices = [frame.index for frame in frames]
    assert 0 < len(indices) < 60
    assert indices == sorted(set(indices))
    assert indices[:15] == list(range(15))
    assert diagnostics["frames_dropped_damaged"] or diagnostics["damaged_packets"]
    assert diagnostics["first_damage_s"] == pytest.approx(1.0, abs=0.6)
    # Nothing smeared gets out: the pictures left are those of the whole file, at their times.
    # The damage can touch pictures that are shown before the packet in which it is noticed.
    smeared = 0
    for frame in frames:
        assert frame.time_s == pytest.approx(frame.index / 30)
        smeared += np.abs(frame.to_rgb().astype(int) - clean[frame.index]).mean() > 1.0
    assert smeared <= 3
    # After the next key frame it goes on.
    assert indices[-1] == 59


def test_cut_off_file_gives_what_it_has(noisy_mp4, tmp_path):
    data = noisy_mp4.read_bytes()
    path = tmp_path / "cut.mp4"
    path.write_bytes(data[: len(data) * 6 // 10])
    with open_video(path) as reader:
        numbers = [level(frame.to_rgb()) for frame in reader]
    assert 20 < len(numbers) < 50
    assert numbers == list(range(len(numbers)))
    assert "cut off" in str(reader.diagnostics["stopped_early"])


def test_lost_packets_keep_the_numbers_of_later_pictures(noisy_mp4, tmp_path):
    with av.open(str(noisy_mp4)) as container:
        packets = [(packet.pos, packet.size) for packet in container.demux(video=0) if packet.size]
    data = bytearray(noisy_mp4.read_bytes())
    for position, size in packets[20:23]:
        # The length of the first unit in the packet becomes larger than the packet.
        data[position : position + 4] = b"\x7f\xff\xff\xff"
        assert size > 4
    path = tmp_path / "lost.mp4"
    path.write_bytes(data)
    with open_video(path) as reader:
        frames = list(reader)
    assert reader.diagnostics["damaged_packets"] == 3
    later = [frame for frame in frames if frame.time_s > 1.01]
    assert [frame.index for frame in later] == [round(frame.time_s * 30) for frame in later]
    assert [level(frame.to_rgb()) for frame in later] == [frame.index for frame in later]
    assert len(later) == 29


def test_cut_off_is_told_after_a_jump_too(tmp_path):
    path = make_video(tmp_path / "cut.mp4", 300, gop=25, container_options={"movflags": "+faststart"})
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 19 // 20])
    numbers, _, _, diagnostics = read(path, start_frame=130)
    assert numbers == list(range(130, 130 + len(numbers))) and len(numbers) > 80
    assert "cut off" in str(diagnostics["stopped_early"])


def test_cut_off_in_the_index_is_refused(tmp_path):
    path = make_video(tmp_path / "cut.mp4", 30)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(VideoError, match=r"cut\.mp4"):
        open_video(path)


def test_size_change_stops_the_reading(tmp_path):
    first = make_video(tmp_path / "a.ts", 10, size=(96, 72))
    second = make_video(tmp_path / "b.ts", 10, size=(128, 96))
    joined = tmp_path / "joined.ts"
    joined.write_bytes(first.read_bytes() + second.read_bytes())
    numbers, _, _, diagnostics = read(joined)
    assert numbers == list(range(10))
    assert "96x72 to 128x96" in str(diagnostics["stopped_early"])


def test_glued_files_go_on_in_time(tmp_path):
    part = make_video(tmp_path / "a.ts", 10, fps=25).read_bytes()
    joined = tmp_path / "joined.ts"
    joined.write_bytes(part + part)
    numbers, indices, times, diagnostics = read(joined)
    assert numbers == [*range(10), *range(10)]
    assert indices == list(range(20))
    assert all(before < after for before, after in pairwise(times))
    assert diagnostics["timestamps_repaired"]


def test_file_without_stamps(tmp_path):
    path = make_video(tmp_path / "raw.h264", 20, fps=25, container_format="h264")
    numbers, _, times, diagnostics = read(path)
    assert numbers == list(range(20))
    assert times == pytest.approx([k / 25 for k in range(20)])
    assert diagnostics["timestamps_repaired"]


# --- Refusals ---------------------------------------------------------------------------------------------------


def _no_file(folder: Path) -> Path:
    return folder / "absent.mp4"


def _zero_bytes(folder: Path) -> Path:
    path = folder / "zero.mp4"
    path.touch()
    return path


def _text(folder: Path) -> Path:
    path = folder / "notes.txt"
    path.write_text("No video here.\n" * 200)
    return path


def _text_named_video(folder: Path) -> Path:
    path = folder / "notes.mp4"
    path.write_text("No video here.\n" * 200)
    return path


def _noise(folder: Path) -> Path:
    path = folder / "noise.mkv"
    path.write_bytes(np.random.default_rng(0).integers(0, 256, 50_000, np.uint8).tobytes())
    return path


def _playlist(folder: Path) -> Path:
    make_video(folder / "part.ts", 10)
    path = folder / "list.m3u8"
    path.write_text("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\npart.ts\n#EXT-X-ENDLIST\n")
    return path


def _sound(folder: Path) -> Path:
    return make_sound(folder / "sound.m4a")


def _sound_mp4(folder: Path) -> Path:
    return make_sound(folder / "sound.mp4")


def _sound_with_cover(folder: Path) -> Path:
    return make_sound(folder / "song.mp3", with_cover=True)


def _empty_folder(folder: Path) -> Path:
    path = folder / "pictures"
    path.mkdir()
    return path


def _no_pictures(folder: Path) -> Path:
    """A video of which all picture data are zeros."""
    path = make_video(folder / "hollow.mp4", 10, container_options={"movflags": "+faststart"})
    data = bytearray(path.read_bytes())
    start = data.find(b"mdat") + 4
    data[start:] = bytes(len(data) - start)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    ("make", "cause"),
    [
        (_no_file, "does not exist"),
        (_zero_bytes, "empty"),
        (_text, "cannot be read|of the kind"),
        (_text_named_video, "cannot be read|of the kind"),
        (_noise, "cannot be read|of the kind"),
        (_playlist, "cannot be read|of the kind"),
        (_sound, "only audio"),
        (_sound_mp4, "only audio"),
        (_sound_with_cover, "only a cover picture and audio"),
        (_empty_folder, "holds none"),
        (_no_pictures, "can be decoded"),
    ],
)
def test_what_is_no_video_is_refused_by_name_and_cause(tmp_path, make, cause):
    path = make(tmp_path)
    for attempt in (probe_video, lambda path: list(open_video(path))):
        with pytest.raises(VideoError, match=cause) as caught:
            attempt(path)
        assert str(path) in str(caught.value)


# --- Real clips -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CLIPS)
def test_real_clips(name):
    width, height, fps, count, codec = CLIPS[name]
    path = shared_file(f"clips/{name}")
    info = probe_video(path)
    assert (info.width, info.height, info.average_fps, info.frame_count, info.codec) == (
        width,
        height,
        fps,
        count,
        codec,
    )
    with open_video(path) as reader:
        indices, times = zip(*((frame.index, frame.time_s) for frame in reader), strict=True)
    assert indices == tuple(range(count))
    np.testing.assert_allclose(times, np.arange(count) / fps, rtol=0, atol=1e-9)
    assert reader.diagnostics["stopped_early"] is None


def test_jump_gives_the_same_pictures_as_reading_through():
    path = shared_file("clips/corridor_empty_spans.mp4")
    with open_video(path, end_frame=640) as reader:
        straight = {frame.index: frame.to_rgb() for frame in reader if frame.index >= 633}
    with open_video(path, start_frame=633, end_frame=640) as reader:
        jumped = {frame.index: frame.to_rgb() for frame in reader}
    assert jumped.keys() == straight.keys()
    for index, rgb in jumped.items():
        np.testing.assert_array_equal(rgb, straight[index])
