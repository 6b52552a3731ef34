"""A rough motion to start the solve from: lengths, rotations, up and the root's path."""
