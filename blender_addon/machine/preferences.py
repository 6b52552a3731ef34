"""Settings of the machine: the worker environment, models, and what they run on."""

import sys
from pathlib import Path

import bpy
from bpy.props import EnumProperty, IntProperty, StringProperty

from pose_core.install.environment import default_folder

from ..addon_id import ADDON_ID
from . import bundle


class PoseCorePreferences(bpy.types.AddonPreferences):
    """Shown under Edit > Preferences > Add-ons > Pose Core."""

    bl_idname = ADDON_ID

    environment_path: StringProperty(
        name="Environment",
        description="Folder of the worker's Python environment, or its interpreter; empty = Pose Core's own place, "
        "which all Blender versions share",
        default="",
        subtype="DIR_PATH",
    )
    base_python: StringProperty(
        name="Base Python",
        description="Python 3.11 to 3.14 that the environment is made with; empty = Blender's own",
        default="",
        subtype="FILE_PATH",
    )
    wheel_folder: StringProperty(
        name="Offline Packages",
        description="Folder of wheels to install from, without a network; empty = the package index",
        default="",
        subtype="DIR_PATH",
    )
    model_folder: StringProperty(
        name="Model Folder",
        description="Folder of model files to look in first; empty = the user's cache only",
        default="",
        subtype="DIR_PATH",
    )
    device: EnumProperty(
        name="Device",
        description="What networks run on",
        items=[
            ("auto", "Automatic", "The fastest that really works here"),
            ("cpu", "Processor", "Works everywhere"),
            ("cuda", "CUDA", "NVIDIA graphics"),
            ("tensorrt", "TensorRT", "NVIDIA graphics, slow first start"),
            ("directml", "DirectML", "Any graphics on Windows"),
            ("coreml", "CoreML", "Apple"),
        ],
        default="auto",
    )
    threads: IntProperty(
        name="Threads", description="Processor threads of the worker; 0 = all", default=0, min=0, soft_max=64
    )

    @property
    def environment(self) -> Path:
        """The environment in use: the named one, else the default place."""
        named = self.environment_path.strip()
        return Path(bpy.path.abspath(named)).absolute() if named else default_folder(bundle.lock_file())

    @property
    def base_python_path(self) -> str:
        """The interpreter that environments are made with."""
        named = self.base_python.strip()
        return str(Path(bpy.path.abspath(named)).absolute()) if named else sys.executable

    @property
    def wheel_folder_path(self) -> str | None:
        """The offline folder, None for the index."""
        return _absolute(self.wheel_folder)

    @property
    def model_folder_path(self) -> str | None:
        """The model folder, None for the cache alone."""
        return _absolute(self.model_folder)

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the preferences."""
        from .panel import draw_preferences

        draw_preferences(self, self.layout, context)


def get_preferences(context: bpy.types.Context) -> PoseCorePreferences:
    """The preferences of this add-on."""
    return context.preferences.addons[ADDON_ID].preferences


def _absolute(path: str) -> str | None:
    return str(Path(bpy.path.abspath(path.strip())).absolute()) if path.strip() else None
