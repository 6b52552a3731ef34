"""What readers saw, against what Blender evaluates."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Seen:
    """One reader on one file."""

    reader: str
    entry: dict[str, Any]
    """The file: rig, kind, preset and so on, as the generator wrote it down."""
    found: dict[str, Any]
    """As the reader wrote it down."""
    off_mm: float
    """Largest distance of a joint from where Blender has it, at the times asked for."""
    rest_mm: float
    """The same for the pose that the nodes stand in without the clip."""
    length_ms: float
    """How much longer or shorter the clip is."""
    missing: list[str]
    """Bones that did not arrive under their name."""
    skin_mm: float = 0.0
    """How far the box around the skinned meshes is off, where the reader moves skins."""


def truth_of(folder: Path, entry: dict[str, Any], bakes: bool = False) -> dict[str, np.ndarray]:
    """Names, times, joints and rest of an export, at times that its format, or a reader that bakes, can hold."""
    with np.load(folder / entry["truth"]) as data:
        out = {name: data[name] for name in data.files}
    which = "baked" if bakes else "even" if entry["preset"] == "bvh" else ""
    if which:
        out["times"], out["heads"] = out[f"{which}_times"], out[which]
    return out


def jobs_for(folder: Path, entries: list[dict[str, Any]], bakes: Callable[[dict[str, Any]], bool] = lambda _: False
             ) -> list[dict[str, Any]]:  # fmt: skip
    """What a reader is asked for."""
    return [
        {
            "file": str(folder / e["file"]),
            "times": truth_of(folder, e, bakes(e))["times"].tolist(),
            "mesh": e["kind"] == "walk",
        }
        for e in entries
    ]


def to_blender(preset: str, points: np.ndarray) -> np.ndarray:
    """Points of a file in Blender's axes and metres, by what the preset promises."""
    points = np.array(points, dtype=np.float64)
    if preset in ("fbx", "fbx-unity", "fbx-unreal", "bvh"):
        points = points / 100.0
    if preset == "fbx-unreal":
        points = np.stack([-points[..., 2], points[..., 1], points[..., 0]], axis=-1)
    return np.stack([points[..., 0], -points[..., 2], points[..., 1]], axis=-1)


def file_name(reader: str, preset: str, bone: str) -> str:
    """What a bone is called in a file, or in a program that changes names."""
    if preset == "bvh":
        return re.sub(r"[\s{}\[\].:/]+", "_", bone)
    return re.sub(r"[:/]", "_", bone) if "godot" in (reader.lower(), preset) else bone


def seen(
    reader: str, folder: Path, entry: dict[str, Any], found: dict[str, Any], metres: bool = False, bakes: bool = False
) -> Seen:
    """Compare one file; `metres` where the reader turns every unit into metres, `bakes` where at a rate of its own."""
    if "failed" in found:
        return Seen(reader, entry, found, np.inf, np.inf, np.inf, [])
    truth, preset = truth_of(folder, entry, bakes), entry["preset"]
    names = [file_name(reader, preset, str(name)) for name in truth["names"]]
    there = [k for k, name in enumerate(names) if name in found["nodes"]]
    if not there:
        return Seen(reader, entry, found, np.inf, np.inf, np.inf, names)
    unit = 100.0 if metres and preset.startswith("fbx") else 1.0
    at = to_blender(preset, unit * np.array([found["nodes"][names[k]]["at"] for k in there]))
    rest = to_blender(preset, unit * np.array([found["nodes"][names[k]]["rest"] for k in there]))
    off = np.linalg.norm(at - np.swapaxes(truth["heads"], 0, 1)[there], axis=-1)
    off_rest = rest_errors(folder / entry["file"], truth, names, there, rest)
    if bakes:  # a program that bakes may end its clip between frames of its own
        known = truth["times"] <= float(found["clips"][0][1]) + 1e-6
        off = off[:, known]
    length = found.get("duration") or found["clips"][0][1]
    return Seen(
        reader,
        entry,
        found,
        1e3 * float(off.max()),
        1e3 * float(off_rest.max()),
        1e3 * (float(length) - entry["file_length_s"]),
        [names[k] for k in range(len(names)) if k not in there],
        skin_error_mm(preset, truth, found, unit),
    )


def skin_error_mm(preset: str, truth: dict[str, np.ndarray], found: dict[str, Any], unit: float) -> float:
    """Largest distance of the faces of the box around the skinned meshes."""
    boxes = found.get("extents")
    if not boxes or any(box is None for box in boxes) or len(boxes) != len(truth["extents"]):
        return 0.0
    corners = to_blender(preset, unit * np.array(boxes))
    corners = np.stack([corners.min(axis=1), corners.max(axis=1)], axis=1)
    return 1e3 * float(np.abs(corners - truth["extents"]).max())


def rest_errors(path: Path, truth: dict[str, np.ndarray], names: list[str], there: list[int], rest: np.ndarray
                ) -> np.ndarray:  # fmt: skip
    """Distances from the rest pose, metres.

    In BVH a joint with positions stands on its parent at rest, so there each stretch below such a joint counts alone.
    """
    off = rest - truth["rest"][there]
    if path.suffix == ".bvh":
        places = set(re.findall(r"(?:ROOT|JOINT) (\S+)\s*{\s*OFFSET[^\n]*\n\s*CHANNELS 6", path.read_text()))
        parents = [int(p) for p in truth["parents"]]
        moves = {k for k in there if names[k] in places}
        base = []
        for k in there:
            top = k
            while top not in moves and parents[top] in there:
                top = parents[top]
            base.append(there.index(top))
        off = off - off[base]
    return np.linalg.norm(off, axis=-1)
