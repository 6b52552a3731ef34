"""Thresholds by which the tracker decides."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TrackerRules:
    """Thresholds of the tracker."""

    detect_every_s: float = 0.5
    """How often to look for further people."""
    search_every_s: float = 0.1
    """How often to look for somebody lost, while others are in sight."""
    most_lost_s: float = 1.5
    """Somebody out of sight for longer comes back as a new person."""
    keep_trying_s: float = 0.12
    """How long to go on looking where a person should be, after the network has said that nobody is there."""
    least_overlap: float = 0.35
    """Regions that overlap less (intersection over union) are not the same person."""
    same_pose: float = 0.55
    """Keypoint similarity above which two regions hold the same person."""
    known_pose: float = 0.33
    """Keypoint similarity to somebody followed above which a detection is nobody new."""
    run_away: float = 1.35
    """A region that the detector finds larger or smaller than this is looked at again."""
    slip_s: float = 0.12
    """Two people with the same pose for longer are one, whom the other's region has slipped onto."""
    least_mean_confidence: float = 0.15
    """Mean confidence over all keypoints below which a pose does not count."""
    largest_region: float = 4.0
    """A region beyond this many times the picture's longer side holds nobody: a network that keeps seeing a person of
    one size in its crop lets the crop grow for ever."""
    part_size: float = 0.8
    """Somebody new inside somebody followed must be larger than this share of them, else it is a part of them."""
    only_prominent: bool = True
    """Do not compute keypoints of people who cannot be the most prominent one."""
    watch_below: float = 0.4
    """Share of the most prominent person's prominence below which that is so."""
