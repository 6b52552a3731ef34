"""Put one motion on many rigs in several Blenders and write the table of docs/results/retargeting.md.

    python scripts/measure_retargeting.py --motion WALK.motion.npz --blender LABEL=COMMAND ... --out PAGE.md RIG ...

COMMAND is a Python that has Blender's module, a Blender, or a file that `_retarget/run_rigs.py` wrote. `metarig`,
`rigify` and `rigify_ik` are made by Blender.
`--mocap FOLDER` adds a table of knees on real people.
"""

from __future__ import annotations

import argparse
import json
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from pose_core.lab.retargeting.knees import knee_table

SCRIPT = Path(__file__).resolve().parent / "_retarget" / "run_rigs.py"
INTRO = """# Retargeting, measured

One motion (the sample clip, a walk with a turn, a stop and a wave, as estimated from its video) on every rig.
Written by `scripts/measure_retargeting.py`; pictures by `scripts/render_turnaround.py`.

- **Off**: largest distance of any mapped joint, on the rig as Blender evaluates it, from where the motion wants it in
  the rig's own proportions; 24 frames. **Turned**: the same for rotations.
- **Slip**: largest movement of a planted heel or ball of the foot from one frame to the next: with rotations copied and
  legs not solved again, and as written. Then as seen on the evaluated rig, in 12 pairs of frames. Planted is what the
  motion marks as a contact, itself moves slower than 0.2 m/s, and lies within 2 cm of the lowest places of the contact.
- **Pelvis**: how far it moves for that at most.

| Rig | Blender | Family | Legs | Off | Turned | Slip copied | Slip written | Slip seen | Pelvis |
|---|---|---|---|---|---|---|---|---|---|
"""


def measured(command: list[str], motion: Path, rigs: list[str]) -> dict[str, Any]:
    """Run one Blender over all rigs, or read what one has left."""
    if command[0].endswith(".json"):
        kept: dict[str, Any] = json.loads(Path(command[0]).read_text(encoding="utf-8"))
        return kept
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "result.json"
        blender = Path(command[0]).name.startswith("blender")
        first = ["-b", "--factory-startup", "--python", str(SCRIPT), "--"] if blender else [str(SCRIPT)]
        subprocess.run([*command, *first, str(result), str(motion), *rigs], check=True, stdout=subprocess.DEVNULL)
        found: dict[str, Any] = json.loads(result.read_text(encoding="utf-8"))
        return found


def row(rig: str, label: str, found: dict[str, Any]) -> str:
    """A line of the table."""
    if "refused" in found:
        return f"| `{rig}` | {label} | refused: {found['refused'].split('.')[0]} | | | | | | | |"
    seen, planting = found["verify"], found["planting"]
    slip = planting.get("slip_mm_per_frame", {"copied": [0.0], "written": [0.0]})
    off = 1e3 * seen["max_joint_deviation_m"]
    return (
        f"| `{rig}` | {label} | {found['family']} | {found['leg_ratio']:.2f} | {off:.3f} mm"
        f"{' (' + ', '.join(seen['failing_bones']) + ')' if seen['failing_bones'] else ''}"
        f" | {seen['max_rotation_deviation_deg']:.4f} deg | {slip['copied'][0]:.1f} mm | {slip['written'][0]:.2f} mm"
        f" | {seen['slip']['max_mm']:.2f} mm | {100 * planting.get('largest_pelvis_shift_m', 0.0):.1f} cm |"
    )


def main() -> int:
    """Measure and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rigs", nargs="+")
    parser.add_argument("--motion", type=Path, required=True)
    parser.add_argument("--blender", action="append", required=True, metavar="LABEL=COMMAND")
    parser.add_argument("--out", type=Path, required=True)
    pictures = SCRIPT.with_name("pictures.md")
    parser.add_argument("--append", type=Path, default=pictures, help="a text that follows the table")
    parser.add_argument("--mocap", type=Path, help="folder of motion capture for the table of knees")
    options = parser.parse_args()
    tables = {}
    for entry in options.blender:
        label, _, command = entry.partition("=")
        tables[label] = measured(shlex.split(command), options.motion, options.rigs)
        print(f"{label}: done", flush=True)
    names = [Path(rig).name for rig in options.rigs]
    lines = [row(name, label, table[name]) for name in names for label, table in tables.items()]
    after = options.append.read_text(encoding="utf-8")
    before, heading, pictures = after.partition("## Pictures")
    knees = knee_table(options.mocap) + "\n" if options.mocap else ""
    page = INTRO + "\n".join(lines) + "\n" + before.rstrip("\n") + "\n" + (knees or "\n") + heading + pictures
    options.out.write_text(page, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
