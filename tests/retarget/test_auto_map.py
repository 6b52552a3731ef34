"""Mapping whatever a rig is called and however it lies: names, order, place, size, missing and extra bones."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pose_core.errors import RigError
from pose_core.retarget import BoneMap, RigDescription, detect_bones, map_bones, map_by_family, sure_bones
from pose_core.retarget.rig.bone_map import ESSENTIAL, OPTIONAL, PARTS
from tests.support.rig_variants import chain_above, moved, nameless, reordered, styled, with_bones, with_fingers
from tests.support.rigs import RigShape, make_rig, renamed, without

A_POSE = {"left_upper_arm": (0.0, 0.8, 0.0), "right_upper_arm": (0.0, -0.8, 0.0)}
WORDS = {"upper_arm": "UpperArm", "forearm": "LowerArm", "clavicle": "Shoulder", "hand": "Hand", "thigh": "Thigh",
         "shin": "Calf", "foot": "Foot", "toe": "Toe", "pelvis": "Hips", "spine": "Spine", "chest": "Chest",
         "neck": "Neck", "head": "Head"}  # fmt: skip
SHORT = {"left": "L", "right": "R"}
STYLES = {
    "dot": lambda side, word: f"{word}.{SHORT[side]}",
    "underscore": lambda side, word: f"{word}_{SHORT[side]}",
    "dash": lambda side, word: f"{word}-{SHORT[side].lower()}",
    "low": lambda side, word: f"{word.lower()}_{SHORT[side].lower()}",
    "after": lambda side, word: f"{word} {side.title()}",
    "before": lambda side, word: f"{side.title()}{word}",
    "letter before": lambda side, word: f"{SHORT[side].lower()}{word}",
    "prefix": lambda side, word: f"Armature_{SHORT[side]}_{word}",
    "namespace": lambda side, word: f"hero:rig|{side}_{word}",
    "shouted": lambda side, word: f"{side}{word}".upper(),
    "whispered": lambda side, word: f"{side}{word}".lower(),
}


def parts_by_old_name(bone_map: BoneMap, old: dict[str, str]) -> dict[str, tuple[str, ...]]:
    return {part: tuple(old[name] for name in names) for part, names in bone_map.bones.items()}


def right_for(rig: RigDescription) -> dict[str, tuple[str, ...]]:
    """The right answer for the built-in layout under its own names."""
    spine = tuple(name for name in rig.bone_names if name.startswith("spine") or name == "chest")
    singles = {part: (part,) for part in PARTS if part in rig.bone_names and part != "spine"}
    return {**singles, "spine": spine}


@pytest.mark.parametrize("style", STYLES)
def test_sides_and_parts_may_be_spelled_in_any_common_way(style: str) -> None:
    rig = make_rig()
    other = styled(rig, STYLES[style], WORDS)
    old = dict(zip(other.bone_names, rig.bone_names, strict=True))
    found = map_bones(other)
    assert parts_by_old_name(found, old) == right_for(rig)
    assert min(found.confidence.values()) > 0.75


@pytest.mark.parametrize("pose", [{}, A_POSE], ids=["T", "A"])
def test_a_rig_without_telling_names_is_mapped_by_its_shape(pose: dict[str, tuple[float, float, float]]) -> None:
    rig = make_rig(RigShape(pose=pose))
    blind, old = nameless(rig)
    found = map_bones(blind)
    assert parts_by_old_name(found, old) == right_for(rig)
    assert found.family == "geometry"
    # sure enough to go on, but never as sure as with names
    assert all(0.5 <= value < 0.9 for value in found.confidence.values())


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), named=st.booleans())
def test_the_order_of_bones_does_not_matter(seed: int, named: bool) -> None:
    rig = with_fingers(make_rig(RigShape(pose=A_POSE)), lambda side, finger, k: f"{side}_{finger}_{k}")
    other, old = reordered(rig, seed), {name: name for name in rig.bone_names}
    if not named:
        other, old = nameless(other)
    found = map_bones(other)
    assert parts_by_old_name(found, old) == right_for(make_rig())
    assert {f: tuple(old[b] for b in bones) for f, bones in found.fingers.items()} == {
        f"{side}_{finger}": tuple(f"{side}_{finger}_{k}" for k in (1, 2, 3))
        for side in ("left", "right")
        for finger in ("thumb", "index", "middle", "ring", "pinky")
    }


@settings(max_examples=25, deadline=None)
@given(
    turn=st.floats(-0.8, 0.8), scale=st.floats(0.01, 100.0), x=st.floats(-50, 50), y=st.floats(-50, 50),
    rolls=st.integers(0, 100),
)  # fmt: skip
def test_place_size_heading_and_rolls_do_not_matter(turn: float, scale: float, x: float, y: float, rolls: int) -> None:
    rig = make_rig(RigShape(pose=A_POSE, rolls=rolls))
    blind, old = nameless(moved(rig, turn, scale, (x, y, 0.0)))
    assert parts_by_old_name(map_bones(blind), old) == right_for(rig)


@settings(max_examples=15, deadline=None)
@given(turn=st.floats(-np.pi, np.pi))
def test_toes_tell_left_from_right_whatever_the_heading(turn: float) -> None:
    blind, old = nameless(moved(make_rig(), turn, 1.0, (0.0, 0.0, 0.0)))
    assert parts_by_old_name(map_bones(blind), old) == right_for(make_rig())


@settings(max_examples=25, deadline=None)
@given(prefix=st.from_regex(r"\A[A-Za-z0-9]{1,8}[_:|.]\Z"))
def test_a_prefix_does_not_matter(prefix: str) -> None:
    rig = styled(make_rig(), STYLES["before"], WORDS)
    other = replace(rig, bone_names=tuple(prefix + name for name in rig.bone_names))
    old = dict(zip(other.bone_names, make_rig().bone_names, strict=True))
    assert parts_by_old_name(map_bones(other), old) == right_for(make_rig())


@settings(max_examples=20, deadline=None)
@given(legs=st.floats(0.7, 1.4), arms=st.floats(0.75, 1.35))
def test_proportions_may_differ(legs: float, arms: float) -> None:
    length = {"thigh": legs, "shin": legs, "arm": arms}
    blind, old = nameless(make_rig(RigShape(length=length)))
    found = detect_bones(blind)
    assert parts_by_old_name(found, old) == right_for(make_rig())


@pytest.mark.parametrize("bones", [1, 2, 3, 5, 9])
@pytest.mark.parametrize("named", [True, False])
def test_spines_may_be_short_or_long(bones: int, named: bool) -> None:
    rig = make_rig(RigShape(spine_bones=bones))
    other, old = (rig, {name: name for name in rig.bone_names}) if named else nameless(rig)
    assert parts_by_old_name(map_bones(other), old) == right_for(rig)


def test_a_neck_may_have_several_bones() -> None:
    rig = chain_above(make_rig(), "head", ["neck_2", "neck_3"])
    assert map_bones(rig).bones["neck"] == ("neck", "neck_2", "neck_3")


@pytest.mark.parametrize("named", [True, False])
def test_missing_parts_are_left_out(named: bool) -> None:
    gone = ("left_clavicle", "right_clavicle", "neck")
    rig = without(make_rig(), *gone)
    other, old = (rig, {name: name for name in rig.bone_names}) if named else nameless(rig)
    found = map_bones(other)
    assert parts_by_old_name(found, old) == right_for(rig)
    assert all(part in found.notes[0] for part in gone)


def test_without_toes_names_tell_the_sides_and_shape_alone_is_less_sure() -> None:
    rig = without(make_rig(), "left_toe", "right_toe")
    assert parts_by_old_name(map_bones(rig), {n: n for n in rig.bone_names}) == right_for(rig)
    blind, _ = nameless(rig)
    sure, unsure = detect_bones(nameless(make_rig())[0]), detect_bones(blind)
    assert min(unsure.confidence.values()) < min(sure.confidence.values())


def test_helper_bones_are_not_picked() -> None:
    rig = styled(make_rig(), STYLES["underscore"], WORDS)
    extra = [
        ("ik_foot_L", None, (0.1, 0.0, 0.1)), ("ik_hand_L", None, (0.7, 0.0, 1.4)),
        ("Pole_Knee_L", None, (0.1, -0.5, 0.5)),
        ("UpperArm_Twist_L", "UpperArm_L", (0.14, 0.0, 0.0)), ("LowerArm_Twist_L", "LowerArm_L", (0.12, 0.0, 0.0)),
        ("Thigh_Twist_L", "Thigh_L", (0.0, 0.0, -0.2)), ("Head_End", "Head", (0.0, 0.0, 0.2)),
        ("Toe_End_L", "Toe_L", (0.0, -0.05, 0.0)), ("WeaponSlot_R", "Hand_R", (-0.1, 0.0, 0.0)),
    ]  # fmt: skip
    found = map_bones(with_bones(rig, extra))
    assert found.bones == map_bones(rig).bones


def test_split_limbs_begin_with_their_first_bone() -> None:
    rig = renamed(
        make_rig(), {f"{s}_{p}": f"{p}01.{s[0].upper()}" for s in ("left", "right") for p in ("thigh", "shin")}
    )
    for side in ("L", "R"):
        rig = chain_above(rig, f"shin01.{side}", [f"thigh02.{side}"])
    found = map_bones(rig)
    assert found.bone("left_thigh") == "thigh01.L" and found.bone("right_shin") == "shin01.R"
    assert not {"thigh02.L", "thigh02.R"} & {name for _, _, name in found}


def both_sides(rig: RigDescription, bone: str, names: tuple[str, ...]) -> RigDescription:
    for side in ("L", "R"):
        rig = chain_above(rig, bone.format(s=side), [name.format(s=side) for name in names])
    return rig


def test_the_default_rig_of_makehuman_with_its_split_limbs_and_single_toes() -> None:
    words = {"clavicle": "clavicle", "upper_arm": "upperarm01", "forearm": "lowerarm01", "hand": "wrist",
             "thigh": "upperleg01", "shin": "lowerleg01", "foot": "foot", "pelvis": "root", "neck": "neck01",
             "head": "head", "spine": "spine03", "chest": "spine01"}  # fmt: skip
    rig = styled(without(make_rig(), "left_toe", "right_toe"), lambda s, w: f"{w}.{s[0].upper()}", words)
    for bone, names in (("upperarm01.{s}", ("shoulder01.{s}",)), ("lowerarm01.{s}", ("upperarm02.{s}",)),
                        ("wrist.{s}", ("lowerarm02.{s}",)), ("upperleg01.{s}", ("pelvis.{s}",)),
                        ("lowerleg01.{s}", ("upperleg02.{s}",)), ("foot.{s}", ("lowerleg02.{s}",))):  # fmt: skip
        rig = both_sides(rig, bone, names)
    rig = chain_above(rig, "head", ["neck02", "neck03"])
    toes = [(f"toe{k}-1.{s}", f"foot.{s}", (0.02 * k, -0.1, -0.05)) for s in ("L", "R") for k in range(1, 6)]
    found = map_bones(with_bones(rig, toes))
    assert found.family == "makehuman"
    for part in ("clavicle", "upper_arm", "forearm", "hand", "thigh", "shin", "foot"):
        assert found.bone(f"left_{part}") == f"{words[part]}.L"
    assert found.bones["neck"] == ("neck01", "neck02", "neck03")
    assert "left_toe" not in found and "right_toe" not in found


def test_character_creator_with_its_pelvis_aside_and_twist_bones() -> None:
    words = {"clavicle": "Clavicle", "upper_arm": "Upperarm", "forearm": "Forearm", "hand": "Hand", "thigh": "Thigh",
             "shin": "Calf", "foot": "Foot", "toe": "ToeBase", "pelvis": "CC_Base_Hip", "neck": "CC_Base_NeckTwist01",
             "head": "CC_Base_Head", "spine": "CC_Base_Waist", "chest": "CC_Base_Spine02"}  # fmt: skip
    rig = styled(make_rig(), lambda s, w: f"CC_Base_{s[0].upper()}_{w}", words)
    rig = both_sides(rig, "CC_Base_{s}_Thigh", ("CC_Base_Pelvis_{s}",))
    twists = [(f"CC_Base_{s}_{part}Twist0{k}", f"CC_Base_{s}_{part}", (0.0, 0.0, -0.1 * k))
              for s in ("L", "R") for part in ("Thigh", "Calf", "Upperarm", "Forearm") for k in (1, 2)]  # fmt: skip
    found = map_bones(with_bones(rig, [*twists, ("CC_Base_FacialBone", "CC_Base_Head", (0.0, -0.05, 0.05))]))
    assert found.family == "character_creator"
    assert found.bones == {part: (rig.bone_names[i],) for part, i in parts_at(rig, words)} | {
        "spine": ("CC_Base_Waist", "CC_Base_Spine02")
    }


def parts_at(rig: RigDescription, words: dict[str, str]) -> list[tuple[str, int]]:
    out = [(part, rig.index(words[part])) for part in ("pelvis", "neck", "head")]
    sided = [
        part for part in words if part in ("clavicle", "upper_arm", "forearm", "hand", "thigh", "shin", "foot", "toe")
    ]
    return out + [
        (f"{s}_{p}", rig.index(f"CC_Base_{s[0].upper()}_{words[p]}")) for s in ("left", "right") for p in sided
    ]


def test_thighs_that_hang_below_the_spine_keep_the_pelvis_above_it() -> None:
    names = {"pelvis": "Bip01 Pelvis", "spine": "Bip01 Spine", "chest": "Bip01 Spine1", "neck": "Bip01 Neck",
             "head": "Bip01 Head", **{f"{s}_{p}": f"Bip01 {s[0].upper()} {w}" for s in ("left", "right") for p, w in {
                 "clavicle": "Clavicle", "upper_arm": "UpperArm", "forearm": "Forearm", "hand": "Hand",
                 "thigh": "Thigh", "shin": "Calf", "foot": "Foot", "toe": "Toe0"}.items()}}  # fmt: skip
    rig = renamed(make_rig(), names)
    parents = list(rig.parents)
    for side in ("L", "R"):
        parents[rig.index(f"Bip01 {side} Thigh")] = rig.index("Bip01 Spine")
    found = map_bones(replace(rig, parents=tuple(parents)))
    assert found.family == "biped"
    assert found.bones["pelvis"] == ("Bip01 Pelvis",)
    assert found.bones["spine"] == ("Bip01 Spine", "Bip01 Spine1")


def test_hair_skirts_and_a_tail_do_not_confuse() -> None:
    rig = make_rig()
    bones: list[tuple[str, str | None, tuple[float, float, float]]] = []
    for i in range(12):
        x, y = 0.16 * np.cos(i * np.pi / 6), 0.16 * np.sin(i * np.pi / 6)
        bones.append((f"a{i}", "pelvis", (x, y, -0.05)))
        bones += [(f"a{i}_{k}", f"a{i}_{k - 1}" if k > 1 else f"a{i}", (0.2 * x, 0.2 * y, -0.13)) for k in (1, 2, 3)]
        bones.append((f"h{i}", "head", (0.5 * x, 0.5 * y, 0.1)))
        bones += [(f"h{i}_{k}", f"h{i}_{k - 1}" if k > 1 else f"h{i}", (0.1 * x, 0.1 * y, -0.08)) for k in (1, 2, 3, 4)]
    bones += [(f"t{k}", f"t{k - 1}" if k else "pelvis", (0.0, 0.1, -0.02)) for k in range(6)]
    assert parts_by_old_name(map_bones(with_bones(rig, bones)), {n: n for n in rig.bone_names}) == right_for(rig)


def test_a_bone_above_the_pelvis_is_the_root() -> None:
    assert map_bones(make_rig()).root is None
    rig = make_rig()
    rooted = with_bones(rig, [("root", None, (0.0, 0.0, 0.0))])
    parents = [len(rig) if p < 0 else p for p in rig.parents] + [-1]
    order = [len(rig), *range(len(rig))]
    where = {old: new for new, old in enumerate(order)}
    fields = {f: getattr(rooted, f)[order] for f in ("rest_matrices", "lengths", "inherit_rotation", "local_location",
              "inherit_full_scale", "connected", "deform", "constrained")}  # fmt: skip
    rooted = replace(
        rooted,
        bone_names=tuple(rooted.bone_names[b] for b in order),
        parents=tuple(where.get(parents[b], -1) for b in order),
        rotation_modes=tuple(rooted.rotation_modes[b] for b in order),
        **fields,
    )
    assert map_bones(rooted).root == "root"
    assert map_bones(rooted).bone("pelvis") == "pelvis"


# ---------------------------------------------------------------------------------------------- refusals


def test_a_chain_is_refused() -> None:
    rig = make_rig()
    chain = without(rig, *(name for name in rig.bone_names if name not in ("pelvis", "spine", "chest", "neck", "head")))
    with pytest.raises(RigError, match="no humanoid rig: it has no two pairs of limbs"):
        map_bones(chain)


def test_an_animal_on_four_feet_is_refused_whatever_its_bones_are_called() -> None:
    # the trunk is laid forward: arms become forelegs that reach the floor
    pose = {"pelvis": (np.pi / 2, 0.0, 0.0), "left_thigh": (-np.pi / 2, 0.0, 0.0),
            "right_thigh": (-np.pi / 2, 0.0, 0.0), "left_upper_arm": (0.0, 0.0, -np.pi / 2),
            "right_upper_arm": (0.0, 0.0, np.pi / 2)}  # fmt: skip
    for rig in (make_rig(RigShape(pose=pose)), nameless(make_rig(RigShape(pose=pose)))[0]):
        with pytest.raises(RigError, match="no humanoid rig: its trunk lies across its legs"):
            map_bones(rig)


def test_sides_that_names_exchange_are_refused() -> None:
    arms = {f"{a}_{p}": f"{b}_{p}" for a, b in (("left", "right"), ("right", "left"))
            for p in ("clavicle", "upper_arm", "forearm", "hand")}  # fmt: skip
    with pytest.raises(RigError, match="left arm is on the side of the right leg"):
        map_bones(renamed(make_rig(), arms))
    both = {
        n: (n.replace("left", "right") if "left" in n else n.replace("right", "left")) for n in make_rig().bone_names
    }
    with pytest.raises(RigError, match="left and right seem to be swapped"):
        map_bones(renamed(make_rig(), both))


def test_two_left_legs_are_refused() -> None:
    names = {f"right_{p}": f"left_{p}.001" for p in ("thigh", "shin", "foot", "toe")}
    with pytest.raises(RigError, match=r"both 'left_thigh' and 'left_thigh.001' are named as on the left"):
        map_bones(renamed(make_rig(), names))


def test_a_bone_too_few_is_named_with_what_was_expected() -> None:
    with pytest.raises(RigError, match=r"not certain.*no bone for .*left_forearm") as error:
        map_bones(without(make_rig(), "left_forearm"))
    assert "Expected as" in error.value.hint and "save the map" in error.value.hint


def test_doubtful_bones_that_a_rig_may_lack_are_left_out_with_a_note() -> None:
    found = detect_bones(make_rig())
    shaken = replace(found, confidence={**found.confidence, "left_toe": 0.1})
    kept = sure_bones(make_rig(), shaken)
    assert "left_toe" not in kept and "right_toe" in kept
    assert "left_toe (perhaps 'left_toe')" in kept.notes[-1]
    with pytest.raises(RigError, match=r"left_shin \(perhaps 'left_shin', 20 %\)"):
        sure_bones(make_rig(), replace(found, confidence={**found.confidence, "left_shin": 0.2}))
    assert set(ESSENTIAL) | set(OPTIONAL) == set(PARTS)


def test_a_family_can_be_asked_for() -> None:
    rig = renamed(make_rig(), {"left_shin": "lower_left"})
    assert map_by_family(make_rig(), "pose_core").bones == map_bones(make_rig()).bones
    with pytest.raises(RigError, match="no complete Pose Core's own armature rig: it has no bone for left_shin"):
        map_by_family(rig, "pose_core")
    with pytest.raises(RigError, match="no rig family 'elephant'"):
        map_by_family(rig, "elephant")
    twice = with_bones(make_rig(), [("other:left_shin", None, (0.0, 0.0, 0.0)), ("x:left_shin", None, (0.0, 0.0, 0.0))])
    twice = renamed(twice, {"left_shin": "one:left_shin"})
    with pytest.raises(RigError, match=r"several bones could be the same part \(left_shin"):
        map_by_family(twice, "pose_core")
