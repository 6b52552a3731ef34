"""Every rig is mapped right in every version, animals are refused, and the list of bones does what it says."""

import json
from pathlib import Path
from typing import Any

import pytest

import build_addon
from tests.support.blender import run_bpy_script, run_full_blender_script
from tests.support.shared import shared_file
from tools.progress import Progress

pytestmark = pytest.mark.blender

SCRIPT = Path(__file__).parent / "scripts" / "map_rigs.py"
FILES = ("mixamo_tpose.fbx", "unreal_twist_ik_apose.glb", "mesh2motion_human_male.glb", "cmu_cm_units.fbx",
         "vroid_names_tpose.glb", "daz_names_armsdown.fbx", "scaled_rotated_rolls.blend", "mannequiny.glb",
         "kaykit_knight.glb", "generic_names_tpose.glb", "dog_quadruped.glb", "tentacle_chain.glb")  # fmt: skip
ANIMALS = ("cat", "wolf", "horse", "bird", "shark")


@pytest.fixture(scope="module", params=["4.2.23", "4.5.15", "5.0.1", "full"])
def outcome(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("maps")
    zip_path = build_addon.build(folder, Progress(), validated=False)
    copies = []
    for name in FILES:  # inside the other root only this folder is visible
        copies.append(folder / name)
        copies[-1].write_bytes(shared_file(f"rigs/{name}").read_bytes())
    args = [zip_path, folder, *copies]
    if request.param == "full":
        return run_full_blender_script(SCRIPT, args, share=folder).result
    return run_bpy_script(request.param, SCRIPT, args, home=folder).result


def expected() -> dict[str, dict[str, Any]]:
    table: dict[str, dict[str, Any]] = json.loads(shared_file("rigs/expected_bone_maps.json").read_text())["rigs"]
    return table


def test_every_rig_is_mapped_as_expected(outcome: dict[str, Any]) -> None:
    for name, right in expected().items():
        if not right["humanoid"]:
            continue
        found = outcome["maps"][name]
        assert "refused" not in found, (name, found)
        for part, bone in right["map"].items():
            accepted = [bone, *right.get("also_accept", {}).get(part, [])]
            assert found["map"]["bones"][part] in accepted, (name, part)
        bones = found["map"]["bones"].values()
        used = {n for value in bones for n in (value if isinstance(value, list) else [value]) if n}
        assert not used & set(right.get("never_map", [])), name
        assert not [
            n for n in used if n.startswith(tuple(right.get("never_map_prefix", [])) or ("DEF-", "ORG-", "MCH-"))
        ]
        assert found["least"] > (0.6 if right.get("names_say_nothing") else 0.85), (name, found["least"])
        assert found["untouched"], name


def test_what_is_no_human_is_refused(outcome: dict[str, Any]) -> None:
    refused = {name: outcome["maps"][name] for name in ("dog_quadruped.glb", "tentacle_chain.glb", *ANIMALS)}
    for name, found in refused.items():
        assert "refused" in found, (name, found.get("map"))
        assert found["untouched"], name
    for name in ("dog_quadruped.glb", "cat", "wolf", "horse"):
        assert "its trunk lies across its legs" in refused[name]["refused"]
    assert "no two pairs of limbs" in refused["tentacle_chain.glb"]["refused"]


def test_control_rigs_come_with_what_is_needed_to_key_them(outcome: dict[str, Any]) -> None:
    found = outcome["maps"]["rigify_generated"]
    assert found["map"]["family"] == "rigify" and found["map"]["root"] == "root"
    assert found["controls_there"] and found["switches_there"]
    assert set(found["map"]["ik"]) == {"left_arm", "right_arm", "left_leg", "right_leg"}
    right = expected()["rigify_generated"]["fk_switch"]
    switched = {s["bone"]: s["fk"] for s in found["map"]["switches"] if s["property"] == right["property"]}
    assert switched == dict.fromkeys(right["bones"], right["fk_value"])
    assert len(found["map"]["fingers"]) == 10


def test_ik_of_a_custom_rig_is_found_by_its_constraints(outcome: dict[str, Any]) -> None:
    ik = outcome["maps"]["scaled_rotated_rolls.blend"]["map"]["ik"]
    assert {limb: entry["target"] for limb, entry in ik.items()} == {"left_leg": "IK_Foot.L", "right_leg": "IK_Foot.R"}
    assert not any(entry["active"] for entry in ik.values())  # that rig has them muted


def test_a_vrm_file_is_believed(outcome: dict[str, Any]) -> None:
    found = outcome["maps"]["vrm"]
    assert found["map"]["family"] == "vrm"
    right = expected()["generic_names_tpose.glb"]["map"]
    assert {part: found["map"]["bones"][part] for part in right} == right
    assert outcome["vrm_addon"] == [{"hips": "Hips_1"}, {"leftHand": "Hand_L"}, {}]


def test_the_list_is_automatic_until_it_is_used(outcome: dict[str, Any]) -> None:
    done = outcome["list"]
    assert done["automatic"] and done["for_run_automatic"] and done["cleared"]
    labels = [label for label, *_ in done["rows"]]
    assert labels[:6] == ["Pelvis", "Spine 1", "Spine 2", "Spine 3", "Neck 1", "Head"] and "Left Upper Arm" in labels
    assert all(bone and 0.5 < confidence < 0.9 for _, bone, confidence in done["rows"])


def test_doubtful_bones_are_asked_for(outcome: dict[str, Any]) -> None:
    done = outcome["list"]
    assert done["doubtful"] == ["Left Hand"]
    assert "not certain: Left Hand" in done["refused"] and "not certain: Left Hand" in done["save_refused"]
    assert done["confirmed"]


def test_the_list_can_be_edited_saved_and_loaded(outcome: dict[str, Any]) -> None:
    done = outcome["list"]
    assert done["edited"] == [1.0, False]
    assert done["longer"] == ["Spine 1", "Spine 2", "Spine 3", "Spine 4"]
    assert done["shorter"] == ["Bone.001", "Bone.002"]
    assert done["loaded_same"] and done["reopened_same"]
    assert "head: 'nobody'" in done["wrong_refused"] and "head: 'nobody'" in done["problem"]
    assert done["kept"] and done["property_gone"]
