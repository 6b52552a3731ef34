"""Where tests find data that lies beside the project instead of in it."""

import os
from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[3] / "shared"


def shared_file(relative: str) -> Path:
    """Path of a file below the folder `shared` beside the project.

    Skips the test where the file is absent; in CI (`CI=true`) its absence is a failure.
    """
    path = SHARED / relative
    if not path.exists():
        message = f"test data '{relative}' is not beside the project (looked for {path})"
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail(message)
        pytest.skip(message)
    return path
