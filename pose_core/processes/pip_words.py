"""What pip's output means for people: one plain sentence and what to do; standard library only."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Cause:
    """A reason why an installation fails."""

    pattern: str
    """What pip's output holds then."""
    message: str
    hint: str


OFFLINE_ADVICE = "or choose a folder with the wheels under Offline Packages in the preferences"
CAUSES = (
    Cause(r"No space left on device|Errno 28|There is not enough space", "The disk is full.",
          "Make room, about 900 MB are needed while it installs, and try again."),
    Cause(r"DO NOT MATCH THE HASHES", "A package is not the one that is pinned: its hash is another.",
          "It was damaged or replaced on the way: try again, or ask who runs your package index."),
    Cause(r"ProxyError|Tunnel connection failed|407 Proxy", "The proxy refuses the way to the package index.",
          f"Check pip's setting `proxy`, {OFFLINE_ADVICE}."),
    Cause(r"SSLError|CERTIFICATE_VERIFY_FAILED|SSLCertVerificationError",
          "The package index shows a certificate that is not trusted here.",
          f"Name your organisation's certificates in pip's setting `cert`, {OFFLINE_ADVICE}."),
    Cause(r"\b(401|403) (Client )?Error|status code (401|403)", "The package index refuses access.",
          "Check pip's setting `index-url` and its password."),
    Cause(r"NewConnectionError|NameResolutionError|getaddrinfo failed|Name or service not known|ConnectTimeout"
          r"|Temporary failure in name resolution|Network is unreachable|Connection (refused|reset|aborted)"
          r"|ReadTimeout|Read timed out|Failed to establish a new connection|ConnectionError|broken by",
          "The package index cannot be reached.", f"Check the network connection and try again, {OFFLINE_ADVICE}."),
)  # fmt: skip
_NOT_THERE = re.compile(r"No matching distribution found for ([A-Za-z0-9._-]+(?:==[^\s;]+)?)")


def explain(lines: Sequence[str], wheel_folder: str | None = None) -> tuple[str, str]:
    """Say why pip failed.

    Args:
        lines: what it printed.
        wheel_folder: the folder that it was to install from; None = an index.
    Returns:
        A sentence and what to do; both empty if it is none of the usual reasons.
    """
    text = "\n".join(lines)
    for cause in CAUSES:
        if re.search(cause.pattern, text):
            return cause.message, cause.hint
    missing = _NOT_THERE.search(text)
    if missing is None:
        return "", ""
    if wheel_folder is not None:
        return f"{missing.group(1)} for this Python is not in '{wheel_folder}'.", (
            f"Check that '{wheel_folder}' holds every package."
        )
    return f"The package index has no {missing.group(1)} for this machine.", (
        "Check pip's setting `index-url`: a mirror may be incomplete."
    )
