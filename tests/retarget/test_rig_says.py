"""What a rig says itself: VRM's mapping, IK constraints, switches, controls of a known family."""

import json
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pose_core.errors import RigError
from pose_core.retarget import IkControl, map_bones
from pose_core.retarget.mapping.families import preset_of
from pose_core.retarget.mapping.vrm import humanoid_of_gltf, parts_of_humanoid, read_humanoid
from tests.support.rig_variants import nameless, with_bones
from tests.support.rigs import make_rig

VRM = {"pelvis": "hips", "spine": "spine", "chest": "chest", "neck": "neck", "head": "head",
       **{f"{s}_{part}": f"{s}{word}" for s in ("left", "right") for part, word in {
           "clavicle": "Shoulder", "upper_arm": "UpperArm", "forearm": "LowerArm", "hand": "Hand", "thigh": "UpperLeg",
           "shin": "LowerLeg", "foot": "Foot", "toe": "Toes"}.items()}}  # fmt: skip


def glb(data: Any) -> bytes:
    text = json.dumps(data).encode()
    text += b" " * (-len(text) % 4)
    return struct.pack("<5I", 0x46546C67, 2, 20 + len(text), len(text), 0x4E4F534A) + text


def gltf(version: int) -> dict[str, Any]:
    nodes = [{"name": "Hüfte"}, {"name": "Kopf"}, {}]
    if version == 0:
        humans: Any = [{"bone": "hips", "node": 0}, {"bone": "head", "node": 1}, {"bone": "neck", "node": 2}]
        return {"nodes": nodes, "extensions": {"VRM": {"humanoid": {"humanBones": humans}}}}
    humans = {"hips": {"node": 0}, "head": {"node": 1}, "neck": {"node": 2}}
    return {"nodes": nodes, "extensions": {"VRMC_vrm": {"humanoid": {"humanBones": humans}}}}


@pytest.mark.parametrize("version", [0, 1])
def test_a_vrm_file_is_read(version: int, tmp_path: Path) -> None:
    path = tmp_path / "a.vrm"
    path.write_bytes(glb(gltf(version)))
    assert read_humanoid(path) == {"hips": "Hüfte", "head": "Kopf"}


@pytest.mark.parametrize(
    "data", [{}, {"nodes": []}, {**gltf(0), "nodes": []}, {**gltf(1), "extensions": {"VRMC_vrm": {}}}, [], 3]
)
def test_other_gltf_says_nothing(data: Any) -> None:
    assert humanoid_of_gltf(data) == {}


@pytest.mark.parametrize("content", [b"", b"glTF", b"x" * 40, glb({})[:21]])
def test_broken_files_are_told(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.vrm"
    path.write_bytes(content)
    with pytest.raises(RigError, match="Cannot read"):
        read_humanoid(path)
    with pytest.raises(RigError, match="Cannot read"):
        read_humanoid(tmp_path / "absent.vrm")


def test_the_mapping_of_a_vrm_rig_is_believed() -> None:
    rig, old = nameless(make_rig())
    new = {name: own for own, name in old.items()}
    found = map_bones(replace(rig, hints={"vrm_humanoid": {VRM[part]: name for part, name in new.items()}}))
    assert found.family == "vrm"
    assert found.bones == {**{part: (new[part],) for part in VRM if part not in ("spine", "chest")},
                           "spine": (new["spine"], new["chest"])}  # fmt: skip
    assert min(found.confidence.values()) > 0.9
    # bones that were renamed since then leave it to the search
    stale = {VRM[part]: f"old {name}" for part, name in new.items()}
    assert map_bones(replace(rig, hints={"vrm_humanoid": stale})).family == "geometry"


def test_thumbs_of_both_vrm_versions_are_three_bones() -> None:
    for words in (("Proximal", "Intermediate", "Distal"), ("Metacarpal", "Proximal", "Distal")):
        _, fingers = parts_of_humanoid({f"leftThumb{word}": word for word in words})
        assert fingers == {"left_thumb": words}
    assert parts_of_humanoid({"left_upper_arm": "a"})[0] == {"left_upper_arm": ("a",)}


def constraint(bone: str, target: str, **more: Any) -> dict[str, Any]:
    return {"bone": bone, "kind": "IK", "target": target, "pole": "", "chain_count": 2, "active": True, **more}


def test_ik_constraints_become_controls_of_their_limb() -> None:
    targets = ("IK_Foot", "Pole", "IK_Hand", "Other")
    rig = with_bones(make_rig(), [(name, None, (0.0, 0.2, 0.1)) for name in targets])
    constraints = [
        constraint("left_shin", "IK_Foot", pole="Pole"),
        constraint("right_forearm", "IK_Hand", active=False),
        {**constraint("left_foot", "IK_Foot"), "kind": "COPY_ROTATION"},
        constraint("left_hand", "Other", chain_count=1),  # turns the hand alone
        constraint("gone", "Other"),
    ]
    found = map_bones(replace(rig, hints={"constraints": constraints}))
    assert found.ik == {
        "left_leg": IkControl("IK_Foot", "Pole", ("left_thigh", "left_shin"), turns_end=True, active=True),
        "right_arm": IkControl("IK_Hand", None, ("right_upper_arm", "right_forearm"), active=False),
    }
    # of two constraints the one that pulls counts
    twice = [
        constraint("left_shin", "Other", active=False),
        *constraints,
        constraint("left_shin", "Pole", active=False),
    ]
    assert map_bones(replace(rig, hints={"constraints": twice})).ik["left_leg"].target == "IK_Foot"


def test_a_control_rig_is_mapped_to_its_controls_with_switches() -> None:
    preset = preset_of("rigify")
    own = {part: chains[0][0] for part, chains in preset.names.items() if part != "spine"}
    names = {**own, "spine": "spine_fk", "chest": "spine_fk.001"}
    rig = make_rig()
    rig = replace(rig, bone_names=tuple(names[name] for name in rig.bone_names))
    extra = ["root", "hand_ik.L", "foot_ik.L", "upper_arm_ik_target.L", "upper_arm_parent.L", "upper_arm_parent.R"]
    rig = with_bones(rig, [(name, None, (0.0, 0.0, 0.0)) for name in extra])
    rig = with_bones(rig, [(f"DEF-{own['left_forearm']}", own["left_upper_arm"], (0.3, 0.0, 0.0))])
    properties = {"upper_arm_parent.L": {"IK_FK": 0.0, "IK_Stretch": 1.0}, "torso": {"head_follow": 0.0}}
    found = map_bones(replace(rig, hints={"rigify_generated": True, "properties": properties}))
    assert found.family == "rigify" and found.root == "root"
    assert found.bones["spine"] == ("spine_fk", "spine_fk.001")
    assert found.ik == {
        "left_arm": IkControl("hand_ik.L", "upper_arm_ik_target.L", turns_end=True),
        "left_leg": IkControl("foot_ik.L", None, turns_end=True),
    }
    said = {(switch.bone, switch.property): (switch.fk, switch.ik, switch.limb) for switch in found.switches}
    assert said == {
        ("upper_arm_parent.L", "IK_FK"): (1.0, 0.0, "left_arm"),
        ("upper_arm_parent.L", "IK_Stretch"): (None, 0.0, "left_arm"),
        ("torso", "head_follow"): (1.0, 1.0, ""),
    }
