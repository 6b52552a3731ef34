"""Parts of the rough start."""

import numpy as np
import pytest

from pose_core.maths.cameras import camera_matrix
from pose_core.skeletons import CANONICAL
from pose_core.solve.evidence import Evidence
from pose_core.solve.start.rough import _pull_onto_pixels

J = len(CANONICAL)
K = camera_matrix(1000.0, (1280, 720))
ROOT_M = np.array([[0.2, -0.1, 5.0]])


def pulled(sigma_m: float, off_px: float) -> tuple[np.ndarray, np.ndarray]:
    """(3,) by how much a hand is moved whose pixel lies further right than its lift, and (3,) where the lift is."""
    rng = np.random.default_rng(0)
    offsets = rng.normal(0, 0.3, (1, J, 3))
    offsets[:, 0] = 0.0
    points = ROOT_M[:, None] + offsets
    xy = points[..., :2] / points[..., 2:] * K[0, 0] + K[:2, 2]
    hand = CANONICAL.index("left_hand")
    xy[0, hand, 0] += off_px
    evidence = Evidence(
        np.zeros(1), xy, np.ones((1, J)), offsets, np.full((1, J), sigma_m), np.array([400.0]),
        np.ones(1, dtype=bool), np.ones(1, dtype=bool),
    )  # fmt: skip
    fused, _ = _pull_onto_pixels(offsets, ROOT_M, evidence, K, np.ones((1, J)))
    return fused[0, hand] - offsets[0, hand], points[0, hand]


def test_a_joint_is_pulled_onto_its_pixel_the_more_the_less_sure_its_lift_is() -> None:
    off_px = 10.0
    shares = []
    for sigma_m in (0.005, 0.05, 0.5):
        moved, point = pulled(sigma_m, off_px)
        whole = off_px * point[2] / K[0, 0]
        assert moved[1:] == pytest.approx([0.0, 0.0], abs=1e-9)  # along the row alone, and never in depth
        shares.append(moved[0] / whole)
    assert shares[0] < 0.1 and 0.4 < shares[1] < 0.8 and 0.97 < shares[2] < 1.0


def test_a_pixel_far_from_the_lift_is_believed_less() -> None:
    near, far = (pulled(0.05, off)[0][0] / off for off in (10.0, 200.0))
    assert far < 0.5 * near
