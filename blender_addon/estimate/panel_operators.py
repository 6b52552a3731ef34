"""Small helpers of the panel: choose or drop a video, go to a frame, copy an error, tidy up."""

from pathlib import Path

import bpy
from bpy.props import CollectionProperty, IntProperty, StringProperty

from ..addon_id import ADDON_ID
from ..job.operator import redraw
from ..job.state import STATE

VIDEO_SUFFIXES = (".mp4", ".mov", ".m4v", ".avi", ".mkv", ".webm", ".mts", ".m2ts", ".mpg", ".mpeg", ".wmv", ".ogv")
VIDEO_GLOB = ";".join(f"*{suffix}" for suffix in VIDEO_SUFFIXES)


class POSE_CORE_OT_choose_video(bpy.types.Operator):
    """Choose the video with the person"""

    bl_idname = "pose_core.choose_video"
    bl_label = "Choose Video"
    bl_options = {"UNDO", "INTERNAL"}

    filepath: StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"})
    filter_glob: StringProperty(default=VIDEO_GLOB, options={"HIDDEN"})
    filter_folder: bpy.props.BoolProperty(default=True, options={"HIDDEN"})

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        """Open the file browser where the present video is."""
        present = bpy.path.abspath(context.scene.pose_core.video_path.strip())
        if present:
            self.filepath = present
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Take the chosen file."""
        context.scene.pose_core.video_path = self.filepath
        return {"FINISHED"}


class POSE_CORE_OT_drop_video(bpy.types.Operator):
    """Use the dropped video for Pose Core"""

    bl_idname = "pose_core.drop_video"
    bl_label = "Estimate Pose from Video"
    bl_options = {"UNDO", "INTERNAL"}

    filepath: StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"})
    directory: StringProperty(subtype="DIR_PATH", options={"SKIP_SAVE"})
    files: CollectionProperty(type=bpy.types.OperatorFileListElement, options={"SKIP_SAVE"})

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Take the dropped file and show the panel."""
        path = self.filepath or (str(Path(self.directory) / self.files[0].name) if self.files else "")
        if not path:
            return {"CANCELLED"}
        context.scene.pose_core.video_path = path
        area = context.area
        if area is not None and area.type == "VIEW_3D":
            area.spaces.active.show_region_ui = True
            for region in area.regions:
                # Before its first drawing a region has no categories to choose from.
                if region.type == "UI" and region.active_panel_category != "UNSUPPORTED":
                    region.active_panel_category = "Pose"
        redraw(context)
        return {"FINISHED"}


class POSE_CORE_FH_video(bpy.types.FileHandler):
    """Takes videos that are dropped onto a 3D view."""

    bl_idname = "POSE_CORE_FH_video"
    bl_label = "Pose Core video"
    bl_import_operator = "pose_core.drop_video"
    bl_file_extensions = ";".join(VIDEO_SUFFIXES)

    @classmethod
    def poll_drop(cls, context: bpy.types.Context) -> bool:
        """Only in 3D views."""
        return context.area is not None and context.area.type == "VIEW_3D"


class POSE_CORE_OT_go_to_frame(bpy.types.Operator):
    """Show this frame"""

    bl_idname = "pose_core.go_to_frame"
    bl_label = "Go to Frame"
    bl_options = {"INTERNAL"}

    frame: IntProperty()

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Set the scene's frame."""
        context.scene.frame_set(self.frame)
        return {"FINISHED"}


class POSE_CORE_OT_copy_details(bpy.types.Operator):
    """Copy the error with all details to the clipboard, for a bug report"""

    bl_idname = "pose_core.copy_details"
    bl_label = "Copy Details"
    bl_options = {"INTERNAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Copy it."""
        problem = STATE.problem
        if problem is None:
            return {"CANCELLED"}
        parts = (f"Blender {bpy.app.version_string}", problem.message, problem.hint, problem.details)
        context.window_manager.clipboard = "\n".join(part for part in parts if part)
        self.report({"INFO"}, "Copied")
        return {"FINISHED"}


class POSE_CORE_OT_dismiss(bpy.types.Operator):
    """Hide this message"""

    bl_idname = "pose_core.dismiss"
    bl_label = "Dismiss"
    bl_options = {"INTERNAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Forget error and note."""
        STATE.problem, STATE.note = None, ""
        redraw(context)
        return {"FINISHED"}


class POSE_CORE_OT_open_preferences(bpy.types.Operator):
    """Open the add-on's preferences: worker environment, device, models"""

    bl_idname = "pose_core.open_preferences"
    bl_label = "Pose Core Preferences"
    bl_options = {"INTERNAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Show them."""
        del context
        bpy.ops.preferences.addon_show(module=ADDON_ID)
        return {"FINISHED"}


CLASSES = (
    POSE_CORE_OT_choose_video,
    POSE_CORE_OT_drop_video,
    POSE_CORE_FH_video,
    POSE_CORE_OT_go_to_frame,
    POSE_CORE_OT_copy_details,
    POSE_CORE_OT_dismiss,
    POSE_CORE_OT_open_preferences,
)
