"""Mathematics that any room may use: axes, rotations, cameras, times, metrics; numpy only."""
