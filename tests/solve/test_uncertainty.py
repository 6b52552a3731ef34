import numpy as np
import pytest

from pose_core.solve.sequence.arrow import dense_matrix
from pose_core.solve.sequence.uncertainty import marginal_covariances
from tests.solve.test_arrow import random_equations


@pytest.mark.parametrize("frames", [1, 2, 3, 4, 9, 20])
def test_covariances_are_the_diagonal_blocks_of_the_inverse(frames):
    e = random_equations(frames, 4, 0, seed=frames)
    inverse = np.linalg.inv(dense_matrix(e))
    expected = np.stack([inverse[4 * t : 4 * t + 4, 4 * t : 4 * t + 4] for t in range(frames)])
    assert np.allclose(marginal_covariances(e), expected, rtol=1e-5, atol=1e-7)
