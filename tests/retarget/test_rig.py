"""Rig descriptions refuse what cannot carry a motion, naming bones."""

from dataclasses import replace

import numpy as np
import pytest

from pose_core.errors import RigError, ShapeError
from tests.support.rigs import RigShape, make_rig


def changed(name: str, index: int, value: object) -> dict[str, np.ndarray]:
    array = np.array(getattr(make_rig(), name))
    array[index] = value
    return {name: array}


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (changed("lengths", 3, 0.0), "no length: 'neck'"),
        (changed("lengths", 3, np.nan), "not finite: 'neck'"),
        (changed("rest_matrices", 4, np.diag([1.0, 1, -1, 1])), "no plain rotations: 'head'"),
        (changed("rest_matrices", 4, np.diag([2.0, 2, 2, 1])), "no plain rotations: 'head'"),
        ({"matrix_world": np.diag([-1.0, 1, 1, 1])}, "mirrored"),
        ({"matrix_world": np.diag([1.0, 1, 2, 1])}, "scaled differently"),
        ({"matrix_world": np.zeros((4, 4))}, "scale 0"),
        ({"parents": (-1, 2, 1, *make_rig().parents[3:])}, "before their children"),
        ({"bone_names": ("a", "a", *make_rig().bone_names[2:])}, "occur twice: 'a'"),
        ({"rotation_modes": ("XYX", *make_rig().rotation_modes[1:])}, "unknown rotation mode: 'pelvis'"),
    ],
)
def test_bad_rigs_are_refused_by_name(change: dict[str, object], word: str) -> None:
    with pytest.raises(RigError, match=word):
        replace(make_rig(), **change)


def test_an_armature_without_bones_is_refused() -> None:
    with pytest.raises(RigError, match="no bones"):
        replace(make_rig(), bone_names=())


def test_shapes_are_checked() -> None:
    with pytest.raises(ShapeError, match="lengths"):
        replace(make_rig(), lengths=np.ones(3))


def test_world_and_armature_space_are_inverse() -> None:
    rig = make_rig(RigShape(scale=0.01, turn=(0.3, 0.5, -2.0), move=(1, 2, 3)))
    points = np.random.default_rng(0).normal(size=(7, 3))
    assert rig.to_armature(rig.to_world(points)) == pytest.approx(points)
    assert rig.scale == pytest.approx(0.01)
    assert np.linalg.det(rig.R_world_armature) == pytest.approx(1)


def test_ancestors_lead_to_the_root() -> None:
    rig = make_rig()
    names = [rig.bone_names[b] for b in rig.ancestors(rig.index("left_toe"))]
    assert names == ["left_foot", "left_shin", "left_thigh", "pelvis"]
    with pytest.raises(RigError, match="no bone 'tail'"):
        rig.index("tail")
