"""In a process of its own: try hostile files one by one, as the command line would, and answer what came of each.

Reads a JSON object a line from stdin: `kind`, `file`, `folder` and what else the kind needs; see `TRIALS`.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pose_core.batch.command_line import read_batch
from pose_core.batch.paths import check_batch
from pose_core.cli.exit_codes import exit_code_of
from pose_core.cli.main import main as pose_core_main
from pose_core.errors import PoseCoreError
from pose_core.motion_file import read_motion
from pose_core.retarget import check_bone_map, layout_rig, new_rig_bone_map, new_rig_layout, read_bone_map, transfer
from pose_core.solve.camera_poses import read_camera_poses

Answer = dict[str, Any]
_OUT = Path(os.environ.get("TMPDIR", "/tmp")).parent / "stdout.txt"  # noqa: S108 - the campaign always sets it


def command(*argv: str) -> Answer:
    """What `pose-core ARGV --json` says."""
    _OUT.write_bytes(b"")
    fd = os.open(_OUT, os.O_WRONLY | os.O_TRUNC)
    os.dup2(fd, 1)
    os.close(fd)
    code = pose_core_main([*argv, "--json"])
    said = _OUT.read_text(encoding="utf-8")
    try:
        document = json.loads(said)
    except ValueError:
        return {"how": "traceback", "words": f"no JSON on standard output: {said[:200]!r}"}
    if code == 0 and document.get("ok") is True:
        return {"how": "result", "document": document}
    error = document.get("error", {})
    return {"how": "refused", "exit": code, "message": error.get("message", ""), "hint": error.get("hint", "")}


def video(case: Answer) -> Answer:
    """Look at it, then estimate from it; the motion files must be sound."""
    first = command("info", case["file"])
    out, stem = Path(case["folder"]) / "out", Path(case["file"]).stem[:200].replace("#", "x")
    options = ["--threads", "1", "--out", str(out / f"{stem}.motion.npz")]
    if case.get("preview"):
        options += ["--preview", str(out / f"{stem}.preview.mp4")]
    answer = command("estimate", case["file"], *options)
    if answer["how"] != "result":
        return answer if first["how"] in ("result", "refused") else first
    document = answer["document"]
    written = [*document["motion_paths"], *([document["preview_path"]] if document["preview_path"] else [])]
    for path in document["motion_paths"]:
        read_motion(path)
    return {"how": "result", "written": written}


def motion(case: Answer) -> Answer:
    """Look at it; if it is sound, put it on a new character."""
    answer = command("info", case["file"])
    if answer["how"] == "result":
        loaded = read_motion(case["file"])
        transfer(loaded, layout_rig(new_rig_layout(loaded)), new_rig_bone_map())
    return answer


def bone_map(case: Answer) -> Answer:
    """Read it and check it against a character."""
    loaded = read_motion(case["walk"])
    check_bone_map(layout_rig(new_rig_layout(loaded)), read_bone_map(case["file"]))
    return {"how": "result"}


def manifest(case: Answer) -> Answer:
    """Read its jobs and look at all their paths."""
    batch = read_batch(["--manifest", case["file"], "--out", str(Path(case["folder"]) / "out")])
    check_batch(batch.jobs, batch.blend or "", batch.manifest)
    for job in batch.jobs:
        if job.video:
            job.estimate_request()
        job.digest("")
    return {"how": "result"}


def camera(case: Answer) -> Answer:
    """Read it; what can be read goes through an estimate with it."""
    read_camera_poses(case["file"])
    out = Path(case["folder"]) / "out" / "x.motion.npz"
    answer = command("estimate", case["video"], "--threads", "1", "--out", str(out), "--camera-poses", case["file"])
    if answer["how"] == "result":
        read_motion(out)
        answer["written"] = answer["document"]["motion_paths"]
    return answer


def register(case: Answer) -> Answer:
    """Register a network whose file or description is broken, and open it."""
    os.environ["POSE_CORE_CACHE"] = str(Path(case["folder"]) / "out")
    answer = command("models", "register", case["file"], "--name", "mine")
    if answer["how"] == "result":
        from pose_core.runtime.session import open_session

        answer = command("models", "verify", "mine")
        if answer["how"] == "result":
            open_session(answer["document"]["models"][0]["files"]["keypoints"], threads=1)
    return {**answer, "written": None}


def registered(case: Answer) -> Answer:
    """List the models with a broken list of the user's own; the default must stay usable."""
    os.environ["POSE_CORE_CACHE"] = str(Path(case["file"]).parents[1])
    answer = command("models", "list")
    if answer["how"] == "result":
        names = [model["name"] for model in answer["document"]["models"]]
        if "blazepose-full" not in names:
            return {"how": "traceback", "words": "the default model is gone from the list"}
        command("models", "verify", "own")
    return {**answer, "written": None}


TRIALS: dict[str, Callable[[Answer], Answer]] = {
    "video": video, "motion": motion, "bone map": bone_map, "manifest": manifest, "camera": camera,
    "register": register, "registered": registered,
}  # fmt: skip


def attempt(case: Answer) -> Answer:
    """What came of a case; an error that is no sentence is told as one."""
    cache = os.environ.get("POSE_CORE_CACHE")
    try:
        answer = TRIALS[case["kind"]](case)
    except PoseCoreError as error:
        answer = {"how": "refused", "exit": int(exit_code_of(error)), "message": error.message, "hint": error.hint}
    except Exception as error:  # noqa: BLE001 - the campaign's outer boundary: such an error is the finding
        last = traceback.extract_tb(error.__traceback__)[-1]
        traceback.print_exc()
        where = f"{Path(last.filename).name}:{last.lineno}"
        answer = {"how": "traceback", "words": f"{type(error).__name__}: {str(error)[:200]} ({where})"}
    finally:
        os.environ.pop("POSE_CORE_CACHE", None)
        if cache is not None:
            os.environ["POSE_CORE_CACHE"] = cache
    answer.pop("document", None)
    return answer


def main() -> None:
    """Answer case after case until stdin ends."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    for line in sys.stdin:
        answer = attempt(json.loads(line))
        sys.stdout.flush()
        sys.stderr.flush()
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
    os._exit(0)
