"""Training of the temporal lifter on motion capture seen by virtual cameras."""
