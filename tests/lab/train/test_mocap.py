"""Reading motion capture: archives and BVH files, splits."""

import numpy as np
import pytest

from pose_core.errors import InsufficientDataError, MotionFileError
from pose_core.lab.datasets.bvh import read_bvh, read_bvh_folder, to_canonical
from pose_core.lab.datasets.mocap import estimate_heels, read_mocap, split_mocap
from pose_core.lab.datasets.mocap_folder import read_folder
from pose_core.lab.train.lifter.bodies import stature_of
from pose_core.skeletons import CANONICAL
from tests.support.shared import shared_file
from tests.support.synthetic import walking_joints

HEELS = CANONICAL.indices("left_heel", "right_heel")


def write_archive(path, clips, subjects, sources, absent=()):
    joints = np.concatenate(clips)
    offsets = np.round((joints - joints[:, :1]) * 1e4).astype(np.int16)
    offsets[:, list(absent)] = -32768
    lengths = [len(c) for c in clips]
    kind = np.full((len(clips), len(CANONICAL)), 2)
    kind[:, list(absent)] = 0
    np.savez(
        path, root=joints[:, 0].astype(np.float32), offsets=offsets, clip_start=np.cumsum([0, *lengths[:-1]]),
        clip_length=lengths, subject=np.array(subjects), action=np.array(["walk"] * len(clips)),
        source=np.array(sources), joint_names=np.array(CANONICAL.names), joint_kind=kind,
        floor_z=np.zeros(len(clips)), time_true=np.ones(len(clips), dtype=bool),
    )  # fmt: skip


def test_archive_comes_back(tmp_path):
    clips = [walking_joints(40), walking_joints(25, height_m=1.6)]
    write_archive(tmp_path / "a.npz", clips, ["x", "y"], ["s", "s"])
    mocap = read_mocap([tmp_path / "a.npz"])
    assert list(mocap.clip_length) == [40, 25] and mocap.subject == ("x", "y")
    assert np.abs(mocap.joints_m[40:] - clips[1]).max() < 1e-4
    assert mocap.joint_weight[0, 0] == 0 and np.all(mocap.joint_weight[:, 1:] == 1)


def test_absent_heels_are_estimated_and_count_little(tmp_path):
    clip = walking_joints(30)
    write_archive(tmp_path / "a.npz", [clip], ["x"], ["s"], absent=HEELS)
    mocap = read_mocap([tmp_path / "a.npz"])
    assert np.all(np.isfinite(mocap.joints_m))
    assert np.all(mocap.joint_weight[:, HEELS] < 0.5)
    # behind the ankle
    foot = mocap.joints_m[:, CANONICAL.index("left_toe")] - mocap.joints_m[:, CANONICAL.index("left_ankle")]
    back = mocap.joints_m[:, HEELS[0]] - mocap.joints_m[:, CANONICAL.index("left_ankle")]
    assert np.all(np.sum(foot[:, :2] * back[:, :2], axis=1) < 0)


def test_heel_formula():
    joints = np.zeros((1, len(CANONICAL), 3), dtype=np.float32)
    for name, value in (("knee", (0, 0, 0.5)), ("ankle", (0, 0, 0.1)), ("toe", (0.1, 0, 0.1))):
        joints[0, CANONICAL.index(f"left_{name}")] = value
    heel = estimate_heels(joints)[0, HEELS[0]]
    assert np.allclose(heel, [-0.037, 0.0, 0.079], atol=1e-6)


def test_split_is_by_subject_and_source(tmp_path):
    clips = [walking_joints(20)] * 4
    write_archive(tmp_path / "a.npz", clips, ["one", "two", "one", "three"], ["s", "s", "t", "u"])
    split = split_mocap(read_mocap([tmp_path / "a.npz"]), frozenset({"one"}), frozenset({"u"}))
    assert split.train.subject == ("two",)
    assert split.subjects.subject == ("one", "one") and split.sources.subject == ("three",)
    assert len(split.subjects.joints_m) == 40 and list(split.subjects.clip_start) == [0, 20]


def test_recordings_kept_apart_are_not_found(tmp_path):
    (tmp_path / "evaluation_only").mkdir()
    write_archive(tmp_path / "a.npz", [walking_joints(20)], ["x"], ["s"])
    write_archive(tmp_path / "evaluation_only" / "b.npz", [walking_joints(20)], ["secret"], ["s"])
    assert read_folder(tmp_path).subject == ("x",)


def test_other_files_are_refused(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.zeros(3))
    with pytest.raises(MotionFileError, match=r"a\.npz"):
        read_mocap([tmp_path / "a.npz"])
    with pytest.raises(InsufficientDataError):
        read_folder(tmp_path / "nothing")


def test_the_real_archives_are_sound():
    mocap = read_mocap([shared_file("mocap/cmu_daz.npz")])
    assert np.all(np.isfinite(mocap.joints_m)) and len(mocap) == 26
    for clip in range(len(mocap)):
        first = mocap.clip_start[clip]
        stature = stature_of(mocap.joints_m[None, first : first + mocap.clip_length[clip]])
        assert 1.5 < stature[0] < 2.0


BVH = """HIERARCHY
ROOT Hips
{{
 OFFSET 0 0 0
 CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation
 JOINT Spine
 {{
  OFFSET 0 20 0
  CHANNELS 3 Zrotation Xrotation Yrotation
  JOINT Neck
  {{
   OFFSET 0 34 0
   CHANNELS 3 Zrotation Xrotation Yrotation
   JOINT Head
   {{
    OFFSET 0 10 0
    CHANNELS 3 Zrotation Xrotation Yrotation
    End Site
    {{
     OFFSET 0 20 0
    }}
   }}
  }}
{arms}
 }}
{legs}
}}
MOTION
Frames: {frames}
Frame Time: {step}
{rows}
"""

ARM = """  JOINT {side}Arm
  {{
   OFFSET {x} 30 0
   CHANNELS 3 Zrotation Xrotation Yrotation
   JOINT {side}ForeArm
   {{
    OFFSET {upper} 0 0
    CHANNELS 3 Zrotation Xrotation Yrotation
    JOINT {side}Hand
    {{
     OFFSET {fore} 0 0
     CHANNELS 3 Zrotation Xrotation Yrotation
     End Site
     {{
      OFFSET {hand} 0 0
     }}
    }}
   }}
  }}"""

LEG = """ JOINT {side}UpLeg
 {{
  OFFSET {x} 0 0
  CHANNELS 3 Zrotation Xrotation Yrotation
  JOINT {side}Leg
  {{
   OFFSET 0 -42 0
   CHANNELS 3 Zrotation Xrotation Yrotation
   JOINT {side}Foot
   {{
    OFFSET 0 -42 0
    CHANNELS 3 Zrotation Xrotation Yrotation
    JOINT {side}ToeBase
    {{
     OFFSET 0 -8 13
     CHANNELS 3 Zrotation Xrotation Yrotation
     End Site
     {{
      OFFSET 0 0 5
     }}
    }}
   }}
  }}
 }}"""


def bvh_text(frames=5, fps=60.0, elbow_deg=90.0):
    arms = "\n".join(
        ARM.format(side=s, x=18 * k, upper=29 * k, fore=25 * k, hand=8 * k) for s, k in (("Left", 1), ("Right", -1))
    )
    legs = "\n".join(LEG.format(side=s, x=9 * k) for s, k in (("Left", 1), ("Right", -1)))
    # channels in the order of the joints; the left elbow turns about the vertical
    order = ["Hips", "Spine", "Neck", "Head", "LArm", "LFore", "LHand", "RArm", "RFore", "RHand", *["leg"] * 8]
    row = [0.0, 90.0, 0.0]
    for name in order:
        row += [0.0, 0.0, -elbow_deg if name == "LFore" else 0.0]
    rows = "\n".join(" ".join(f"{v:g}" for v in row) for _ in range(frames))
    return BVH.format(arms=arms, legs=legs, frames=frames, step=1 / fps, rows=rows)


def test_bvh_kinematics_axes_and_unit(tmp_path):
    path = tmp_path / "anna" / "clip.bvh"
    path.parent.mkdir()
    path.write_text(bvh_text())
    joints, kind = to_canonical(read_bvh(path))
    at = {name: joints[0, CANONICAL.index(name)] for name in CANONICAL.names}
    assert np.isclose(at["left_knee"][2], 0.48, atol=1e-5)  # centimetres became metres, Y became Z
    upper, fore = at["left_elbow"] - at["left_shoulder"], at["left_wrist"] - at["left_elbow"]
    assert abs(upper @ fore) < 1e-6 and np.isclose(np.linalg.norm(fore), 0.25)
    # right-handed still: left x up points forward, where the toes are
    across = at["left_hip"] - at["right_hip"]
    forward = np.cross(across, at["neck"] - at["pelvis"])
    assert forward @ (at["left_toe"] - at["left_ankle"]) > 0
    assert forward @ fore > 0
    assert kind[CANONICAL.index("nose")] == 0 and kind[CANONICAL.index("left_wrist")] == 2
    mocap = read_bvh_folder([path])
    assert mocap.subject == ("anna",) and list(mocap.clip_length) == [3]  # 5 frames at 60 are 3 at 30
    assert np.all(np.isfinite(mocap.joints_m)) and mocap.joint_weight[0, CANONICAL.index("nose")] == 0


@pytest.mark.parametrize(
    "damage",
    [
        lambda t: "something else",
        lambda t: t.replace("Frames: 5", "Frames: 6"),
        lambda t: t.replace("ForeArm", "Tentacle"),
        lambda t: t.replace("Frame Time: ", "Frame Time: -"),
    ],
)
def test_damaged_bvh_is_refused(tmp_path, damage):
    path = tmp_path / "x.bvh"
    path.write_text(damage(bvh_text()))
    with pytest.raises(MotionFileError):
        read_bvh_folder([path])
