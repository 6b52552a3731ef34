"""The page with what each reader saw."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

from tests.interop.compare import Seen
from tests.interop.session import (
    NODE_PACKAGES,
    RIGS,
    draw_in_godot,
    make_exports,
    read_with_assimp,
    read_with_godot,
    read_with_python,
    read_with_sdk,
    read_with_three,
    root_versions,
)
from tests.support.display import virtual_display

_READERS: tuple[tuple[str, Callable[..., list[Seen]]], ...] = (
    ("node", read_with_three),
    ("python", read_with_python),
    ("node", read_with_sdk),
    ("root", read_with_assimp),
    ("root", read_with_godot),
)
_PRESETS = ("fbx", "fbx-unity", "fbx-unreal", "glb", "godot", "bvh")
_KINDS = {
    "walk": "30 frames/s",
    "ntsc": "29.97 frames/s",
    "slow": "12.5 frames/s",
    "variable": "variable rate",
    "late": "24 frames/s, scene frame 1001",
    "thin": "few keys (2 mm)",
}

_HEAD = """# Exports in programs of others

Made by `python3 scripts/measure_interop.py`; the tier `interop` of the tests holds every bound of this page.

One walk of two seconds is put onto six rigs at five rates, exported with every preset, and read by programs that nobody
here wrote. Each is asked where the bones are at twelve times of the clip; the tables hold the largest distance of any
bone, helper bones too, from where Blender evaluates it, in millimetres. Everywhere: bones keep their names (but for
marks that a program cannot take), nodes without a clip stand in the rest pose, every node has scale 1, clips start at
second 0, are as long as the motion to the millisecond, and are called like their action.
"""

_NOTES = """
## How to read this

- three.js and ufbx play what the file says at any time. bvhio and assimp have the file's keys. Autodesk's SDK (by
  FBX2glTF) bakes at 24, 30 or 60 frames a second: at 30 and 24 its frames are the clip's own; else it is asked at
  60ths, which lie between keys, where it blends Euler angles and Blender quaternions, and its clip ends at its last
  whole frame.
- Godot by itself bakes at 30 frames a second and leaves out keys that it finds superfluous; the Godot preset writes
  import settings beside the file that stop both. At 29.97 and variable rates it bakes at 120.
- BVH has one rate: a motion of variable rate is compared at whole frames. Joints with positions stand on their parent
  in its rest pose, so bones are compared from there on.
- few keys: the file may differ from the scene by another 2 mm. three.js draws straight lines between FBX keys where
  others draw the curves that are written; use GLB there.
- three.js says of one character that vertices hang on more than four bones, which is so. The glTF validator finds no
  error and no warning in any file.
- **Unity and Unreal were not run here.** What stands for them, by file: ufbx and Autodesk's SDK read it right, nodes
  rest in the rest pose, scale is 1 on every node in centimetres, times start at 0 in the file's own rate, `fbx-unreal`
  has one root (the first bone below `Armature`, or the armature object called `root` where there are several) and
  faces +X.
"""


def write_page(folder: Path, page: Path) -> None:
    """Make the exports, ask all readers, write the page."""
    from tools.interop import read_readers

    readers = read_readers()
    entries = make_exports(folder)
    seen: list[Seen] = []
    missing: list[str] = []
    for need, read in _READERS:
        if getattr(readers, need) is None:
            missing.append(readers.missing[need])
        else:
            seen += read(readers, folder, entries)
    lines = [_HEAD, *_versions(readers), *(f"Not run: {reason}." for reason in dict.fromkeys(missing)), ""]
    for reader in dict.fromkeys(one.reader for one in seen):
        lines += _table(reader, [one for one in seen if one.reader == reader])
    lines += _floor(entries)
    if readers.root is not None:
        with virtual_display() as display:
            picture = draw_in_godot(readers, folder, display.name)
        shutil.copy(picture, page.with_name("interop_godot.png"))
        lines += ["![The walk in Godot](interop_godot.png)", "", "One moment of the walk, drawn by Godot.", ""]
    page.write_text("\n".join(lines) + _NOTES, encoding="utf-8")


def _versions(readers) -> list[str]:
    known = []
    if readers.node is not None:
        for name, label in NODE_PACKAGES.items():
            package = readers.node / "node_modules" / name / "package.json"
            known.append(f"{label} {json.loads(package.read_text(encoding='utf-8'))['version']}")
    known += root_versions(readers)
    return ["Read with " + ", ".join(known) + ", ufbx 0.21 (pufbx), bvhio 1.5; exported by Blender 5.0.1.", ""]


def _table(reader: str, results: list[Seen]) -> list[str]:
    rigs = {name.replace(" ", "_"): name for name in RIGS}
    lines = [f"## {reader}", "", "| Format | " + " | ".join(rigs.values()) + " | longest clip off by |"]
    lines.append("|---" * (len(rigs) + 2) + "|")
    for preset in _PRESETS:
        for kind, words in _KINDS.items():
            row = [one for one in results if (one.entry["preset"], one.entry["kind"]) == (preset, kind)]
            by_rig = {one.entry["rig"]: one for one in row}
            if not row:
                continue
            cells = [_mm(by_rig[rig].off_mm) if rig in by_rig else "" for rig in rigs]
            length = max(abs(one.length_ms) for one in row)
            lines.append(f"| {preset}, {words} | {' | '.join(cells)} | {length:.2g} ms |")
    return [*lines, ""]


def _mm(value: float) -> str:
    return "< 0.01" if value < 0.01 else f"{value:.2g}"


def _floor(entries) -> list[str]:
    lines = ["## Feet and floor", "", "In Blender, the walk at 30 frames a second; millimetres.", "",
             "| Rig | lowest mesh point | planted points slide a frame | skin around them, most | mean |",
             "|---|---|---|---|---|"]  # fmt: skip
    for rig in RIGS:
        for e in entries:
            if (e["rig"], e["kind"], e["preset"]) == (rig.replace(" ", "_"), "walk", "fbx"):
                slip = e["slip"]
                lines.append(
                    f"| {rig} | {e['floor']['lowest_mesh_mm']:.1f} | {slip['max_mm']:.2f} |"
                    f" {slip['skin_max_mm']:.1f} | {slip['skin_mean_mm']:.2f} |"
                )
    return [*lines, ""]
