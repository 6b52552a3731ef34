"""Image sequences: folders, patterns, gaps, damage and refusals."""

from fractions import Fraction

import cv2
import numpy as np
import pytest

from pose_core.errors import ConfigError, VideoError
from pose_core.video import open_video, probe_video
from tests.video.make import number_of, numbered_picture


def save(path, number: int, size: tuple[int, int] = (96, 72)) -> None:
    ok, data = cv2.imencode(path.suffix, cv2.cvtColor(numbered_picture(number, *size), cv2.COLOR_RGB2BGR))
    assert ok
    path.write_bytes(data.tobytes())


def read(path, **options):
    with open_video(path, **options) as reader:
        rows = [(number_of(frame.to_rgb()), frame.index, frame.time_s) for frame in reader]
    numbers, indices, times = map(list, zip(*rows, strict=True))
    return numbers, indices, times, reader.diagnostics


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".bmp", ".webp"])
@pytest.mark.parametrize("how", ["", "shot_####{}", "shot_%04d{}", "shot_%d{}"])
def test_folder_and_patterns(tmp_path, suffix, how):
    for number in (7, 8, 9, 10, 11):
        save(tmp_path / f"shot_{number:04d}{suffix}", number)
    (tmp_path / "notes.txt").write_text("not an image")
    path = tmp_path / how.format(suffix) if how else tmp_path
    numbers, indices, times, diagnostics = read(path, image_fps=25)
    assert numbers == [7, 8, 9, 10, 11]
    assert indices == [0, 1, 2, 3, 4]
    assert times == pytest.approx([0.0, 0.04, 0.08, 0.12, 0.16])
    assert diagnostics["missing_images"] == 0
    info = probe_video(path, image_fps=25)
    assert (info.width, info.height, info.frame_count, info.average_fps) == (96, 72, 5, 25)
    assert info.duration_s == pytest.approx(0.2)


def test_numbers_without_leading_zeros_are_in_numeric_order_and_names_may_be_foreign(tmp_path):
    folder = tmp_path / "Aufnahme ä 日本"
    folder.mkdir()
    for number in (9, 10, 11):
        save(folder / f"b{number}.png", number)
    assert read(folder)[0] == [9, 10, 11]


def test_left_out_numbers_are_gaps_in_time(tmp_path):
    for number in (1, 2, 5):
        save(tmp_path / f"f{number}.png", number)
    numbers, indices, times, diagnostics = read(tmp_path, image_fps=10)
    assert (numbers, indices) == ([1, 2, 5], [0, 1, 2])
    assert times == pytest.approx([0.0, 0.1, 0.4])
    assert diagnostics["missing_images"] == 2


def test_clock_numbers_and_plain_names_count_by_order(tmp_path):
    clock, plain = tmp_path / "clock", tmp_path / "plain"
    clock.mkdir()
    plain.mkdir()
    for number, stamp in enumerate((1700000000123, 1700000000456, 1700000000999)):
        save(clock / f"{stamp}.png", number)
    for number, name in enumerate("abc"):
        save(plain / f"{name}.png", number)
    for folder in (clock, plain):
        numbers, _, times, _ = read(folder, image_fps=10)
        assert numbers == [0, 1, 2]
        assert times == pytest.approx([0.0, 0.1, 0.2])


def test_ranges_and_target_rate(tmp_path):
    for number in range(20):
        save(tmp_path / f"{number:03d}.png", number)
    assert read(tmp_path, start_frame=3, end_frame=6)[0] == [3, 4, 5]
    assert read(tmp_path, start_s=0.5, image_fps=20, end_s=0.75)[0] == [10, 11, 12, 13, 14]
    assert read(tmp_path, image_fps=20, target_fps=5)[0] == [0, 4, 8, 12, 16]


def test_single_image(tmp_path):
    save(tmp_path / "one.png", 5)
    assert read(tmp_path / "one.png")[:3] == ([5], [0], [0.0])


def test_grey_and_16_bit_images(tmp_path):
    grey = numbered_picture(99)[..., 0]
    for name, data in (("grey.png", grey), ("deep.png", grey.astype(np.uint16) * 257)):
        cv2.imwrite(str(tmp_path / name), data)
        assert read(tmp_path / name)[0] == [99]


def test_damaged_image_is_left_out(tmp_path):
    for number in range(4):
        save(tmp_path / f"{number}.png", number)
    (tmp_path / "2.png").write_bytes(b"broken")
    numbers, indices, _, diagnostics = read(tmp_path)
    assert (numbers, indices) == ([0, 1, 3], [0, 1, 3])
    assert diagnostics["damaged_packets"] == diagnostics["frames_dropped_damaged"] == 1
    assert diagnostics["first_damage_s"] == pytest.approx(2 / 30)


def test_size_change_stops(tmp_path):
    save(tmp_path / "0.png", 0)
    save(tmp_path / "1.png", 1, (128, 96))
    numbers, _, _, diagnostics = read(tmp_path)
    assert numbers == [0]
    assert "128x96" in str(diagnostics["stopped_early"])


def test_refusals(tmp_path):
    with pytest.raises(VideoError, match=r"there are none"):
        open_video(tmp_path / "shot_####.png")
    with pytest.raises(VideoError, match="does not exist"):
        open_video(tmp_path / "absent.png")
    (tmp_path / "broken.png").write_bytes(b"broken")
    with pytest.raises(VideoError, match=r"broken\.png"):
        open_video(tmp_path / "broken.png")
    mixed = tmp_path / "mixed"
    mixed.mkdir()
    for name in ("a_1.png", "a_2.png", "b_1.png", "b_2.png"):
        save(mixed / name, 1)
    with pytest.raises(VideoError, match="holds 2"):
        open_video(mixed)
    assert len(read(mixed / "a_#.png")[0]) == 2
    for fps in (0, -1.0, float("nan")):
        with pytest.raises(ConfigError):
            open_video(mixed / "a_#.png", image_fps=fps)


@pytest.mark.parametrize(
    ("fps", "exact"),
    [(29.97, Fraction(30000, 1001)), (23.976, Fraction(24000, 1001)), (12.5, Fraction(25, 2)), (24, 24)],
)
def test_rates_are_exact(tmp_path, fps, exact):
    save(tmp_path / "1.png", 1)
    assert probe_video(tmp_path, image_fps=fps).average_fps == exact
