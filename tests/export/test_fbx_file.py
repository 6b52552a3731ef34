"""Binary FBX: what is read is written again; nodes lose their scale and nothing else."""

import numpy as np
import pytest

from pose_core.errors import ExportError
from pose_core.export.fbx_file import Node, read_fbx, write_fbx
from pose_core.export.fbx_scene import name_textures, read_property, read_scene, set_property, without_scale
from pose_core.maths.rotations import rotation_vector_to_matrix


def sample() -> Node:
    root = Node("")
    root.add("Settings", ("I", 7), ("D", 0.5), ("S", b"a\x00\x01b"), ("C", 1), ("L", -3))
    inner = root.add("Objects")
    inner.add("AnimationStack", ("L", 1))
    inner.add("Long", ("d", np.arange(400.0)), ("i", np.arange(3)), ("l", np.array([2**40])), ("f", np.ones(2)))
    return root


@pytest.mark.parametrize("version", [7400, 7500])
def test_what_is_written_is_read_again(version: int) -> None:
    again_version, again = read_fbx(write_fbx(sample(), version))
    assert again_version == version
    assert write_fbx(again, version) == write_fbx(sample(), version)
    assert np.array_equal(again.child("Objects").child("Long").first, np.arange(400.0))


def test_what_is_no_fbx_or_cut_off_is_refused() -> None:
    whole = write_fbx(sample(), 7400)
    with pytest.raises(ExportError, match="binary FBX"):
        read_fbx(b"; FBX 7.4 ascii")
    with pytest.raises(ExportError, match="damaged"):
        read_fbx(whole[:200])


def character(scale: float) -> Node:
    """An armature of a scale, a bone in it, a mesh bound to that, which is an object beside it."""
    root = Node("")
    objects, links = root.add("Objects"), root.add("Connections")
    turn = np.degrees([0.3, 0.0, 0.0])

    def model(key: int, name: str, place: tuple[float, float, float], size: float, angles=(0.0, 0.0, 0.0)) -> Node:
        node = objects.add("Model", ("L", key), ("S", f"{name}\x00\x01Model".encode()), ("S", b"Null"))
        for label, values in (("Lcl Translation", place), ("Lcl Rotation", angles), ("Lcl Scaling", (size,) * 3)):
            set_property(node, label, *(("D", float(v)) for v in values), kind=(label, "", "A"))
        return node

    model(1, "arm", (1.0, 2.0, 3.0), scale, tuple(turn))
    model(2, "bone", (0.0, 0.5, 0.0), 1.0)
    model(3, "mesh", (0.0, 0.0, 0.0), scale)
    objects.add("Geometry", ("L", 4), ("S", b"g\x00\x01Geometry"), ("S", b"Mesh")).add(
        "Vertices", ("d", np.array([0.0, 1.0, 2.0, 3.0, 4.0, 5.0]))
    )
    skin = objects.add("Deformer", ("L", 5), ("S", b"s\x00\x01Deformer"), ("S", b"Skin"))
    del skin
    cluster = objects.add("Deformer", ("L", 6), ("S", b"c\x00\x01SubDeformer"), ("S", b"Cluster"))
    bone, mesh = bone_matrix(scale), np.diag([scale] * 3 + [1.0])
    cluster.add("TransformLink", ("d", bone.T.ravel()))
    cluster.add("Transform", ("d", (np.linalg.inv(bone) @ mesh).T.ravel()))
    for child, parent in ((1, 0), (2, 1), (3, 0), (4, 3), (5, 4), (6, 5), (2, 6)):
        links.add("C", ("S", b"OO"), ("L", child), ("L", parent))
    return root


def bone_matrix(scale: float) -> np.ndarray:
    arm = np.eye(4)
    arm[:3, :3] = scale * rotation_vector_to_matrix(np.array([0.3, 0.0, 0.0]))
    arm[:3, 3] = 1.0, 2.0, 3.0
    bone = np.eye(4)
    bone[:3, 3] = 0.0, 0.5, 0.0
    return arm @ bone


def skinned(root: Node) -> np.ndarray:
    """Where the bone, at rest, puts the vertices."""
    scene = read_scene(root)
    bone = scene.globals()[2]
    transform = np.asarray(scene.objects[6].child("Transform").first).reshape(4, 4).T
    points = np.asarray(scene.objects[4].child("Vertices").first).reshape(-1, 3)
    return (bone @ transform @ np.c_[points, np.ones(len(points))].T).T[:, :3]


@pytest.mark.parametrize("scale", [100.0, 0.0254, 1.0])
def test_scale_goes_out_of_nodes_into_distances_and_meshes(scale: float) -> None:
    root = character(scale)
    before, place = skinned(root), read_scene(root).globals()[2][:3, 3]
    assert without_scale(read_scene(root), np.eye(4)) == []
    scene = read_scene(root)
    for node in scene.models.values():
        assert read_property(node, "Lcl Scaling", None) == pytest.approx((1.0, 1.0, 1.0))
    assert np.allclose(scene.globals()[2][:3, 3], place)
    assert np.allclose(skinned(root), before)


def test_a_turn_turns_everything() -> None:
    root = character(100.0)
    before = skinned(root)
    turn = np.eye(4)
    turn[:3, :3] = rotation_vector_to_matrix(np.array([0.0, np.pi / 2, 0.0]))
    without_scale(read_scene(root), turn)
    assert np.allclose(skinned(root), before @ turn[:3, :3].T)


def test_mirrored_meshes_keep_their_scale_and_are_named() -> None:
    root = character(1.0)
    mesh = read_scene(root).models[3]
    set_property(mesh, "Lcl Scaling", ("D", -1.0), ("D", 1.0), ("D", 1.0), kind=("Lcl Scaling", "", "A"))
    before = read_scene(root).globals()[3]
    assert without_scale(read_scene(root), np.eye(4)) == ["mesh"]
    assert np.allclose(read_scene(root).globals()[3], before)


def test_pictures_inside_get_a_suffix_and_no_folder() -> None:
    root = character(1.0)
    video = root.child("Objects").add("Video", ("L", 9), ("S", b"skin.001\x00\x01Video"), ("S", b"Clip"))
    video.add("Filename", ("S", b"C:\\pictures\\skin"))
    video.add("Content", ("R", b"\x89PNG\r\n"))
    name_textures(read_scene(root))
    assert video.child("Filename").first == b"skin.png"
