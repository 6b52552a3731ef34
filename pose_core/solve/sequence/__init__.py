"""The clip-wide least-squares problem and its solution."""
