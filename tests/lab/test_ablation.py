import numpy as np
import pytest

from pose_core.lab.evaluation.ablation import VARIANTS, path_error
from pose_core.maths.rotations import rotation_vector_to_matrix


def test_path_error_does_not_see_where_and_how_the_path_lies_but_how_long_it_is():
    rng = np.random.default_rng(0)
    path = np.cumsum(rng.normal(0, 0.05, (80, 3)), axis=0)
    R = rotation_vector_to_matrix(np.array([0.3, -1.0, 2.0]))
    length = np.sum(np.linalg.norm(np.diff(path, axis=0), axis=1))
    error, found = path_error(path @ R.T + [1.0, 2.0, 3.0], path)
    assert error == pytest.approx(0.0, abs=1e-9) and found == pytest.approx(length)
    assert path_error(1.1 * path, path)[0] == pytest.approx(
        0.1 * np.mean(np.linalg.norm(path - path.mean(axis=0), axis=1))
    )
    assert path_error(path * [1.0, 1.0, -1.0], path)[0] > 0.01  # a mirror is no rotation
    path[:10] = np.nan
    assert np.isfinite(path_error(path, path)).all()


def test_variants_are_named_once_and_the_first_changes_nothing():
    assert len({v.name for v in VARIANTS}) == len(VARIANTS)
    assert not VARIANTS[0].weights and not VARIANTS[0].settings
