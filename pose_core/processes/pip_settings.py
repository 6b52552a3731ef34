"""Which of a user's settings of pip count: where packages come from and how to get there, never where they go.

Standard library only.
"""

from __future__ import annotations

import ast
import os
import subprocess
from collections.abc import Mapping, Sequence

KEPT = (
    "index-url", "extra-index-url", "find-links", "no-index",
    "proxy", "trusted-host", "cert", "client-cert", "keyring-provider",
    "timeout", "default-timeout", "retries", "cache-dir", "no-cache-dir", "use-feature", "use-deprecated",
)  # fmt: skip
"""All others are the project's own to decide: a target, prefix, user or constraint would spoil an environment."""
TIMEOUT_S = 60.0


def pip_environment(pip: Sequence[str], environment: Mapping[str, str]) -> dict[str, str]:
    """An environment in which pip follows the settings that count, from files and variables alike, and no others.

    Args:
        pip: command line that starts pip.
        environment: what the process would get otherwise; it is asked there for its settings.
    """
    # Variables such as PIP_USER would decide which of the files are listed.
    own = {key: value for key, value in environment.items() if not key.upper().startswith("PIP_")}
    named = {key: value for key, value in environment.items() if key.upper() == "PIP_CONFIG_FILE"}
    try:
        done = subprocess.run(
            [*pip, "config", "list"],
            capture_output=True, text=True, encoding="utf-8", errors="replace",
            stdin=subprocess.DEVNULL, timeout=TIMEOUT_S, env={**own, **named}, check=False,
        )  # fmt: skip
        listed = done.stdout if done.returncode == 0 else ""
    except (OSError, subprocess.TimeoutExpired):
        listed = ""
    settings = {**kept_settings(listed), **kept_variables(environment)}
    return {**own, **settings, "PIP_CONFIG_FILE": os.devnull}


def kept_variables(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables for pip that count."""
    return {key.upper(): value for key, value in environment.items() if key.upper() in _KEPT_VARIABLES and value}


def kept_settings(listed: str) -> dict[str, str]:
    """The settings that count, as variables, out of what `pip config list` prints; others go before `global`."""
    found: dict[str, str] = {}
    lines = sorted(listed.splitlines(), key=lambda line: not line.startswith("global."))
    for line in lines:
        name, equals, text = line.partition("=")
        section, _, key = name.strip().rpartition(".")
        if not equals or section not in ("global", "install", "download"):
            continue
        try:
            value = ast.literal_eval(text.strip())
        except (ValueError, SyntaxError):
            continue
        variable = _variable(key)
        if variable in _KEPT_VARIABLES and isinstance(value, str) and value.strip():
            several = key in ("extra-index-url", "find-links", "trusted-host", "use-feature", "use-deprecated")
            found[variable] = " ".join(value.split()) if several else value.strip()
    return found


def _variable(key: str) -> str:
    return "PIP_" + key.upper().replace("-", "_")


_KEPT_VARIABLES = frozenset(_variable(key) for key in KEPT)
