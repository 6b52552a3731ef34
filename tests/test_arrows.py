"""Which rooms may import which, and that no modules lead to each other in a circle.

`docs/architecture.md` shows the arrows; what is listed here as known is to go, and must not grow.
"""

import ast
from collections import defaultdict
from collections.abc import Callable, Iterator

import pytest

from tests.support.sources import REPOSITORY
from tools.import_graph import Import, circles, project_imports, project_modules
from tools.rooms import ROOMS, arrows, room_of

BLENDER_MODULES = {"bpy", "bpy_extras", "bmesh", "mathutils", "gpu", "gpu_extras", "blf", "addon_utils", "imbuf"}
_RENDER_ROOMS = ("mannequin", "rendered_people", "rendered_clips", "retargeting", "bench")
INSIDE_BLENDER = tuple(f"pose_core.lab.{room}" for room in _RENDER_ROOMS)
"""Rooms of the laboratory whose parts run inside Blender: they render people and measure the add-on."""

KNOWN_ARROWS = {
    ("scripts.render_panels", "tests.support.display"): "pictures of panels share a display with interface tests",
    ("pose_core.lab.bench.run_solver", "tests.support.synthetic"): "runs from a checkout, on the walk that tests know",
}
KNOWN_CIRCLES: set[tuple[str, ...]] = set()
RETARGET_ARROWS = {
    "transfer": {"mapping", "keys", "feet", "rig"},
    "mapping": {"rig"},
    "keys": {"rig"},
    "feet": {"rig"},
    "rig": set[str](),
}
"""`BoneMap` lies in `rig`, not in `mapping` that finds it, because feet and keys need it as well."""

MAXIMUM_FUNCTION_LINES = 60
LONG_FUNCTIONS = {
    ("pose_core/retarget/feet/proportions.py", "solve_legs"): "one pass over a leg, a step needs the one before",
    ("scripts/tools/panels/session.py", "pictures"): "one line a picture, in the order in which a user meets them",
}


def _is_in(module: str, *packages: str) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def _is_product(module: str) -> bool:
    return _is_in(module, "pose_core") and not _is_in(module, "pose_core.lab")


def _is_test_that_needs_scripts(i: Import) -> bool:
    """Tests of scripts themselves; and `tools`, which installs Blender, for tests that start it."""
    if _is_in(
        i.importer, "tests.tools", "tests.build", "tests.lab", "tests.test_arrows", "tests.blender.test_campaign_rigs"
    ):
        return True
    return _is_in(
        i.importer, "tests.blender", "tests.ui", "tests.support", "tests.install", "tests.interop"
    ) and _is_in(i.module, "tools")


def _is_wrong_in_retargeting(i: Import) -> bool:
    if not (_is_in(i.importer, "pose_core.retarget") and _is_in(i.module, "pose_core.retarget")):
        return False
    if i.importer == "pose_core.retarget":
        return False  # its public names
    if i.module == "pose_core.retarget":
        return True  # a room must not come in by the front door of the house it is part of
    own, other = i.importer.split(".")[2], i.module.split(".")[2]
    return own != other and other not in RETARGET_ARROWS[own]


FORBIDDEN: dict[str, Callable[[Import], bool]] = {
    "the product never imports the laboratory": lambda i: _is_product(i.importer) and _is_in(i.module, "pose_core.lab"),
    "the add-on never imports the laboratory": lambda i: (
        _is_in(i.importer, "blender_addon") and _is_in(i.module, "pose_core.lab")
    ),
    "the product knows neither add-on, scripts nor tests": lambda i: (
        _is_product(i.importer) and _is_in(i.module, "blender_addon", "scripts", "tests")
    ),
    "the laboratory needs neither scripts nor tests": lambda i: (
        _is_in(i.importer, "pose_core.lab") and _is_in(i.module, "scripts", "tests")
    ),
    "the add-on needs neither scripts nor tests": lambda i: (
        _is_in(i.importer, "blender_addon") and _is_in(i.module, "scripts", "tests")
    ),
    "scripts never import tests": lambda i: _is_in(i.importer, "scripts") and _is_in(i.module, "tests"),
    "tests of the product never import scripts": lambda i: (
        _is_in(i.importer, "tests") and not _is_test_that_needs_scripts(i) and _is_in(i.module, "scripts", "tools")
    ),
    "Blender is the add-on's and the render rooms'": lambda i: (
        _is_in(i.importer, "pose_core")
        and not _is_in(i.importer, *INSIDE_BLENDER)
        and _is_in(i.module, *BLENDER_MODULES)
    ),
    "torch is the laboratory's": lambda i: (
        (_is_product(i.importer) or _is_in(i.importer, "blender_addon")) and _is_in(i.module, "torch")
    ),
    "rooms of retargeting": _is_wrong_in_retargeting,
}


@pytest.mark.parametrize("rule", FORBIDDEN)
def test_no_arrow_points_the_wrong_way(rule: str) -> None:
    found = [str(i) for i in project_imports() if FORBIDDEN[rule](i) and (i.importer, i.module) not in KNOWN_ARROWS]
    assert found == []


def test_known_arrows_are_still_there() -> None:
    there = {(i.importer, i.module) for i in project_imports()}
    assert set(KNOWN_ARROWS) - there == set(), "take from the list what has gone"


@pytest.mark.parametrize(
    ("importer", "module", "rule"),
    [
        ("pose_core.solve.solver", "pose_core.lab.nets", "the product never imports the laboratory"),
        ("blender_addon.job", "pose_core.lab.nets", "the add-on never imports the laboratory"),
        ("scripts.test", "tests.support", "scripts never import tests"),
        ("tests.solve.test_solver", "scripts.evaluate", "tests of the product never import scripts"),
        ("pose_core.lab.evaluation.real", "bpy", "Blender is the add-on's and the render rooms'"),
        ("pose_core.lift.temporal", "torch.nn", "torch is the laboratory's"),
        ("pose_core.retarget.rig.motion", "pose_core.retarget.keys.plan", "rooms of retargeting"),
        ("pose_core.retarget.mapping.detect", "pose_core.retarget.transfer", "rooms of retargeting"),
    ],
)
def test_rules_see_what_they_forbid(importer: str, module: str, rule: str) -> None:
    for deferred in (False, True):
        assert FORBIDDEN[rule](Import(importer, module, 1, deferred, False))


def test_every_module_has_a_room() -> None:
    homeless = [m for m in project_modules() if _is_in(m, "pose_core", "blender_addon") and room_of(m) is None]
    assert homeless == [], "name a room for it in scripts/tools/rooms.py"


def test_the_road_is_one_way() -> None:
    """No room imports one that comes after it."""
    order = {room.name: n for n, room in enumerate(ROOMS)}
    found = arrows(project_imports())
    assert {pair: [str(i) for i in found[pair]] for pair in found if order[pair[0]] < order[pair[1]]} == {}


def _edges(*, with_deferred: bool) -> dict[str, set[str]]:
    known, edges = project_modules(), defaultdict[str, set[str]](set)
    for i in project_imports():
        if i.module in known and i.module != i.importer and not i.types_only and (with_deferred or not i.deferred):
            edges[i.importer].add(i.module)
    return dict(edges)


def test_no_modules_import_each_other_in_a_circle() -> None:
    assert circles(_edges(with_deferred=False)) == []


def test_no_import_inside_a_function_breaks_a_circle() -> None:
    """Imports are put off to keep start-up light, never to let two modules need each other."""
    found = set(circles(_edges(with_deferred=True)))
    assert found - KNOWN_CIRCLES == set()
    assert KNOWN_CIRCLES - found == set(), "take from the list what has been cut"


def test_circles_are_found() -> None:
    edges = {"a": {"b"}, "b": {"c", "d"}, "c": {"a"}, "d": {"e"}, "e": {"d"}, "f": {"a"}}
    assert circles(edges) == [("a", "b", "c"), ("d", "e")]
    assert circles({"a": {"b"}, "b": {"c"}, "c": set()}) == []


def _functions() -> Iterator[tuple[tuple[str, str], int]]:
    """File, name and lines of every function, its docstring not counted: it explains, the rest must be followed."""
    for name, path in project_modules().items():
        if _is_in(name, "tests"):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                first = node.body[0]
                words = (first.end_lineno or 0) - first.lineno + 1 if ast.get_docstring(node) is not None else 0
                lines = (node.end_lineno or 0) - node.lineno + 1 - words
                yield (path.relative_to(REPOSITORY).as_posix(), node.name), lines


def test_functions_stay_readable() -> None:
    long = {where: lines for where, lines in _functions() if lines > MAXIMUM_FUNCTION_LINES}
    assert {where: lines for where, lines in long.items() if where not in LONG_FUNCTIONS} == {}
    assert set(LONG_FUNCTIONS) - set(long) == set(), "take from the list what has been cut"
