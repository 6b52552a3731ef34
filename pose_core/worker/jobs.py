"""What the worker runs for each kind of message; imports heavy libraries only when a job starts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pose_core.errors import CancelledError
from pose_core.stages import overall_fraction
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

    request = EstimateRequest.from_data(message.request)
    result = estimate(request, progress=progress, cancel=cancel)
    return protocol.Result(message.id, protocol.plain(result.report), list(result.motion_paths), result.preview_path)


def run_self_test(message: Message, progress: ProgressCallback, cancel: CancelCallback) -> protocol.Result:
    """Try everything that a job needs, at last a whole job.

    The report lists `checks` with `name`, `ok` and `detail` up to the first that failed, and says `ok` if all passed.

    Args:
        message: a `SelfTest`.
        progress: called before each check.
        cancel: returns True once it shall end.
    """
    assert isinstance(message, protocol.SelfTest)
    from pose_core.types import Progress
    from pose_core.worker.self_test import CHECKS, Surroundings, run_check

    results: list[dict[str, Any]] = []
    total = 100 * len(CHECKS)

    def tell(update: Progress) -> None:
        share = overall_fraction(update.stage, update.done, update.total)
        progress(Progress("self_test", 100 * len(results) + round(100 * share), total))

    around = Surroundings(message, tell, cancel)
    for check in CHECKS:
        if cancel():
            raise CancelledError("The self-test was cancelled.")
        progress(Progress("self_test", 100 * len(results), total))
        results.append(run_check(check, around))
        if not results[-1]["ok"]:
            break  # the later ones need what the earlier ones look for
    ok = len(results) == len(CHECKS) and all(result["ok"] for result in results)
    progress(Progress("self_test", total, total))
    return protocol.Result(message.id, {"ok": ok, "checks": results})


def run_get_models(message: Message, progress: ProgressCallback, cancel: CancelCallback) -> protocol.Result:
    """Fetch models and the detectors that go with them; the report lists `models` with the files of each.

    Args:
        message: a `GetModels`.
        progress: told about kilobytes, and `fetch` as the stage.
        cancel: returns True once it shall end.
    Raises:
        ModelError: one is unknown, not to be had, or not what it should be.
    """
    assert isinstance(message, protocol.GetModels)
    from pose_core.config import TrackConfig
    from pose_core.runtime.store import ModelStore
    from pose_core.types import Progress

    def tell(done_bytes: int, total_bytes: int) -> None:
        if cancel():
            raise CancelledError("Fetching the models was cancelled.")
        progress(Progress("fetch", done_bytes >> 10, total_bytes >> 10))

    store = ModelStore(model_folder=message.model_folder)
    models = {}
    for name in message.names or [TrackConfig().model]:
        tell(0, 0)
        models[name] = [str(path) for path in store.get(name, progress=tell).values()]
        detector = store.entry(name).detector
        if detector:
            models[detector] = [str(path) for path in store.get(detector, progress=tell).values()]
    return protocol.Result(message.id, {"models": models})
