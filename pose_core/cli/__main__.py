"""`python -m pose_core.cli`: the same as `pose-core`."""

from pose_core.cli.main import main

if __name__ == "__main__":
    raise SystemExit(main())
