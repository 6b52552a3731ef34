"""What a batch reads and writes: no result replaces an input, a file that is not ours, or leaves its folder."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from pose_core.errors import ConfigError, OutputError

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))
from pose_core.batch.jobs import Batch, Job, read_batch
from pose_core.batch.paths import check_batch, check_job, export_names


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    np.savez("hero.motion.npz", format=np.array("pose_core.motion"))
    Path("hero.fbx").write_bytes(b"rig")
    Path("hero.blend").write_bytes(b"scene")
    return tmp_path


def checked(*words: str) -> Batch:
    batch = read_batch(list(words))
    check_batch(batch.jobs, batch.blend or "", batch.manifest)
    return batch


@pytest.mark.parametrize(
    "words",
    [
        ("--motion", "hero.motion.npz", "--rig", "hero.fbx"),
        ("--motion", "hero.motion.npz", "--blend", "hero.blend", "--save-blend"),
        ("--motion", "hero.motion.npz", "--rig", "hero.blend", "--save-blend"),
        ("--motion", "hero.motion.npz", "--person", "1=hero.fbx"),
        ("--motion", "hero.motion.npz", "other.motion.npz", "--rig", "hero.fbx"),
        ("--video", "hero.motion.npz", "--rig", "new.fbx", "--out", "."),
    ],
)
def test_results_over_inputs_are_refused(folder: Path, words: tuple[str, ...]) -> None:
    if words[0] == "--video":
        Path("hero.motion.motion.npz").symlink_to("hero.motion.npz")
    with pytest.raises(ConfigError, match="would replace it"):
        checked(*words)


def test_the_scene_itself_is_replaced_only_when_asked(folder: Path) -> None:
    words = ("--motion", "hero.motion.npz", "--blend", "hero.blend", "--save-blend", "--overwrite-blend")
    (job,) = checked(*words).jobs
    Path("hero.fbx").unlink()
    assert "hero.blend" in check_job(job)
    with pytest.raises(ConfigError):
        checked("--motion", "hero.motion.npz", "two.motion.npz", *words[2:])


@pytest.mark.parametrize("name", ["../../x", "a/b", "..", "a\\b", "C:x", "x\n", "x."])
def test_a_name_cannot_leave_the_folder(folder: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="cannot name a result"):
        Job(motion="hero.motion.npz", name=name)
    Path("jobs.toml").write_text(f"[[job]]\nmotion = 'hero.motion.npz'\nname = {json.dumps(name)}\n")
    with pytest.raises(ConfigError, match="Job 1"):
        read_batch(["--manifest", "jobs.toml"])


def test_the_manifest_is_an_input(folder: Path) -> None:
    Path("hero.report.json").write_text("[[job]]\nmotion = 'hero.motion.npz'\n")
    with pytest.raises(ConfigError, match="the manifest"):
        checked("--manifest", "hero.report.json")


def test_only_what_the_last_report_names_is_replaced(folder: Path) -> None:
    job = Job(motion="hero.motion.npz", out="out")
    Path("out").mkdir()
    assert check_job(job) == ["hero.fbx", "hero.report.json"]
    Path("out/hero.fbx").write_bytes(b"of the user")
    with pytest.raises(OutputError, match=r"hero\.fbx"):
        check_job(job)
    Path("out/hero.report.json").write_text(json.dumps({"pose_core": "0", "digest": "", "writes": ["hero.fbx"]}))
    assert check_job(job) == ["hero.fbx", "hero.report.json"]
    Path("out/hero.report.json").write_text("{}")
    with pytest.raises(OutputError, match=r"hero\.report\.json"):
        check_job(job)


def test_files_of_further_people_are_looked_at(folder: Path) -> None:
    Path("walk.mp4").write_bytes(b"video")
    Path("walk.p2.fbx").write_bytes(b"of the user")
    with pytest.raises(OutputError, match=r"walk\.p2\.fbx"):
        check_job(Job(video="walk.mp4", people=0))
    with pytest.raises(ConfigError, match="further person"):
        checked("--video", "walk.mp4", "--people", "all", "--rig", "walk.p2.fbx")


def test_names_of_exports() -> None:
    assert export_names(["fbx"], "a.b") == ["a.b.fbx"]
    assert export_names(["fbx-unity", "glb"], "a") == ["a.fbx", "a.glb"]
    assert export_names(["fbx", "fbx-unity", "fbx-unreal"], "a") == ["a.fbx", "a.unity.fbx", "a.unreal.fbx"]
