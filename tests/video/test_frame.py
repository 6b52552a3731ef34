"""Frames: colours, warps and reductions out of planes against the same done on full RGB pictures."""

from fractions import Fraction

import av
import cv2
import numpy as np
import pytest

from pose_core.errors import ShapeError
from pose_core.video.colour import ColourSpace, guess_matrix_code
from pose_core.video.frame import VideoFrame
from pose_core.video.geometry import UPRIGHT, DisplayGeometry
from pose_core.video.native import pixels_from_native
from pose_core.video.planes import YuvPixels
from tests.video.test_geometry import ORIENTATIONS

# FFmpeg's own conversion truncates where ours rounds: up to 3 levels apart on flat colours, about 1 on average.
FLAT_TOLERANCE = 3
MEAN_TOLERANCE = 3.0


def smooth_rgb(width: int, height: int) -> np.ndarray:
    """Picture with all frequencies that a 4:2:0 picture can carry, no sharp colour edges."""
    y, x = np.mgrid[:height, :width].astype(np.float64)
    waves = [np.sin(x / 7.0 + k) * np.cos(y / (9.0 + k)) for k in range(3)]
    return np.stack([128 + 90 * wave for wave in waves], axis=-1).astype(np.uint8)


def native_frame(rgb: np.ndarray, code: int = 1, range_code: int = 1, pixel_format: str = "yuv420p") -> av.VideoFrame:
    frame = av.VideoFrame.from_ndarray(rgb, format="rgb24").reformat(
        format=pixel_format, dst_colorspace=code, src_color_range=2, dst_color_range=range_code
    )
    frame.colorspace, frame.color_range = code, range_code
    return frame


def yuv_frame(width: int, height: int, orientation=UPRIGHT, **native) -> VideoFrame:
    pixels = pixels_from_native(native_frame(smooth_rgb(width, height), **native))
    return VideoFrame(0, 0.0, pixels, DisplayGeometry(width, height, orientation))


def difference(a: np.ndarray, b: np.ndarray) -> float:
    assert a.shape == b.shape
    return float(np.abs(a.astype(float) - b).mean())


def rotation_crop(frame: VideoFrame, scale: float, size: tuple[int, int]) -> np.ndarray:
    M = cv2.getRotationMatrix2D((frame.width / 2, frame.height / 2), 25.0, scale)
    M[:, 2] += (size[0] / 2 - frame.width / 2, size[1] / 2 - frame.height / 2)
    return M


@pytest.mark.parametrize("range_code", [1, 2])
@pytest.mark.parametrize("code", [1, 4, 5, 6, 7, 9])
def test_flat_colours_match_ffmpeg(code, range_code):
    for yuv in np.random.default_rng(0).integers(40, 210, (20, 3)):
        frame = av.VideoFrame(32, 16, "yuv420p")
        for plane, value in zip(frame.planes, yuv, strict=True):
            plane.update(bytes([value]) * plane.buffer_size)
        frame.colorspace, frame.color_range = code, range_code
        pixels = pixels_from_native(frame)
        ours = pixels.warp_rgb(np.eye(3), (32, 16), None, antialias=False)
        theirs = frame.to_ndarray(format="rgb24", src_colorspace=code, src_color_range=range_code, dst_color_range=2)
        assert np.abs(ours.astype(int) - theirs).max() <= FLAT_TOLERANCE


@pytest.mark.parametrize("is_full", [False, True])
def test_black_white_and_round_trip(is_full):
    colour = ColourSpace(1, is_full)
    black, white = (0.0, 255.0) if is_full else (16.0, 235.0)
    assert colour.yuv_from_rgb((0, 0, 0)) == pytest.approx((black, 128.0, 128.0))
    assert colour.yuv_from_rgb((255, 255, 255)) == pytest.approx((white, 128.0, 128.0))
    yuv1 = np.array([*colour.yuv_from_rgb((10, 200, 90)), 1.0])
    assert colour.rgb_from_yuv @ yuv1 == pytest.approx((10, 200, 90))


def test_unspecified_standard_follows_the_size():
    assert guess_matrix_code(2, 1920, 1080) == guess_matrix_code(2, 720, 1280) == 1
    assert guess_matrix_code(2, 640, 480) == 6
    assert guess_matrix_code(5, 1920, 1080) == 5


def test_planes_keep_half_the_memory_and_cannot_be_written():
    frame = yuv_frame(128, 64)
    assert frame.nbytes == 128 * 64 * 3 // 2
    with pytest.raises(ValueError, match="read-only"):
        frame.pixels.y[0, 0] = 1


@pytest.mark.parametrize("orientation", ORIENTATIONS)
@pytest.mark.parametrize("size", [(160, 120), (161, 119)])
@pytest.mark.parametrize("scale", [1.7, 0.8, 0.3])
def test_warp_matches_warping_the_rgb_picture(orientation, size, scale):
    frame = yuv_frame(*size, orientation)
    M = rotation_crop(frame, scale, (64, 48))
    reference = VideoFrame.from_rgb(frame.to_rgb()).warp_rgb(M, (64, 48))
    assert difference(frame.warp_rgb(M, (64, 48)), reference) < MEAN_TOLERANCE


def test_warp_without_averaging_is_opencv_s_own_on_rgb():
    rgb = smooth_rgb(90, 70)
    frame = VideoFrame.from_rgb(rgb)
    M = rotation_crop(frame, 0.4, (50, 40))
    expected = cv2.warpAffine(rgb, M, (50, 40), flags=cv2.INTER_LINEAR)
    np.testing.assert_array_equal(frame.warp_rgb(M, (50, 40), antialias=False), expected)


def test_identity_warp_is_the_picture():
    frame = yuv_frame(80, 60)
    assert difference(frame.warp_rgb(np.eye(3)[:2], (80, 60), None), frame.to_rgb()) < MEAN_TOLERANCE


def test_perspective_warp():
    frame = yuv_frame(160, 120)
    M = np.array([[0.9, 0.1, 3.0], [-0.05, 0.8, 8.0], [4e-4, 2e-4, 1.0]])
    expected = cv2.warpPerspective(frame.to_rgb(), M, (100, 80), flags=cv2.INTER_LINEAR)
    assert difference(frame.warp_rgb(M, (100, 80)), expected) < MEAN_TOLERANCE


@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255), (30, 200, 90)])
@pytest.mark.parametrize("scale", [1.0, 0.2])
def test_outside_is_the_border_colour(colour, scale):
    frame = yuv_frame(64, 64)
    crop = frame.warp_rgb([[scale, 0.0, 1000.0], [0.0, scale, 0.0]], (20, 20), colour)
    assert np.abs(crop.astype(int) - colour).max() <= 2


def test_strong_reduction_averages_instead_of_skipping():
    stripes = np.zeros((256, 256, 3), np.uint8)
    stripes[:, ::2] = 255
    for frame in (
        VideoFrame.from_rgb(stripes),
        VideoFrame(0, 0.0, pixels_from_native(native_frame(stripes)), DisplayGeometry(256, 256)),
    ):
        inner = frame.warp_rgb([[0.125, 0.0, -0.4375], [0.0, 0.125, -0.4375]], (32, 32))[2:-2, 2:-2]
        assert np.abs(inner.astype(int) - 127).max() <= 3
        assert np.abs(frame.downscale_rgb(31, 33).astype(int)[2:-2, 2:-2] - 127).max() <= 3


@pytest.mark.parametrize("size", [(63, 31), (37, 41), (200, 150), (300, 180)])
def test_averaging_keeps_places(size):
    """A reduced warp lands where the plain one does: no shift by the averaging, odd edges included."""
    width, height = size
    y, x = np.mgrid[:height, :width]
    ramp = np.stack([x * 250 // width, y * 250 // height, x * 0], axis=-1).astype(np.uint8)
    frame = VideoFrame.from_rgb(ramp)
    M = np.array([[0.23, 0.02, 1.3], [-0.02, 0.21, 0.7]])
    crop_size = (int(width * 0.2), int(height * 0.2))
    plain = frame.warp_rgb(M, crop_size, None, antialias=False).astype(int)
    averaged = frame.warp_rgb(M, crop_size, None).astype(int)
    step = 250 / min(width, height)
    assert np.abs(plain - averaged)[2:-2, 2:-2].max() <= 2 + 0.5 * step


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_downscale_matches_area_averages(orientation):
    frame = yuv_frame(322, 181, orientation)
    size = (40, 90) if frame.geometry.is_transposed else (90, 40)
    expected = cv2.resize(frame.to_rgb(), size, interpolation=cv2.INTER_AREA)
    assert difference(frame.downscale_rgb(*size), expected) < MEAN_TOLERANCE


def test_letterbox_maps_corners_and_fills_borders():
    rgb = smooth_rgb(200, 100)
    box, M = VideoFrame.from_rgb(rgb).letterbox_rgb(64, 64, (1, 2, 3))
    assert box.shape == (64, 64, 3)
    assert (box[:16] == (1, 2, 3)).all() and (box[48:] == (1, 2, 3)).all()
    # The outer edges of the picture, half a pixel outside its corner pixels' centres.
    np.testing.assert_allclose(M @ (-0.5, -0.5, 1.0), (-0.5, 15.5), atol=1e-12)
    np.testing.assert_allclose(M @ (199.5, 99.5, 1.0), (63.5, 47.5), atol=1e-12)


@pytest.mark.parametrize(
    "pixel_format",
    ["yuv420p10le", "yuv422p", "yuv444p", "yuv444p10le", "gray", "rgb24", "bgr0", "yuva420p", "nv12", "yuvj420p"],
)
def test_other_pixel_formats(pixel_format):
    rgb = smooth_rgb(96, 64)
    native = native_frame(rgb, 6, 2 if pixel_format == "yuvj420p" else 1, pixel_format)
    frame = VideoFrame(0, 0.0, pixels_from_native(native), DisplayGeometry(96, 64))
    expected = rgb if pixel_format != "gray" else np.repeat(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)[..., None], 3, 2)
    assert difference(frame.to_rgb(), expected) < 4.0
    assert difference(frame.warp_rgb(np.eye(3), (96, 64)), expected) < 4.0


def test_non_square_pixels_are_stretched():
    geometry = DisplayGeometry(72, 96, pixel_aspect=Fraction(4, 3))
    frame = VideoFrame(0, 0.0, pixels_from_native(native_frame(smooth_rgb(72, 96))), geometry)
    assert frame.to_rgb().shape == (96, 96, 3)
    assert difference(frame.warp_rgb(np.eye(3), (96, 96), None), frame.to_rgb()) < MEAN_TOLERANCE
    assert difference(frame.downscale_rgb(96, 96), frame.to_rgb()) < MEAN_TOLERANCE


@pytest.mark.parametrize(
    "matrix", [np.eye(4), np.eye(2), np.full((2, 3), np.nan), np.zeros((2, 3)), [[1.0, 0.0, 0.0], [2.0, 0.0, 0.0]]]
)
def test_impossible_maps_are_refused(matrix):
    with pytest.raises(ShapeError, match="map from picture to crop"):
        yuv_frame(16, 16).warp_rgb(matrix, (8, 8))


def test_bad_frames_are_refused():
    rgb = np.zeros((4, 6, 3), np.uint8)
    with pytest.raises(ShapeError, match="finite time"):
        VideoFrame.from_rgb(rgb, time_s=float("nan"))
    with pytest.raises(ShapeError, match="uint8"):
        VideoFrame.from_rgb(rgb.astype(np.float32))
    with pytest.raises(ShapeError, match="uint8"):
        VideoFrame.from_rgb(rgb[..., 0])
    with pytest.raises(ShapeError, match="expected u"):
        YuvPixels(rgb[..., 0].copy(), rgb[..., 0].copy(), rgb[..., 0].copy())
    with pytest.raises(ShapeError, match="at least 1x1"):
        VideoFrame.from_rgb(rgb).downscale_rgb(0, 4)
    with pytest.raises(ShapeError, match="at least 1x1"):
        VideoFrame.from_rgb(rgb).warp_rgb(np.eye(3), (0, 4))
