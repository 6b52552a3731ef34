"""`pose-core models`: list, fetch, check and register models."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pose_core.cli.exit_codes import ExitCode
from pose_core.cli.output import Output
from pose_core.config import TrackConfig

if TYPE_CHECKING:
    from pose_core.runtime.store import ModelStatus, ModelStore


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `pose-core models`."""
    actions = parser.add_subparsers(metavar="ACTION", required=True, dest="action")
    default = TrackConfig().model

    listing = actions.add_parser("list", help="all models, and which are on this machine")
    get = actions.add_parser("get", help="fetch models")
    get.add_argument("names", nargs="*", metavar="NAME", help=f"which (default: {default})")
    get.add_argument(
        "--sha256", default="", metavar="HASH", help="hash of the download, for models without one on record"
    )
    verify = actions.add_parser("verify", help="read model files in full and compare their hashes")
    verify.add_argument("names", nargs="*", metavar="NAME", help="which (default: all that are on this machine)")
    register = actions.add_parser("register", help="add an ONNX network of your own")
    register.add_argument("file", metavar="FILE", help=".onnx file; it is copied into the user's cache")
    register.add_argument(
        "--kind", default="", metavar="K",
        help="simcc, heatmap, pose3d, yolox or rtmdet (default: as the .json beside the file says)",
    )  # fmt: skip
    register.add_argument("--name", default="", help="what to call it (default: the file's name)")
    register.add_argument(
        "--keypoints", default="", metavar="SET", help="keypoint set of a network that finds keypoints"
    )
    register.add_argument("--detector", default="", metavar="NAME", help="detector to go with it")
    register.add_argument("--licence", default="", metavar="TEXT", help="its terms, for the record")
    for action in (listing, get, verify, register):
        action.add_argument("--model-folder", metavar="D", help="folder of model files to look in before the cache")
        action.add_argument("--json", action="store_true", help="print one JSON document on standard output")


def run(arguments: argparse.Namespace, output: Output) -> ExitCode:
    """Do what was asked with the model store.

    Raises:
        ModelError: a model is unknown, not to be had, or not what it should be.
    """
    from pose_core.runtime.store import ModelStore

    store = ModelStore(model_folder=arguments.model_folder)
    actions = {"list": _list, "get": _get, "verify": _verify, "register": _register}
    models = actions[arguments.action](store, arguments)
    if output.as_json:
        output.document({"ok": True, "exit_code": 0, "models": models, "warnings": list(store.problems())})
    elif arguments.action == "list":
        rows = [(model["name"], model["state"], model["licence"], model["title"]) for model in models]
        output.table(("name", "state", "licence", "title"), rows)
    else:
        done = {"get": "is here", "verify": "is sound", "register": "is registered"}[arguments.action]
        for model in models:
            output.text(f"{model['name']} {done}: {', '.join(model['files'].values())}")
    for problem in () if output.as_json else store.problems():
        output.text(f"warning: {problem}")
    return ExitCode.OK


def _list(store: ModelStore, arguments: argparse.Namespace) -> list[dict[str, Any]]:
    del arguments
    return [_facts(status) for status in store.list()]


def _get(store: ModelStore, arguments: argparse.Namespace) -> list[dict[str, Any]]:
    names = arguments.names or [TrackConfig().model]
    for name in names:
        if sys.stderr.isatty() and store.status(name).state != "ready":
            print(f"Fetching {name} ...", file=sys.stderr, flush=True)
        store.get(name, sha256=arguments.sha256)
    return [_facts(store.status(name)) for name in names]


def _verify(store: ModelStore, arguments: argparse.Namespace) -> list[dict[str, Any]]:
    names = arguments.names or [status.entry.name for status in store.list() if status.state != "missing"]
    for name in names:
        store.verify(name)
    return [_facts(store.status(name)) for name in names]


def _register(store: ModelStore, arguments: argparse.Namespace) -> list[dict[str, Any]]:
    entry = store.register(
        Path(arguments.file),
        arguments.kind,
        name=arguments.name,
        keypoint_set=arguments.keypoints,
        detector=arguments.detector,
        licence=arguments.licence,
    )
    return [_facts(store.status(entry.name))]


def _facts(status: ModelStatus) -> dict[str, Any]:
    entry = status.entry
    return {
        "name": entry.name,
        "state": status.state,
        "title": entry.title,
        "kind": entry.kind,
        "licence": entry.licence,
        "origin": entry.origin,
        "keypoint_set": entry.keypoint_set,
        "files": {role: str(path) for role, path in status.paths.items()},
    }
