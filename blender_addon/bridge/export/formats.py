"""Write one character and its clips in a format: Blender writes what stands still, our own code what moves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from pose_core.errors import ExportError, RigError
from pose_core.export import bvh, fbx_animation, fbx_file, fbx_scene, glb_file, glb_scene, godot_import
from pose_core.export.clip import Clip, LocalTracks, Skeleton, local_tracks
from pose_core.export.thinning import KeptKeys, all_keys, reaches, thinned

from .. import compat
from ..blender_io import enable_addon
from .presets import ExportPreset
from .sampling import scene_unit_m

_PLAIN_FBX: dict[str, Any] = {
    "check_existing": False,
    "use_selection": True,
    "object_types": {"ARMATURE", "MESH"},
    "add_leaf_bones": False,
    "use_armature_deform_only": False,
    "bake_anim": False,
    "axis_forward": "-Z",
    "axis_up": "Y",
    "path_mode": "COPY",
    "embed_textures": True,
}
_PLAIN_GLTF: dict[str, Any] = {
    "check_existing": False,
    "export_format": "GLB",
    "use_selection": True,
    "export_yup": True,
    "export_animations": False,
    "export_def_bones": False,
    "export_leaf_bone": False,
    "export_current_frame": False,
    "export_rest_position_armature": True,
}
_CM = 0.01
_TO_Y_UP = np.array([[1.0, 0, 0, 0], [0, 0, 1, 0], [0, -1, 0, 0], [0, 0, 0, 1.0]])


@dataclass
class Job:
    """What is to be written."""

    context: bpy.types.Context
    armature: bpy.types.Object
    objects: Sequence[bpy.types.Object]
    """The armature and its meshes."""
    path: Path
    preset: ExportPreset
    skeleton: Skeleton
    clips: Sequence[Clip]
    key_error_m: float | None = None
    """Leave out keys as long as no joint is off by more; None = a key a frame."""
    notes: list[str] = field(default_factory=list)
    """What the user should know of the file."""
    beside: dict[str, str] = field(default_factory=dict)
    """Suffix to the text of a further file, to be written unless there is one."""


def write_fbx(job: Job) -> None:
    """Binary FBX in centimetres, Y up; nodes stand in rest pose and have no scale."""
    enable_addon("io_scene_fbx")
    settings = {**_PLAIN_FBX, **job.preset.settings}
    with _selected(job):
        _called(job, bpy.ops.export_scene.fbx(filepath=str(job.path), **settings))
    version, root = fbx_file.read_fbx(job.path.read_bytes())
    scene = fbx_scene.read_scene(root)
    turn = np.eye(4)
    turn[:3, :3] = _about_y(np.radians(job.preset.turn_deg))
    _tell_scaled(job, fbx_scene.without_scale(scene, turn))
    names = scene.names()
    places = scene.globals()
    nodes = _found(job, names)
    to_file = turn @ _TO_Y_UP
    to_file[:3] /= _CM
    tracks = _tracks(job, np.array([places[k] for k in nodes]), to_file, _CM, euler=True)
    fbx_animation.add_clips(scene, nodes, tracks, [clip.shapes for clip in job.clips])
    fbx_scene.name_textures(scene)
    _thin_note(job)
    _tell_missing_textures(job, scene)
    job.path.write_bytes(fbx_file.write_fbx(root, version))


def write_glb(job: Job) -> None:
    """Binary glTF in metres, Y up."""
    enable_addon("io_scene_gltf2")
    settings = compat.known_arguments(bpy.ops.export_scene.gltf, {**_PLAIN_GLTF, **job.preset.settings})
    with _selected(job):
        _called(job, bpy.ops.export_scene.gltf(filepath=str(job.path), **settings))
    glb = glb_file.read_glb(job.path.read_bytes())
    _tell_scaled(job, glb_scene.without_scale(glb, scene_unit_m(job.context.scene)))
    glb_scene.skinned_meshes_to_top(glb)
    joints = {joint for skin in glb.json.get("skins", ()) for joint in skin["joints"]}
    names: dict[str, int] = {}
    for k, node in enumerate(glb.list_of("nodes")):
        # a bone and an object may bear one name
        if "mesh" not in node and (k in joints or node.get("name") not in names):
            names[node.get("name", "")] = k
    nodes = _found(job, names)
    places = glb_scene.node_globals(glb)
    tracks = _tracks(job, np.array([places[k] for k in nodes]), _TO_Y_UP.copy(), 1.0, euler=False)
    glb_scene.add_clips(glb, nodes, tracks, [clip.shapes for clip in job.clips])
    if job.preset.godot:
        _tell_renamed(job, f"{job.preset.label} changes", glb_scene.plain_names(glb))
        job.beside[".import"] = godot_import.import_settings([clip.times_s for clip in job.clips])
    job.path.write_bytes(glb_file.write_glb(glb))


def write_bvh(job: Job) -> None:
    """BVH; see `pose_core.export.bvh` for its convention."""
    clip = job.clips[0]
    written = bvh.write_bvh(job.skeleton, clip, job.armature.name)
    job.path.write_text(written.text, encoding="utf-8", newline="\n")
    _tell_renamed(job, "BVH readers stumble over blanks, colons and dots in", written.renamed)
    job.notes.append(
        f"BVH has no start time: its first frame is scene frame {clip.start_frame:g}. Centimetres, Y up, facing +Z."
    )
    if job.key_error_m is not None:
        job.notes.append("BVH has every frame: it cannot leave keys out.")


WRITERS = {".fbx": write_fbx, ".glb": write_glb, ".bvh": write_bvh}


def _tracks(job: Job, file_rest: np.ndarray, to_file: np.ndarray, unit_m: float, euler: bool
            ) -> list[tuple[LocalTracks, KeptKeys]]:  # fmt: skip
    """The clips against the file's nodes, with the keys that stay."""
    skeleton = job.skeleton
    reach_m = reaches(file_rest[:, :3, 3] * unit_m, skeleton.parents)
    out = []
    for clip in job.clips:
        tracks = local_tracks(skeleton, clip, file_rest, to_file, unit_m)
        keys = (
            all_keys(tracks)
            if job.key_error_m is None
            else thinned(tracks, skeleton.parents, reach_m, job.key_error_m, euler)
        )
        out.append((tracks, keys))
    return out


def _thin_note(job: Job) -> None:
    if job.key_error_m is not None:
        job.notes.append("Few keys: programs that draw straight lines between FBX keys (three.js) show another motion.")


def _found(job: Job, names: dict[str, int]) -> list[int]:
    """The file's node of each node of the skeleton."""
    missing = [name for name in job.skeleton.names if name not in names]
    if missing:
        told = ", ".join(f"'{name}'" for name in missing[:5])
        raise ExportError(f"Blender left out {len(missing)} nodes of '{job.armature.name}': {told}.")
    return [names[name] for name in job.skeleton.names]


def _about_y(angle: float) -> np.ndarray:
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])


def _selected(job: Job) -> Any:
    return job.context.temp_override(
        selected_objects=list(job.objects), active_object=job.armature, object=job.armature
    )


def _called(job: Job, result: set[str]) -> None:
    if "FINISHED" not in result:
        raise RigError(f"Blender could not export '{job.armature.name}' to '{job.path}'.", "Look at Blender's log.")


def _tell_renamed(job: Job, why: str, renamed: dict[str, str]) -> None:
    if renamed:
        told = ", ".join(f"'{old}' is '{new}'" for old, new in list(renamed.items())[:4])
        more = f" and {len(renamed) - 4} more" if len(renamed) > 4 else ""
        job.notes.append(f"{why} names: {told}{more}.")


def _tell_scaled(job: Job, kept: list[str]) -> None:
    if kept:
        job.notes.append(f"Mirrored, or shown in several sizes, so these keep a scale: {', '.join(sorted(kept))}.")


def _tell_missing_textures(job: Job, scene: fbx_scene.FbxScene) -> None:
    """Images that could not be put into the file: their paths would lead nowhere."""
    empty = []
    for node in scene.objects.values():
        if node.name == "Video":
            content = node.find("Content")
            if content is not None and not content.first:
                empty.append(fbx_scene.object_name(node))
    if empty:
        job.notes.append(f"Images that are missing in the scene are missing in the file: {', '.join(sorted(empty))}.")
