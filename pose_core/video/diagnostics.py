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
    missing_images: int = 0
    interlaced_frames: int = 0
    first_damage_s: float | None = None
    stopped_early: str | None = None

    @property
    def is_clean(self) -> bool:
        """Whether everything that the file promised was read."""
        lost = self.frames_dropped_damaged or self.damaged_packets or self.timestamps_repaired or self.missing_images
        return not lost and self.stopped_early is None

    def as_dict(self) -> dict[str, object]:
        """Plain values, ready for JSON."""
        return asdict(self)
