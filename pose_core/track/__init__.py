"""Following people through a clip."""

from pose_core.track.run import TrackResult, track_people

__all__ = ["TrackResult", "track_people"]
