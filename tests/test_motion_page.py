"""The page of the motion file is enough to read one: everything here follows its text and uses numpy alone."""

import re
from pathlib import Path

import numpy as np
import pytest

from pose_core.motion_file import write_motion
from tests.support.walking import walking_motion

PAGE = Path(__file__).resolve().parents[1] / "docs" / "motion_file.md"


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> dict[str, np.ndarray]:
    path = tmp_path_factory.mktemp("page") / "walk.motion.npz"
    write_motion(path, walking_motion(40, missing=(10, 14)))
    with np.load(path, allow_pickle=False) as data:
        return {name: data[name] for name in data.files}


def table() -> dict[str, str]:
    """Key to the type column of the page's first table."""
    rows = re.findall(r"^\| (`[^|]*`) \| ([^|]*) \|", PAGE.read_text(encoding="utf-8").split("## World")[0], re.M)
    return {name: kind for names, kind in rows for name in re.findall(r"`(\w+)`", names)}


def rotation(q: np.ndarray) -> np.ndarray:
    w, x, y, z = np.moveaxis(q, -1, 0)
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def test_every_key_is_on_the_page_with_its_type(content: dict[str, np.ndarray]) -> None:
    kinds = table()
    assert set(kinds) == set(content)
    for name, values in content.items():
        if "int64" in kinds[name] and name != "format":
            assert values.dtype == np.int64, name
        elif "text" in kinds[name]:
            assert values.dtype.kind == "U", name
        else:
            assert values.dtype == np.float64, name
        assert ("()" in kinds[name]) == (values.shape == ()), name


def test_joints_follow_from_rotations_as_the_page_says(content: dict[str, np.ndarray]) -> None:
    R, parents = rotation(content["rotations_wxyz"]), content["parents"]
    turn, place = np.empty(R.shape), np.empty(content["joints_world_m"].shape)
    for j, parent in enumerate(parents):
        if parent < 0:
            turn[:, j], place[:, j] = R[:, j], content["root_translation_m"]
        else:
            turn[:, j] = turn[:, parent] @ R[:, j]
            place[:, j] = place[:, parent] + turn[:, parent] @ content["rest_offsets_m"][j]
    assert np.allclose(place, content["joints_world_m"], atol=1e-6, equal_nan=True)


def test_the_camera_is_where_the_page_says(content: dict[str, np.ndarray]) -> None:
    T = content["T_world_camera"]
    world = content["joints_camera_m"] @ T[:3, :3].T + T[:3, 3]
    assert np.allclose(world, content["joints_world_m"], atol=1e-6, equal_nan=True)
    width, height = content["image_size"]
    assert content["camera_matrix"][:2, 2] == pytest.approx([width / 2, height / 2])


def test_empty_frames_are_as_the_page_says(content: dict[str, np.ndarray]) -> None:
    empty = slice(10, 14)
    for name in ("rotations_wxyz", "root_translation_m", "joints_world_m", "joints_camera_m"):
        assert np.all(np.isnan(content[name][empty])), name
    assert np.all(content["contacts"][empty] == 0) and np.all(np.isfinite(content["timestamps_s"]))
