"""People in one frame."""

from pose_core.detect.detection import Detection, PersonDetector

__all__ = ["Detection", "PersonDetector"]
