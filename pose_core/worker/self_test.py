"""Whether this environment can do a job: libraries, the model, and the whole road on a clip with known results."""

from __future__ import annotations

import platform
import tempfile
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata, resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pose_core import __version__
from pose_core.config import EstimateRequest, TrackConfig
from pose_core.errors import CancelledError, PoseCoreError
from pose_core.worker.protocol import SelfTest

if TYPE_CHECKING:
    from pose_core.motion_file import Motion
    from pose_core.types import CancelCallback, ProgressCallback

LIBRARIES = ("numpy", "scipy", "av", "opencv-python-headless", "onnxruntime", "ai-edge-litert")
CLIP, KNOWN = "self_test.mp4", "self_test.npz"
"""In the package's folder `worker`, both made by `scripts/make_self_test.py`."""
KEYPOINT_TOLERANCE_PX = 2.0
"""Mean distance of the keypoints from the known ones. Measured on this clip, which is 480 pixels wide: 0.3 px if it is
coded anew, 3 px if it is shifted by 3, 25 px if it is mirrored; with exchanged colours some are not found at all."""
JOINT_TOLERANCE_M = 0.015
"""Mean distance of the joints from the known ones. Measured: 8 mm if the clip is coded anew, 25 mm with exchanged
colours, 52 mm if the person is taken to be 10 cm taller, 0.38 m if it is mirrored."""
LENGTH_TOLERANCE_M = 1e-5
"""How much bones may change their length over the clip: single precision in a file."""


@dataclass(frozen=True)
class Surroundings:
    """What a check may use."""

    message: SelfTest
    progress: ProgressCallback
    cancel: CancelCallback


Check = tuple[str, Callable[[Surroundings], str]]


def check_versions(around: Surroundings) -> str:
    """Import the libraries; return their versions."""
    del around
    import ai_edge_litert.interpreter  # noqa: F401
    import av  # noqa: F401
    import cv2  # noqa: F401
    import scipy.linalg  # noqa: F401

    from pose_core.runtime.providers import load_onnxruntime

    load_onnxruntime()

    versions = ", ".join(f"{name} {metadata.version(name)}" for name in LIBRARIES)
    return f"pose_core {__version__}, Python {platform.python_version()}, {versions}"


def check_model(around: Surroundings) -> str:
    """Load the default model and run it once."""
    message = around.message
    from pose_core.runtime import open_session
    from pose_core.runtime.store import ModelStore

    path = ModelStore(model_folder=message.model_folder).path(TrackConfig().model)
    session = open_session(path, device=message.device)
    blank = {info.name: np.zeros([size or 1 for size in info.shape], info.dtype) for info in session.inputs}
    outputs = session.run(blank)
    if not all(bool(np.all(np.isfinite(output))) for output in outputs):
        raise PoseCoreError(f"The network '{path}' gave values that are no numbers.")
    return f"{TrackConfig().model} runs on {session.provider}"


def check_estimate(around: Surroundings) -> str:
    """Run a whole job, from a video to a motion file and a preview, and compare with what is known to come out."""
    with tempfile.TemporaryDirectory(prefix="pose-core-self-test-") as name:
        return estimate_and_compare(Path(name), around)


def estimate_and_compare(folder: Path, around: Surroundings) -> str:
    """Decode, detect, track, lift, solve, write and preview the clip that ships.

    Args:
        folder: for the files that come out.
        around: the message says which models on which device.
    Returns:
        How near the results are to the known ones.
    Raises:
        PoseCoreError: a step failed, or its result is another.
    """
    from pose_core.motion_file import read_motion
    from pose_core.pipeline import estimate

    message = around.message
    with resources.as_file(resources.files("pose_core.worker") / CLIP) as clip:
        request = EstimateRequest(
            str(clip),
            str(folder / "clip.motion.npz"),
            preview=str(folder / "clip.preview.mp4"),
            model_folder=message.model_folder,
            track=TrackConfig(device=message.device),
        )
        result = estimate(request, progress=around.progress, cancel=around.cancel)
    motion = read_motion(result.motion_paths[0])
    said = compare_with_known(motion, known_results())
    frames = _frames_of(folder / "clip.preview.mp4")
    if frames != len(motion.timestamps_s):
        raise PoseCoreError(f"The preview has {frames} frames, but {len(motion.timestamps_s)} were expected.")
    return said


def known_results() -> dict[str, np.ndarray]:
    """What is known to come out of the clip: `keypoints_px` (T, K, 2) and `joints_world_m` (T, J, 3)."""
    with resources.as_file(resources.files("pose_core.worker") / KNOWN) as path, np.load(path) as archive:
        return {name: archive[name].astype(np.float64) for name in ("keypoints_px", "joints_world_m")}


def compare_with_known(motion: Motion, known: dict[str, np.ndarray]) -> str:
    """Hold a motion against the known results.

    Returns:
        How near it is, in words.
    Raises:
        PoseCoreError: it is another motion, or one with bones that change their length.
    """
    for name, wanted in known.items():
        shape = getattr(motion, name).shape
        if shape != wanted.shape:
            raise PoseCoreError(f"{name} should have the shape {wanted.shape}, but has {shape}.")
    keypoints_px = _mean_distance(motion.keypoints_px, known["keypoints_px"])
    joints_m = _mean_distance(motion.joints_world_m, known["joints_world_m"])
    if not keypoints_px <= KEYPOINT_TOLERANCE_PX:
        raise PoseCoreError(
            f"Keypoints are {keypoints_px:.1f} px from the known ones; {KEYPOINT_TOLERANCE_PX:g} may be."
        )
    if not joints_m <= JOINT_TOLERANCE_M:
        raise PoseCoreError(
            f"Joints are {1000 * joints_m:.0f} mm from the known ones; {1000 * JOINT_TOLERANCE_M:g} may be."
        )
    child = [joint for joint, parent in enumerate(motion.parents) if parent >= 0]
    parent = [motion.parents[joint] for joint in child]
    lengths_m = np.linalg.norm(motion.joints_world_m[:, child] - motion.joints_world_m[:, parent], axis=-1)
    if not float(np.max(np.ptp(lengths_m, axis=0))) <= LENGTH_TOLERANCE_M:
        raise PoseCoreError(f"Bones change their length by {1000 * float(np.max(np.ptp(lengths_m, axis=0))):.3g} mm.")
    return (
        f"{len(motion.timestamps_s)} frames came out as known (within {keypoints_px:.2f} px, {1000 * joints_m:.1f} mm)"
    )


def _mean_distance(found: np.ndarray, known: np.ndarray) -> float:
    """Mean distance of points where they are known; not a number if one of these was not found."""
    there = np.isfinite(known).all(axis=-1)
    return float(np.mean(np.linalg.norm(found[there] - known[there], axis=-1)))


def _frames_of(path: Path) -> int:
    from pose_core.video import open_video

    with open_video(str(path)) as reader:
        return sum(1 for _ in reader)


CHECKS: tuple[Check, ...] = (
    ("Libraries", check_versions),
    ("Model", check_model),
    ("Estimate", check_estimate),
)


def run_check(check: Check, around: Surroundings) -> dict[str, Any]:
    """Run one check; what goes wrong in it is its result.

    Raises:
        CancelledError: it was to end.
    """
    name, function = check
    try:
        return {"name": name, "ok": True, "detail": function(around)}
    except CancelledError:
        raise
    except PoseCoreError as error:
        return {"name": name, "ok": False, "detail": str(error)}
    except Exception as error:  # noqa: BLE001 - whatever a library of this machine does wrong is what the test looks for
        traceback.print_exc()
        return {"name": name, "ok": False, "detail": f"{type(error).__name__}: {error}"}
