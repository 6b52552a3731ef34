"""Exported files in programs that nobody here wrote: joints, times, rest pose, names, sizes, complaints."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.interop.compare import Seen
from tests.interop.session import (
    Entry,
    draw_in_godot,
    make_exports,
    read_with_assimp,
    read_with_godot,
    read_with_python,
    read_with_sdk,
    read_with_three,
    sdk_bakes,
)
from tests.support.display import Display
from tests.support.missing import skip_or_fail

pytestmark = pytest.mark.interop

EXACT_MM = 0.1
LENGTH_MS = 1.0
BETWEEN_KEYS_MM = {"slow": 3.0, "ntsc": 1.0, "variable": 1.0}
"""Programs that bake at their own rate turn joints between keys in their own way (Euler angles or quaternions)."""
GODOT_BY_ITSELF_MM = 20.0
"""What Godot's own import settings, which thin clips, may cost."""
THIN_MM = 2.0
SKIN_MM = 1.0
FLOOR_MM, SLIP_MM, SKIN_SLIP_MM = 8.0, 0.6, 4.0
"""How deep the mesh may be in the floor; what a planted point, and the skin around it, may slide a frame."""
MORE_WEIGHTS = "more than 4 skinning weights"
"""The one complaint that is about the character, not about the file."""


class Session:
    """Exports made once, each reader asked once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.entries: list[Entry] = make_exports(folder)
        self._seen: dict[str, list[Seen]] = {}

    def seen(self, need: str, read: Callable[[Any, Path, list[Entry]], list[Seen]]) -> list[Seen]:
        """What a reader saw; skips (in CI fails) where it is missing."""
        from tools.interop import read_readers

        readers = read_readers()
        if getattr(readers, need) is None:
            skip_or_fail(f"{readers.missing[need]}; `python3 scripts/test.py --tier interop` installs it")
        if read.__name__ not in self._seen:
            self._seen[read.__name__] = read(readers, self.folder, self.entries)
        return self._seen[read.__name__]


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Session:
    return Session(tmp_path_factory.mktemp("interop"))


@pytest.fixture(scope="module")
def three(session: Session) -> list[Seen]:
    return session.seen("node", read_with_three)


@pytest.fixture(scope="module")
def ufbx_and_bvhio(session: Session) -> list[Seen]:
    return session.seen("python", read_with_python)


@pytest.fixture(scope="module")
def sdk(session: Session) -> list[Seen]:
    return session.seen("node", read_with_sdk)


@pytest.fixture(scope="module")
def assimp(session: Session) -> list[Seen]:
    return session.seen("root", read_with_assimp)


@pytest.fixture(scope="module")
def godot(session: Session) -> list[Seen]:
    return session.seen("root", read_with_godot)


def check(results: list[Seen], bound_mm: Callable[[Seen], float] = lambda _: EXACT_MM) -> None:
    """Joints where they are in Blender, the rest pose, every name, and no scale."""
    assert results
    wrong = [
        (one.entry["file"], one.off_mm, one.rest_mm, one.missing[:3], one.found.get("failed"))
        for one in results
        if one.off_mm > bound_mm(one) or one.rest_mm > EXACT_MM or one.missing
    ]
    assert wrong == []
    for one in results:
        assert one.found["scales"] == pytest.approx([1.0, 1.0], abs=1e-5), one.entry["file"]


def check_clips(results: list[Seen]) -> None:
    """Lengths to a millisecond, first key at 0, takes called as their clips are."""
    for one in results:
        assert abs(one.length_ms) <= LENGTH_MS, one.entry["file"]
        assert one.found["first"] == pytest.approx(0.0, abs=1e-6), one.entry["file"]
        if one.entry["preset"] != "bvh":
            assert [clip[0] for clip in one.found["clips"]] == [one.entry["take"]], one.entry["file"]


def straight_lines(one: Seen) -> float:
    """three.js draws straight lines between FBX keys, so few keys are few there."""
    if one.entry["kind"] != "thin":
        return EXACT_MM
    return float("inf") if one.entry["preset"].startswith("fbx") else THIN_MM


def test_three_js_shows_what_blender_does(three: list[Seen]) -> None:
    check(three, straight_lines)
    check_clips(three)


def test_three_js_moves_skins_as_blender_does(three: list[Seen]) -> None:
    full = [one for one in three if not any(MORE_WEIGHTS in words for words in one.found["said"])]
    worst = {one.entry["file"]: one.skin_mm for one in full if one.entry["rig"] != "centimetres"}
    assert max(worst.values()) < SKIN_MM, worst


def test_feet_stand_on_the_floor_and_their_skin_stays(session: Session) -> None:
    walks = [entry for entry in session.entries if entry["kind"] == "walk" and "floor" in entry]
    assert walks
    for entry in walks:
        assert entry["floor"]["lowest_mesh_mm"] > -FLOOR_MM, entry["file"]
        assert entry["slip"]["max_mm"] < SLIP_MM, entry["file"]
        assert entry["slip"]["skin_max_mm"] < SKIN_SLIP_MM, entry["file"]


def test_three_js_has_nothing_to_complain_about(three: list[Seen]) -> None:
    said = {words for one in three for words in one.found["said"]}
    assert [words for words in said if MORE_WEIGHTS not in words] == []
    assert {picture for one in three for picture in one.found["pictures"]} <= {"embedded"}


def test_the_gltf_validator_finds_no_error_and_no_warning(three: list[Seen]) -> None:
    found = {
        (code, one.entry["file"]) for one in three for level, code, _ in one.found.get("validator", ()) if level < 2
    }
    assert found == set()


def test_quaternions_stay_on_one_side(three: list[Seen]) -> None:
    glb = [one for one in three if one.entry["file"].endswith(".glb") and one.entry["kind"] != "thin"]
    assert glb and all(one.found["flips"] == 0 for one in glb)


def test_few_keys_are_few_in_the_file(three: list[Seen]) -> None:
    for preset in ("fbx", "glb"):
        for rig in {one.entry["rig"] for one in three} - {"object_as_root"}:
            full, few = (
                next(one.found["all_keys"] for one in three if
                     (one.entry["rig"], one.entry["kind"], one.entry["preset"]) == (rig, kind, preset))
                for kind in ("walk", "thin")
            )  # fmt: skip
            assert few < 0.75 * full, (rig, preset, few, full)


def test_ufbx_and_bvhio_show_what_blender_does(ufbx_and_bvhio: list[Seen]) -> None:
    check(ufbx_and_bvhio, lambda one: THIN_MM if one.entry["kind"] == "thin" else EXACT_MM)
    check_clips(ufbx_and_bvhio)


def test_unreal_gets_one_root(ufbx_and_bvhio: list[Seen]) -> None:
    files = [one for one in ufbx_and_bvhio if one.entry["preset"] == "fbx-unreal"]
    for one in files:
        top = [name for name in one.found["roots"] if not name.startswith("mesh ")]
        tops = [name for name in top if name in ("Armature", "root")]
        assert len(tops) == 1, (one.entry["file"], top)
        # Unreal leaves a node of this name out and takes the bone below it
        assert (tops[0] == "Armature") == (len(one.entry["roots"]) == 1), one.entry["file"]
    case = next(one for one in files if one.entry["rig"] == "object_as_root")
    assert case.found["roots"] == ["root"]


def test_autodesks_sdk_shows_what_blender_does(sdk: list[Seen]) -> None:
    exact = [one for one in sdk if not sdk_bakes(one.entry)]
    check(exact)
    check_clips(exact)
    baked = [one for one in sdk if one.entry["kind"] in BETWEEN_KEYS_MM]
    check(baked, lambda one: BETWEEN_KEYS_MM[one.entry["kind"]])


def test_assimp_shows_what_blender_does(assimp: list[Seen]) -> None:
    check(assimp)
    check_clips(assimp)
    assert {words for one in assimp for words in one.found["said"]} == set()


def test_godot_shows_what_blender_does(godot: list[Seen]) -> None:
    own = [one for one in godot if one.entry["preset"] == "godot"]
    check(own)
    check_clips(own)
    others = [one for one in godot if one.entry["preset"] != "godot"]
    check(others, lambda _: GODOT_BY_ITSELF_MM)
    check_clips(others)
    assert all(one.found["skeletons"] == 1 for one in godot)


def test_godot_draws_the_character(session: Session, godot: list[Seen], display: Display) -> None:
    import cv2

    from tools.interop import read_readers

    assert godot
    picture = cv2.imread(str(draw_in_godot(read_readers(), session.folder, display.name)))
    assert picture is not None and picture.shape[0] >= 400
    sky, middle = picture[10, 10].astype(int), picture[picture.shape[0] // 3, :, :].astype(int)
    assert np.abs(middle - sky).max(axis=1).max() > 60  # somebody stands before the sky
