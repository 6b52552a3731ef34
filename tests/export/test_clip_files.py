"""Clips in files: local tracks, few keys, BVH text, glTF, Godot's rate."""

import json

import numpy as np
import pytest

from pose_core.errors import ExportError
from pose_core.export.bvh import write_bvh
from pose_core.export.clip import Clip, Skeleton, local_tracks
from pose_core.export.glb_file import Glb, read_glb, write_glb
from pose_core.export.glb_scene import add_clips, node_globals, plain_names, skinned_meshes_to_top, without_scale
from pose_core.export.godot_import import bake_rate, import_settings
from pose_core.export.thinning import all_keys, hermite, places, reaches, thinned
from pose_core.maths.rotations import rotation_vector_to_matrix

T = 61
PARENTS = (-1, 0, 1, 2)
NAMES = ("Rig", "hip s", "knee.L", "foot:L")


def skeleton(scale: float = 1.0) -> Skeleton:
    rest = np.tile(np.eye(4), (4, 1, 1))
    rest[:, :3, :3] *= scale
    rest[1:, 2, 3] = 1.0, 0.5, 0.1
    return Skeleton(NAMES, PARENTS, rest, rest[:, :3, 3] + [0.0, 0.1, 0.0])


def clip(scale: float = 1.0, rate: float = 30.0) -> Clip:
    times = np.arange(T) / rate
    world = np.tile(np.eye(4), (T, 4, 1, 1))
    R = np.eye(3)
    place = np.stack([np.zeros(T), -0.8 * times, 1.0 + 0.03 * np.sin(9 * times)], axis=1)
    for k, length in ((1, 0.0), (2, 0.5), (3, 0.4)):
        place = place + R @ np.array([0.0, 0.0, -length])
        R = R @ rotation_vector_to_matrix(np.outer(np.sin(6 * times + k), [0.6, 0.1, 0.2]))
        world[:, k, :3, :3], world[:, k, :3, 3] = R, place
    world[..., :3, :3] *= scale
    return Clip("walk", times, world, 1.0)


def tracks(scale: float = 1.0):
    own = skeleton(scale)
    rest = np.array(own.rest)
    rest[:, :3, :3] /= scale
    return local_tracks(own, clip(scale), rest, np.eye(4), 1.0)


@pytest.mark.parametrize("scale", [1.0, 0.01])
def test_local_tracks_give_the_places_back_without_any_scale(scale: float) -> None:
    local = tracks(scale)
    assert not local.scaled
    assert np.abs(places(local, PARENTS) - clip().world[..., :3, 3]).max() < 1e-9


def test_bones_that_stretch_keep_their_scale() -> None:
    own, moving = skeleton(), clip()
    moving.world[:, 2, :3, :3] *= np.linspace(1.0, 1.3, T)[:, None, None]
    moving.world[:, 3, :3, :3] *= np.linspace(1.0, 1.3, T)[:, None, None]
    local = local_tracks(own, moving, own.rest, np.eye(4), 1.0)
    assert local.scales[-1, 2] == pytest.approx([1.3] * 3) and local.scales[-1, 3] == pytest.approx([1.0] * 3)
    assert np.abs(places(local, PARENTS) - moving.world[..., :3, 3]).max() < 1e-9


def test_another_rest_pose_is_refused() -> None:
    wrong = np.array(skeleton().rest)
    wrong[2, 0, 3] += 0.1
    with pytest.raises(ExportError, match=r"knee\.L"):
        local_tracks(skeleton(), clip(), wrong, np.eye(4), 1.0)


def test_what_does_not_move_has_two_keys() -> None:
    keys = all_keys(tracks())
    assert keys.rotations[:, 0].sum() == 2 and keys.rotations[:, 2].sum() == T


@pytest.mark.parametrize("euler", [True, False])
@pytest.mark.parametrize("error_m", [0.0005, 0.002, 0.01])
def test_few_keys_keep_their_bound_as_a_program_plays_them(euler: bool, error_m: float) -> None:
    local = tracks()
    reach = reaches(skeleton().rest[:, :3, 3], PARENTS)
    found = thinned(local, PARENTS, reach, error_m, euler)
    assert found.rotations[:, 1:].sum() < 0.6 * 3 * T
    from pose_core.export import thinning

    rotations = thinning._euler_of(local) if euler else thinning._quaternion_of(local)
    off = places(thinning._played(local, found, rotations), PARENTS) - places(local, PARENTS)
    assert np.linalg.norm(off, axis=-1).max() <= error_m


def test_curves_pass_through_their_keys() -> None:
    keys = np.array([0.0, 0.5, 2.0])
    values = keys[:, None] ** 3
    slope = 3 * keys[:, None] ** 2
    at = np.linspace(0, 2, 21)
    assert np.allclose(hermite(at, keys, values, slope)[:, 0], at**3)


def test_bvh_has_positions_on_the_root_alone_and_names_that_readers_take() -> None:
    made = write_bvh(skeleton(), clip())
    assert made.text.count("CHANNELS 6") == 1 and made.moving == ("hip_s",)
    assert "ROOT hip_s" in made.text and "JOINT knee_L" in made.text and "foot_L" in made.text
    assert made.renamed == {"hip s": "hip_s", "knee.L": "knee_L", "foot:L": "foot_L"}
    assert f"Frames: {T}" in made.text and "Frame Time: 0.033333333" in made.text
    first = made.text.split("Frame Time")[1].splitlines()[1].split()
    assert [float(v) for v in first[:3]] == pytest.approx([0.0, 100.0, 0.0])  # centimetres, Y up


def test_bvh_with_several_roots_hangs_them_on_the_object_and_moves_the_pelvis() -> None:
    own = Skeleton(("Rig", "pelvis", "ik", "leg"), (-1, 0, 0, 1), skeleton().rest, skeleton().tails)
    made = write_bvh(own, clip(), "root")
    assert made.text.startswith("HIERARCHY\nROOT root\n") and set(made.moving) >= {"root", "pelvis"}


def test_bvh_refuses_uneven_times() -> None:
    uneven = Clip("a", np.array([0.0, 0.1, 0.3]), clip().world[:3])
    with pytest.raises(ExportError, match="unevenly"):
        write_bvh(skeleton(), uneven)


def small_glb(scale: float) -> Glb:
    glb = Glb({"asset": {"version": "2.0"}, "scene": 0, "scenes": [{"nodes": [0]}]}, bytearray())
    points = np.array([[0.0, 0.0, 0.0], [1.0, 2.0, 3.0], [0.0, 1.0, 0.0]])
    binds = np.eye(4)
    binds[:3, 3] = 0.0, 0.0, -1.0
    glb.json["meshes"] = [{"primitives": [{"attributes": {"POSITION": glb.add_floats(points, bounds=True)}}]}]
    glb.json["skins"] = [{"joints": [1, 2], "inverseBindMatrices": 1}]
    glb.json["nodes"] = [
        {"name": "Rig", "children": [1, 3], "scale": [scale] * 3},
        {"name": "hip:L", "children": [2], "translation": [0.0, 0.0, 1.0]},
        {"name": "knee.L", "translation": [0.0, 0.0, -0.5]},
        {"name": "Body.001", "mesh": 0, "skin": 0},
    ]
    flat = np.concatenate([binds.T.ravel(), np.eye(4).ravel()]).reshape(2, 16)
    glb.add_floats(flat.reshape(-1, 4))
    glb.json["accessors"][1] |= {"count": 2, "type": "MAT4"}
    return glb


def skinned(glb: Glb) -> np.ndarray:
    world = node_globals(glb)[1]
    bind = glb.floats(1)[0].reshape(4, 4).T
    points = glb.floats(0)
    return (world @ bind @ np.c_[points, np.ones(len(points))].T).T[:, :3]


@pytest.mark.parametrize("scale", [0.01, 2.0])
def test_glb_nodes_lose_their_scale_and_the_skin_stays(scale: float) -> None:
    glb = small_glb(scale)
    before = skinned(glb)
    assert without_scale(glb) == []
    assert all("scale" not in node for node in glb.json["nodes"])
    assert np.allclose(skinned(glb), before, atol=1e-6)
    assert glb.json["accessors"][0]["max"] == pytest.approx([scale, 2 * scale, 3 * scale])


def test_glb_in_another_unit_grows_as_a_whole() -> None:
    glb = small_glb(1.0)
    before = skinned(glb)
    without_scale(glb, 0.01)
    assert np.allclose(skinned(glb), 0.01 * before, atol=1e-7)


def test_glb_round_trip_skins_at_the_top_and_names_for_godot() -> None:
    glb = small_glb(1.0)
    skinned_meshes_to_top(glb)
    assert glb.json["scenes"][0]["nodes"] == [0, 3] and glb.json["nodes"][0]["children"] == [1]
    assert plain_names(glb) == {"hip:L": "hip_L", "Body.001": "Body_001"}
    local = tracks()
    add_clips(glb, [0, 1, 2, 2], [(local, all_keys(local))])
    again = read_glb(write_glb(glb))
    assert json.dumps(again.json, sort_keys=True) == json.dumps(glb.json, sort_keys=True)
    clip_entry = again.json["animations"][0]
    assert clip_entry["name"] == "walk"
    times = again.floats(clip_entry["samplers"][0]["input"])
    assert times[0] == 0.0 and times[-1] == pytest.approx(2.0)


def test_damaged_glb_is_refused() -> None:
    with pytest.raises(ExportError):
        read_glb(b"glTF\x02\x00\x00\x00")
    with pytest.raises(ExportError, match="binary glTF"):
        read_glb(b"x" * 40)


@pytest.mark.parametrize(
    ("times", "rate"),
    [(np.arange(20) / 30, 30), (np.arange(20) / 12.5, 25), (np.arange(20) / 24, 24), (np.arange(20) / 29.97, 120)],
)
def test_godot_bakes_at_a_rate_that_meets_every_key(times: np.ndarray, rate: int) -> None:
    assert bake_rate([times]) == rate
    assert f"animation/fps={rate}" in import_settings([times])
