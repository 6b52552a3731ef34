"""Bone maps as files: what is written comes back, and what is wrong is named."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pose_core.errors import RigError
from pose_core.retarget import (
    BoneMap,
    IkControl,
    Switch,
    bone_map_from_dict,
    bone_map_to_dict,
    map_bones,
    read_bone_map,
    write_bone_map,
)
from pose_core.retarget.rig.bone_map import CHAINS, FINGERS, LIMBS, PARTS
from tests.support.rig_variants import with_fingers
from tests.support.rigs import make_rig

NAME = st.text(min_size=1, max_size=12)
CONTROL = st.builds(
    IkControl, NAME, st.none() | NAME, st.lists(NAME, max_size=3).map(tuple), st.booleans(), st.booleans()
)
NUMBER = st.none() | st.floats(-2, 2) | st.integers(-2, 2)
SWITCH = st.builds(Switch, NAME, NAME, NUMBER, NUMBER, st.sampled_from(("", *LIMBS)))
MAP = st.builds(
    BoneMap,
    bones=st.fixed_dictionaries(
        {}, optional={p: st.lists(NAME, min_size=1, max_size=4 if p in CHAINS else 1).map(tuple) for p in PARTS}
    ),
    family=NAME,
    fingers=st.dictionaries(st.sampled_from(FINGERS), st.lists(NAME, min_size=1, max_size=3).map(tuple)),
    root=st.none() | NAME,
    ik=st.dictionaries(st.sampled_from(LIMBS), CONTROL),
    switches=st.lists(SWITCH, max_size=3).map(tuple),
)


@given(bone_map=MAP)
def test_any_map_survives_plain_data(bone_map: BoneMap) -> None:
    assert bone_map_from_dict(json.loads(json.dumps(bone_map_to_dict(bone_map)))) == bone_map


def test_a_found_map_survives_a_file_and_is_certain_then(tmp_path: Path) -> None:
    found = map_bones(with_fingers(make_rig(), lambda side, finger, k: f"{side}_{finger}_{k}"))
    write_bone_map(tmp_path / "hero.json", found)
    back = read_bone_map(tmp_path / "hero.json")
    assert back == replace(found, confidence={}, notes=())
    assert back.confidence_of("head") == 1.0


MINIMAL: dict[str, Any] = {"format": "pose_core.bone_map", "version": 1, "bones": {"head": "Head"}}


ANGLES = st.tuples(*[st.floats(-180, 180, allow_subnormal=False)] * 3).filter(any)


@given(bone_map=MAP, data=st.data())
def test_corrections_survive_plain_data(bone_map: BoneMap, data: st.DataObject) -> None:
    parts = st.sampled_from(sorted(bone_map.bones)) if bone_map.bones else st.nothing()
    corrections = data.draw(st.dictionaries(parts, ANGLES))
    corrected = replace(bone_map, corrections=corrections)
    plain = json.loads(json.dumps(bone_map_to_dict(corrected)))
    assert bone_map_from_dict(plain) == corrected
    assert plain["version"] == (2 if corrections else 1)  # programs from before corrections read what they can


def test_a_correction_of_nothing_is_none() -> None:
    assert bone_map_from_dict({**MINIMAL, "corrections": {"head": [0, 0, 0.0]}}).corrections == {}


def test_a_file_of_the_first_kind_is_read(tmp_path: Path) -> None:
    path = tmp_path / "map.json"
    path.write_text(json.dumps({**MINIMAL, "bones": {"spine": ["a", "b"], "head": "c", "neck": [], "left_toe": None}}))
    assert read_bone_map(path).bones == {"spine": ("a", "b"), "head": ("c",)}


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"version": 9}, "version 9"),
        ({"format": "other"}, "no bone map"),
        ({"bones": {"head": 3}}, "'head' must be bone names"),
        ({"bones": {"head": ["a", ""]}}, "'head' must be bone names"),
        ({"bones": {"wing": "a"}}, "unknown parts: wing"),
        ({"colour": "red"}, "unknown entries colour"),
        ({"fingers": ["a"]}, "'fingers' must be an object"),
        ({"fingers": {"left_claw": ["a"]}}, "unknown fingers: left_claw"),
        ({"root": 3}, "'root' must be a bone name"),
        ({"ik": {"left_arm": "hand"}}, "ik of 'left_arm' must be an object"),
        ({"ik": {"left_arm": {"pole": "a"}}}, "ik of 'left_arm' lacks target"),
        ({"ik": {"left_arm": {"target": "a", "turns_end": "yes"}}}, "'turns_end' of ik of 'left_arm' must be true or"),
        ({"ik": {"tail": {"target": "a"}}}, "unknown limbs: tail"),
        ({"switches": {}}, "'switches' must be a list"),
        ({"switches": [{"bone": "a"}]}, "a switch lacks property"),
        ({"switches": [{"bone": "a", "property": "b", "fk": "on"}]}, "'fk' of a switch must be a number or null"),
        ({"switches": [{"bone": "a", "property": "b", "speed": 1}]}, "a switch has unknown entries speed"),
        ({"corrections": [1, 2, 3]}, "'corrections' must be an object"),
        ({"corrections": {"head": [1, 2]}}, "correction of 'head' must be a list of three angles"),
        ({"corrections": {"head": [1, 2, "3"]}}, "correction of 'head' must be a list of three angles"),
        ({"corrections": {"head": [1, 2, 500]}}, "correction of 'head' must be three angles from -180 to 180"),
        ({"corrections": {"wing": [1, 2, 3]}}, "corrects unknown parts: wing"),
        ({"corrections": {"left_hand": [1, 2, 3]}}, "'left_hand' is corrected, but has no bone"),
    ],
)
def test_wrong_entries_are_named(change: dict[str, Any], word: str, tmp_path: Path) -> None:
    path = tmp_path / "map.json"
    path.write_text(json.dumps({**MINIMAL, **change}))
    with pytest.raises(RigError, match=word) as error:
        read_bone_map(path)
    assert "map.json" in error.value.message


@pytest.mark.parametrize("text", ["", "[]", "{", '{"bones": {}}'])
def test_files_that_are_no_maps_are_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "map.json"
    path.write_text(text)
    with pytest.raises(RigError, match="bone map"):
        read_bone_map(path)


def test_folders_that_are_not_there_are_told(tmp_path: Path) -> None:
    with pytest.raises(RigError, match="Cannot read"):
        read_bone_map(tmp_path / "absent.json")
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(RigError, match="Cannot write"):
        write_bone_map(blocked / "map.json", map_bones(make_rig()))
