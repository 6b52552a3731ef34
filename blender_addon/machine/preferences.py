"""Settings of the machine: the worker environment, models, and what they run on."""

import bpy
from bpy.props import EnumProperty, IntProperty, StringProperty

from ..addon_id import ADDON_ID
from .panel import draw_preferences
from .paths import MachinePaths


class PoseCorePreferences(MachinePaths, bpy.types.AddonPreferences):
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

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the preferences."""
        draw_preferences(self, self.layout, context)
