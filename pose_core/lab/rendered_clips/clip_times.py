"""Times of a clip's frames: even at a rate, or uneven as telephones record."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from pose_core.errors import ConfigError
from pose_core.types import FloatArray

VARIABLE = "variable"
TIME_BASE = Fraction(1, 90000)
_STEPS = (3000, 3003, 3600, 3750, 6000)
_STEP_ODDS = (0.45, 0.2, 0.15, 0.1, 0.1)


def frame_ticks(rate: str, seconds: float, seed: int) -> list[int]:
    """Frame times in units of `TIME_BASE`.

    Args:
        rate: frames a second as a fraction ("30", "30000/1001"), or "variable".
        seconds: length; the last frame lies before it.
        seed: of a variable rate.
    Raises:
        ConfigError: the rate is none.
    """
    end = seconds / TIME_BASE
    if rate == VARIABLE:
        rng = np.random.default_rng(seed)
        steps = rng.choice(_STEPS, size=int(end / min(_STEPS)) + 1, p=_STEP_ODDS)
        ticks = np.concatenate([[0], np.cumsum(steps)])
        return [int(t) for t in ticks if t < end]
    try:
        step = 1 / (Fraction(rate) * TIME_BASE)
    except (ValueError, ZeroDivisionError) as error:
        raise ConfigError(f"'{rate}' is no frame rate.", "Give a number, a fraction or 'variable'.") from error
    return [round(k * step) for k in range(int(np.ceil(end / step)))]


def seconds_of(ticks: list[int]) -> FloatArray:
    """(T,) the same times in seconds."""
    return np.array(ticks) * float(TIME_BASE)
