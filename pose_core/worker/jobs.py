"""What the worker runs for each kind of message; imports heavy libraries only when a job starts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pose_core.worker import protocol
from pose_core.worker.protocol import Message

if TYPE_CHECKING:
    from pose_core.types import CancelCallback, ProgressCallback


def run_estimate(message: Message, progress: ProgressCallback, cancel: CancelCallback) -> protocol.Result:
    """Run a whole job from video to motion files.

    Args:
        message: an `Estimate`.
        progress: called often with how far it is.
        cancel: returns True once the job shall end.
    Raises:
        PoseCoreError: as `pose_core.pipeline.estimate`; nothing is left behind then.
    """
    assert isinstance(message, protocol.Estimate)
    from pose_core.config import EstimateRequest
    from pose_core.pipeline import estimate

    request = EstimateRequest.from_json(json.dumps(message.request))
    result = estimate(request, progress=progress, cancel=cancel)
    return protocol.Result(message.id, protocol.plain(result.report), list(result.motion_paths), result.preview_path)


def run_self_test(message: Message, progress: ProgressCallback, cancel: CancelCallback) -> protocol.Result:
    raise NotImplementedError


def run_get_models(message: Message, progress: ProgressCallback, cancel: CancelCallback) -> protocol.Result:
    raise NotImplementedError
