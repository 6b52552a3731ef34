"""Puts the project on Python's path, so that scripts run from a checkout in which nothing is installed."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))
