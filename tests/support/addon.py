"""For test scripts that run inside Blender: the add-on from the source tree, with a worker that is made up."""

import sys
from types import SimpleNamespace

import addon_utils
import bpy

from pose_core.worker.protocol import Result

MODULE = "blender_addon"


def enable(environment):
    """Enable the add-on; its jobs find an environment that is complete."""
    addon_utils.enable(MODULE, default_set=True)
    preferences().environment_path = environment


def preferences():
    """The add-on's preferences."""
    return bpy.context.preferences.addons[MODULE].preferences


def state():
    """What the panel shows."""
    return sys.modules[f"{MODULE}.job.state"].STATE


def module(name):
    """A module of the add-on."""
    return sys.modules[f"{MODULE}.{name}"]


class worker_that_gives:
    """Within, a job ends at once with these motion files. `requests` are those that were sent."""

    def __init__(self, *paths):
        self.paths = [str(path) for path in paths]
        self.requests = []

    def __enter__(self):
        self._real = module("estimate.operators").WorkerClient

        def run_blocking(message, _told):
            self.requests.append(message)
            return Result("job", {"frames": 1, "people_found": len(self.paths)}, self.paths)

        module("estimate.operators").WorkerClient = lambda _python: SimpleNamespace(
            run_blocking=run_blocking, close=lambda: None
        )
        return self

    def __exit__(self, *_error):
        module("estimate.operators").WorkerClient = self._real


def refusal(call):
    """The text of the error that an operator refuses with; empty if it does not."""
    try:
        call()
    except RuntimeError as error:
        return str(error)
    return ""
