"""The room, the light, and a camera that stands still."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import bpy
import numpy as np
from mathutils import Matrix

from pose_core.lab.mannequin.rig import plain_material
from pose_core.types import FloatArray


@dataclass(frozen=True, eq=False)
class StillCamera:
    """A camera that does not move, in OpenCV terms."""

    image_size: tuple[int, int]
    focal_px: float
    position_m: tuple[float, float, float]
    yaw_rad: float
    """Turn about Z; 0 looks along +Y."""
    pitch_rad: float
    """Upwards positive."""
    roll_rad: float
    """Clockwise positive, as the photographer tilts the camera."""

    @property
    def camera_matrix(self) -> FloatArray:
        """(3, 3) intrinsics, pixels."""
        w, h = self.image_size
        return np.array([[self.focal_px, 0, w / 2], [0, self.focal_px, h / 2], [0, 0, 1.0]])

    @property
    def T_world_camera(self) -> FloatArray:
        """(4, 4) pose of the camera (x right, y down, z forward) in the world."""
        cy, sy, cp, sp = np.cos(self.yaw_rad), np.sin(self.yaw_rad), np.cos(self.pitch_rad), np.sin(self.pitch_rad)
        forward = np.array([-sy * cp, cy * cp, sp])
        level = np.array([cy, sy, 0.0])
        down = np.cross(forward, level)
        c, s = np.cos(self.roll_rad), np.sin(self.roll_rad)
        T = np.eye(4)
        T[:3, :3] = np.stack([c * level + s * down, c * down - s * level, forward], axis=-1)
        T[:3, 3] = self.position_m
        return T


def add_camera(camera: StillCamera) -> Any:
    """The camera as an object, and the scene's resolution."""
    scene = bpy.context.scene
    width, height = camera.image_size
    scene.render.resolution_x, scene.render.resolution_y, scene.render.resolution_percentage = width, height, 100
    data = bpy.data.cameras.new("Camera")
    data.sensor_fit, data.sensor_width = "HORIZONTAL", 36.0
    data.lens = camera.focal_px * 36.0 / width
    thing = bpy.data.objects.new("Camera", data)
    thing.matrix_world = Matrix((camera.T_world_camera @ np.diag([1.0, -1.0, -1.0, 1.0])).tolist())
    scene.collection.objects.link(thing)
    scene.camera = thing
    return thing


def new_image(name: str, rgb: FloatArray) -> Any:
    """An image datablock from (H, W, 3) sRGB values in 0..1, first row at the bottom."""
    height, width = rgb.shape[:2]
    image = bpy.data.images.new(name, width, height)
    rgba = np.ones((height, width, 4), np.float32)
    rgba[..., :3] = np.clip(rgb, 0.0, 1.0)
    image.pixels.foreach_set(rgba.ravel())
    image.pack()
    return image


def textured_material(name: str, image: Any) -> Any:
    """A material that repeats an image over the texture coordinates."""
    material = bpy.data.materials.new(name)
    if material.node_tree is None:
        material.use_nodes = True
    nodes, links = material.node_tree.nodes, material.node_tree.links
    texture = nodes.new("ShaderNodeTexImage")
    texture.image = image
    shader = next((n for n in nodes if n.type == "BSDF_PRINCIPLED"), None)
    if shader is not None:
        links.new(texture.outputs["Color"], shader.inputs["Base Color"])
    nodes.active = texture
    return material


def smooth_noise(rng: np.random.Generator, shape: tuple[int, int], cells: tuple[int, int]) -> FloatArray:
    """Bilinear value noise in -1..1."""
    coarse = rng.uniform(-1, 1, (cells[0] + 1, cells[1] + 1))
    y, x = np.linspace(0, cells[0] - 1e-6, shape[0]), np.linspace(0, cells[1] - 1e-6, shape[1])
    iy, ix = y.astype(int), x.astype(int)
    fy, fx = (y - iy)[:, None], (x - ix)[None]
    fy, fx = fy * fy * (3 - 2 * fy), fx * fx * (3 - 2 * fx)
    top = coarse[iy][:, ix] * (1 - fx) + coarse[iy][:, ix + 1] * fx
    bottom = coarse[iy + 1][:, ix] * (1 - fx) + coarse[iy + 1][:, ix + 1] * fx
    return top * (1 - fy) + bottom * fy


def planks(rng: np.random.Generator) -> FloatArray:
    """(1024, 1024, 3) oak boards, along the first axis of the texture."""
    size, boards = 1024, 10
    image = np.zeros((size, size, 3))
    edges = np.linspace(0, size, boards + 1).astype(int)
    base = np.array([0.62, 0.46, 0.32])
    for left, right in pairwise(edges):
        cut = int(rng.integers(250, size - 250))
        for low, high in ((0, cut), (cut, size)):
            shape = (high - low, right - left)
            grain = 0.030 * smooth_noise(rng, shape, (6, 14)) + 0.025 * smooth_noise(rng, shape, (3, 40))
            tone = 1.0 + 0.09 * rng.uniform(-1, 1) + grain
            board = base * tone[..., None]
            board[:, :2] *= 0.72
            board[:3] *= 0.72
            image[low:high, left:right] = board
        image[:, left:right] = np.roll(image[:, left:right], int(rng.integers(size)), axis=0)
    return image


def plaster(rng: np.random.Generator) -> FloatArray:
    size = 512
    mottled = 0.012 * smooth_noise(rng, (size, size), (9, 12)) + 0.010 * smooth_noise(rng, (size, size), (90, 90))
    return np.array([0.70, 0.73, 0.72]) * (1.0 + mottled)[..., None]


def poster(rng: np.random.Generator) -> FloatArray:
    """(320, 240, 3) hills under a sun."""
    y, x = np.mgrid[0:320, 0:240] / np.array([320.0, 240.0]).reshape(2, 1, 1)
    image = np.array([0.95, 0.86, 0.70]) * np.ones((320, 240, 1))
    image[np.hypot((x - 0.66) * 0.75, y - 0.70) < 0.11] = (0.89, 0.45, 0.26)
    for height, colour in ((0.52, (0.50, 0.62, 0.58)), (0.38, (0.28, 0.45, 0.47)), (0.22, (0.14, 0.27, 0.33))):
        phase = rng.uniform(0, 6)
        image[y < height + 0.06 * np.sin(5 * x + phase) + 0.03 * np.sin(11 * x + 2 * phase)] = colour
    border = (np.minimum(x, 1 - x) < 0.07) | (np.minimum(y, 1 - y) < 0.055)
    image[border] = (0.96, 0.95, 0.92)
    return image


def quad(name: str, corners: FloatArray, uv: FloatArray, material: Any) -> Any:
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(np.asarray(corners, float).tolist(), [], [(0, 1, 2, 3)])
    mesh.materials.append(material)
    mesh.uv_layers.new(name="UVMap").data.foreach_set("uv", np.asarray(uv, np.float32).ravel())
    thing = bpy.data.objects.new(name, mesh)
    bpy.context.scene.collection.objects.link(thing)
    return thing


def box(name: str, lower: FloatArray, upper: FloatArray, material: Any) -> Any:
    lower, upper = np.asarray(lower, float), np.asarray(upper, float)
    corners = [[(lower, upper)[(i >> a) & 1][a] for a in range(3)] for i in range(8)]
    faces = [(0, 2, 3, 1), (4, 5, 7, 6), (0, 1, 5, 4), (2, 6, 7, 3), (0, 4, 6, 2), (1, 3, 7, 5)]
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(corners, [], faces)
    mesh.materials.append(material)
    thing = bpy.data.objects.new(name, mesh)
    bpy.context.scene.collection.objects.link(thing)
    return thing


def build_room(wall_y_m: float) -> None:
    """A wooden floor at Z = 0 and a wall across Y = `wall_y_m` with a skirting board and pictures."""
    rng = np.random.default_rng(7)
    floor = textured_material("floor", new_image("floor", planks(rng)))
    reach = 7.0
    uv = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], float)
    # Boards run across the picture; one texture tile covers 1.6 m.
    turned = uv[:, ::-1] * (2 * reach / 1.6)
    quad(
        "floor",
        [
            [-reach, wall_y_m - 2 * reach, 0],
            [reach, wall_y_m - 2 * reach, 0],
            [reach, wall_y_m, 0],
            [-reach, wall_y_m, 0],
        ],
        turned,
        floor,
    )
    wall = textured_material("wall", new_image("wall", plaster(rng)))
    quad(
        "wall",
        [[-reach, wall_y_m, 0], [reach, wall_y_m, 0], [reach, wall_y_m, 4], [-reach, wall_y_m, 4]],
        uv * [7.0, 2.0],
        wall,
    )
    white = plain_material("skirting", (0.80, 0.79, 0.75))
    box("skirting", [-reach, wall_y_m - 0.02, 0], [reach, wall_y_m, 0.11], white)
    dark = plain_material("frame", (0.06, 0.05, 0.045))
    for i, (x, z, w, h) in enumerate(((-1.62, 1.62, 0.50, 0.66), (1.50, 1.70, 0.62, 0.82))):
        box(
            f"frame_{i}",
            [x - w / 2 - 0.025, wall_y_m - 0.03, z - h / 2 - 0.025],
            [x + w / 2 + 0.025, wall_y_m, z + h / 2 + 0.025],
            dark,
        )
        print_ = textured_material(f"poster_{i}", new_image(f"poster_{i}", poster(rng)))
        y = wall_y_m - 0.032
        quad(
            f"poster_{i}",
            [
                [x - w / 2, y, z - h / 2],
                [x + w / 2, y, z - h / 2],
                [x + w / 2, y, z + h / 2],
                [x - w / 2, y, z + h / 2],
            ],
            uv,
            print_,
        )


def set_up_workbench() -> None:
    """Solid shading with textures, cavities and a cast shadow; no GPU needed."""
    scene = bpy.context.scene
    scene.render.engine = "BLENDER_WORKBENCH"
    scene.display.render_aa = "8"
    scene.display.light_direction = (0.40, 0.80, 0.50)  # here Y is up and Z comes out of the picture
    scene.display.shadow_shift = 0.1
    shading = scene.display.shading
    shading.light, shading.color_type, shading.studio_light = "STUDIO", "TEXTURE", "paint.sl"
    shading.show_shadows, shading.shadow_intensity = True, 0.45
    shading.show_cavity, shading.cavity_type = True, "BOTH"
    shading.cavity_ridge_factor, shading.cavity_valley_factor = 0.6, 1.0
    shading.curvature_ridge_factor, shading.curvature_valley_factor = 0.3, 0.6
    shading.show_specular_highlight = True
    scene.view_settings.view_transform = "Standard"
    scene.view_settings.exposure = 0.70
