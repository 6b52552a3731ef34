"""The objects of an FBX file: names, parents, transforms; scale taken out of all nodes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from pose_core.errors import ExportError
from pose_core.export.clip import rigid
from pose_core.export.fbx_file import Node
from pose_core.maths.rotations import matrix_to_quaternion
from pose_core.retarget.rig.channels import channel_rotations, euler_angles
from pose_core.types import FloatArray

_UNSCALED = 1e-9
# How images begin, and the suffix that says the same.
_IMAGES = {b"\x89PNG": ".png", b"\xff\xd8\xff": ".jpg", b"BM": ".bmp", b"DDS ": ".dds", b"RIFF": ".webp"}
_VECTOR_LAYERS = {
    "LayerElementNormal": "Normals",
    "LayerElementTangent": "Tangents",
    "LayerElementBinormal": "Binormals",
}


@dataclass(frozen=True, eq=False)
class FbxScene:
    """A file's models and what hangs on what."""

    root: Node
    models: dict[int, Node]
    """Id to Model record, in the file's order."""
    parents: dict[int, int]
    """Id of a model to that of its parent model, 0 at the top."""
    objects: dict[int, Node]
    """Id to record, of everything."""
    children: dict[int, list[int]]
    """Id to ids of what is connected to it, models or not."""

    def names(self) -> dict[str, int]:
        """Name to id of the models."""
        return {object_name(node): key for key, node in self.models.items()}

    def globals(self) -> dict[int, FloatArray]:
        """Id to (4, 4) global transform, scale included."""
        out: dict[int, FloatArray] = {}

        def place(key: int) -> FloatArray:
            if key not in out:
                local = local_matrix(self.models[key])
                out[key] = local if self.parents[key] == 0 else place(self.parents[key]) @ local
            return out[key]

        for key in self.models:
            place(key)
        return out


def object_name(node: Node) -> str:
    """Name of an object's record."""
    name: bytes = node.values[1][1]
    return name.split(b"\x00\x01")[0].decode("utf-8")


def read_scene(root: Node) -> FbxScene:
    """Look at a file's objects and connections."""
    objects = {int(node.first): node for node in root.child("Objects").children}
    models = {key: node for key, node in objects.items() if node.name == "Model"}
    parents = dict.fromkeys(models, 0)
    children: dict[int, list[int]] = {}
    for link in root.child("Connections").children:
        child, parent = int(link.values[1][1]), int(link.values[2][1])
        children.setdefault(parent, []).append(child)
        if link.first == b"OO" and child in models and parent in models:
            parents[child] = parent
    return FbxScene(root, models, parents, objects, children)


def read_property(node: Node, name: str, default: Any) -> Any:
    """Values of one of a record's properties: a single one, or a tuple."""
    table = node.find("Properties70")
    for entry in table.children if table else ():
        if entry.first == name.encode():
            values = tuple(value for _, value in entry.values[4:])
            return values[0] if len(values) == 1 else values
    return default


def set_property(node: Node, name: str, *values: tuple[str, Any], kind: tuple[str, str, str]) -> None:
    """Set one of a record's properties; `kind` is its type, sub-type and flags."""
    table = node.find("Properties70") or node.add("Properties70")
    head = [("S", part.encode()) for part in (name, *kind)]
    for entry in table.children:
        if entry.first == name.encode():
            entry.values = [*head, *values]
            return
    table.children.append(Node("P", [*head, *values]))


def local_matrix(model: Node) -> FloatArray:
    """(4, 4) of a model, from its translation, rotation and scaling.

    Raises:
        ExportError: it has further transforms, which Blender's exporter does not write.
    """
    for name in ("PreRotation", "PostRotation", "RotationPivot", "RotationOffset", "ScalingPivot", "ScalingOffset"):
        if np.any(np.abs(read_property(model, name, (0.0, 0.0, 0.0))) > 0):
            raise ExportError(f"The node '{object_name(model)}' has a {name}, which is not understood.")
    out = np.eye(4)
    angles = np.radians(np.array(read_property(model, "Lcl Rotation", (0.0, 0.0, 0.0)), dtype=np.float64))
    scale = np.array(read_property(model, "Lcl Scaling", (1.0, 1.0, 1.0)), dtype=np.float64)
    out[:3, :3] = channel_rotations(angles, "XYZ") * scale
    out[:3, 3] = read_property(model, "Lcl Translation", (0.0, 0.0, 0.0))
    return out


def set_local(model: Node, local: FloatArray, scale: FloatArray) -> None:
    """Write a model's transform: (4, 4) without scale, and its scale (3,)."""
    turn = euler_angles(matrix_to_quaternion(local[None, :3, :3]), "XYZ")[0]
    for name, values in (
        ("Lcl Translation", local[:3, 3]), ("Lcl Rotation", np.degrees(turn)), ("Lcl Scaling", scale)
    ):  # fmt: skip
        set_property(model, name, *(("D", float(v)) for v in values), kind=(name, "", "A"))


def matrix_of(node: Node) -> FloatArray:
    """(4, 4) of a record that holds one."""
    return np.asarray(node.first, dtype=np.float64).reshape(4, 4).T


def set_matrix(node: Node, matrix: FloatArray) -> None:
    """Write a (4, 4) into a record that holds one."""
    node.values = [("d", np.ascontiguousarray(matrix.T).ravel())]


def without_scale(scene: FbxScene, turn: FloatArray) -> list[str]:
    """Take the scale out of all nodes: sizes go into distances and meshes. The picture stays the same, but for a turn.

    Args:
        scene: is changed.
        turn: (4, 4) rotation about the origin of everything.
    Returns:
        Names of nodes that keep a scale: mirrored ones, and meshes that several nodes show in different sizes.
    """
    old = scene.globals()
    baked = _bake_meshes(scene, old)
    kept = [key for key in scene.models if key not in baked and _is_mesh(scene, key) and not _is_rigid(old[key])]
    new = {key: turn @ (old[key] if key in kept else rigid(old[key])) for key in scene.models}
    for key, model in scene.models.items():
        parent = scene.parents[key]
        local = np.linalg.inv(new[parent]) @ new[key] if parent else new[key]
        size = np.linalg.norm(local[:3, :3], axis=0)
        size = np.where(np.abs(size - 1.0) < 1e-6, 1.0, size)
        if key in kept and np.linalg.det(local[:3, :3]) < 0:
            size[2] = -size[2]
        set_local(model, rigid(local), size)
    _bind_again(scene, {key for key in scene.models if key in kept}, turn)
    return [object_name(scene.models[key]) for key in kept]


def _is_mesh(scene: FbxScene, key: int) -> bool:
    return any(scene.objects[c].name == "Geometry" for c in scene.children.get(key, ()) if c in scene.objects)


def _is_rigid(matrix: FloatArray) -> bool:
    return bool(np.allclose(matrix[:3, :3].T @ matrix[:3, :3], np.eye(3), atol=1e-6)) and np.linalg.det(matrix) > 0


def _bake_meshes(scene: FbxScene, old: dict[int, FloatArray]) -> set[int]:
    """Bring meshes to their size in the world; ids of the models whose meshes have it now."""
    users: dict[int, list[int]] = {}
    for key in scene.models:
        for child in scene.children.get(key, ()):
            if child in scene.objects and scene.objects[child].name == "Geometry":
                users.setdefault(child, []).append(key)
    done: set[int] = set()
    for geometry, models in users.items():
        stretches = [rigid(old[key])[:3, :3].T @ old[key][:3, :3] for key in models]
        alike = all(np.allclose(one, stretches[0], rtol=1e-5, atol=1e-9) for one in stretches)
        if not alike or np.linalg.det(stretches[0]) <= _UNSCALED:
            continue
        _stretch(scene, geometry, stretches[0])
        done.update(models)
    return done


def _stretch(scene: FbxScene, geometry: int, L: FloatArray) -> None:
    """Apply (3, 3) to a mesh and its shapes."""
    shapes = [geometry]
    for deformer in scene.children.get(geometry, ()):
        for channel in scene.children.get(deformer, ()):
            shapes += [c for c in scene.children.get(channel, ()) if scene.objects[c].name == "Geometry"]
    size = np.linalg.norm(L, axis=0)
    even = np.allclose(L, np.eye(3) * size[0], rtol=1e-5, atol=1e-9 * size[0])
    normal: FloatArray = np.asarray(np.linalg.inv(L).T, dtype=np.float64)
    for key in shapes:
        node = scene.objects[key]
        holders = [(node, "Vertices", L)]
        if not even:
            holders += [(layer, array, normal if array == "Normals" else L) for layer in node.children
                        if (array := _VECTOR_LAYERS.get(layer.name, ""))]  # fmt: skip
            holders += [(node, "Normals", normal)] if key != geometry else []
        for holder, name, matrix in holders:
            array_node = holder.find(name)
            if array_node is None:
                continue
            points = np.asarray(array_node.first, dtype=np.float64).reshape(-1, 3) @ matrix.T
            if name != "Vertices" and key == geometry:
                points /= np.maximum(np.linalg.norm(points, axis=-1, keepdims=True), 1e-12)
            array_node.values = [("d", points.ravel())]


def _bind_again(scene: FbxScene, kept: set[int], turn: FloatArray) -> None:
    """Write bind poses and skins for nodes without scale."""
    of_geometry = {c: key for key in scene.models for c in scene.children.get(key, ())}
    for node in scene.objects.values():
        if node.name == "Pose":
            for entry in node.all("PoseNode"):
                holder = entry.child("Matrix")
                matrix = matrix_of(holder)
                set_matrix(holder, turn @ (matrix if int(entry.child("Node").first) in kept else rigid(matrix)))
    for key, node in scene.objects.items():
        if node.name != "Deformer" or node.values[2][1] != b"Skin":
            continue
        mesh = next((of_geometry.get(g) for g, below in scene.children.items() if key in below), None)
        for cluster in scene.children.get(key, ()):
            _bind_cluster(scene.objects[cluster], mesh in kept, turn)


def _bind_cluster(cluster: Node, keeps_scale: bool, turn: FloatArray) -> None:
    link, transform = cluster.child("TransformLink"), cluster.child("Transform")
    bone = matrix_of(link)
    mesh = bone @ matrix_of(transform)
    bone, mesh = turn @ rigid(bone), turn @ (mesh if keeps_scale else rigid(mesh))
    set_matrix(link, bone)
    set_matrix(transform, np.linalg.inv(bone) @ mesh)
    other = cluster.find("TransformAssociateModel")
    if other is not None:
        set_matrix(other, turn @ rigid(matrix_of(other)))


def name_textures(scene: FbxScene) -> None:
    """Give images within the file a plain name with the suffix of what they are, and no folder of this machine."""
    names: dict[int, bytes] = {}
    for key, node in scene.objects.items():
        content = node.find("Content") if node.name == "Video" else None
        if content is None or not content.first:
            continue
        suffix = next((s for mark, s in _IMAGES.items() if bytes(content.first).startswith(mark)), "")
        stem = object_name(node).replace("\\", "/").rpartition("/")[2]
        plain = stem if not suffix or stem.lower().endswith(suffix) else stem.rpartition(".")[0] or stem
        names[key] = (plain if plain.lower().endswith(suffix) else plain + suffix).encode()
    for key, name in names.items():
        _set_paths(scene.objects[key], name)
        for parent, below in scene.children.items():
            if key in below and parent in scene.objects and scene.objects[parent].name == "Texture":
                _set_paths(scene.objects[parent], name)


def _set_paths(node: Node, name: bytes) -> None:
    for label in ("Filename", "FileName", "RelativeFilename"):
        entry = node.find(label)
        if entry is not None:
            entry.values = [("S", name)]
    table = node.find("Properties70")
    for entry in table.children if table else ():
        if entry.first == b"Path":
            entry.values[-1] = ("S", name)
