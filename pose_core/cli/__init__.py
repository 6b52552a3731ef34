"""The command line: `pose-core estimate`, `pose-core models`, `pose-core info`."""

from pose_core.cli.main import main

__all__ = ["main"]
