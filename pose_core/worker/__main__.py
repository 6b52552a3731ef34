"""`python -m pose_core.worker`: serve jobs over stdin and stdout until stdin closes."""

from pose_core.worker.server import main

if __name__ == "__main__":
    raise SystemExit(main())
