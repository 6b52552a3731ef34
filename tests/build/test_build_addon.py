"""The extension zip: reproducible, complete, one version, nothing that does not belong."""

import io
import tomllib
import zipfile
from pathlib import Path

import pytest

import build_addon
from pose_core import __version__
from tests.support.sources import REPOSITORY
from tools.progress import Progress


@pytest.fixture(scope="module")
def zip_path(tmp_path_factory):
    return build_addon.build(tmp_path_factory.mktemp("dist"), Progress(), validated=False)


def test_two_builds_are_the_same_byte_for_byte(zip_path, tmp_path, monkeypatch):
    monkeypatch.setenv("TZ", "Pacific/Auckland")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1")
    again = build_addon.build(tmp_path, Progress(), validated=False)
    assert again.name == zip_path.name == f"pose_core-{__version__}.zip"
    assert again.read_bytes() == zip_path.read_bytes()
    assert list(tmp_path.iterdir()) == [again]


def test_it_holds_the_add_on_the_wheel_and_the_list_of_packages(zip_path):
    with zipfile.ZipFile(zip_path) as archive:
        names = archive.namelist()
        manifest = tomllib.loads(archive.read("blender_manifest.toml").decode())
        wheel = archive.read(manifest["wheels"][0].removeprefix("./"))
        lock = archive.read("requirements/worker.txt")
    assert {"__init__.py", "bridge/apply_motion.py", "LICENSE"} <= set(names)
    assert names == sorted(names)
    assert not [name for name in names if "__pycache__" in name or name.endswith(".pyc")]
    assert manifest["version"] == __version__
    assert "@" not in "".join(map(str, manifest.values()))
    assert lock == (REPOSITORY / "requirements" / "worker.txt").read_bytes()
    with zipfile.ZipFile(io.BytesIO(wheel)) as archive:
        inside = archive.namelist()
        metadata = archive.read(f"pose_core-{__version__}.dist-info/METADATA").decode()
    assert "pose_core/worker/client.py" in inside
    assert "pose_core/runtime/models.toml" in inside
    assert f"Version: {__version__}" in metadata
    assert not [name for name in inside if name.startswith(("tests", "scripts", "blender_addon"))]
    assert not [name for name in inside if name.endswith(".pyc")]


def test_no_path_of_this_machine_gets_into_it(zip_path):
    with zipfile.ZipFile(zip_path) as archive:
        for name in archive.namelist():
            content = archive.read(name)
            pieces = [content]
            if name.endswith(".whl"):
                with zipfile.ZipFile(io.BytesIO(content)) as wheel:
                    pieces = [wheel.read(inner) for inner in wheel.namelist()]
            for piece in pieces:
                assert str(REPOSITORY).encode() not in piece
                assert str(Path.home()).encode() + b"/" not in piece or str(Path.home()) == "/"


def test_a_token_that_nothing_fills_is_refused():
    assert build_addon.fill_manifest("# x\nschema_version = 1 @VERSION@", "1", "w") == "schema_version = 1 1"
    with pytest.raises(build_addon.SetupError, match="@NEW@"):
        build_addon.fill_manifest("schema_version = @NEW@", "1", "w")
