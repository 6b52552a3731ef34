"""Time stamps of pictures in presentation order: repair of what containers get wrong, and thinning to a rate."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Protocol, TypeVar

# A step back by more than this is a new count (files glued together), not a stamp in the wrong order.
NEW_COUNT_S = Fraction(1)
LONGEST_GAP_S = Fraction(600)
"""A step forward by more is no gap but another clock: ten minutes without a picture are no clip."""
SHORTENED_GAP_S = Fraction(2)
"""What is left of such a step: enough to be a gap for all that follows, in periods too."""
SHORTENED_GAP_PERIODS = 8
LEAST_STEP_S = Fraction(1, 2000)
LEAST_STEP_PERIODS = Fraction(1, 4)
"""Pictures nearer than both bear the same stamp but for noise."""
# Float error of a beat's time, in beats.
ROUNDING_BEATS = 1e-6


@dataclass
class TimestampRepair:
    """Makes time stamps strictly increasing, and counts what it had to change.

    Args:
        time_base_s: seconds of one tick.
        period_s: nominal time between two pictures.
    """

    time_base_s: Fraction
    period_s: Fraction
    repaired: int = 0
    jumps: int = 0
    """Steps forward beyond `LONGEST_GAP_S`, which were shortened."""
    longest_jump_s: Fraction = field(default_factory=Fraction)
    _previous_s: Fraction | None = None
    _offset_s: Fraction = field(default_factory=Fraction)

    def time_of(self, ticks: int | None) -> Fraction:
        """Time of the next picture in presentation order.

        Args:
            ticks: its stamp in units of the time base, None where the file has none.
        Returns:
            Exact seconds on the file's own clock, later than all before.
        """
        previous = self._previous_s
        if previous is None:
            time = Fraction(0) if ticks is None else ticks * self.time_base_s
            self.repaired += ticks is None
        elif ticks is None:
            time = previous + self.period_s
            self.repaired += 1
        else:
            time = ticks * self.time_base_s + self._offset_s
            if time - previous > LONGEST_GAP_S:
                self.jumps += 1
                self.longest_jump_s = max(self.longest_jump_s, time - previous)
                shortened = previous + max(SHORTENED_GAP_S, SHORTENED_GAP_PERIODS * self.period_s)
                self._offset_s += shortened - time
                time = shortened
            if time < previous + min(LEAST_STEP_S, LEAST_STEP_PERIODS * self.period_s):
                self.repaired += 1
                if previous - time > NEW_COUNT_S:
                    self._offset_s += previous + self.period_s - time
                    time = previous + self.period_s
                else:
                    # Half a period leaves room for the next stamp if that one is right again.
                    time = previous + self.period_s / 2
        self._previous_s = time
        return time


class Timed(Protocol):
    """Anything with a presentation time."""

    @property
    def time_s(self) -> float: ...


TimedT = TypeVar("TimedT", bound=Timed)


def thin_to_rate(frames: Iterable[TimedT], target_fps: float) -> Iterator[TimedT]:
    """Keep the pictures nearest to an even beat, none of them twice and each with its own time.

    Args:
        frames: in order of time.
        target_fps: beats a second, counted from the first picture; a rate above the video's keeps every picture.
    Returns:
        The pictures kept, in order.
    """
    beat = 0
    start_s = 0.0
    kept_s = -math.inf
    held: TimedT | None = None
    for frame in frames:
        if held is None:
            held, start_s = frame, frame.time_s
            continue
        midpoint_s = 0.5 * (held.time_s + frame.time_s)
        # `held` is nearest to every beat before the midpoint between the two.
        if start_s + beat / target_fps < midpoint_s:
            yield held
            kept_s = held.time_s
            beat = max(beat + 1, _first_beat_from(midpoint_s - start_s, target_fps))
        held = frame
    if held is None:
        return
    # The last picture has no midpoint after it: beats count up to its time, or when it is a whole beat away.
    slack_s = ROUNDING_BEATS / target_fps
    is_on_beat = start_s + beat / target_fps <= held.time_s + slack_s
    if is_on_beat or held.time_s - kept_s >= 1 / target_fps - slack_s:
        yield held


def _first_beat_from(elapsed_s: float, target_fps: float) -> int:
    beat = int(elapsed_s * target_fps)
    while beat / target_fps < elapsed_s:
        beat += 1
    return beat
