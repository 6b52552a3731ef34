"""Where a person's region will be in the next frame: constant velocity, smoothed.

Frames are computed side by side, so the newest known region may be two frames old; and a region that jitters makes the
landmarks jitter, as the network answers a little differently for every crop.
"""

from __future__ import annotations

import math
from copy import deepcopy
from dataclasses import dataclass

import numpy as np

from pose_core.keypoints.crop import Region
from pose_core.types import FloatArray

ACCELERATION_NOISE = np.array([2.5, 2.5, 1.5, 8.0])
"""One standard deviation of the acceleration: centre in region sizes / s^2 (a size is some 2 m), log size, rad/s^2."""
MEASUREMENT_NOISE = np.array([0.01, 0.01, 0.015, 0.03])
"""One standard deviation of one measured region: centre in region sizes, log size, rad."""
_START_VELOCITY = np.array([1.0, 1.0, 0.5, 2.0])
_MOST_AHEAD_S = 0.4


@dataclass
class RegionMotion:
    """A Kalman filter with constant velocity over a region's centre, log size and rotation."""

    region: Region
    """The newest measurement; its proportions are kept."""
    time_s: float

    def __post_init__(self) -> None:
        self._state = np.zeros((2, 4))  # position and velocity
        self._state[0] = self._measured(self.region)
        noise = MEASUREMENT_NOISE * self._scale()
        self._variance = np.zeros((2, 2, 4))
        self._variance[0, 0] = noise**2
        self._variance[1, 1] = (_START_VELOCITY * self._scale()) ** 2

    def predict(self, time_s: float) -> Region:
        """The region at a later time, pixels."""
        # A person lost from sight soon does something else than what they did: do not run away with the velocity.
        ahead = min(time_s - self.time_s, _MOST_AHEAD_S)
        x, y, log_size, rotation = self._state[0] + ahead * self._state[1]
        width = math.exp(log_size)
        return Region(
            x, y, width, width * self.region.height / self.region.width, math.remainder(rotation, 2 * math.pi)
        )

    @property
    def velocity_px_s(self) -> FloatArray:
        """(2,) velocity of the centre, pixels / s."""
        return self._state[1, :2].copy()

    def update(self, region: Region, time_s: float) -> None:
        """Take in a measured region at a later time."""
        dt = time_s - self.time_s
        scale = self._scale()
        F = np.array([[1.0, dt], [0.0, 1.0]])
        G = np.array([dt * dt / 2, dt])
        acceleration = (ACCELERATION_NOISE * scale) ** 2
        state = F @ self._state
        variance = np.einsum("ij,jkn,lk->iln", F, self._variance, F) + np.einsum("i,j,n->ijn", G, G, acceleration)
        innovation = self._measured(region) - state[0]
        innovation[3] = math.remainder(innovation[3], 2 * math.pi)
        gain = variance[:, 0] / (variance[0, 0] + (MEASUREMENT_NOISE * scale) ** 2)
        self._state = state + gain * innovation
        self._variance = variance - np.einsum("in,jn->ijn", gain, variance[0])
        self.region, self.time_s = region, time_s

    def copy(self) -> RegionMotion:
        """An independent copy."""
        return deepcopy(self)

    def _scale(self) -> FloatArray:
        size = self.region.width
        return np.array([size, size, 1.0, 1.0])

    @staticmethod
    def _measured(region: Region) -> FloatArray:
        return np.array([region.center_x, region.center_y, math.log(region.width), region.rotation_rad])
