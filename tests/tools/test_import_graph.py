"""Who imports whom, read from sources."""

from pathlib import Path

import pytest

from tools import import_graph
from tools.import_graph import Import, imports_of
from tools.rooms import arrows, room_of

SOURCE = """\
from __future__ import annotations
from typing import TYPE_CHECKING
import numpy as np
from pose_core.maths import rotations
from pose_core.maths.rotations import unit
from . import sibling
from ..other import thing
if TYPE_CHECKING:
    from pose_core.lab import nets
def late():
    import torch
"""


@pytest.fixture
def found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Import]:
    known = {"pose_core.maths.rotations", "pose_core.a.sibling", "pose_core.other", "pose_core.lab.nets"}
    monkeypatch.setattr(import_graph, "project_modules", lambda: dict.fromkeys(known, tmp_path))
    path = tmp_path / "module.py"
    path.write_text(SOURCE, encoding="utf-8")
    return {i.module: i for i in imports_of("pose_core.a.module", path)}


def test_modules_are_named_in_full_whichever_form_the_import_has(found: dict[str, Import]) -> None:
    assert {"numpy", "pose_core.maths.rotations", "pose_core.a.sibling", "pose_core.other"} <= set(found)
    assert "pose_core.maths" not in found  # the module is meant


def test_imports_put_off_and_for_types_are_told_apart(found: dict[str, Import]) -> None:
    assert found["torch"].deferred and not found["numpy"].deferred
    assert found["pose_core.lab.nets"].types_only and not found["pose_core.other"].types_only
    assert found["torch"].line == 11


def test_rooms_are_found_by_the_longest_name() -> None:
    modules = ("pose_core", "pose_core.lab.nets.base", "pose_core.solve.solver", "blender_addon.job")
    rooms = [room.name for module in modules if (room := room_of(module)) is not None]
    assert rooms == ["basics", "laboratory", "solve", "add-on"]
    assert room_of("pose_core.unheard_of") is None and room_of("numpy") is None


def test_arrows_leave_out_imports_for_types_and_the_public_names() -> None:
    through = Import("pose_core.solve.solver", "pose_core.maths.axes", 1, True, False)
    others = (
        Import("pose_core.solve.solver", "pose_core.solve.evidence", 1, False, False),
        Import("pose_core.solve.solver", "pose_core.track.run", 1, False, True),
        Import("pose_core", "pose_core.pipeline", 1, False, False),
    )
    assert arrows((through, *others)) == {("solve", "maths"): [through]}
