"""The folder of wheels that environments are made from in tests, as a user without a network would."""

from pathlib import Path

import tests.support.blender  # noqa: F401 - puts the scripts on the path
from tests.support.missing import skip_or_fail
from tools import wheels


def offline_wheels() -> Path:
    """Return the folder; skip (in CI fail) where it is missing."""
    folder = wheels.read_wheels()
    if folder is None:
        skip_or_fail("the folder of wheels is missing; `python3 scripts/test.py --tier model` fills it")
    return folder
