"""The terms of the energy, one a file: a pure function of the problem, the pose and the unknowns each.

To add one, write `evaluate` in a file of its own and name it in `TERMS`.
"""

from collections.abc import Callable

from pose_core.solve.body.kinematics import Pose
from pose_core.solve.sequence.contribution import Contribution, SequenceState
from pose_core.solve.sequence.problem import Problem
from pose_core.solve.sequence.terms import clip_wide, contact, ground, lifted, limits, reprojection, smoothness

Term = Callable[[Problem, Pose, SequenceState], Contribution]

TERMS: tuple[Term, ...] = (
    reprojection.evaluate,
    lifted.evaluate,
    ground.evaluate,
    contact.evaluate,
    smoothness.evaluate,
    limits.evaluate,
    clip_wide.evaluate,
)
"""In the order in which they are summed up and reported."""
