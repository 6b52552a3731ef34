"""Work in small steps: a generator yields whenever Blender's interface may go on, and returns its result at last."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from typing import TypeVar

_T = TypeVar("_T")
# Long enough that waiting takes nothing from the computation, short enough for an interface.
_WAIT_S = 0.01


class _Mode(threading.local):
    """Whether the steps of this thread are taken all at once, so that nothing has to be kept alive between them."""

    all_at_once = False


_mode = _Mode()


def drain(steps: Generator[None, None, _T]) -> _T:
    """Take all steps at once; return what they came to."""
    before, _mode.all_at_once = _mode.all_at_once, True
    try:
        while True:
            try:
                next(steps)
            except StopIteration as finished:
                return finished.value
    finally:
        _mode.all_at_once = before


def beside(compute: Callable[[], _T]) -> Generator[None, None, _T]:
    """Run a computation in a thread; yields until it is done. While steps are drained it is simply run.

    Numbers only: nothing of Blender's may be touched from another thread.

    Returns:
        What it returned.
    Raises:
        Whatever it raised.
    """
    if _mode.all_at_once:
        return compute()
    results: list[_T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(compute())
        except BaseException as error:  # noqa: BLE001 - handed on to the caller's thread
            errors.append(error)

    thread = threading.Thread(target=run, name="pose-core-compute", daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(_WAIT_S)
        yield
    if errors:
        raise errors[0]
    return results[0]
