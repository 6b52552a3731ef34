"""Sound files of every kind that the product reads, from which the campaign of hostile files makes broken ones."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from pose_core.lab.bench.sample import sample_motion
from pose_core.motion_file import write_motion
from pose_core.retarget import new_rig_bone_map, write_bone_map
from tools.paths import project_root

FRAMES, RATE = 14, 15
WIDTH, HEIGHT = 320, 180
CODECS = {
    "mp4": ("libx264", "yuv420p"),
    "mov": ("mpeg4", "yuv420p"),
    "mkv": ("libx265", "yuv420p"),
    "webm": ("libvpx-vp9", "yuv420p"),
    "avi": ("mjpeg", "yuvj420p"),
    "ts": ("mpeg2video", "yuv420p"),
    "gif": ("gif", "rgb8"),
    "webp": ("libwebp_anim", "yuv420p"),
}
"""Encoder and pixel format of each kind of file."""
CONTAINERS = (*CODECS, "images")
# clock, length of a picture, width, height, duration, cluster's time, block, cluster, tracks
_MATROSKA = (
    b"\x2a\xd7\xb1", b"\x23\xe3\x83", b"\xb0\x82", b"\xba\x81", b"\x44\x89", b"\xe7", b"\xa3", b"\x1f\x43\xb6\x75",
    b"\x16\x54\xae\x6b",
)  # fmt: skip
NUMBERS = {
    "mp4": (b"tkhd", b"mvhd", b"mdhd", b"stts", b"ctts", b"stsz", b"stsc", b"stco", b"stss", b"avc1", b"elst", b"mdat"),
    "mov": (b"tkhd", b"mvhd", b"mdhd", b"stts", b"stsz", b"stsc", b"stco", b"mp4v", b"elst", b"esds", b"mdat"),
    "mkv": _MATROSKA,
    "webm": _MATROSKA,
    "avi": (b"avih", b"strh", b"strf", b"idx1", b"movi", b"00dc", b"LIST"),
    "ts": (b"\x00\x00\x01\xe0", b"\x00\x00\x01\xb3", b"\x00\x00\x01\xb8", b"\x00\x00\x01\x00", b"\x47\x41\x00"),
    "gif": (b"GIF89a", b"\x21\xf9\x04", b"\x2c\x00", b"NETSCAPE2.0"),
    "webp": (b"RIFF", b"VP8X", b"ANIM", b"ANMF", b"VP8 ", b"ALPH"),
}  # fmt: skip
"""After which marks the numbers stand that say sizes, rates and times."""

MANIFEST = """[defaults]
rig = "hero.fbx"
out = "takes"
height_m = 1.8
people = 1

[[job]]
video = "walk.mp4"
name = "walk"
fps_mode = "resample"
key_error_mm = 0.5

[[job]]
motion = "run.motion.npz"
export = "fbx,bvh"
frame_start = 10
save_blend = true

[[job]]
video = "two.mp4"
[[job.cast]]
person = 1
rig = "hero.fbx"
[[job.cast]]
person = 2
armature = "Villain"
bone_map = "mixamo"
"""


def make_originals(folder: Path) -> Path:
    """Write one of each kind.

    Args:
        folder: where to; it must exist.
    Returns:
        The folder.
    """
    pictures = _pictures()
    for container, (codec, pixels) in CODECS.items():
        _write_video(folder / f"clip.{container}", pictures, codec, pixels)
    (folder / "images").mkdir()
    for k, rgb in enumerate(pictures):
        suffix = "jpg" if k % 2 else "png"
        for kind in {suffix, "png"}:
            target = folder / "images" / kind
            target.mkdir(exist_ok=True)
            cv2.imwrite(str(target / f"shot_{k:04d}.{kind}"), cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))
    write_motion(folder / "walk.motion.npz", replace(sample_motion(24), source="walk.mp4", diagnostics={"a": [1, 2.5]}))
    write_bone_map(folder / "map.json", new_rig_bone_map())
    (folder / "jobs.toml").write_text(MANIFEST, encoding="utf-8")
    _write_cameras(folder)
    _write_network(folder)
    return folder


def _pictures() -> list[NDArray[np.uint8]]:
    """A second of somebody walking, small."""
    out = []
    with av.open(str(project_root() / "pose_core" / "worker" / "self_test.mp4")) as container:
        for k, frame in enumerate(container.decode(video=0)):
            if k % 2 == 0 and len(out) < FRAMES:
                out.append(np.asarray(frame.reformat(WIDTH, HEIGHT, "rgb24").to_ndarray(), np.uint8))
    return out


def _write_video(path: Path, pictures: list[NDArray[np.uint8]], codec: str, pixels: str) -> None:
    options = {"libx265": {"x265-params": "log-level=none", "preset": "ultrafast"}, "libx264": {"preset": "ultrafast"},
               "libvpx-vp9": {"deadline": "realtime", "cpu-used": "8"}}.get(codec, {})  # fmt: skip
    with av.open(str(path), "w", format={"mkv": "matroska", "ts": "mpegts"}.get(path.suffix[1:])) as container:
        rate = Fraction(25) if codec == "mpeg2video" else Fraction(RATE)
        stream = container.add_stream(codec, rate=rate, options=options)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, pixels
        for k, rgb in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(rgb, format="rgb24").reformat(format=pixels)
            frame.pts, frame.time_base = k, Fraction(1) / rate
            for packet in stream.encode(frame):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)


def _write_cameras(folder: Path) -> None:
    T = np.eye(4)
    T[:3, 3] = [0.0, -4.0, 1.2]
    T[:3, :3] = [[1, 0, 0], [0, 0, 1], [0, -1, 0]]
    np.save(folder / "camera.npy", T)
    np.savez(folder / "camera.npz", T_world_camera=np.tile(T, (64, 1, 1)))


def _write_network(folder: Path) -> None:
    """A network and its description; which one does not matter, as it is never asked for a pose."""
    content = (project_root() / "pose_core" / "weights" / "lifter.onnx").read_bytes()
    (folder / "own.onnx").write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    description = {
        "format": "pose_core.network", "version": 1, "kind": "pose3d", "keypoint_set": "h36m17",
        "detector": "yolox-nano", "title": "My own", "licence": "CC0", "sha256": digest,
    }  # fmt: skip
    (folder / "own.json").write_text(json.dumps(description), encoding="utf-8")
    entry = {
        "kind": "pose3d", "title": "My own", "keypoint_set": "h36m17", "detector": "yolox-nano", "licence": "CC0",
        "origin": "own.onnx", "input": "", "output": "",
        "files": {"keypoints": {"filename": "own.onnx", "sha256": digest}},
    }  # fmt: skip
    (folder / "registered.json").write_text(json.dumps({"own": entry, "second": entry}), encoding="utf-8")
