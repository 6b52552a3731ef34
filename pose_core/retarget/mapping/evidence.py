"""A rig as the search for body parts sees it: positions, the longest way down from each bone, what names say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property

import numpy as np

from pose_core.retarget.mapping.words import NameEvidence, read_name
from pose_core.retarget.rig.description import RigDescription
from pose_core.types import FloatArray

BASE_PARTS = ("pelvis", "spine", "neck", "head", "clavicle", "upper_arm", "forearm", "hand", "thigh", "shin", "foot",
              "toe")  # fmt: skip
"""Parts without their side."""

# Log-likelihoods of a name: fits the part, fits a known other one, is that of a helper, is the preset's own name.
_NAME_FITS, _NAME_OTHER, _NAME_HELPER, _NAME_OF_FAMILY = 3.0, -3.0, -3.5, 4.0
_SIDE_FITS, _SIDE_OTHER = 1.0, -4.0
# A bone that constraints or drivers move cannot be keyed with effect.
_CONSTRAINED = -1.5
# Helpers count this much of their length, so that the way down goes along the limb and not along a twist bone.
_HELPER_REACH = 0.25
_LONGEST_PATH = 12

# What a prefix of names ends with.
_SEPARATORS = "_:|."


@dataclass(frozen=True, eq=False)
class RigEvidence:
    """All that is asked again and again of one rig."""

    rig: RigDescription
    family_names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Part to the bones of that name in the family that the rig's names are of; empty if of none."""

    @cached_property
    def heads(self) -> FloatArray:
        """(B, 3) rest heads in world axes, armature units."""
        return np.asarray(self.rig.heads @ self.rig.R_world_armature.T)

    @cached_property
    def tails(self) -> FloatArray:
        """(B, 3) rest tails in world axes, armature units."""
        return np.asarray(self.rig.tails @ self.rig.R_world_armature.T)

    @cached_property
    def names(self) -> tuple[NameEvidence, ...]:
        """What each bone's name says, without a prefix that all of them bear: it may look like a side."""
        names = self.rig.bone_names
        first, last = min(names), max(names)  # what these share, all share
        same = next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), 0)
        cut = max(first.rfind(separator, 0, same) for separator in _SEPARATORS) + 1
        return tuple(read_name(name[cut:]) for name in names)

    @cached_property
    def family_parts(self) -> dict[int, str]:
        """Bone to the part whose name in the family it has."""
        known = self.rig.bone_names
        where = {name: b for b, name in enumerate(known)}
        return {where[name]: part for part, names in self.family_names.items() for name in names if name in where}

    @cached_property
    def helper(self) -> tuple[bool, ...]:
        """Whether a bone's name is that of a helper, and the family does not say otherwise."""
        return tuple(name.helper and b not in self.family_parts for b, name in enumerate(self.names))

    @cached_property
    def part_scores(self) -> FloatArray:
        """(B, 12) log-likelihood of each bone's name for each of BASE_PARTS."""
        out = np.zeros((len(self.rig), len(BASE_PARTS)))
        for b, name in enumerate(self.names):
            if name.helper or name.finger:
                out[b] = _NAME_HELPER
            elif name.parts:
                out[b] = [_NAME_OTHER + (_NAME_FITS - _NAME_OTHER) * name.parts.get(part, 0.0) for part in BASE_PARTS]
        for b, part in self.family_parts.items():
            out[b] = _NAME_OTHER
            out[b, BASE_PARTS.index(base_part(part))] = _NAME_OF_FAMILY
        out[np.asarray(self.rig.constrained)] += _CONSTRAINED
        return out

    @cached_property
    def side_scores(self) -> FloatArray:
        """(B, 2) log-likelihood of each bone's name for the left and the right side."""
        out = np.zeros((len(self.rig), 2))
        for b, name in enumerate(self.names):
            side = self.family_parts.get(b, name.side).split("_")[0]
            if side in ("left", "right"):
                out[b] = (_SIDE_FITS, _SIDE_OTHER) if side == "left" else (_SIDE_OTHER, _SIDE_FITS)
        return out

    @cached_property
    def segments(self) -> FloatArray:
        """(B,) distance of each head from the parent's, 0 for roots."""
        parents = np.asarray(self.rig.parents)
        steps = np.linalg.norm(self.heads - self.heads[np.maximum(parents, 0)], axis=1)
        return np.where(parents >= 0, steps, 0.0)

    @cached_property
    def _ways_down(self) -> tuple[FloatArray, tuple[int, ...]]:
        reach = np.zeros(len(self.rig))
        best = [-1] * len(self.rig)
        weight = np.where(self.helper, _HELPER_REACH, 1.0) * self.segments
        for b in range(len(self.rig) - 1, 0, -1):
            p = self.rig.parents[b]
            if p < 0:
                continue
            way = weight[b] + reach[b]
            if best[p] < 0 or way > reach[p]:
                reach[p], best[p] = way, b
        return reach, tuple(best)

    @property
    def reach(self) -> FloatArray:
        """(B,) length of the longest way down from a bone's head."""
        return self._ways_down[0]

    def path(self, bone: int) -> tuple[int, ...]:
        """The bone and the longest way down from it."""
        out = [bone]
        while len(out) < _LONGEST_PATH and (bone := self._ways_down[1][bone]) >= 0:
            out.append(bone)
        return tuple(out)

    @cached_property
    def extent(self) -> float:
        """Largest extent of the rest heads along the world's axes."""
        return max(float(np.max(np.ptp(self.heads, axis=0))), 1e-12)

    def lowest_common(self, a: int, b: int) -> int:
        """The lowest bone above (or equal to) two bones, -1 if none."""
        above = {a, *self.rig.ancestors(a)}
        while b >= 0 and b not in above:
            b = self.rig.parents[b]
        return b

    def between(self, upper: int, lower: int) -> list[int]:
        """Bones below `upper` down to `lower` inclusive, top down; empty if `lower` is not below it."""
        way = [lower, *self.rig.ancestors(lower)]
        return way[: way.index(upper)][::-1] if upper in way else []

    def continues(self, bone: int, before: int) -> bool:
        """Whether a bone bears the name of the one before it with another number, as parts of a split limb do."""
        phrase = self.names[bone].phrase
        return bool(phrase) and phrase == self.names[before].phrase and bool(self.names[bone].parts)


@cache
def base_part(part: str) -> str:
    """A part without its side."""
    side, _, rest = part.partition("_")
    return rest if side in ("left", "right") else part
