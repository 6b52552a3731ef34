"""What the whole pipeline makes of clips: keypoints against joints, motion against truth, people who stand."""
