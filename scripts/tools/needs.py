"""Imported first by a script that needs more than the standard library: what is missing is said in one line."""

import sys
from pathlib import Path
from types import TracebackType

SCRIPTS = Path(__file__).resolve().parents[1]
EXTRAS = {
    **dict.fromkeys(("torch", "onnx", "onnxscript"), "train"),
    **dict.fromkeys(("matplotlib", "pytest", "hypothesis"), "dev"),
    **dict.fromkeys(
        ("numpy", "scipy", "av", "cv2", "onnxruntime", "ai_edge_litert", "platformdirs", "rich", "threadpoolctl"), "cpu"
    ),
    "pose_core": "cpu",
}
BLENDER = ("bpy", "mathutils", "bpy_extras", "gpu")


def advice(name: str, script: str, arguments: list[str]) -> str:
    """What to do about a package that is missing; empty for one that nobody knows.

    Args:
        name: as it is imported.
        script: path of the script that needs it.
        arguments: what it was started with.
    """
    rest = " ".join(arguments)
    if name in BLENDER:
        return f"run it in Blender: blender -b --python {script} -- {rest}".rstrip(" -")
    if name in EXTRAS:
        return f"install it: '{sys.executable}' -m pip install -e '{SCRIPTS.parent}[{EXTRAS[name]}]'"
    return ""


def _say(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    name = (error.name or "").partition(".")[0] if isinstance(error, ModuleNotFoundError) else ""
    what_to_do = advice(name, sys.argv[0], sys.argv[1:])
    if not what_to_do:
        sys.__excepthook__(kind, error, trace)
        return
    print(f"{Path(sys.argv[0]).name} needs {name}, which this Python does not have; {what_to_do}", file=sys.stderr)


def watch() -> None:
    """Begin to say so, if this process runs one of the scripts."""
    started = getattr(sys.modules["__main__"], "__file__", None)
    if started is not None and Path(started).resolve().parent == SCRIPTS:
        sys.excepthook = _say


watch()
