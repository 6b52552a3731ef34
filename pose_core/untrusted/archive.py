"""What goes wrong with archives."""

from __future__ import annotations

import struct
import zipfile
import zlib

UNZIP_ERRORS = (
    zipfile.BadZipFile, zlib.error, struct.error, OSError, EOFError, LookupError, ValueError, OverflowError,
    NotImplementedError, RuntimeError,
)  # fmt: skip
"""Whatever the standard library raises over a damaged archive."""
