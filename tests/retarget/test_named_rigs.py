"""Names of further kinds of rigs, and clear names among bones that only get in the way."""

import numpy as np
import pytest

from pose_core.errors import RigError
from pose_core.retarget import RigDescription, map_bones
from tests.support.rig_variants import chain_above, rehung, styled, with_bones, with_root
from tests.support.rigs import make_rig, renamed, without

SIDES = ("left", "right")
SMPL = {"clavicle": "Collar", "upper_arm": "Shoulder", "forearm": "Elbow", "hand": "Wrist", "thigh": "Hip",
        "shin": "Knee", "foot": "Ankle", "toe": "Foot"}  # fmt: skip
R15 = {"upper_arm": "UpperArm", "forearm": "LowerArm", "hand": "Hand", "thigh": "UpperLeg", "shin": "LowerLeg",
       "foot": "Foot"}  # fmt: skip
WORDS = {"upper_arm": "UpperArm", "forearm": "LowerArm", "clavicle": "Shoulder", "hand": "Hand", "thigh": "Thigh",
         "shin": "Calf", "foot": "Foot", "toe": "Toe", "pelvis": "Hips", "spine": "Spine", "chest": "Chest",
         "neck": "Neck", "head": "Head"}  # fmt: skip


def words_rig() -> RigDescription:
    return styled(make_rig(), lambda side, word: f"{word}.{'L' if side == 'left' else 'R'}", WORDS)


@pytest.mark.parametrize("root", ["", "HumanoidRootPart", "Root"])
def test_roblox_r15(root: str) -> None:
    rig = without(make_rig(), "chest", "neck", *(f"{s}_{p}" for s in SIDES for p in ("clavicle", "toe")))
    names = {f"{s}_{part}": f"{s.title()}{word}" for s in SIDES for part, word in R15.items()}
    rig = renamed(rig, {**names, "pelvis": "LowerTorso", "spine": "UpperTorso", "head": "Head"})
    found = map_bones(with_root(rig, root) if root else rig)
    assert found.family == "roblox" and found.root == (root or None)
    assert found.bones["pelvis"] == ("LowerTorso",) and found.bones["spine"] == ("UpperTorso",)
    assert found.bone("left_hand") == "LeftHand" and min(found.confidence.values()) > 0.9


@pytest.mark.parametrize(("style", "family"), [
    ("{S}_{word}", "smpl"), ("m_avg_{S}_{word}", "smpl"), ("{side}_{low}", "smpl"), ("{word}{S}", "words"),
])  # fmt: skip
def test_in_smpl_names_the_foot_is_where_the_toes_begin(style: str, family: str) -> None:
    prefix = "m_avg_" if style.startswith("m_avg") else ""
    middle = {"pelvis": "Pelvis", "spine": "Spine1", "chest": "Spine3", "neck": "Neck", "head": "Head"}
    names = {part: prefix + (word.lower() if "{low}" in style else word) for part, word in middle.items()}
    for side in SIDES:
        for part, word in SMPL.items():
            spelled = style.format(S=side[0].upper(), side=side, word=word, low=word.lower())
            names[f"{side}_{part}"] = spelled
    found = map_bones(renamed(make_rig(), names))
    assert found.family == family
    for side in SIDES:
        assert found.bone(f"{side}_foot") == names[f"{side}_foot"]
        assert found.bone(f"{side}_toe") == names[f"{side}_toe"]
    assert min(found.confidence.values()) > 0.8


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("kind", ["x{:03}", "Bone.{:03}"])
def test_a_clearly_named_skeleton_is_found_beside_350_other_bones(kind: str, seed: int) -> None:
    rig, rng = words_rig(), np.random.default_rng(seed)
    names = list(rig.bone_names)
    bones = []
    for i in range(350):
        bones.append((kind.format(i), names[rng.integers(len(names))], tuple(rng.uniform(-0.25, 0.25, 3))))
        names.append(kind.format(i))
    found = map_bones(with_bones(rig, bones))
    assert found.bones == map_bones(rig).bones


def test_clear_names_do_not_make_a_body_of_bones_that_do_not_lie_as_one() -> None:
    rig, rng = words_rig(), np.random.default_rng(0)
    names = list(rig.bone_names)
    bones = [(f"x{i}", names[rng.integers(len(names))], tuple(rng.uniform(-0.2, 0.2, 3))) for i in range(200)]
    shuffled = dict(zip(names, rng.permutation(names).tolist(), strict=True))
    with pytest.raises(RigError):
        map_bones(with_bones(renamed(rig, shuffled), [(n, shuffled[p], at) for n, p, at in bones]))


@pytest.mark.parametrize("twist", ["LowerArmTwist", "Twist", "ForeTwist", "Forearm_tw", "HandTwist", "Arm_Roll",
                                   "LowerArm.001", "Bone"])  # fmt: skip
@pytest.mark.parametrize("share", [0.5, 1.0])
@pytest.mark.parametrize("hand", ["Hand", "Wrist", "Manus"])
def test_twist_bones_do_not_take_the_hands_place(hand: str, share: float, twist: str) -> None:
    rig = renamed(words_rig(), {f"Hand.{s}": f"{hand}.{s}" for s in "LR"})
    beside = with_bones(
        rig, [(f"{twist}.{s}", f"LowerArm.{s}", (x * 0.25 * share, 0.0, 0.0)) for s, x in (("L", 1), ("R", -1))]
    )
    between = rig
    for s in "LR":
        between = chain_above(between, f"{hand}.{s}", [f"{twist}.{s}"])
    for found in (map_bones(beside), map_bones(between)):
        assert found.bone("left_hand") == f"{hand}.L" and found.bone("left_forearm") == "LowerArm.L"


@pytest.mark.parametrize("thighs_on_spine", [False, True])
def test_arms_on_the_neck_of_a_biped(thighs_on_spine: bool) -> None:
    words = {"clavicle": "Clavicle", "upper_arm": "UpperArm", "forearm": "Forearm", "hand": "Hand", "thigh": "Thigh",
             "shin": "Calf", "foot": "Foot", "toe": "Toe0"}  # fmt: skip
    names = {"pelvis": "Bip01 Pelvis", "spine": "Bip01 Spine", "chest": "Bip01 Spine1", "neck": "Bip01 Neck",
             "head": "Bip01 Head"}  # fmt: skip
    names |= {f"{s}_{p}": f"Bip01 {s[0].upper()} {w}" for s in SIDES for p, w in words.items()}
    rig = renamed(make_rig(), names)
    parents = {f"Bip01 {s} Clavicle": "Bip01 Neck" for s in "LR"}
    if thighs_on_spine:
        parents |= {f"Bip01 {s} Thigh": "Bip01 Spine" for s in "LR"}
    found = map_bones(rehung(rig, parents))
    assert found.family == "biped" and found.bones["pelvis"] == ("Bip01 Pelvis",)
    assert found.bones["spine"] == ("Bip01 Spine", "Bip01 Spine1") and found.bones["neck"] == ("Bip01 Neck",)
    assert min(found.confidence.values()) > 0.9


def test_a_refusal_names_the_family_that_fits() -> None:
    names = {part: f"mixamorig:{word}" for part, word in (
        ("pelvis", "Hips"), ("spine", "Spine"), ("chest", "Spine1"), ("neck", "Neck"), ("head", "Head"))}  # fmt: skip
    words = {"clavicle": "Shoulder", "upper_arm": "Arm", "forearm": "ForeArm", "hand": "Hand", "thigh": "UpLeg",
             "shin": "Leg", "foot": "Foot", "toe": "ToeBase"}  # fmt: skip
    names |= {f"{s}_{p}": f"mixamorig:{s.title()}{w}" for s in SIDES for p, w in words.items()}
    swapped = {names[f"left_{p}"]: names[f"right_{p}"] for p in words}
    swapped |= {b: a for a, b in swapped.items()}
    with pytest.raises(RigError, match="the bone map 'mixamo' goes by them alone"):
        map_bones(renamed(renamed(make_rig(), names), swapped))
