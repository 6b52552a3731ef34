"""Run every reader and write the page: `python -m tests.interop docs/results/interop.md`."""

import sys
import tempfile
from pathlib import Path

from tests.interop.page import write_page

if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        write_page(Path(folder), Path(sys.argv[1]))
