"""Runs a test script inside Blender, be it the bpy module or the program: see `support/blender.py`.

Arguments: the script, whether the project is importable ("1" or "0"), then the script's own. The script is a Python
file with `main(args: list[str]) -> dict`; the dictionary comes back as the last line, `POSE_CORE_OK {json}`.
"""

import faulthandler
import json
import os
import runpy
import sys
import traceback
from pathlib import Path


def _run(arguments):
    script, project_importable, *own = arguments
    if project_importable == "1":
        sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    import bpy  # first: mathutils, gpu and others exist only after it

    print(f"Blender {bpy.app.version_string}, Python {sys.version.split()[0]}", flush=True)
    bpy.ops.wm.read_factory_settings(use_empty=True)
    sys.argv = [script, *own]
    result = runpy.run_path(script, run_name="__pose_core_test__")["main"](own)
    return json.dumps({} if result is None else result)


def _leave(code):
    # A Python that leaves by the usual door may crash or hang in Blender's own clean-up.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def main():
    """Run the script named on the command line and end the process."""
    faulthandler.enable()
    arguments = sys.argv[sys.argv.index("--") + 1 :]
    try:
        payload = _run(arguments)
    except BaseException:  # noqa: BLE001 - the process's outer boundary: report and end
        traceback.print_exc()
        _leave(1)
    print(f"POSE_CORE_OK {payload}", flush=True)
    _leave(0)


if __name__ == "__main__":
    main()
