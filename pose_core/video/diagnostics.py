"""What happened while a video was read."""

from dataclasses import asdict, dataclass


@dataclass
class ReadDiagnostics:
    """Counts of one reading; all zero and None for a clean file read to its end.

    Args:
        frames_decoded: pictures that the decoder gave, those outside the range and dropped ones included.
        frames_yielded: pictures handed out.
        frames_dropped_damaged: pictures left out because they, or pictures they build on, are damaged.
        damaged_packets: pieces of the file that could not be decoded.
        timestamps_repaired: pictures whose time stamp was missing, repeated or out of order.
        clock_jumps: steps of the video's clock that are too long to be a gap; they were shortened.
        longest_jump_s: the longest of them, seconds.
        missing_images: numbers left out of an image sequence.
        interlaced_frames: pictures made of two half-pictures of different times; they are not separated.
        first_damage_s: time of the first damage, seconds, if there is any.
        stopped_early: why the reading ended before the video's stated end, if it did.
    """

    frames_decoded: int = 0
    frames_yielded: int = 0
    frames_dropped_damaged: int = 0
    damaged_packets: int = 0
    timestamps_repaired: int = 0
    clock_jumps: int = 0
    longest_jump_s: float = 0.0
    missing_images: int = 0
    interlaced_frames: int = 0
    first_damage_s: float | None = None
    stopped_early: str | None = None

    def warnings(self) -> list[str]:
        """What a user should know of the reading, in sentences; none for a clean one."""
        found = []
        if self.frames_dropped_damaged or self.damaged_packets:
            at = "" if self.first_damage_s is None else f" at {self.first_damage_s:.2f} s"
            lost = max(self.frames_dropped_damaged, self.damaged_packets)
            found.append(f"The video is damaged{at}: {_counted(lost, 'frame was', 'frames were')} left out.")
        if self.stopped_early is not None:
            found.append(f"The video was not read to its end: {self.stopped_early}.")
        if self.timestamps_repaired:
            repaired = _counted(self.timestamps_repaired, "frame has", "frames have")
            found.append(f"{repaired} no valid time in the video; it was filled in from the others.")
        if self.clock_jumps:
            jumps = _counted(self.clock_jumps, "time", "times")
            found.append(
                f"The video's clock jumps ahead {jumps}, by up to {self.longest_jump_s:.0f} s; the time in between is"
                " left out."
            )
        if self.missing_images:
            found.append(f"{_counted(self.missing_images, 'number is', 'numbers are')} missing in the image sequence.")
        if self.interlaced_frames:
            found.append("The video is interlaced; it is read as it is, so that fast limbs may look doubled.")
        return found

    def as_dict(self) -> dict[str, object]:
        """Plain values, ready for JSON."""
        return asdict(self)


def _counted(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"
