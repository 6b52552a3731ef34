"""The body on a rig: among all of its bones, or among those with telling names where the others get in the way."""

from __future__ import annotations

from dataclasses import replace

from pose_core.errors import RigError
from pose_core.retarget.mapping.evidence import RigEvidence, base_part
from pose_core.retarget.mapping.named_skeleton import CLEAR, named_skeleton
from pose_core.retarget.mapping.search import FoundBody, find_body
from pose_core.retarget.rig.bone_map import CHAINS, ESSENTIAL

SURE = 0.5
"""Bones with less confidence than this are doubtful: they are to be confirmed by a person."""


def find_clear_body(evidence: RigEvidence) -> FoundBody:
    """Find the parts of the body on a rig.

    Names do not overrule shape here either: the bones with telling names must make a body by themselves.

    Raises:
        RigError: neither all bones nor those with telling names show a body; what is wrong with all of them.
    """
    failure: RigError | None = None
    body: FoundBody | None = None
    try:
        body = find_body(evidence)
    except RigError as error:
        failure = error
    named = named_skeleton(evidence)
    if named is not None:
        fewer = replace(evidence, rig=named)
        try:
            clear = find_body(fewer)
        except RigError:
            clear = None
        unclear = body is None or _doubts(evidence, body) or (clear and _better_named(evidence, body, clear))
        if clear is not None and unclear and not _doubts(fewer, clear):
            return clear
    if body is None:
        assert failure is not None
        raise failure
    return body


def _doubts(evidence: RigEvidence, body: FoundBody) -> bool:
    """Whether essential bones are doubtful, or have names that say nothing."""
    return any(
        body.confidence[name] < SURE or not _tells(evidence, name) for part in ESSENTIAL for name in body.bones[part]
    )


def _better_named(evidence: RigEvidence, body: FoundBody, clear: FoundBody) -> bool:
    """Whether some part is another bone in the clear body, called what it is, where the other's name says nothing."""
    return any(
        part in body.bones
        and not all(_tells(evidence, name) for name in body.bones[part])
        and all(_names_part(evidence, name, part) for name in names)
        for part, names in clear.bones.items()
        if part not in CHAINS
    )


def _names_part(evidence: RigEvidence, bone: str, part: str) -> bool:
    b = evidence.rig.index(bone)
    if b in evidence.family_parts:
        return base_part(evidence.family_parts[b]) == base_part(part)
    return not evidence.names[b].helper and evidence.names[b].parts.get(base_part(part), 0.0) >= CLEAR


def _tells(evidence: RigEvidence, bone: str) -> bool:
    b = evidence.rig.index(bone)
    name = evidence.names[b]
    return b in evidence.family_parts or (bool(name.parts) and not name.helper)
