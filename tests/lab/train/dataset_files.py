"""Tiny data sets in the layouts of the public ones, written by tests."""

import json
from pathlib import Path

import numpy as np

from pose_core.skeletons.h36m import H36M

K = np.array([[300.0, 0.0, 101.0], [0.0, 290.0, 97.0], [0.0, 0.0, 1.0]])
SIDE_PX = 200


def person_m(seed: int, joints: int = 17) -> np.ndarray:
    """Joints (joints, 3) in front of a camera, metres."""
    return np.random.default_rng(seed).uniform((-0.8, -0.8, 3.5), (0.8, 0.8, 4.5), (joints, 3))


def write_picture(path: Path, seed: int = 0) -> None:
    cv2 = __import__("cv2")
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.random.default_rng(seed).integers(0, 256, (SIDE_PX, SIDE_PX, 3), dtype=np.uint8))


def write_human36m_json(root: Path, subjects: tuple[int, ...]) -> np.ndarray:
    """Returns the joints (17, 3) of the one picture of every subject, camera axes, metres."""
    (root / "annotations").mkdir(parents=True)
    points = person_m(1, len(H36M))
    turn = np.array([[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])
    t_mm = np.array([100.0, 200.0, 300.0])
    world = (points * 1e3 - t_mm) @ turn  # the inverse of R x + t
    for subject in subjects:
        image = {"file_name": f"s_{subject}/1.jpg", "cam_idx": 2, "action_idx": 3, "subaction_idx": 1, "frame_idx": 7,
                 "action_name": "Eating"}  # fmt: skip
        parts = {
            "data": {"images": [image], "annotations": []},
            "camera": {"2": {"R": turn.tolist(), "t": t_mm.tolist(), "f": [300.0, 290.0], "c": [101.0, 97.0]}},
            "joint_3d": {"3": {"1": {"7": world.tolist()}}},
        }
        for name, content in parts.items():
            path = root / "annotations" / f"Human36M_subject{subject}_{name}.json"
            path.write_text(json.dumps(content), encoding="utf-8")
        write_picture(root / "images" / image["file_name"])
    return points


def write_human36m_arrays(root: Path, subject: int, joints_mm: np.ndarray, **changed: np.ndarray) -> None:
    folder = root / f"S{subject}"
    folder.mkdir(parents=True, exist_ok=True)
    arrays = {
        "image": np.array([f"Images/{i}.jpg" for i in range(len(joints_mm))]),
        "action": np.array(["Walking"] * len(joints_mm)),
        "joints_camera_mm": joints_mm,
        "camera_matrix": np.tile(K, (len(joints_mm), 1, 1)),
    }
    np.savez(folder / "annotations.npz", **(arrays | changed))
    for name in arrays["image"]:
        write_picture(folder / str(name))


def write_3dhp(root: Path, frames: int = 3) -> np.ndarray:
    """Returns the joints (frames, 28, 3), metres, of camera 0."""
    from scipy.io import savemat

    from pose_core.maths.cameras import project_points

    points = np.array([person_m(seed, 28) for seed in range(frames)])
    sequence = root / "S1" / "Seq1"
    sequence.mkdir(parents=True)
    annot2, annot3 = np.empty((2, 1), dtype=object), np.empty((2, 1), dtype=object)
    for camera in range(2):
        annot2[camera, 0] = project_points(points, K).reshape(frames, -1)
        annot3[camera, 0] = points.reshape(frames, -1) * 1e3
    savemat(str(sequence / "annot.mat"), {"annot2": annot2, "annot3": annot3})
    for frame in range(frames):
        write_picture(sequence / "imageSequence" / "video_0" / f"img_{frame + 1:06d}.jpg", frame)
    return points


def write_mpii_json(root: Path) -> np.ndarray:
    """Returns the 16 joints as the file has them; joint 9 (the top of the head) has no label."""
    joints = np.random.default_rng(3).uniform(20, 180, (16, 2))
    seen = np.ones(16)
    seen[9] = 0
    person = {
        "image": "a.jpg",
        "joints": joints.tolist(),
        "joints_vis": seen.tolist(),
        "center": [100, 100],
        "scale": 0.8,
    }
    (root / "annot").mkdir(parents=True)
    (root / "annot" / "train.json").write_text(json.dumps([person]), encoding="utf-8")
    write_picture(root / "images" / "a.jpg")
    return joints


def write_mpii_matlab(root: Path) -> np.ndarray:
    """Returns the 16 joints as the file has them; joint 0 is hidden."""
    from scipy.io import savemat

    joints = np.random.default_rng(4).uniform(20, 180, (16, 2))
    point = np.array(
        [(x, y, i, 0 if i == 0 else 1) for i, (x, y) in enumerate(joints)],
        dtype=[("x", "O"), ("y", "O"), ("id", "O"), ("is_visible", "O")],
    )
    person = {"annopoints": {"point": point}, "objpos": {"x": 100.0, "y": 100.0}, "scale": 0.8}
    annolist = np.array(
        [({"name": "a.jpg"}, person), ({"name": "b.jpg"}, person)], dtype=[("image", "O"), ("annorect", "O")]
    )
    root.mkdir(parents=True, exist_ok=True)
    release = {"annolist": annolist, "img_train": np.array([1, 0])}
    savemat(str(root / "mpii_human_pose_v1_u12_1.mat"), {"RELEASE": release})
    write_picture(root / "images" / "a.jpg")
    return joints


def write_lsp(root: Path, extended: bool) -> np.ndarray:
    """Returns the joints (2, 14, 2) as the file has them; joint 0 of person 0 is flagged 1, or 0 if extended."""
    from scipy.io import savemat

    joints = np.random.default_rng(5).uniform(20, 180, (2, 14, 2))
    flags = np.full((2, 14, 1), float(extended))
    flags[0, 0] = 1.0 - flags[0, 0]
    table = np.concatenate([joints, flags], axis=-1)
    root.mkdir(parents=True, exist_ok=True)
    stored = np.moveaxis(table, 0, -1) if extended else np.transpose(table, (2, 1, 0))
    savemat(str(root / "joints.mat"), {"joints": stored})
    for i in range(2):
        write_picture(root / "images" / f"im{i + 1:04d}.jpg", i)
    return joints
