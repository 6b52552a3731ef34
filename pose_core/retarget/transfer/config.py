"""Options of carrying a motion onto a rig."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from pose_core.errors import ConfigError
from pose_core.maths.rotations import quaternion_to_matrix, rotation_vector_to_matrix
from pose_core.retarget.rig.bone_map import PARTS
from pose_core.types import FloatArray

CONTROLS = ("auto", "fk", "ik")


@dataclass(frozen=True)
class TransferConfig:
    """How a motion is carried onto a rig."""

    forearm_twist_share: float = 0.5
    """Share of the hand's turn about the forearm that the forearm takes over, 0 to 1; spreads the twist of the skin."""
    scale_by_legs: bool = True
    """Scale the path of the hips by the rig's leg length over the motion's; off keeps metres as they are."""
    place: str = "world"
    """`world`: the figure stands where the motion says; `object`: relative to where the armature object stands and
    faces."""
    plant_feet: bool = True
    """Solve the legs again in the rig's own lengths, so that feet which the motion plants do not slide."""
    reach_hands: bool = False
    """Bring the hands where the motion has them relative to the hips, in the rig's size, so that hands which meet each
    other or the body still do; off copies the directions of the arms."""
    controls: str = "auto"
    """Which controls get the keys of limbs that have both: `fk`, `ik`, or `auto`: FK, but for limbs that an IK
    constraint pulls at present and no switch turns off."""
    corrections: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    """Part to a turn that is added to its rest pose: three Euler angles XYZ in degrees, or a quaternion wxyz; about the
    figure's axes in T pose (left, back, up). Fixes a limb that the automatic alignment reads wrongly. Goes before the
    bone map's own correction of the part."""

    def __post_init__(self) -> None:
        if not 0 <= self.forearm_twist_share <= 1:
            raise ConfigError(f"forearm_twist_share must be 0 to 1, but is {self.forearm_twist_share}.")
        if self.place not in ("world", "object"):
            raise ConfigError(f"place must be 'world' or 'object', but is '{self.place}'.")
        if self.controls not in CONTROLS:
            raise ConfigError(f"controls must be one of {', '.join(CONTROLS)}, but is '{self.controls}'.")
        for part, values in self.corrections.items():
            if part not in PARTS:
                raise ConfigError(f"A correction names the unknown part '{part}'.", f"Known: {', '.join(PARTS)}.")
            correction_matrix(part, values)


def correction_matrix(part: str, values: tuple[float, ...]) -> FloatArray:
    """(3, 3) turn of a correction: Euler XYZ in degrees, or a quaternion wxyz."""
    numbers = np.asarray(values, dtype=np.float64)
    if numbers.shape == (4,) and np.all(np.isfinite(numbers)) and np.linalg.norm(numbers) > 1e-6:
        return quaternion_to_matrix(numbers)
    if numbers.shape != (3,) or not np.all(np.isfinite(numbers)):
        raise ConfigError(
            f"The correction of '{part}' must be three Euler angles in degrees or a quaternion wxyz, but is {values!r}."
        )
    x, y, z = (rotation_vector_to_matrix(axis * np.radians(n)) for axis, n in zip(np.eye(3), numbers, strict=True))
    return np.asarray(z @ y @ x)
