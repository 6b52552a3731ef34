#!/usr/bin/env python3
"""Draw the rooms of the house and the arrows between them, as they are, into `docs/images/architecture.png`.

Usage: `.venv/bin/python scripts/draw_architecture.py [--out FILE.png]`
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from _root import ROOT
from tools.import_graph import project_imports
from tools.rooms import ROOMS, arrows

OUT = ROOT / "docs" / "images" / "architecture.png"
ROAD = (
    ("video", "frames,\ntimes"), ("detect", "boxes"), ("track", "tracks"), ("keypoints", "2D points"),
    ("lift", "3D joints"),
    ("solve", "one motion,\ncamera, floor"), ("contracts", "motion file"), ("retarget", "rig motion,\nkeys"),
    ("add-on", "action,\nFBX"),
)  # fmt: skip
"""Where the data go, and as what they leave each room."""
INK, PALE, ROAD_COLOUR, OTHER_COLOUR = "#222222", "#dddddd", "#d55e00", "#0072b2"


def main() -> None:
    """Draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=OUT, metavar="FILE.png")
    out = parser.parse_args().out
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure, (road, rooms) = plt.subplots(
        2, 1, figsize=(12.0, 9.8), gridspec_kw={"height_ratios": [1.0, 6.4]}, layout="constrained"
    )
    draw_road(road)
    draw_rooms(rooms)
    out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out, dpi=100, metadata={"Software": None})
    print(out)


def draw_road(axes: Any) -> None:
    """The road of the data as a row of rooms."""
    axes.set(xlim=(-0.55, len(ROAD) - 0.45), ylim=(-1.0, 0.75))
    axes.axis("off")
    axes.set_title("The road of the data", loc="left", fontsize=12, fontweight="bold")
    for n, (room, product) in enumerate(ROAD):
        box = {"boxstyle": "round,pad=0.4", "facecolor": "white", "edgecolor": ROAD_COLOUR, "linewidth": 1.5}
        axes.text(n, 0.2, room, ha="center", va="center", fontsize=10, color=INK, bbox=box)
        axes.text(n, -0.3, product, ha="center", va="top", fontsize=8.5, color=INK)
        if n:
            arrow = {"arrowstyle": "-|>", "color": ROAD_COLOUR, "linewidth": 1.5, "shrinkA": 34, "shrinkB": 34}
            axes.annotate("", xy=(n, 0.2), xytext=(n - 1, 0.2), arrowprops=arrow)


def draw_rooms(axes: Any) -> None:
    """A room a line; a dot in a column means that the room of the line imports the room of the column."""
    found, on_road = arrows(project_imports()), {room for room, _ in ROAD}
    count = len(ROOMS)
    axes.set(xlim=(-14.0, count + 0.2), ylim=(count - 0.3, -5.2))
    axes.axis("off")
    axes.text(-13.9, -4.7, "The rooms, and what each imports", fontsize=12, fontweight="bold")
    words = (
        "A dot: the room of the line imports that of the column.\n"
        "All dots lie below the diagonal: nothing imports\n"
        "what comes after it. Orange: on the road of the data."
    )
    axes.text(-13.9, -4.3, words, fontsize=9, color=INK, va="top", linespacing=1.5)
    for n, room in enumerate(ROOMS):
        colour = ROAD_COLOUR if room.name in on_road else INK
        axes.text(-13.9, n, room.name, va="center", fontsize=10, fontweight="bold", color=colour)
        axes.text(-11.0, n, room.about, va="center", fontsize=9, color=INK)
        axes.text(n, -0.75, room.name, rotation=60, ha="left", va="bottom", fontsize=9, color=colour)
        axes.plot([-0.45, n], [n, n], color=PALE, linewidth=0.8, zorder=0)
        axes.plot([n, n], [n, count - 0.5], color=PALE, linewidth=0.8, zorder=0)
        axes.plot(n, n, marker="s", markersize=9, color=colour)
    place = {room.name: n for n, room in enumerate(ROOMS)}
    for source, target in found:
        both = source in on_road and target in on_road
        axes.plot(place[target], place[source], marker="o", markersize=7, color=ROAD_COLOUR if both else OTHER_COLOUR)


if __name__ == "__main__":
    main()
