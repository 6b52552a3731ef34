"""The batch script, as a user starts it: jobs, reports, exit codes, resuming."""

import json
import os
import re
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pose_core.motion_file import write_motion
from tests.support.blender import (
    REPOSITORY,
    BlenderRun,
    bpy_python,
    full_blender_command,
    isolated_environment,
    run_bpy,
    run_bpy_script,
    run_full_blender,
)
from tests.support.motions import random_motion
from tests.support.shared import shared_file

pytestmark = pytest.mark.blender

SCRIPT = REPOSITORY / "scripts" / "batch_retarget.py"
OK, SOME_FAILED, BAD_USAGE, STOPPED = 0, 1, 2, 130

READ_BACK = """
import bpy

def main(args):
    bpy.ops.import_scene.fbx(filepath=args[0], anim_offset=1.0)
    obj = next(o for o in bpy.data.objects if o.type == "ARMATURE")
    return {"range": list(obj.animation_data.action.frame_range), "meshes": len(bpy.data.meshes),
            "bones": len(obj.data.bones)}
"""


def batch(folder: Path, *args: str | Path, version: str = "5.0.1", **options: object) -> BlenderRun:
    return run_bpy(version, [SCRIPT, *args], folder / "home", cwd=folder, **options)  # type: ignore[arg-type]


def motion_file(folder: Path, name: str = "walk", seed: int = 0) -> Path:
    path = folder / f"{name}.motion.npz"
    write_motion(path, random_motion(12, seed=seed))
    return path


def report(folder: Path, name: str) -> dict[str, object]:
    data = json.loads((folder / f"{name}.report.json").read_text())
    assert isinstance(data, dict)
    return data


def test_a_motion_goes_onto_a_rig_in_every_bpy(bpy_version: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    rig = shared_file("rigs/unreal_twist_ik_apose.glb")
    run = batch(tmp_path, "--", "--motion", motion_file(tmp_path), "--rig", rig, "--out", out, "--save-blend",
                version=bpy_version)  # fmt: skip
    assert run.returncode == OK, run.output
    assert sorted(path.name for path in out.iterdir()) == ["walk.blend", "walk.fbx", "walk.report.json"]
    done = report(out, "walk")
    assert done["status"] == "finished"
    (take,) = done["takes"]  # type: ignore[misc]
    assert take["verify"]["max_joint_deviation_m"] < 1e-4
    assert take["bone_map"]["left_forearm"] == "lowerarm_l"
    assert {"import", "apply", "export"} <= set(take["timings_s"])
    back = run_bpy_script(bpy_version, READ_BACK, [out / "walk.fbx"], home=tmp_path / "back").result
    assert back["range"] == pytest.approx([1, 12], abs=1e-3)
    assert (back["bones"], back["meshes"]) == (73, 1)


def test_blender_itself_uses_the_armature_of_the_open_file(tmp_path: Path) -> None:
    motion_file(tmp_path)
    scene = tmp_path / "hero.blend"
    scene.write_bytes(shared_file("rigs/scaled_rotated_rolls.blend").read_bytes())
    command = ["-b", scene, "-noaudio", "--python", SCRIPT, "--"]
    job = ["--motion", tmp_path / "walk.motion.npz", "--out", tmp_path / "out"]
    run = run_full_blender([*command, *job], tmp_path)
    assert run.returncode == OK, run.output
    (take,) = report(tmp_path / "out", "walk")["takes"]  # type: ignore[misc]
    assert take["object"] == "Hero_rig" and not take["new_armature"]
    assert run_full_blender([*command, "--video"], tmp_path).returncode == BAD_USAGE
    failing = run_full_blender([*command, "--motion", tmp_path / "none.npz", "--out", tmp_path / "out"], tmp_path)
    assert failing.returncode == SOME_FAILED, failing.output


def test_a_family_can_stand_for_a_bone_map(tmp_path: Path) -> None:
    rig = shared_file("rigs/unreal_twist_ik_apose.glb")
    (tmp_path / "maps.toml").write_text(
        f"""[defaults]
rig = "{rig}"
motion = "{motion_file(tmp_path).name}"
[[job]]
name = "right"
bone_map = "unreal"
[[job]]
name = "wrong"
bone_map = "mixamo"
[[job]]
name = "absent"
bone_map = "hero.json"
"""
    )
    run = batch(tmp_path, "--manifest", tmp_path / "maps.toml", "--out", tmp_path / "out")
    assert run.returncode == SOME_FAILED, run.output
    right, wrong, absent = (report(tmp_path / "out", name) for name in ("right", "wrong", "absent"))
    assert right["takes"][0]["family"] == "unreal"  # type: ignore[index]
    assert "no complete Mixamo" in wrong["error"]["message"]  # type: ignore[index]
    assert "Cannot read the bone map" in absent["error"]["message"]  # type: ignore[index]


def test_a_failed_job_does_not_stop_the_others(tmp_path: Path) -> None:
    good, other = motion_file(tmp_path), motion_file(tmp_path, "run", 1)
    (tmp_path / "bad.motion.npz").write_bytes(b"not a motion")
    run = batch(tmp_path, "--motion", good, tmp_path / "bad.motion.npz", other, "--out", tmp_path / "out")
    assert run.returncode == SOME_FAILED, run.output
    assert [report(tmp_path / "out", name)["status"] for name in ("walk", "bad", "run")] == [
        "finished", "failed", "finished",
    ]  # fmt: skip
    error = report(tmp_path / "out", "bad")["error"]
    assert isinstance(error, dict) and error["code"] == "motion_file" and "bad.motion.npz" in error["message"]
    assert not (tmp_path / "out" / "bad.fbx").exists()
    assert "2 done, 0 skipped, 1 failed" in run.output


def test_several_people_go_onto_several_characters_in_one_scene(tmp_path: Path) -> None:
    """Two rig files, one of them by a family's names; everybody on what the file holds; and what cannot be."""
    for number, slope in ((1, 0.2), (2, -0.2)):
        motion = random_motion(12, seed=number)
        own = motion.joints_camera_m - motion.joints_camera_m[:, :1]
        suffix = "" if number == 1 else f".p{number}"
        placed = replace(motion, joints_camera_m=own + [4 * slope, 0, 4], person_id=number)
        write_motion(tmp_path / f"duo{suffix}.motion.npz", placed)
    mixamo, unreal = (shared_file(f"rigs/{name}") for name in ("mixamo_tpose.fbx", "unreal_twist_ik_apose.glb"))
    (tmp_path / "jobs.toml").write_text(
        f"""[defaults]
motion = "duo.motion.npz"
out = "out"
[[job]]
name = "files"
save_blend = true
cast = [{{person = 1, rig = "{mixamo}"}}, {{person = 2, rig = "{unreal}", bone_map = "unreal"}}]
[[job]]
name = "everybody"
rig = "{mixamo}"
everybody = true
[[job]]
name = "absent"
rig = "{mixamo}"
cast = [{{person = 1, armature = "Nobody"}}]
[[job]]
name = "broken"
cast = [{{person = 1, rig = "{mixamo}"}}, {{person = 2, rig = "{unreal}", bone_map = "mixamo"}}]
"""
    )
    run = batch(tmp_path, "--manifest", tmp_path / "jobs.toml")
    assert run.returncode == SOME_FAILED and "2 done, 0 skipped, 2 failed" in run.output, run.output
    out = tmp_path / "out"
    first, second = report(out, "files")["takes"]  # type: ignore[misc]
    assert [take["person_id"] for take in (first, second)] == [1, 2]
    assert [take["family"] for take in (first, second)] == ["mixamo", "unreal"]
    assert [take["files"] for take in (first, second)] == [["files.p1.fbx"], ["files.p2.fbx"]]
    assert [take["action"] for take in (first, second)] == ["files.p1", "files.p2"]
    assert max(take["verify"]["max_joint_deviation_m"] for take in (first, second)) < 1e-4
    assert (out / "files.blend").is_file()
    prominent, other = report(out, "everybody")["takes"]  # type: ignore[misc]
    assert not prominent["new_armature"] and other["new_armature"]
    assert "no armature 'Nobody'" in report(out, "absent")["error"]["message"]  # type: ignore[index]
    assert "no complete Mixamo" in report(out, "broken")["error"]["message"]  # type: ignore[index]
    assert not list(out.glob("broken*.fbx")) and not list(out.glob("absent*.fbx"))


INTERRUPTED = """
import os, runpy, signal, sys
import bpy

class TEST_OT_interrupt(bpy.types.Operator):
    bl_idname, bl_label = "test.interrupt", "Interrupt"

    def execute(self, context):
        os.kill(os.getpid(), signal.SIGINT)
        for _ in range(1000):
            pass
        return {"FINISHED"}

bpy.utils.register_class(TEST_OT_interrupt)
place, sys.argv[:] = sys.argv[1], sys.argv[2:]
sys.path.insert(0, os.path.dirname(os.path.dirname(sys.argv[0])))
from blender_addon.batch import job
from blender_addon.bridge.read import rig_import

def interrupt(*_args, **_kwargs):
    bpy.ops.test.interrupt()

if place == "import":
    rig_import.import_fbx = interrupt
else:
    job.export_character = interrupt
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@pytest.mark.parametrize("place", ["import", "export"])
def test_an_interrupt_inside_an_operator_ends_the_batch_at_once(place: str, tmp_path: Path) -> None:
    """Blender makes a RuntimeError of it, as of any failure; the second job must not run."""
    (tmp_path / "interrupted.py").write_text(INTERRUPTED)
    motion_file(tmp_path, "a"), motion_file(tmp_path, "b")
    job = ["--motion", "a.motion.npz", "b.motion.npz", "--rig", shared_file("rigs/mixamo_tpose.fbx"), "--out", "out"]
    run = run_bpy("5.0.1", ["interrupted.py", place, SCRIPT, *job], tmp_path / "home", cwd=tmp_path)
    assert run.returncode == STOPPED, run.output
    assert "stopped" in run.output and "FAILED" not in run.output and "[2/2]" not in run.output
    assert list((tmp_path / "out").iterdir()) == []


def test_clips_of_one_name_do_not_overwrite_each_other(tmp_path: Path) -> None:
    for folder, seed in (("monday", 1), ("tuesday", 2)):
        (tmp_path / folder).mkdir()
        motion_file(tmp_path / folder, "walk", seed)
    clips = [tmp_path / folder / "walk.motion.npz" for folder in ("monday", "tuesday")]
    run = batch(tmp_path, "--motion", *clips, "--out", "out")
    assert run.returncode == OK, run.output
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == [f"{day}_walk{end}" for day in ("monday", "tuesday") for end in (".fbx", ".report.json")]
    assert report(tmp_path / "out", "monday_walk")["input"] == str(clips[0])


def test_bones_that_are_off_fail_the_job_and_its_files_are_there(tmp_path: Path) -> None:
    motion_file(tmp_path, "a"), motion_file(tmp_path, "b")
    limit = """
import bpy
from pathlib import Path

def main(args):
    from blender_addon.bridge.read.rig_import import import_rig
    obj = import_rig(Path(args[0]))
    one = obj.pose.bones["mixamorig:LeftArm"].constraints.new("LIMIT_ROTATION")
    one.use_limit_x = one.use_limit_y = one.use_limit_z = True
    one.owner_space = "LOCAL"
    bpy.ops.wm.save_as_mainfile(filepath=args[1])
"""
    stiff = tmp_path / "stiff.blend"
    run_bpy_script("5.0.1", limit, [shared_file("rigs/mixamo_tpose.fbx"), stiff], home=tmp_path / "made")
    run = batch(tmp_path, "--motion", "a.motion.npz", "b.motion.npz", "--rig", stiff, "--out", "out")
    assert run.returncode == SOME_FAILED and "0 done, 0 skipped, 2 failed" in run.output, run.output
    done = report(tmp_path / "out", "a")
    assert done["status"] == "failed" and done["error"]["code"] == "off_the_motion"  # type: ignore[index]
    told = done["error"]["message"]  # type: ignore[index]
    assert "'mixamorig:LeftForeArm' (" in told
    assert "moved by the limit rotation constraint 'Limit Rotation' of 'mixamorig:LeftArm'" in told
    assert (tmp_path / "out" / "a.fbx").is_file() and "Written all the same: a.fbx" in run.output


def test_resume_skips_what_is_done_and_repeats_what_changed(tmp_path: Path) -> None:
    motion_file(tmp_path)
    arguments = ("--motion", tmp_path / "walk.motion.npz", "--out", tmp_path / "out", "--resume")
    assert "1 done, 0 skipped" in batch(tmp_path, *arguments).output
    stamp = (tmp_path / "out" / "walk.fbx").stat().st_mtime_ns
    assert "0 done, 1 skipped" in batch(tmp_path, *arguments).output
    assert (tmp_path / "out" / "walk.fbx").stat().st_mtime_ns == stamp
    assert "1 done, 0 skipped" in batch(tmp_path, *arguments, "--frame-start", "5").output
    motion_file(tmp_path, seed=2)
    assert "1 done, 0 skipped" in batch(tmp_path, *arguments, "--frame-start", "5").output
    (tmp_path / "out" / "walk.fbx").unlink()
    assert "1 done, 0 skipped" in batch(tmp_path, *arguments, "--frame-start", "5").output


def test_jobs_do_not_see_each_other(tmp_path: Path) -> None:
    """The same motion first, after another rig, and last: the same keys each time."""
    first, last = motion_file(tmp_path, "first"), motion_file(tmp_path, "last")
    rig, other = shared_file("rigs/mixamo_tpose.fbx"), shared_file("rigs/mannequiny.glb")
    manifest = tmp_path / "jobs.toml"
    manifest.write_text(
        f"""
[defaults]
rig = '{rig}'
out = "out"

[[job]]
motion = "first.motion.npz"

[[job]]
motion = "{motion_file(tmp_path, "between", 4).name}"
rig = '{other}'

[[job]]
motion = "{last.name}"
fps_mode = "subframes"
"""
    )
    assert first.exists()
    run = batch(tmp_path, "--manifest", manifest)
    assert run.returncode == OK, run.output
    script = """
import bpy
from tests.support.in_blender import curves_of

def main(args):
    out = []
    for path in args:
        bpy.ops.wm.read_factory_settings(use_empty=True)
        bpy.ops.import_scene.fbx(filepath=path, anim_offset=1.0)
        obj = next(o for o in bpy.data.objects if o.type == "ARMATURE")
        out.append([(p, i, k.tolist()) for p, i, k, _ in curves_of(obj)])
    return {"same": out[0] == out[1], "curves": len(out[0])}
"""
    files = [tmp_path / "out" / f"{name}.fbx" for name in ("first", "last")]
    result = run_bpy_script("5.0.1", script, files, home=tmp_path / "back").result
    assert result["same"] and result["curves"] > 100


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "nothing to do"),
        (["--nonsense"], "unrecognized arguments"),
        (["--motion", "a/x.motion.npz", "a/x.motion.npz"], "Two jobs would write"),
        (["--video", "a.mp4", "--people", "some"], "--people must be a whole number"),
        (["--motion", "a.npz", "--person", "1=A", "--person", "1=B"], "Person 1 is to play two"),
        (["--motion", "a.npz", "--person", "1", "--person", "2=B"], "keeps only that one person"),
        (["--motion", "a.npz", "--person", "1="], "names no character"),
        (["--manifest", "absent.toml"], "There is no manifest"),
        (["--motion", "a.npz", "--blend", "absent.blend"], "no scene"),
    ],
)
def test_bad_usage_is_told_apart(arguments: list[str], words: str, tmp_path: Path) -> None:
    run = batch(tmp_path, *arguments)
    assert run.returncode == BAD_USAGE
    assert words in run.output


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[job]]\nvideo = 'a.mp4'\nmotion = 'b.npz'", "either a video or a motion"),
        ("[[job]]\nvideo = 'a.mp4'\nheigth_m = 1.7", "heigth_m"),
        ("[jobs]\n", "must hold"),
        ("[[job]]\nvideo = 3", "Job 1"),
        ("[[job]]\nvideo = 'a.mp4'\ncast = [{person = 1}]", "named by an armature or a rig file"),
        ("[[job]]\nvideo = 'a.mp4'\ncast = 3", "cast must be tables"),
        ("not toml", "Cannot read"),
    ],
)
def test_bad_manifests_are_refused(text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "jobs.toml").write_text(text)
    run = batch(tmp_path, "--manifest", "jobs.toml")
    assert run.returncode == BAD_USAGE and words in run.output, run.output


@pytest.mark.parametrize(
    ("rig", "words"),
    [("absent.fbx", "no rig file"), ("rig.txt", "is no rig file"), ("rig.fbx", "could not import"),
     ("rig.glb", "could not import"), ("rig.blend", "could not import")],
)  # fmt: skip
def test_unusable_rig_files_are_told(rig: str, words: str, tmp_path: Path) -> None:
    motion_file(tmp_path)
    if rig != "absent.fbx":
        (tmp_path / rig).write_bytes(b"nothing of the kind")
    run = batch(tmp_path, "--motion", "walk.motion.npz", "--rig", rig, "--out", "out")
    assert run.returncode == SOME_FAILED
    error = report(tmp_path / "out", "walk")["error"]
    assert isinstance(error, dict) and error["code"] == "rig" and words in error["message"], error


def test_a_missing_worker_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"")
    run = batch(tmp_path, "--video", "a.mp4", "--out", "out", "--worker-python", tmp_path / "no-python")
    assert run.returncode == SOME_FAILED
    error = report(tmp_path / "out", "a")["error"]
    assert isinstance(error, dict) and error["code"] == "worker" and "--worker-python" in error["message"]


def test_an_unreadable_video_is_the_jobs_own_failure(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(os.urandom(1000))
    run = batch(tmp_path, "--video", "a.mp4", "--out", "out")
    assert run.returncode == SOME_FAILED, run.output
    error = report(tmp_path / "out", "a")["error"]
    assert isinstance(error, dict) and error["code"] == "video", error
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.report.json"]


@pytest.mark.model
def test_a_video_becomes_an_fbx_in_one_command(tmp_path: Path) -> None:
    video = shared_file("clips/balance_cam01.mp4")
    rig = shared_file("rigs/mixamo_tpose.fbx")
    run = batch(tmp_path, "--video", video, "--rig", rig, "--out", "out", "--height", "1.8", timeout_s=600)
    assert run.returncode == OK, run.output
    done = report(tmp_path / "out", "balance_cam01")
    (take,) = done["takes"]  # type: ignore[misc]
    assert take["frames_keyed"] == 100 and take["fps"] == pytest.approx(60)
    assert take["verify"]["max_joint_deviation_m"] < 1e-4
    assert take["verify"]["max_limb_direction_deg"] < 0.01
    assert np.isfinite(done["timings_s"]["estimate"])  # type: ignore[index]
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["balance_cam01.fbx", "balance_cam01.motion.npz", "balance_cam01.report.json"]


@pytest.mark.model
@pytest.mark.parametrize("full", [False, True], ids=["module", "program"])
def test_an_interrupt_ends_the_batch_and_its_worker_and_leaves_nothing(full: bool, tmp_path: Path) -> None:
    out = tmp_path / "out"
    video = REPOSITORY / "samples" / "mannequin_walk.mp4"
    job = ["--video", video, "--out", out, "--worker-python", sys.executable]
    if full:
        command = full_blender_command(["-b", "-noaudio", "--python", SCRIPT, "--", *job], tmp_path)
    else:
        command = [str(bpy_python("5.0.1")), str(SCRIPT), *map(str, job)]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=isolated_environment(tmp_path / "home"),
    )
    assert process.stdout is not None
    begun = ""
    while "mannequin_walk: track" not in begun:
        line = process.stdout.readline()
        assert line, begun
        begun += line
    (ours,) = _descendants_running(process.pid, SCRIPT.name)
    os.kill(ours, signal.SIGINT)
    rest, _ = process.communicate(timeout=60)
    assert process.returncode == STOPPED, begun + rest
    assert "Traceback" not in rest and "stopped" in rest
    assert _descendants_running(process.pid, "pose_core.worker") == []
    assert list(out.iterdir()) == []


def _descendants_running(ancestor: int, word: str) -> list[int]:
    """Return the innermost of the processes at and below one that have a word in their command line."""
    listed = subprocess.run(["ps", "-wweo", "pid=,ppid=,args="], capture_output=True, text=True, check=True).stdout
    rows = [re.match(r"\s*(\d+)\s+(\d+)\s+(.*)", line) for line in listed.splitlines()]
    table = [(int(row[1]), int(row[2]), row[3]) for row in rows if row]
    below = {ancestor}
    while more := {pid for pid, parent, _ in table if parent in below} - below:
        below |= more
    fitting = [pid for pid, _, words in table if pid in below and word in words]
    parents = {parent for pid, parent, _ in table if pid in fitting}
    return [pid for pid in fitting if pid not in parents]
