"""What is around the people: rooms, backgrounds, things in the way, light."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy
import numpy as np
from mathutils import Matrix

from pose_core.lab.mannequin import rig, scene
from pose_core.lab.rendered_people import textures
from pose_core.lab.rendered_people.views import View
from pose_core.types import FloatArray

ROOM_PREFIX = "room"
"""Rays pass through what is called so: walls are not drawn from behind."""
IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff")

_LIGHTS = {"lab": ("paint.sl", "studio.sl", "Default"), "wild": ("outdoor.sl", "rim.sl", "basic.sl", "Default")}
_OCCLUDED = {"lab": 0.25, "wild": 0.5}
_UNIT_UV = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])


class Surroundings:
    """The place of one shard; what belongs to a single picture is replaced with the next."""

    def __init__(self, look: str, background_files: list[Path], rng: np.random.Generator) -> None:
        self.look = look
        self._files = background_files
        self._things: list[Any] = []
        self._camera = _new_camera()
        self._floor = _surface("floor", _floor_texture(look, rng))
        self._walls = [_surface(f"wall_{i}", texture(rng)) for i, texture in enumerate(_wall_textures(rng))]
        self._boxes = [rig.plain_material(f"box_{i}", tuple(rng.uniform(0.02, 0.8, 3))) for i in range(6)]
        self._boxes += [_surface(f"box_texture_{i}", textures.noise(rng, (64, 64))) for i in range(2)]
        if look == "lab":
            self._room(rng)

    def prepare(self, view: View, joints_m: FloatArray, rng: np.random.Generator) -> None:
        """Set camera, light and things for one picture of a person (J, 3), world, metres."""
        self.clear()
        _aim(self._camera, view)
        _light(self.look, rng)
        if self.look == "wild":
            self._background(view, joints_m, rng)
        self._clutter(view, joints_m, rng)
        if rng.random() < _OCCLUDED[self.look]:
            for _ in range(int(rng.integers(1, 3))):
                self._occluder(view, joints_m, rng)

    def clear(self) -> None:
        """Remove what belongs to one picture."""
        for thing in self._things:
            mesh, materials = thing.data, [m for m in thing.data.materials if m and m.name.startswith("once")]
            bpy.data.objects.remove(thing)
            bpy.data.meshes.remove(mesh)
            for material in materials:
                _remove_with_images(material)
        self._things.clear()

    def remove_occluders(self) -> None:
        """Take away what stands in the way."""
        for thing in [t for t in self._things if t.name.startswith("occluder")]:
            self._things.remove(thing)
            bpy.data.objects.remove(thing)

    def _room(self, rng: np.random.Generator) -> None:
        left, right, front, back = rng.uniform(2.2, 4.5, 4)
        height, turn = rng.uniform(2.6, 3.6), rng.uniform(0, 2 * np.pi)
        c, s = np.cos(turn), np.sin(turn)
        corners = np.array([[-left, -front], [right, -front], [right, back], [-left, back]]) @ np.array(
            [[c, s], [-s, c]]
        )
        ground = np.concatenate([corners, np.zeros((4, 1))], axis=1)
        scene.quad(f"{ROOM_PREFIX}_floor", ground, corners / 1.8, self._floor)
        for i in range(4):
            a, b = ground[i], ground[(i + 1) % 4]
            up = np.array([0.0, 0.0, height])
            # Seen from within, the corners run counter-clockwise.
            uv = _UNIT_UV * [np.linalg.norm(b - a) / 3.0, height / 3.0]
            scene.quad(
                f"{ROOM_PREFIX}_wall_{i}", np.array([b, a, a + up, b + up]), uv, self._walls[i % len(self._walls)]
            )

    def _background(self, view: View, joints_m: FloatArray, rng: np.random.Generator) -> None:
        far = float(view.points_camera(joints_m)[:, 2].max())
        depth = far + float(rng.uniform(3.0, 9.0))
        if self._files and rng.random() < 0.7:
            image = _loaded(self._files[int(rng.integers(len(self._files)))])
        else:
            kinds = textures.BACKGROUNDS[self.look]
            image = scene.new_image("once", kinds[int(rng.integers(len(kinds)))](rng))
        material = scene.textured_material("once", image)
        turned = _UNIT_UV if rng.random() < 0.5 else _UNIT_UV * [-1.0, 1.0]
        self._things.append(scene.quad(f"{ROOM_PREFIX}_background", view.corners_at(depth), turned, material))
        if rng.random() < 0.6:
            low = min(0.0, float(joints_m[:, 2].min()) - 0.05)
            turn, reach = rng.uniform(0, 2 * np.pi), 4.0
            c, s = np.cos(turn), np.sin(turn)
            square = (_UNIT_UV - 0.5) * 2 * reach @ np.array([[c, s], [-s, c]])
            corners = np.concatenate([square, np.full((4, 1), low)], axis=1)
            self._things.append(scene.quad(f"{ROOM_PREFIX}_ground", corners, square / 2.0, self._floor))

    def _clutter(self, view: View, joints_m: FloatArray, rng: np.random.Generator) -> None:
        """Furniture-like cuboids on the floor behind the person."""
        eye, centre = view.T_world_camera[:3, 3], joints_m.mean(axis=0)
        away = (centre - eye)[:2] / max(float(np.linalg.norm((centre - eye)[:2])), 1e-6)
        across = np.array([-away[1], away[0]])
        for i in range(int(rng.integers(0, 4))):
            place = centre[:2] + away * rng.uniform(0.9, 2.6) + across * rng.uniform(-1.8, 1.8)
            size = rng.uniform((0.2, 0.2, 0.2), (1.2, 0.8, 1.9))
            self._box(f"clutter_{i}", place, size, 0.0, rng)

    def _occluder(self, view: View, joints_m: FloatArray, rng: np.random.Generator) -> None:
        eye = view.T_world_camera[:3, 3]
        target = joints_m[int(rng.integers(len(joints_m)))]
        nearest = joints_m[np.argmin(view.points_camera(joints_m)[:, 2])]
        share = rng.uniform(0.55, 0.85)
        place = eye + share * (target - eye)
        if np.linalg.norm(nearest - eye) < np.linalg.norm(place - eye) + 0.3:
            place = eye + 0.75 * (nearest - eye)
        kind = int(rng.integers(4))
        if kind == 0:  # a post
            width = rng.uniform(0.05, 0.22)
            self._box("occluder_post", place[:2], np.array([width, width, 3.0]), 0.0, rng)
        elif kind == 1:  # a table
            height, half = rng.uniform(0.5, 1.0), rng.uniform(0.3, 0.7, 2)
            turn = rng.uniform(0, np.pi)
            self._box("occluder_top", place[:2], np.array([*(2 * half), 0.05]), height, rng, turn)
            c, s = np.cos(turn), np.sin(turn)
            for sx, sy in ((-1, -1), (1, -1), (1, 1), (-1, 1)):
                corner = np.array([sx, sy]) * (half - 0.04) @ np.array([[c, s], [-s, c]])
                self._box("occluder_leg", place[:2] + corner, np.array([0.05, 0.05, height]), 0.0, rng, turn)
        elif kind == 2:  # something that stands on the floor
            size = rng.uniform((0.2, 0.2, 0.3), (0.9, 0.7, 1.1))
            self._box("occluder_block", place[:2], size, 0.0, rng)
        else:  # something in the air, as a branch or a sign
            size = rng.uniform(0.06, 0.45, 3) * share
            self._box("occluder_sign", place[:2], size, float(place[2] - size[2] / 2), rng)

    def _box(
        self,
        name: str,
        place: FloatArray,
        size: FloatArray,
        low_m: float,
        rng: np.random.Generator,
        turn: float | None = None,
    ) -> None:
        material = self._boxes[int(rng.integers(len(self._boxes)))]
        half = size[:2] / 2
        thing = scene.box(name, np.array([*-half, 0.0]), np.array([*half, size[2]]), material)
        angle = float(rng.uniform(0, np.pi)) if turn is None else turn
        thing.matrix_world = Matrix.Translation((float(place[0]), float(place[1]), low_m)) @ Matrix.Rotation(
            angle, 4, "Z"
        )
        self._things.append(thing)


def set_up_render(size_px: int, quality: int) -> None:
    """Workbench, square JPEG pictures."""
    here = bpy.context.scene
    scene.set_up_workbench()
    here.display.render_aa = "FXAA"  # several samples would cost as many renders
    here.display.shading.show_backface_culling = True
    render = here.render
    render.resolution_x = render.resolution_y = size_px
    render.resolution_percentage = 100
    if hasattr(render.image_settings, "media_type"):
        render.image_settings.media_type = "IMAGE"
    render.image_settings.file_format = "JPEG"
    render.image_settings.quality = quality
    if here.world is None:
        here.world = bpy.data.worlds.new("World")


def background_files(folder: Path | None) -> list[Path]:
    """Pictures in a folder and below it, sorted."""
    if folder is None:
        return []
    return sorted(p for p in folder.rglob("*") if p.suffix.lower() in IMAGE_SUFFIXES and p.is_file())


def _new_camera() -> Any:
    data = bpy.data.cameras.new("Camera")
    data.sensor_fit, data.sensor_width = "HORIZONTAL", 36.0
    data.clip_start, data.clip_end = 0.05, 200.0
    thing = bpy.data.objects.new("Camera", data)
    bpy.context.scene.collection.objects.link(thing)
    bpy.context.scene.camera = thing
    return thing


def _aim(camera: Any, view: View) -> None:
    K, size = view.camera_matrix, view.size_px
    camera.data.lens = K[0, 0] * 36.0 / size
    # A picture that is shifted to the right has its principal point further to the left.
    camera.data.shift_x = (size / 2 - K[0, 2]) / size
    camera.data.shift_y = (K[1, 2] - size / 2) / size
    camera.matrix_world = Matrix((view.T_world_camera @ np.diag([1.0, -1.0, -1.0, 1.0])).tolist())


def _light(look: str, rng: np.random.Generator) -> None:
    here = bpy.context.scene
    shading = here.display.shading
    lights = _LIGHTS[look]
    shading.light = "STUDIO" if look == "lab" or rng.random() < 0.93 else "FLAT"
    if shading.light == "STUDIO":
        shading.studio_light = lights[int(rng.integers(len(lights)))]
        shading.use_world_space_lighting = bool(rng.random() < 0.7)
        shading.studiolight_rotate_z = float(rng.uniform(-np.pi, np.pi))
    wild = look == "wild"
    shading.show_shadows = bool(rng.random() < 0.6)
    shading.shadow_intensity = float(rng.uniform(0.2, 0.8 if wild else 0.6))
    direction = np.array([rng.uniform(-1, 1), rng.uniform(0.35, 1.0), rng.uniform(-0.4 if wild else 0.1, 1.0)])
    here.display.light_direction = (direction / np.linalg.norm(direction)).tolist()
    shading.show_cavity = bool(rng.random() < 0.85)
    shading.show_specular_highlight = bool(rng.random() < 0.6)
    here.view_settings.exposure = float(rng.uniform(0.35, 1.7) if wild else rng.uniform(0.6, 1.3))
    here.view_settings.gamma = float(rng.uniform(0.8, 1.25) if wild else rng.uniform(0.95, 1.05))


def _wall_textures(rng: np.random.Generator) -> list[Any]:
    common = textures.plain if rng.random() < 0.7 else textures.tiles
    return [common, textures.plain, common, textures.rectangles if rng.random() < 0.3 else textures.plain]


def _floor_texture(look: str, rng: np.random.Generator) -> FloatArray:
    if rng.random() < 0.4:
        boards = scene.planks(rng)[::4, ::4]
        return np.clip(boards * rng.uniform(0.5, 1.4) * rng.uniform(0.8, 1.2, 3), 0, 1)
    return textures.plain(rng) if look == "lab" and rng.random() < 0.6 else textures.tiles(rng)


def _surface(name: str, rgb: FloatArray) -> Any:
    return scene.textured_material(name, scene.new_image(name, rgb))


def _loaded(path: Path) -> Any:
    image = bpy.data.images.load(str(path))
    image.name = "once"
    return image


def _remove_with_images(material: Any) -> None:
    images = [node.image for node in material.node_tree.nodes if node.type == "TEX_IMAGE" and node.image]
    bpy.data.materials.remove(material)
    for image in images:
        bpy.data.images.remove(image)
