"""The modules that Blender's own Python runs, where there is nothing but numpy and the standard library."""

LIGHT_MODULES = (
    "pose_core",
    "pose_core.maths.axes",
    "pose_core.maths.cameras",
    "pose_core.config",
    "pose_core.errors",
    "pose_core.motion_file",
    "pose_core.retarget",
    "pose_core.maths.rotations",
    "pose_core.skeletons",
    "pose_core.types",
    "pose_core.worker",
    "pose_core.worker.client",
)

# Refuses every module that is neither the standard library nor numpy nor pose_core, then imports what it is given.
IMPORT_WITH_NUMPY_ALONE = """
import importlib, importlib.abc, sys

class RefuseHeavy(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        if top not in {"numpy", "pose_core"} and top not in sys.stdlib_module_names:
            raise ModuleNotFoundError(f"{name} is not allowed here", name=name)
        return None

def import_light(names):
    finder = RefuseHeavy()
    sys.meta_path.insert(0, finder)
    try:
        for name in names:
            importlib.import_module(name)
    finally:
        sys.meta_path.remove(finder)
"""
