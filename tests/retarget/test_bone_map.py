"""Families of names, the map itself, and the checks that every map must pass."""

import json
from dataclasses import replace

import numpy as np
import pytest

from pose_core.errors import RigError
from pose_core.maths.rotations import rotation_vector_to_matrix
from pose_core.retarget import BoneMap, IkControl, RigDescription, Switch, check_bone_map, map_bones
from pose_core.retarget.mapping.families import NamePreset, name_presets, normalised, parse_preset, says_nothing
from pose_core.retarget.rig.bone_map import ESSENTIAL, FINGERS, PARTS
from tests.support.rig_variants import chain_above, with_bones, with_fingers
from tests.support.rigs import RigShape, make_rig, renamed, without
from tests.support.shared import shared_file

FAMILIES = {
    "mixamo_tpose.fbx": "mixamo", "unreal_twist_ik_apose.glb": "unreal", "mesh2motion_human_male.glb": "unreal",
    "cmu_cm_units.fbx": "cmu", "vroid_names_tpose.glb": "vroid", "mannequiny.glb": "unreal",
    "kaykit_knight.glb": "kaykit", "daz_names_armsdown.fbx": "daz", "scaled_rotated_rolls.blend": "unity",
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
        rig = chain_above(rig, str(expected["head"]), expected["neck"][1:])
    extra = [str(name) for name in entry.get("never_map", [])]  # type: ignore[attr-defined]
    return with_bones(rig, [(name, None, (0.0, 0.3, 0.2)) for name in extra if name not in rig.bone_names])


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


@pytest.mark.parametrize("preset", name_presets(), ids=lambda preset: preset.family)
def test_a_rig_with_the_names_of_a_family_is_mapped_by_them(preset: NamePreset) -> None:
    names = {part: chains[0] for part, chains in preset.names.items()}
    rig = make_rig(RigShape(spine_bones=len(names["spine"])))
    own = [name for name in rig.bone_names if name.startswith("spine") or name == "chest"]
    rig = without(rig, *(part for part in PARTS if part in rig.bone_names and part not in names))
    rig = with_fingers(rig, lambda side, finger, k: f"{side}_{finger}_{k}")
    new = {part: chain[0] for part, chain in names.items() if part != "spine"}
    new |= dict(zip(own, names["spine"], strict=True))
    for finger, chains in preset.fingers.items():
        new |= {f"{finger}_{k}": name for k, name in enumerate(chains[0], 1)}
    found = map_bones(renamed(rig, new))
    assert found.family == preset.family
    assert found.bones == {part: chain if part == "spine" else chain[:1] for part, chain in names.items()}
    assert found.fingers == ({f: chains[0] for f, chains in preset.fingers.items()} or found.fingers)
    assert min(found.confidence.values()) > 0.85


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


def test_a_second_bone_of_one_name_elsewhere_is_not_taken() -> None:
    for prefix in ("", "mixamorig:"):
        names = {own: prefix + name.split(":")[1] for own, name in MIXAMO.items()}
        rig = with_bones(renamed(make_rig(), names), [("other:LeftArm", None, (1.0, 0.0, 0.0))])
        assert map_bones(rig).bone("left_upper_arm") == f"{prefix}LeftArm"


def test_a_generated_rig_without_human_controls_is_refused() -> None:
    with pytest.raises(RigError, match="generated by Rigify, but lacks controls"):
        map_bones(replace(make_rig(), hints={"rigify_generated": True}))


def test_a_figure_that_looks_the_other_way_is_not_taken_for_swapped() -> None:
    turn = RigShape(data_turn=(0.0, 0.0, float(np.pi)), pose={"left_upper_arm": (0.0, 1.2, 0.0)})
    assert map_bones(make_rig(turn)).family == "pose_core"
    assert rotation_vector_to_matrix(np.array(turn.data_turn))[0, 0] == pytest.approx(-1)


def test_bones_that_do_not_hang_together_are_named() -> None:
    rig = make_rig()
    good = map_bones(rig)
    parents = list(rig.parents)
    parents[rig.index("left_shin")] = rig.index("pelvis")
    loose = replace(rig, parents=tuple(parents))
    with pytest.raises(RigError, match=r"'left_shin' .*does not hang below 'left_thigh'"):
        check_bone_map(loose, good)
    with pytest.raises(RigError, match="not certain"):
        map_bones(loose)


def test_limbs_without_length_are_refused() -> None:
    rig = make_rig()
    good = map_bones(rig)
    matrices = rig.rest_matrices.copy()
    matrices[rig.index("left_shin")] = matrices[rig.index("left_thigh")]
    with pytest.raises(RigError, match="no length: 'left_thigh' to 'left_shin'"):
        check_bone_map(replace(rig, rest_matrices=matrices), good)


def test_two_legs_on_one_side_are_refused() -> None:
    rig = make_rig()
    good = map_bones(rig)
    matrices = rig.rest_matrices.copy()
    for part in ("thigh", "shin", "foot", "toe"):
        matrices[rig.index(f"right_{part}"), :3, 3] = matrices[rig.index(f"left_{part}"), :3, 3] + [0.0, 0.05, 0.0]
    with pytest.raises(RigError, match="both legs are on one side: 'left_thigh', 'right_thigh'"):
        check_bone_map(replace(rig, rest_matrices=matrices), good)


def test_exchanged_sides_of_a_given_map_are_refused() -> None:
    good = map_bones(make_rig())

    def exchanged(*parts: str) -> BoneMap:
        other = {"left": "right", "right": "left"}
        bones = {}
        for part, names in good.bones.items():
            side, _, rest = part.partition("_")
            bones[f"{other[side]}_{rest}" if rest in parts else part] = names
        return BoneMap(bones)

    arms, legs = ("clavicle", "upper_arm", "forearm", "hand"), ("thigh", "shin", "foot", "toe")
    with pytest.raises(RigError, match="left arm is on the side of the right leg"):
        check_bone_map(make_rig(), exchanged(*arms))
    with pytest.raises(RigError, match="left and right seem to be swapped"):
        check_bone_map(make_rig(), exchanged(*arms, *legs))


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


def test_controls_that_a_map_names_must_be_there() -> None:
    rig, good = make_rig(), map_bones(make_rig())
    for change, word in (
        ({"ik": {"left_arm": IkControl("hand_ik")}}, "IK of left_arm: 'hand_ik'"),
        ({"ik": {"left_arm": IkControl("left_hand", "pole")}}, "IK of left_arm: 'pole'"),
        ({"switches": (Switch("props", "IK_FK", 1.0),)}, "switch: 'props'"),
        ({"root": "ground"}, "root: 'ground'"),
        ({"fingers": {"left_thumb": ("thumb",)}}, "left_thumb: 'thumb'"),
    ):
        with pytest.raises(RigError, match=word):
            check_bone_map(rig, replace(good, **change))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "fields",
    [
        {"bones": {"tail": ("a",)}},
        {"bones": {"head": ("a", "b")}},
        {"bones": {"head": ()}},
        {"fingers": {"left_claw": ("a",)}},
        {"fingers": {"left_thumb": ("a", "b", "c", "d")}},
        {"ik": {"tail": IkControl("a")}},
        {"switches": (Switch("a", "b", limb="tail"),)},
        {"confidence": {"a": 1.5}},
    ],
)
def test_impossible_maps_are_refused(fields: dict[str, object]) -> None:
    with pytest.raises(RigError):
        BoneMap(**{"bones": {}, **fields})  # type: ignore[arg-type]


def test_the_least_sure_bone_of_a_part_counts() -> None:
    bone_map = BoneMap({"spine": ("a", "b"), "head": ("c",)}, confidence={"a": 0.9, "b": 0.3, "f": 0.2},
                       fingers={FINGERS[0]: ("f",)})  # fmt: skip
    assert bone_map.confidence_of("spine") == 0.3
    assert bone_map.confidence_of("head") == 1.0
    assert bone_map.confidence_of(FINGERS[0]) == 0.2


UNKNOWN_PART = {"format": "pose_core.bone_names", "version": 1, "family": "x", "sides": [["l", "r"]],
                "bones": {"wing": ["w_{side}"]}}  # fmt: skip


GOOD = {**UNKNOWN_PART, "bones": {"head": ["Head"]}}


@pytest.mark.parametrize(
    "text",
    ["{", "{}", json.dumps(UNKNOWN_PART), json.dumps({**GOOD, "colour": 1}), json.dumps({**GOOD, "sides": [["l"]]}),
     json.dumps({**GOOD, "fingers": {"claw": [["{side}1"]]}}), json.dumps({**GOOD, "bones": {"head": 3}})],
)  # fmt: skip
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
