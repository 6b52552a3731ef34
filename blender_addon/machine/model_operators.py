"""Models of the user's own: register a file, so that it can be chosen."""

import bpy
from bpy.props import EnumProperty, StringProperty
from bpy_extras.io_utils import ImportHelper

from pose_core.errors import ModelError, PoseCoreError
from pose_core.runtime.catalogue import DETECTOR_KINDS, KINDS
from pose_core.skeletons import KEYPOINT_SETS

from ..job.operator import redraw
from ..job.state import STATE, Problem
from .models import DEFAULT
from .preferences import get_preferences
from .status import model_store, readiness

AS_DESCRIBED = "AUTO"
_KIND_LABELS = {
    "simcc": ("SimCC", "Finds keypoints, as RTMPose does"),
    "heatmap": ("Heatmaps", "Finds keypoints, as TinyPose and ViTPose do"),
    "pose3d": ("Pose in 3D", "Finds joints in 2D and 3D, as scripts/train_network.py exports them"),
    "yolox": ("Detector (YOLOX)", "Finds people"),
    "rtmdet": ("Detector (RTMDet)", "Finds people"),
}


class POSE_CORE_OT_register_model(bpy.types.Operator, ImportHelper):
    """Add an ONNX network of your own; it is copied to Pose Core's models and checked against the JSON beside it"""

    bl_idname = "pose_core.register_model"
    bl_label = "Register Model..."
    bl_options = {"INTERNAL"}

    filename_ext = ".onnx"
    filter_glob: StringProperty(default="*.onnx", options={"HIDDEN"})
    model_name: StringProperty(name="Name", description="What to call it; empty = the file's name", default="")
    kind: EnumProperty(
        name="Kind",
        description="What it takes and gives",
        items=[
            (AS_DESCRIBED, "As Described", "As the JSON file says that was exported with it"),
            *((kind, *_KIND_LABELS.get(kind, (kind, ""))) for kind in KINDS if kind != "blazepose"),
        ],
        default=AS_DESCRIBED,
    )
    keypoint_set: EnumProperty(
        name="Keypoints",
        description="Which points it finds, in which order",
        items=[
            (AS_DESCRIBED, "As Described", "As the JSON file says that was exported with it"),
            *((name, name, f"{len(keypoints)} keypoints") for name, keypoints in KEYPOINT_SETS.items()),
        ],
        default=AS_DESCRIBED,
    )
    licence: StringProperty(name="Licence", description="Its terms, for the record", default="")

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        """Not while a job may be reading models."""
        return STATE.job is None

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Register it, and choose it if it finds joints."""
        STATE.problem, STATE.note = None, ""
        try:
            entry = model_store(get_preferences(context)).register(
                bpy.path.abspath(self.filepath),
                "" if self.kind == AS_DESCRIBED else self.kind,
                name=self.model_name.strip(),
                keypoint_set="" if self.keypoint_set == AS_DESCRIBED else self.keypoint_set,
                licence=self.licence.strip(),
            )
        except (PoseCoreError, OSError) as error:
            known = error if isinstance(error, PoseCoreError) else ModelError(f"The model cannot be copied ({error}).")
            STATE.problem = Problem.of("model", known)
            self.report({"ERROR"} if bpy.app.background else {"WARNING"}, f"{known.message} {known.hint}".strip())
            redraw(context)
            return {"CANCELLED"}
        if entry.kind not in DETECTOR_KINDS:
            context.scene.pose_core.model_name = entry.name if entry.name != DEFAULT else ""
        readiness(context, anew=True)
        STATE.note = f"Registered {entry.name}"
        self.report({"INFO"}, STATE.note)
        redraw(context)
        return {"FINISHED"}


CLASSES = (POSE_CORE_OT_register_model,)
