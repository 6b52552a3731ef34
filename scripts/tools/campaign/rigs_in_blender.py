"""Inside Blender: try cases of the campaign of rigs and write down what came of each, one a line.

python rigs_in_blender.py CASES.json RESULTS.jsonl WALK.motion.npz
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from pathlib import Path
from typing import Any

import bpy
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from blender_addon.bridge.apply_motion import apply_motion
from pose_core.errors import PoseCoreError
from pose_core.motion_file import Motion, read_motion
from pose_core.retarget.mapping.evidence import base_part
from pose_core.retarget.mapping.named_skeleton import CLEAR
from pose_core.retarget.mapping.words import read_name
from pose_core.retarget.rig.bone_map import CHAINS, OPTIONAL
from tools.campaign.rig_changes import apply
from tools.campaign.rig_figure import Figure, load_figure

# For a figure of this height the limits below hold; others by their size.
_HEIGHT_MM = 1700.0
_SLIP_MM = 1.0
_MOST_WORDS = 300
_SAME_PLACE = 0.03


def judge(figure: Figure, report: dict[str, Any]) -> tuple[str, str, dict[str, float]]:
    """Verdict, why, and what was measured."""
    if figure.must_refuse:
        return "wrong", "mapped and keyed, though it should be refused", {}
    wrong = _other_bones(figure, report["bone_map"])
    if wrong:
        return "wrong", f"other bones than expected: {wrong}", {}
    seen = report["verify"]
    share = _HEIGHT_MM / seen["height_m"]
    slip = share * seen["slip"]["max_mm"] / 1e3
    numbers = {"joint off, mm": share * seen["max_joint_deviation_m"]}
    if report["planting"].get("planting") == "solved":  # else the feet slide as the motion's own do
        numbers["slip, mm a frame"] = slip
    if figure.words and not any(figure.words in note for note in report["notes"]):
        return "wrong", f"nothing says that it {figure.words}", numbers
    if seen["failing_bones"]:
        told = " ".join(report["failures"])
        named = all(f"'{bone}'" in told for bone in seen["failing_bones"][:6]) and "moved by" in told
        return ("said" if figure.may_say and named else "wrong"), told or "joints are off, and nothing says so", {}
    slides = slip > _SLIP_MM and report["planting"].get("planting") == "solved"
    if slides and not figure.may_say:
        return "wrong", f"planted feet slide by {slip:.1f} mm a frame", numbers
    return "right", "", numbers


def _other_bones(figure: Figure, found: dict[str, Any]) -> str:
    """Parts that were mapped to other bones than the right ones; parts that a rig may lack may be left out."""
    wrong = []
    for part, bones in found.items():
        got = bones if part in CHAINS else [bones] if bones else []
        right = [figure.parts.get(part, []), *figure.also.get(part, [])]
        if part in figure.lost and all(_stands_in(figure, part, name) for name in got):
            continue
        if got not in right and not (part in OPTIONAL and not got):
            wrong.append(f"{part}: {got} for {right[0]}")
    return "; ".join(wrong)


def _stands_in(figure: Figure, part: str, name: str) -> bool:
    """Whether a bone may play a part whose own bone was taken away: it is called so, or begins at the same place."""
    if read_name(name).parts.get(base_part(part), 0.0) >= CLEAR:
        return True
    head = np.array(figure.obj.data.bones[name].head_local)
    size = max(figure.obj.dimensions) / max(figure.obj.matrix_world.to_scale())
    return any(float(np.linalg.norm(head - lost)) < _SAME_PLACE * size for lost in figure.lost[part])


def try_case(case: dict[str, Any], walk: Motion) -> dict[str, Any]:
    """The outcome of one case, as plain data."""
    figure: Figure | None = None
    numbers: dict[str, float] = {}
    try:
        figure = load_figure(case["character"], case["seed"], walk)
        apply(figure, case["changes"])
        verdict, words, numbers = judge(figure, apply_motion(bpy.context, walk, figure.obj).to_data())
    except PoseCoreError as error:
        good = figure is not None and (figure.must_refuse or figure.may_refuse)
        verdict, words = ("refused" if good else "turned away"), str(error)
    except Exception as error:  # noqa: BLE001 - the campaign's outer boundary: an error that is no sentence is a finding
        last = traceback.extract_tb(error.__traceback__)[-1]
        verdict, words = "wrong", f"{type(error).__name__}: {error} ({Path(last.filename).name}:{last.lineno})"
    return {"id": case["id"], "group": case["group"], "verdict": verdict, "words": words[:_MOST_WORDS],
            "numbers": numbers}  # fmt: skip


def main(args: list[str]) -> None:
    """Try all cases of a file."""
    cases, results, motion = args
    walk = read_motion(motion)
    with Path(results).open("w", encoding="utf-8") as file:
        for case in json.loads(Path(cases).read_text(encoding="utf-8")):
            file.write(json.dumps(try_case(case, walk), ensure_ascii=False) + "\n")
            file.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
    sys.stdout.flush()
    os._exit(0)  # some versions of the module crash or hang while they close
