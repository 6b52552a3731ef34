"""Errors that reach a user: each says what was expected, what came, and what to try."""

import re

MOST_CHARACTERS = 2000
"""Longest message that a user gets to read."""


def cut(text: str, most: int = MOST_CHARACTERS) -> str:
    """Text with its middle left out where it is too long to read."""
    half = (most - 5) // 2
    return text if len(text) <= most else f"{text[:half]} ... {text[-half:]}"


_LINE_ENDS = re.compile(r"\s*[\r\n\v\f\x1c-\x1e\x85\u2028\u2029]\s*")
_OBEYED = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069]")
"""Control characters, half letters, and turns of the reading direction."""


def one_line(text: str) -> str:
    """Text in one line, without what a terminal would obey or cannot show: that is written as its number."""
    return _OBEYED.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), _LINE_ENDS.sub(" ", text))


class PoseCoreError(Exception):
    """Base of every error that outside input or the environment can cause.

    Args:
        message: what was expected and what came instead.
        hint: what the user can try; appended to the text.
    """

    code = "error"

    def __init__(self, message: str, hint: str = "") -> None:
        # What comes from outside stands in messages; they travel between processes and into narrow panels.
        message, hint = cut(one_line(message)), cut(one_line(hint))
        super().__init__(f"{message} {hint}".strip())
        self.message = message
        self.hint = hint


class ConfigError(PoseCoreError):
    """A setting or request is outside what it may be."""

    code = "config"


class ShapeError(PoseCoreError):
    """An array has another shape, type or content than its contract says."""

    code = "shape"


class VideoError(PoseCoreError):
    """A video or image sequence cannot be read."""

    code = "video"


class ModelError(PoseCoreError):
    """A model is missing, damaged, unknown or does not fit its description."""

    code = "model"


class RuntimeUnavailableError(PoseCoreError):
    """No inference runtime on this machine can run a model."""

    code = "runtime"


class NoPersonError(PoseCoreError):
    """Nobody was found in the video, or not the person asked for."""

    code = "no_person"


class InsufficientDataError(PoseCoreError):
    """There is too little evidence to solve a motion."""

    code = "insufficient_data"


class MotionFileError(PoseCoreError):
    """A motion file cannot be read or written."""

    code = "motion_file"


class OutputError(PoseCoreError):
    """A result cannot be written where it is asked for, or would replace a file that is not ours."""

    code = "output"


class DatasetError(PoseCoreError):
    """A data set for training is incomplete, damaged, or not in the layout it should have."""

    code = "dataset"


class RigError(PoseCoreError):
    """A rig cannot carry the motion: bones missing, ambiguous or degenerate."""

    code = "rig"


class ExportError(PoseCoreError):
    """A file for another program cannot be made."""

    code = "export"


class WorkerError(PoseCoreError):
    """The worker process could not be started, answered wrongly or died."""

    code = "worker"


class CancelledError(PoseCoreError):
    """The user cancelled the job."""

    code = "cancelled"
