"""Settings of a job, kept in the scene so that they are saved with the file."""

import math

import bpy
from bpy.props import (
    BoolProperty,
    CollectionProperty,
    EnumProperty,
    FloatProperty,
    IntProperty,
    PointerProperty,
    StringProperty,
)

from pose_core.config import HEIGHT_RANGE_M, SolveConfig
from pose_core.retarget.keys.decimate import LEAST_MM, MOST_MM
from pose_core.retarget.keys.plan import KEEP
from pose_core.retarget.rig.description import ROTATION_MODES

from ..bridge.export.presets import PRESETS
from ..cast.property_group import PoseCoreRole, is_armature
from ..machine.models import DEFAULT
from ..machine.status import readiness

EULER_MODES = tuple(mode for mode in ROTATION_MODES if len(mode) == 3)
DEFAULT_FOV_RAD = math.radians(60.0)


# Blender keeps no reference to texts of its own that a function makes.
_shown_models: list[tuple[str, str, str, str, int]] = []


def _model_items(
    _settings: "PoseCoreSettings", context: bpy.types.Context | None
) -> list[tuple[str, str, str, str, int]]:
    """The models that can be chosen."""
    choices = readiness(context or bpy.context).models
    _shown_models[:] = [(c.name, c.label, c.about, "NONE" if c.here else "ERROR", i) for i, c in enumerate(choices)]
    return _shown_models


def _chosen_model(settings: "PoseCoreSettings") -> int:
    names = [item[0] for item in _model_items(settings, None)]
    name = settings.model_name or DEFAULT
    return names.index(name) if name in names else 0


def _choose_model(settings: "PoseCoreSettings", number: int) -> None:
    name = _model_items(settings, None)[number][0]
    settings.model_name = "" if name == DEFAULT else name


SETTINGS_VERSION = 1
# A file holds a choice as its number: these stay as they are, whatever the order of the presets.
SAVED_PRESETS = {"fbx": 0, "fbx-unity": 1, "fbx-unreal": 2, "glb": 3, "bvh": 4, "godot": 5}


class PoseCoreSettings(bpy.types.PropertyGroup):
    """What the panel offers."""

    version: IntProperty(
        description="Version of these settings; 0 = of a file from before they had one", default=0, options={"HIDDEN"}
    )

    video_path: StringProperty(
        name="Video",
        description="Video file, folder of images, or image pattern such as shot_####.png",
        default="",
    )
    character: EnumProperty(
        name="Character",
        description="Who gets the motion",
        items=[
            ("NEW", "New Armature", "Make an armature in the sizes of the person"),
            ("EXISTING", "My Character", "Put the motion on an armature of this scene"),
        ],
        default="NEW",
    )
    target: PointerProperty(
        name="Armature",
        description="Armature that gets the motion; its bones are found by names and shape",
        type=bpy.types.Object,
        poll=is_armature,
    )
    frame_start: IntProperty(name="Start Frame", description="Scene frame at which the video starts", default=1)
    height_m: FloatProperty(
        name="Person Height",
        description="How tall the person in the video is: one camera alone cannot tell, and it sets the scale",
        default=SolveConfig().height_m,
        min=HEIGHT_RANGE_M[0],
        max=HEIGHT_RANGE_M[1],
        unit="LENGTH",
        step=1,
        precision=3,
    )
    people: EnumProperty(
        name="Person",
        description="Whom to follow",
        items=[
            ("MAIN", "Most Prominent", "The person who is largest and seen longest"),
            ("ALL", "Everybody", "Every person gets a character: of the list, the chosen one, or a new armature"),
            ("ID", "By Number", "The person of this number, as an earlier result or the preview shows it"),
        ],
        default="MAIN",
    )
    person_id: IntProperty(name="Number", description="Number of the person to follow", default=1, min=0)

    cast: CollectionProperty(type=PoseCoreRole)
    active_role: IntProperty()
    only_cast: BoolProperty(
        name="Leave Others Out",
        description="People without a character of the list get nothing; off = each of them gets a new armature",
        default=False,
    )

    model_name: StringProperty(
        description="Name of the pose model, as the command line has it; empty = the default", default=""
    )
    model: EnumProperty(
        name="Model",
        description="Which network finds the person's joints",
        items=_model_items,
        get=_chosen_model,
        set=_choose_model,
    )

    use_fov: BoolProperty(
        name="Known Field of View", description="Give the camera's field of view instead of assuming a usual one"
    )
    fov_rad: FloatProperty(
        name="Field of View",
        description="Across the longer side of the picture",
        default=DEFAULT_FOV_RAD,
        min=math.radians(1.0),
        max=math.radians(175.0),
        subtype="ANGLE",
    )
    use_tilt: BoolProperty(name="Known Tilt", description="Give the camera's tilt instead of estimating it")
    pitch_rad: FloatProperty(
        name="Pitch", description="Upwards positive", subtype="ANGLE", min=-math.pi / 2, max=math.pi / 2
    )
    roll_rad: FloatProperty(
        name="Roll", description="Clockwise positive, seen from behind the camera", subtype="ANGLE", min=-math.pi,
        max=math.pi,
    )  # fmt: skip

    smoothness: FloatProperty(
        name="Smoothness",
        description="0 = none, 1 = as tuned, 2 = twice as strong",
        default=SolveConfig().smoothness,
        min=0.0,
        max=100.0,
        soft_max=4.0,
    )
    max_gap_s: FloatProperty(
        name="Fill Gaps Up To",
        description="Longer spans in which the person is not seen stay without keys",
        default=SolveConfig().max_gap_s,
        min=0.0,
        soft_max=5.0,
        unit="TIME_ABSOLUTE",
    )
    foot_contact: BoolProperty(
        name="Plant Feet", description="Keep feet still while they bear weight", default=SolveConfig().foot_contact
    )
    floor: BoolProperty(name="Feet on Floor", description="Put the feet on Z = 0", default=SolveConfig().floor)

    use_range: BoolProperty(name="Part of the Video", description="Use only a part of the video")
    range_start_s: FloatProperty(
        name="From", description="First time to use", default=0.0, min=0.0, unit="TIME_ABSOLUTE"
    )
    range_end_s: FloatProperty(
        name="To", description="Time to stop before; 0 = to the end", default=0.0, min=0.0, unit="TIME_ABSOLUTE"
    )
    fps_mode: EnumProperty(
        name="Keys",
        description="Where keys are put",
        items=[
            (
                "subframes",
                "Every Video Frame",
                "At the exact time of every video frame, between scene frames if need be",
            ),
            ("resample", "Every Scene Frame", "At whole scene frames, resampled from the video"),
        ],
        default="subframes",
    )
    set_scene_fps: BoolProperty(
        name="Frame Rate from Video", description="Set the scene's frame rate to that of the video", default=True
    )
    set_frame_range: BoolProperty(
        name="Frame Range from Video", description="Set the scene's first and last frame to the motion's", default=True
    )

    use_fewer_keys: BoolProperty(
        name="Fewer Keys",
        description="Leave out keys that are not needed; off = a key at every frame",
        default=False,
    )
    key_error_mm: FloatProperty(
        name="Largest Error",
        description="How far any joint may be off at any frame, in millimetres. Planted feet stay within less than one",
        default=2.0,
        min=LEAST_MM,
        max=MOST_MM,
        soft_max=10.0,
        precision=1,
        step=10,
    )
    rotation_mode: EnumProperty(
        name="Rotations",
        description="In which form rotations are keyed",
        items=[
            (KEEP, "As the Bones Have It", "Each bone keeps its own rotation mode"),
            ("QUATERNION", "Quaternion", "Changes the rotation mode of all keyed bones"),
            *((mode, f"{mode} Euler", "Changes the rotation mode of all keyed bones") for mode in EULER_MODES),
        ],
        default=KEEP,
    )
    root_motion: EnumProperty(
        name="Root Motion",
        description="Which bone carries the path through the room",
        items=[
            ("pelvis", "Pelvis", "The pelvis bone carries it"),
            ("root_bone", "Root Bone", "A bone above the pelvis travels over the floor, as game engines want it"),
            ("in_place", "In Place", "The path is taken away; the height of the pelvis is kept"),
        ],
        default="pelvis",
    )
    root_bone: StringProperty(
        name="Root Bone", description="The bone to use; empty = the topmost bone above the pelvis", default=""
    )
    push_to_nla: BoolProperty(
        name="Push to NLA", description="Put the new action on an NLA track of its own", default=False
    )
    replace_action: BoolProperty(
        name="Replace Earlier Take",
        description="An earlier action of the same name is removed, unless something else uses it; off = both are kept",
        default=False,
    )
    export_preset: EnumProperty(
        name="Format",
        description="For which program",
        items=[(preset.name, preset.label, preset.about, "NONE", SAVED_PRESETS[preset.name]) for preset in PRESETS],
        default="fbx",
    )
    export_clips: EnumProperty(
        name="Clips",
        description="Which motions are exported",
        items=[
            ("ACTIVE", "What Plays Now", "The active action, or the NLA, over the scene's frame range"),
            ("FILES", "All, a File Each", "Every action of the character, each to a file named after it"),
            ("ONE", "All in One File", "Every action of the character as a take of one file"),
        ],
        default="ACTIVE",
    )

    export_scene_time: BoolProperty(
        name="Scene Time",
        description="FBX only: keys at the scene's own times; off = the first key is at second 0",
        default=False,
    )

    write_preview: BoolProperty(
        name="Preview Video", description="Also write a video with the skeleton over the footage", default=False
    )
    output_folder: StringProperty(
        name="Save To",
        description="Folder of motion files and previews; empty = beside the .blend file, or in the user's cache",
        default="",
        subtype="DIR_PATH",
    )
