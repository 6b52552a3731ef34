"""Maps every rig, and uses the add-on's list of bones as a person would. Arguments: zip, folder, rig files."""

import json
import struct
from pathlib import Path
from types import SimpleNamespace

import addon_utils
import bpy

from blender_addon.bridge.read import rig_hints
from blender_addon.bridge.read.armature_reader import read_armature
from pose_core.errors import RigError
from pose_core.retarget import bone_map_to_dict, map_bones
from tests.support.in_blender import fingerprint, load_rig

MODULE = "bl_ext.user_default.pose_core"
ANIMALS = ("cat", "wolf", "horse", "bird", "shark")


def main(args):
    zip_path, folder, *rigs = args
    maps = {Path(path).name: mapped(load_rig(path)) for path in rigs}
    maps["rigify_metarig"] = mapped(load_rig("metarig"))
    maps["rigify_generated"] = mapped(generated())
    for animal in ANIMALS:
        bpy.ops.wm.read_factory_settings(use_empty=True)
        addon_utils.enable("rigify", default_set=True)
        getattr(bpy.ops.object, f"armature_{animal}_metarig_add")()
        maps[animal] = mapped(bpy.context.object)
    generic = next(path for path in rigs if Path(path).name == "generic_names_tpose.glb")
    maps["vrm"] = mapped(load_rig(str(as_vrm(Path(generic), Path(folder) / "hero.vrm"))))
    return {"maps": maps, "vrm_addon": of_vrm_addon(), "list": use_list(zip_path, Path(folder), generic)}


def mapped(obj):
    """The map, or why there is none; and whether the scene is as before."""
    bpy.context.view_layer.update()
    before = fingerprint()
    try:
        found = map_bones(read_armature(obj))
    except RigError as error:
        return {"refused": str(error), "untouched": fingerprint() == before}
    properties = {
        f"{switch.bone} {switch.property}": obj.pose.bones[switch.bone].get(switch.property) is not None
        for switch in found.switches
    }
    names = {bone.name for bone in obj.data.bones}
    data = bone_map_to_dict(found)
    controls = {name for ik in found.ik.values() for name in (ik.target, ik.pole) if name}
    return {
        "map": data,
        "least": min(found.confidence.values()),
        "controls_there": controls <= names,
        "switches_there": all(properties.values()),
        "untouched": fingerprint() == before,
    }


def generated():
    """A control rig as Rigify makes it."""
    load_rig("metarig")
    bpy.ops.pose.rigify_generate()
    return next(obj for obj in bpy.data.objects if obj.type == "ARMATURE" and "rig_id" in obj.data)


def as_vrm(source, target):
    """The same file with what a VRM file says of its bones."""
    content = source.read_bytes()
    size = struct.unpack_from("<I", content, 12)[0]
    data = json.loads(content[20 : 20 + size])
    where = {node["name"]: i for i, node in enumerate(data["nodes"])}
    words = {"hips": "Bone", "spine": "Bone.001", "chest": "Bone.002", "upperChest": "Bone.003", "neck": "Bone.012",
             "head": "Bone.017"}  # fmt: skip
    for side, first in (("left", 0), ("right", 1)):
        for part, number in (("Shoulder", 8), ("UpperArm", 13), ("LowerArm", 18), ("Hand", 20), ("UpperLeg", 4),
                             ("LowerLeg", 6), ("Foot", 10), ("Toes", 15)):  # fmt: skip
            words[f"{side}{part}"] = f"Bone.{number + first:03}"
    humans = {word: {"node": where[name]} for word, name in words.items()}
    data.setdefault("extensions", {})["VRMC_vrm"] = {"specVersion": "1.0", "humanoid": {"humanBones": humans}}
    text = json.dumps(data).encode()
    text += b" " * (-len(text) % 4)
    rest = content[20 + size :]
    target.write_bytes(
        struct.pack("<5I", 0x46546C67, 2, 20 + len(text) + len(rest), len(text), 0x4E4F534A) + text + rest
    )
    return target


def of_vrm_addon():
    """What is read of the VRM add-on's settings, laid out as that add-on does for VRM 0.x and 1.0."""

    def human(bone, name):
        return SimpleNamespace(bone=name, node=SimpleNamespace(bone_name=bone))

    old = SimpleNamespace(humanoid=SimpleNamespace(human_bones=[human("Hips_1", "hips"), human("", "neck")]))
    listed = {"leftHand": human("Hand_L", ""), "neck": human("", "")}
    humans = SimpleNamespace(human_bone_name_to_human_bone=lambda: listed)
    new = SimpleNamespace(humanoid=SimpleNamespace(human_bones=humans))
    return [
        rig_hints.of_vrm_addon(SimpleNamespace(spec_version="0.0", vrm0=old, vrm1=new)),
        rig_hints.of_vrm_addon(SimpleNamespace(spec_version="1.0", vrm0=old, vrm1=new)),
        rig_hints.of_vrm_addon(SimpleNamespace()),
    ]


def use_list(zip_path, folder, generic):
    """Detect, doubt, confirm, edit, lengthen, save, load and clear."""
    obj = load_rig(generic)
    bpy.ops.extensions.package_install_files(filepath=zip_path, repo="user_default", enable_on_install=True)
    from bl_ext.user_default.pose_core.bones import bone_list
    from bl_ext.user_default.pose_core.job import state

    settings = bpy.context.scene.pose_core
    settings.character, settings.target = "EXISTING", obj
    out = {"automatic": bone_list.is_automatic(obj), "for_run_automatic": bone_list.map_for_run(obj) is None}
    bones = obj.pose_core_bones

    bpy.ops.pose_core.detect_bones()
    out["rows"] = [[row.label, row.bone, row.confidence] for row in bones.rows]
    hand = next(row for row in bones.rows if row.part == "left_hand")
    hand.confidence = 0.1
    out["doubtful"] = [row.label for row in bone_list.doubtful_rows(obj)]
    out["refused"] = refusal(lambda: bone_list.map_for_run(obj))
    out["save_refused"] = refusal(lambda: bpy.ops.pose_core.save_bone_map(filepath=str(folder / "no.json")))
    bpy.ops.pose_core.confirm_bones()
    out["confirmed"] = not bone_list.doubtful_rows(obj)

    toe = next(row for row in bones.rows if row.part == "left_toe")
    toe.confidence = 0.3
    toe.bone = ""
    out["edited"] = [toe.confidence, "left_toe" in bone_list.listed_map(obj)]
    bones.active_row = next(i for i, row in enumerate(bones.rows) if row.part == "spine")
    bpy.ops.pose_core.change_chain(change="ADD")
    out["longer"] = [row.label for row in bones.rows if row.part == "spine"]
    bpy.ops.pose_core.change_chain(change="REMOVE")
    bpy.ops.pose_core.change_chain(change="REMOVE")
    out["shorter"] = list(bone_list.map_for_run(obj).bones["spine"])

    path = folder / "hero.bones.json"
    bpy.ops.pose_core.save_bone_map(filepath=str(path))
    saved = json.loads(path.read_text(encoding="utf-8"))
    bpy.ops.pose_core.clear_bones()
    out["cleared"] = bone_list.is_automatic(obj)
    bpy.ops.pose_core.load_bone_map(filepath=str(path))
    out["loaded_same"] = bone_map_to_dict(bone_list.map_for_run(obj)) == saved
    wrong = folder / "wrong.json"
    wrong.write_text(json.dumps({**saved, "bones": {**saved["bones"], "head": "nobody"}}), encoding="utf-8")
    before = [[row.part, row.bone] for row in bones.rows]
    out["wrong_refused"] = refusal(lambda: bpy.ops.pose_core.load_bone_map(filepath=str(wrong)))
    out["kept"] = [[row.part, row.bone] for row in bones.rows] == before
    out["problem"] = state.STATE.problem.message

    # saved and opened again the list is still there
    blend = folder / "hero.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(blend))
    bpy.ops.wm.open_mainfile(filepath=str(blend))
    again = next(o for o in bpy.data.objects if o.type == "ARMATURE")
    out["reopened_same"] = bone_map_to_dict(bone_list.map_for_run(again)) == saved
    addon_utils.disable(MODULE, default_set=True)
    out["property_gone"] = not hasattr(bpy.types.Object, "pose_core_bones")
    return out


def refusal(call):
    """The text of the error that something refuses with."""
    try:
        call()
    except (RuntimeError, RigError) as error:
        return str(error)
    return ""
