"""Finding bones by name, and refusing what would be wrong."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pose_core.errors import RigError
from pose_core.retarget import BoneMap, RigDescription, check_bone_map, map_bones, read_bone_map, write_bone_map
from pose_core.retarget.bone_map import ESSENTIAL, PARTS
from pose_core.retarget.bone_names import name_presets, normalised, parse_preset, says_nothing
from pose_core.rotations import rotation_vector_to_matrix
from tests.support.rigs import RigShape, make_rig, renamed, without
from tests.support.shared import shared_file

FAMILIES = {
    "mixamo_tpose.fbx": "mixamo", "unreal_twist_ik_apose.glb": "unreal", "mesh2motion_human_male.glb": "unreal",
    "cmu_cm_units.fbx": "mixamo", "vroid_names_tpose.glb": "vroid", "mannequiny.glb": "unreal",
    "kaykit_knight.glb": "unity", "daz_names_armsdown.fbx": "daz", "scaled_rotated_rolls.blend": "unity",
    "rigify_metarig": "rigify_metarig",
}  # fmt: skip
MIXAMO = {
    "pelvis": "mixamorig:Hips", "spine": "mixamorig:Spine", "chest": "mixamorig:Spine1", "neck": "mixamorig:Neck",
    "head": "mixamorig:Head",
    **{f"{s}_{part}": f"mixamorig:{s.title()}{name}" for s in ("left", "right") for part, name in {
        "clavicle": "Shoulder", "upper_arm": "Arm", "forearm": "ForeArm", "hand": "Hand", "thigh": "UpLeg",
        "shin": "Leg", "foot": "Foot", "toe": "ToeBase"}.items()},
}  # fmt: skip


def rig_named_like(entry: dict[str, object]) -> RigDescription:
    """The test rig with the bones of an expected map, and the bones that must not be picked hanging about."""
    expected = entry["map"]
    assert isinstance(expected, dict)
    rig = make_rig(RigShape(spine_bones=len(expected["spine"])))
    names = {part: name for part, name in expected.items() if isinstance(name, str)}
    spine_own = [name for name in rig.bone_names if name.startswith("spine") or name == "chest"]
    names |= dict(zip(spine_own, expected["spine"], strict=True))
    if expected["neck"]:
        names["neck"] = expected["neck"][0]
    rig = without(rig, *(part for part in PARTS if part in rig.bone_names and part not in names))
    rig = renamed(rig, names)
    if expected["neck"]:
        rig = with_leaves(rig, expected["neck"][1:], parent=expected["neck"][0])
    extra = [str(name) for name in entry.get("never_map", [])]  # type: ignore[attr-defined]
    return with_leaves(rig, [name for name in extra if name not in rig.bone_names])


def with_leaves(rig: RigDescription, names: list[str], parent: str | None = None) -> RigDescription:
    """Add bones without meaning."""
    at = 0 if parent is None else rig.index(parent)
    n = len(names)
    flags = {
        f: np.concatenate([getattr(rig, f), np.repeat(getattr(rig, f)[at : at + 1], n, axis=0)])
        for f in ("rest_matrices", "lengths", "inherit_rotation", "local_location", "inherit_full_scale", "connected",
                  "deform", "constrained")
    }  # fmt: skip
    return replace(
        rig,
        bone_names=(*rig.bone_names, *names),
        parents=(*rig.parents, *([-1 if parent is None else at] * n)),
        rotation_modes=(*rig.rotation_modes, *(["QUATERNION"] * n)),
        **flags,
    )


@pytest.mark.parametrize("file", FAMILIES)
def test_known_families_are_mapped_as_expected(file: str) -> None:
    entry = json.loads(shared_file("rigs/expected_bone_maps.json").read_text())["rigs"][file]
    expected = entry["map"]
    found = map_bones(rig_named_like(entry)).to_dict()
    for part in PARTS:
        assert found[part] == expected[part] or found[part] in entry.get("also_accept", {}).get(part, []), part
    assert map_bones(rig_named_like(entry)).family == FAMILIES[file]


def test_the_built_in_names_are_known() -> None:
    found = map_bones(make_rig())
    assert found.family == "pose_core"
    assert found.to_dict()["spine"] == ["spine", "chest"]
    assert found.notes == ()


def test_presets_are_complete_and_do_not_contradict_themselves() -> None:
    assert {"mixamo", "unreal", "rigify_metarig", "pose_core"} <= {preset.family for preset in name_presets()}
    for preset in name_presets():
        assert set(ESSENTIAL) <= set(preset.names), preset.family
        singles = [
            chain[0] for part, chains in preset.names.items() if part not in ("spine", "neck") for chain in chains
        ]
        assert len(singles) == len(set(singles)), preset.family


@pytest.mark.parametrize(
    "change",
    [
        lambda name: name.replace("mixamorig:", "mixamorig7:"),
        lambda name: name.replace("mixamorig:", ""),
        lambda name: name.replace("mixamorig:", "Character1_"),
        str.upper,
        lambda name: f"Armature|{name}",
    ],
)
def test_namespace_prefix_and_case_do_not_matter(change: object) -> None:
    assert callable(change)
    names = {own: change(name) for own, name in MIXAMO.items()}
    found = map_bones(renamed(make_rig(), names))
    assert found.family == "mixamo"
    assert found.bone("left_forearm") == names["left_forearm"]
    assert found.bones["spine"] == (names["spine"], names["chest"])


def test_missing_essential_bones_are_named() -> None:
    rig = without(renamed(make_rig(), MIXAMO), MIXAMO["left_forearm"], MIXAMO["right_foot"])
    with pytest.raises(RigError, match=r"Mixamo.*no bone for left_forearm, right_foot"):
        map_bones(rig)


def test_missing_optional_bones_are_told() -> None:
    gone = ("neck", "left_clavicle", "right_clavicle", "left_toe", "right_toe")
    found = map_bones(without(renamed(make_rig(), MIXAMO), *(MIXAMO[part] for part in gone)))
    assert not set(gone) & set(found.bones)
    assert all(part in found.notes[0] for part in gone)


def test_ambiguous_bones_are_named() -> None:
    rig = with_leaves(renamed(make_rig(), {own: name.split(":")[1] for own, name in MIXAMO.items()}), ["left_arm"])
    exact = map_bones(rig)  # the exact name wins over one that is merely like it
    assert exact.bone("left_upper_arm") == "LeftArm"
    rig = with_leaves(renamed(make_rig(), MIXAMO), ["other:LeftArm"])
    with pytest.raises(RigError, match=r"several bones.*left_upper_arm: 'mixamorig:LeftArm', 'other:LeftArm'"):
        map_bones(rig)


def test_names_that_say_nothing_are_refused_with_that_reason() -> None:
    rig = make_rig()
    rig = replace(rig, bone_names=("Bone", *(f"Bone.{i:03}" for i in range(1, len(rig)))))
    with pytest.raises(RigError, match="say nothing"):
        map_bones(rig)


def test_a_rig_of_no_known_family_is_refused() -> None:
    rig = make_rig()
    rig = replace(rig, bone_names=tuple(f"quux_{re.sub('_', '', name)[::-1]}" for name in rig.bone_names))
    with pytest.raises(RigError, match="no humanoid rig, or its bone names are of no known family"):
        map_bones(rig)


def test_a_generated_control_rig_is_refused() -> None:
    with pytest.raises(RigError, match="generated Rigify"):
        map_bones(replace(make_rig(), hints={"rigify_generated": True}))


def test_swapped_sides_are_noticed() -> None:
    swap = {f"{a}_{p}": f"{b}_{p}" for a, b in (("left", "right"), ("right", "left"))
            for p in ("clavicle", "upper_arm", "forearm", "hand")}  # fmt: skip
    with pytest.raises(RigError, match="left arm is on the side of the right leg"):
        map_bones(renamed(make_rig(), swap))
    both = {
        n: (n.replace("left", "right") if "left" in n else n.replace("right", "left")) for n in make_rig().bone_names
    }
    with pytest.raises(RigError, match="left and right seem to be swapped"):
        map_bones(renamed(make_rig(), both))


def test_a_figure_that_looks_the_other_way_is_not_taken_for_swapped() -> None:
    turn = RigShape(data_turn=(0.0, 0.0, float(np.pi)), pose={"left_upper_arm": (0.0, 1.2, 0.0)})
    assert map_bones(make_rig(turn)).family == "pose_core"
    assert rotation_vector_to_matrix(np.array(turn.data_turn))[0, 0] == pytest.approx(-1)


def test_bones_that_do_not_hang_together_are_named() -> None:
    rig = make_rig()
    parents = list(rig.parents)
    parents[rig.index("left_shin")] = rig.index("pelvis")
    with pytest.raises(RigError, match=r"'left_shin' .*does not hang below 'left_thigh'"):
        map_bones(replace(rig, parents=tuple(parents)))


def test_a_given_map_is_checked() -> None:
    rig, good = make_rig(), map_bones(make_rig())
    check_bone_map(rig, good)
    for part, names, word in (
        ("left_hand", ("nobody",), "left_hand: 'nobody'"),
        ("left_hand", ("right_hand",), "'right_hand' for left_hand and right_hand"),
        ("left_hand", ("left_toe",), "uses bones twice|does not hang below"),
    ):
        with pytest.raises(RigError, match=word):
            check_bone_map(rig, BoneMap({**good.bones, part: names}))
    with pytest.raises(RigError, match="no bone for head"):
        check_bone_map(rig, BoneMap({p: n for p, n in good.bones.items() if p != "head"}))


@pytest.mark.parametrize(
    "bones", [{"tail": ("a",)}, {"head": ("a", "b")}, {"head": ()}], ids=["unknown", "several", "none"]
)
def test_impossible_maps_are_refused(bones: dict[str, tuple[str, ...]]) -> None:
    with pytest.raises(RigError):
        BoneMap(bones)


def test_maps_survive_a_file(tmp_path: Path) -> None:
    bone_map = map_bones(renamed(make_rig(), MIXAMO))
    write_bone_map(tmp_path / "hero.json", bone_map)
    back = read_bone_map(tmp_path / "hero.json")
    assert back.bones == bone_map.bones and back.family == "mixamo"


@pytest.mark.parametrize(
    "text",
    ["", "[]", '{"format": "pose_core.bone_map", "version": 9, "bones": {}}', '{"bones": {}}',
     '{"format": "pose_core.bone_map", "version": 1, "bones": {"head": 3}}'],
)  # fmt: skip
def test_files_that_are_no_maps_are_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "map.json"
    path.write_text(text)
    with pytest.raises(RigError):
        read_bone_map(path)
    with pytest.raises(RigError, match="Cannot read"):
        read_bone_map(tmp_path / "absent.json")


UNKNOWN_PART = {"format": "pose_core.bone_names", "version": 1, "family": "x", "sides": [["l", "r"]],
                "bones": {"wing": ["w_{side}"]}}  # fmt: skip


@pytest.mark.parametrize("text", ["{", "{}", json.dumps(UNKNOWN_PART)])
def test_broken_presets_are_refused(text: str) -> None:
    with pytest.raises(RigError):
        parse_preset(text, "x.json")


@pytest.mark.parametrize(
    ("a", "b"), [("mixamorig:Spine1", "spine_01"), ("UpperArm.L", "upperarm_l"), ("a|B c-D", "bcd"), ("x_10", "X10")]
)
def test_names_alike_are_equal(a: str, b: str) -> None:
    assert normalised(a) == normalised(b)


def test_names_that_say_nothing() -> None:
    assert all(says_nothing(name) for name in ("Bone", "Bone.012", "joint12", "node_3", "12"))
    assert not any(says_nothing(name) for name in ("Bone_L_Arm", "head", "b_head", "thigh.L"))
