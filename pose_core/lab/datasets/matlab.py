"""MATLAB files of public data sets."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pose_core.errors import DatasetError


def read_matlab(path: Path, names: Sequence[str]) -> dict[str, Any]:
    """Variables of a .mat file up to version 7; structs become objects with attributes.

    Raises:
        DatasetError: the file is missing, damaged, of version 7.3, or lacks a variable.
    """
    from scipy.io import loadmat

    if not path.is_file():
        raise DatasetError(f"'{path}' is missing.", "Name the root folder of the data set.")
    try:
        content = loadmat(str(path), squeeze_me=True, struct_as_record=False, variable_names=list(names))
    except NotImplementedError as error:
        raise DatasetError(
            f"'{path}' is a MATLAB file of version 7.3, which is not read.", "Save it again with `save -v7`."
        ) from error
    except Exception as error:
        raise DatasetError(f"'{path}' is damaged or no MATLAB file: {error}") from error
    missing = [name for name in names if name not in content]
    if missing:
        raise DatasetError(f"'{path}' has no variable '{missing[0]}'.")
    return {name: content[name] for name in names}
