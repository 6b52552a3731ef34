"""Whether this environment can do a job: libraries, reading and writing video, the model and what runs it."""

from __future__ import annotations

import io
import platform
from collections.abc import Callable
from importlib import metadata
from typing import Any

import numpy as np

from pose_core import __version__
from pose_core.config import TrackConfig
from pose_core.errors import PoseCoreError
from pose_core.worker.protocol import SelfTest

LIBRARIES = ("numpy", "scipy", "av", "opencv-python-headless", "onnxruntime", "ai-edge-litert")
TEST_FRAMES = 8
TEST_SIZE = 64

Check = tuple[str, Callable[[SelfTest], str]]


def check_versions(message: SelfTest) -> str:
    """Import the libraries; return their versions."""
    del message
    import ai_edge_litert.interpreter  # noqa: F401
    import av  # noqa: F401
    import cv2  # noqa: F401
    import scipy.linalg  # noqa: F401

    from pose_core.runtime.providers import load_onnxruntime

    load_onnxruntime()

    versions = ", ".join(f"{name} {metadata.version(name)}" for name in LIBRARIES)
    return f"pose_core {__version__}, Python {platform.python_version()}, {versions}"


def check_video(message: SelfTest) -> str:
    """Write a small video in memory and read it back."""
    del message
    import av

    memory = io.BytesIO()
    with av.open(memory, "w", format="mp4") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width = stream.height = TEST_SIZE
        stream.pix_fmt = "yuv420p"
        for number in range(TEST_FRAMES):
            picture = np.full((TEST_SIZE, TEST_SIZE, 3), 20 * number, dtype=np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    memory.seek(0)
    with av.open(memory, "r") as source:
        count = len(list(source.decode(video=0)))
    if count != TEST_FRAMES:
        raise PoseCoreError(f"{TEST_FRAMES} frames were written, but {count} came back.")
    return "frames written and read back"


def check_model(message: SelfTest) -> str:
    """Load the default model and run it once."""
    from pose_core.runtime import open_session
    from pose_core.runtime.store import ModelStore

    path = ModelStore(model_folder=message.model_folder).path(TrackConfig().model)
    session = open_session(path, device=message.device)
    blank = {info.name: np.zeros([size or 1 for size in info.shape], info.dtype) for info in session.inputs}
    outputs = session.run(blank)
    if not all(bool(np.all(np.isfinite(output))) for output in outputs):
        raise PoseCoreError(f"The network '{path}' gave values that are no numbers.")
    return f"{TrackConfig().model} runs on {session.provider}"


CHECKS: tuple[Check, ...] = (
    ("Libraries", check_versions),
    ("Video", check_video),
    ("Model", check_model),
)


def run_check(check: Check, message: SelfTest) -> dict[str, Any]:
    """Run one check; what goes wrong in it is its result."""
    name, function = check
    try:
        return {"name": name, "ok": True, "detail": function(message)}
    except PoseCoreError as error:
        return {"name": name, "ok": False, "detail": str(error)}
    except (ImportError, OSError, RuntimeError, ValueError) as error:
        # A library that cannot be loaded or used is what the test looks for.
        return {"name": name, "ok": False, "detail": f"{type(error).__name__}: {error}"}
