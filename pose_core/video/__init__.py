"""Reading videos and image sequences as timed pictures, and writing previews."""

from pose_core.video.background import Prefetcher, prefetch
from pose_core.video.diagnostics import ReadDiagnostics
from pose_core.video.frame import VideoFrame
from pose_core.video.info import VideoInfo
from pose_core.video.probe import probe_video
from pose_core.video.reader import VideoReader, open_video
from pose_core.video.writer import PreviewWriter

__all__ = [
    "Prefetcher",
    "PreviewWriter",
    "ReadDiagnostics",
    "VideoFrame",
    "VideoInfo",
    "VideoReader",
    "open_video",
    "prefetch",
    "probe_video",
]
