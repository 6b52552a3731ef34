"""A clip's people, room and camera in Blender, and its frames as pictures."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from mathutils import Matrix

from pose_core.lab.mannequin import garments, rig, scene
from pose_core.lab.mannequin.body import Part
from pose_core.lab.mannequin.hanging import AROUND, LEVELS, hanging_rings
from pose_core.lab.mannequin.skin import part_weights
from pose_core.lab.rendered_clips.outfits import OUTFITS, Outfit
from pose_core.lab.rendered_clips.plan import Clip
from pose_core.lab.rendered_clips.postures import SEAT_BELOW_PELVIS_M
from pose_core.lab.rendered_clips.take import Performer, Take
from pose_core.lab.rendered_people import textures
from pose_core.lab.rendered_people.figure import Figure, remove_everything
from pose_core.lab.rendered_people.people import Colour
from pose_core.types import FloatArray

_FINE = 1.0 / 0.6
_ROOM_M, _CEILING_M = 7.5, 5.0
_BLOCK_M = (0.42, 0.24)
_JPEG_QUALITY = 93
_LIGHTS = ("paint.sl", "studio.sl", "outdoor.sl")


def frame_name(number: int) -> str:
    """File name of a frame, counted from 0."""
    return f"{number:05d}.jpg"


class Stage:
    """One clip, built and ready to be rendered."""

    def __init__(self, clip: Clip, take: Take) -> None:
        self._take = take
        self._hanging: list[tuple[Any, FloatArray]] = []
        rng = np.random.default_rng([clip.seed, 12])
        remove_everything()
        _set_up(clip, rng)
        _build_room(clip, rng)
        self.figures = [
            self._dress(number, performer, actor.outfit, np.random.default_rng([clip.seed, number, 13]))
            for number, (performer, actor) in enumerate(zip(take.performers, clip.actors, strict=True))
        ]
        if clip.seat:
            _build_seat(take.performers[0])
        self._camera = _build_camera(clip, take)

    def render(self, folder: Path, tell: Callable[[int], None]) -> None:
        """Write every frame into a folder as JPEG."""
        for k in range(len(self._take.ticks)):
            self.show(k)
            bpy.context.scene.render.filepath = str(folder / frame_name(k))
            bpy.ops.render.render(write_still=True)
            tell(k)

    def show(self, frame: int) -> None:
        """Put everything where it is in a frame, counted from 0."""
        bpy.context.scene.frame_set(frame + 1)
        for thing, vertices in self._hanging:
            thing.data.vertices.foreach_set("co", vertices[frame].astype(np.float32).ravel())
            thing.data.update()
        T = self._take.T_world_camera[frame] @ np.diag([1.0, -1.0, -1.0, 1.0])
        self._camera.matrix_world = Matrix(T.tolist())
        bpy.context.view_layer.update()

    def _dress(self, number: int, performer: Performer, name: str, rng: np.random.Generator) -> Figure:
        outfit, person = OUTFITS[name], performer.person
        label = f"person_{number}_"
        coat = person.top.colour if outfit.hanging_cloth == "coat" and outfit.coat_thick_m is None else _dull(rng)
        without = ("trousers",) if outfit.wide_trousers else ()
        if outfit.coat_thick_m is not None:
            without = (*without, "shirt", "sleeves")  # it would come through where bodies differ from the modelled one
        trim = person.top.colour if outfit.front_m > 0.05 else tuple(0.4 * c for c in coat)
        colours = {"coat": coat, "trim": (trim[0], trim[1], trim[2]), "bag": _dull(rng)}
        figure = Figure(person, rng, label, _over(outfit), without, colours)
        rig.keyframe_pose(figure.armature, performer.pose.D, performer.pose.root_m, performer.points)
        if outfit.hanging is not None:
            shape = person.shape
            rings = hanging_rings(
                performer.joints_m, self._take.time_s, outfit.hanging, shape.size, 0.5 + 0.5 * shape.torso_girth
            )
            cloth = figure.materials["trousers" if outfit.hanging_cloth == "skirt" else "coat"]
            strip = outfit.front_m / outfit.hanging.half_depth_m
            self._hanging.append((_build_hanging(label, cloth, figure.materials["trim"], strip), rings))
        return figure


def _over(outfit: Outfit) -> list[tuple[Part, FloatArray]]:
    worn: list[tuple[Part, FloatArray]] = []
    if outfit.coat_thick_m is not None:
        worn.append(_coat(outfit.coat_thick_m, outfit.sleeve_end, outfit.front_m))
    if outfit.wide_trousers:
        worn.append(_wide_trousers())
    if outfit.bag:
        worn += _bag(outfit.bag)
    return worn


# The surface of a part depends on its cut alone, so that clips share it.


@lru_cache
def _coat(thick_m: float, end: float, front_m: float) -> tuple[Part, FloatArray]:
    part = garments.build_coat(_FINE, thick_m, end, front_m)
    return part, part_weights(part)


@lru_cache
def _wide_trousers() -> tuple[Part, FloatArray]:
    part = garments.build_wide_trousers(_FINE)
    return part, part_weights(part)


@lru_cache
def _bag(kind: str) -> tuple[tuple[Part, FloatArray], ...]:
    return tuple((part, part_weights(part)) for part in garments.build_bag(_FINE, kind))


def _dull(rng: np.random.Generator) -> Colour:
    """A colour that coats and bags have."""
    grey = float(rng.uniform(0.02, 0.35))
    r, g, b = (float(np.clip(grey * np.exp(rng.normal(0.0, 0.45)), 0.01, 0.6)) for _ in range(3))
    return r, g, b


def _build_hanging(label: str, material: Any, trim: Any, strip_rad: float) -> Any:
    ring = garments.empty_mesh(LEVELS, AROUND)
    mesh = bpy.data.meshes.new(f"{label}hanging")
    mesh.from_pydata(ring.vertices.tolist(), [], ring.quads.tolist())
    mesh.materials.append(material)
    mesh.materials.append(trim)
    # rings begin at the left and go round by the back, so that the front lies at three quarters
    turn = (np.arange(len(ring.quads)) % AROUND + 0.5) / AROUND * 2 * np.pi
    mesh.polygons.foreach_set("material_index", (np.abs(turn - 1.5 * np.pi) < strip_rad).astype(np.int32))
    mesh.polygons.foreach_set("use_smooth", np.ones(len(mesh.polygons), bool))
    around, down = np.tile(np.arange(AROUND) / 4.0, LEVELS), np.repeat(np.arange(LEVELS) / 4.0, AROUND)
    uv = np.stack([around, down], axis=-1)[ring.quads.ravel()]
    mesh.uv_layers.new(name="UVMap").data.foreach_set("uv", uv.astype(np.float32).ravel())
    thing = bpy.data.objects.new(f"{label}hanging", mesh)
    bpy.context.scene.collection.objects.link(thing)
    return thing


def _build_room(clip: Clip, rng: np.random.Generator) -> None:
    """A floor, four walls with something on them, and the clip's boxes."""
    r, low = _ROOM_M, clip.ground_m
    unit_uv = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
    planks = scene.planks(rng)[::2, ::2] * rng.uniform(0.6, 1.2) if rng.random() < 0.6 else textures.tiles(rng)
    floor = scene.textured_material("floor", scene.new_image("floor", planks))
    corners = np.array([[-r, -r, low], [r, -r, low], [r, r, low], [-r, r, low]])
    scene.quad("room_floor", corners, unit_uv * (2 * r / 1.7), floor)
    for i in range(4):
        a, b = corners[i], corners[(i + 1) % 4]
        paint = textures.plain(rng) if i % 2 else textures.rectangles(rng, (128, 256))
        wall = scene.textured_material(f"wall_{i}", scene.new_image(f"wall_{i}", 0.35 + 0.6 * paint))
        up = np.array([0.0, 0.0, _CEILING_M])
        scene.quad(f"room_wall_{i}", np.array([b, a, a + up, b + up]), unit_uv, wall)
    for i, (lower, upper) in enumerate(clip.boxes):
        colour = rng.uniform(0.05, 0.6, 3)
        material = rig.plain_material(f"box_{i}", (float(colour[0]), float(colour[1]), float(colour[2])))
        scene.box(f"box_{i}", np.array(lower), np.array(upper), material)
    if low < 0:
        half = np.array(_BLOCK_M)
        material = rig.plain_material("block", (0.25, 0.22, 0.20))
        for number, actor in enumerate(clip.actors):
            place = np.array(actor.place_m)
            scene.box(f"block_{number}", np.array([*(place - half), low]), np.array([*(place + half), 0.0]), material)


def _build_seat(performer: Performer) -> None:
    """A stool where the pelvis is lowest."""
    size = performer.person.shape.size
    way = performer.joints_m[:, 0]
    pelvis = np.median(way[way[:, 2] <= np.percentile(way[:, 2], 30)], axis=0)
    half = 0.21 * size
    top = float(pelvis[2]) - SEAT_BELOW_PELVIS_M * size
    material = rig.plain_material("seat", (0.30, 0.16, 0.08))
    lower = np.array([pelvis[0] - half, pelvis[1] - half, 0.0])
    scene.box("seat", lower, np.array([pelvis[0] + half, pelvis[1] + half, top]), material)


def _build_camera(clip: Clip, take: Take) -> Any:
    data = bpy.data.cameras.new("Camera")
    data.sensor_fit, data.sensor_width = "HORIZONTAL", 36.0
    data.lens = float(take.K[0, 0]) * 36.0 / clip.size_px[0]
    data.clip_start, data.clip_end = 0.05, 100.0
    thing = bpy.data.objects.new("Camera", data)
    bpy.context.scene.collection.objects.link(thing)
    bpy.context.scene.camera = thing
    return thing


def _set_up(clip: Clip, rng: np.random.Generator) -> None:
    here = bpy.context.scene
    scene.set_up_workbench()
    here.display.render_aa = "FXAA"  # several samples would cost as many renders
    shading = here.display.shading
    shading.studio_light = _LIGHTS[int(rng.integers(len(_LIGHTS)))]
    shading.use_world_space_lighting = True
    shading.studiolight_rotate_z = float(rng.uniform(-np.pi, np.pi))
    here.display.light_direction = (float(rng.uniform(-0.6, 0.6)), 0.8, 0.5)
    shading.show_shadows, shading.show_backface_culling = False, False
    here.view_settings.exposure = float(rng.uniform(0.5, 1.1))
    render = here.render
    render.resolution_x, render.resolution_y = clip.size_px
    render.resolution_percentage = 100
    if hasattr(render.image_settings, "media_type"):
        render.image_settings.media_type = "IMAGE"
    render.image_settings.file_format, render.image_settings.quality = "JPEG", _JPEG_QUALITY
    if here.world is None:
        here.world = bpy.data.worlds.new("World")
