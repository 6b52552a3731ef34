"""Training: the temporal lifter, image networks, and what both share."""
