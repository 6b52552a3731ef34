"""Take pictures of the add-on's panels in the full Blender, under a virtual display.

    python scripts/render_panels.py --out FOLDER [--only panel preferences ...]

Installs the add-on from a freshly built zip, runs the sample clip on the sample character, and writes one PNG a state:
the whole view with its result (`panel.png`), every part of the panel opened, the lists of bones and of people, a
result, an error, the preferences; and two sheets, `panel_parts.png` and `panel_lists.png`, for the documentation. Needs
what the interface tests need: Linux, root, `python3 scripts/test.py --tier ui` run once.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]

import cv2  # noqa: E402
import numpy as np  # noqa: E402

import build_addon  # noqa: E402
from tests.support.display import full_blender_ui, virtual_display  # noqa: E402
from tools.progress import Progress  # noqa: E402

SESSION = ROOT / "scripts" / "_panels" / "session.py"
SCREEN_PX = (1500, 1000)
TIMEOUT_S = 400.0
INSIDE_PX = 12
"""A place in the margin of a panel, from its left and upper edge."""
GAP_PX = 6
SHEETS = {
    "panel_parts": [f"part_{name}" for name in ("model", "camera", "motion", "timing", "keys", "output", "export")],
    "panel_lists": ["panel_bones_waiting", "panel_bones", "panel_people", "panel_result"],
}


def main() -> int:
    """Take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", required=True, type=Path, metavar="DIR", help="folder of the pictures")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="write only these pictures")
    options = parser.parse_args()
    taken: dict[str, np.ndarray] = {}
    options.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="panels") as temporary, virtual_display(SCREEN_PX) as display:
        share = Path(temporary)
        zip_path = build_addon.build(share, Progress(), validated=False)
        samples = [shutil.copyfile(ROOT / "samples" / f"mannequin{name}", share / f"mannequin{name}")
                   for name in ("_walk.mp4", ".fbx")]  # fmt: skip
        results = share / "results"
        results.mkdir()
        geometry = ["--window-geometry", "0", "0", *map(str, SCREEN_PX)]
        arguments = [*geometry, "--python", SESSION, "--", zip_path, sys.prefix, *samples, results]
        with full_blender_ui(display, arguments, share) as running:
            while True:
                line = running.wait_for("", TIMEOUT_S)
                if line.startswith("SHOT "):
                    place = json.loads(line.removeprefix("SHOT "))
                    taken[place["name"]] = picture(display.screenshot("render-panels"), place)
                    (results / f"{place['name']}.taken").touch()
                elif line.startswith("END"):
                    break
                elif line.startswith("BROKEN"):
                    print(running.output, file=sys.stderr)
                    return 1
    sheets = {name: [taken[part] for part in parts] for name, parts in SHEETS.items()}
    taken |= {name: sheet(images) for name, images in sheets.items()}
    for name, image in taken.items():
        if not options.only or name in options.only:
            cv2.imwrite(str(options.out / f"{name}.png"), image, [cv2.IMWRITE_PNG_COMPRESSION, 9])
            print(f"{name}.png: {image.shape[1]} x {image.shape[0]}", flush=True)
    return 0


def picture(screen: Path, place: dict[str, int]) -> np.ndarray:
    """Cut the region out of a picture of the whole screen; what lies below the end of a panel is left out."""
    x, y, width, height = (place[key] for key in ("x", "y", "width", "height"))
    image = cv2.imread(str(screen))[y : y + height, x : x + width]
    if place["whole"]:
        return image
    margin = image[:, INSIDE_PX]
    is_panel = np.all(margin == margin[INSIDE_PX], axis=1)
    return image[: int(np.flatnonzero(is_panel)[-1]) + INSIDE_PX]


def sheet(images: list[np.ndarray]) -> np.ndarray:
    """Pictures side by side, on the panels' own colour."""
    height = max(len(image) for image in images)
    ground = images[0][INSIDE_PX, INSIDE_PX].tolist()
    padded = [
        cv2.copyMakeBorder(image, 0, height - len(image), 0, GAP_PX, cv2.BORDER_CONSTANT, value=ground)
        for image in images
    ]
    return np.concatenate(padded, axis=1)


if __name__ == "__main__":
    raise SystemExit(main())
