"""The cache folder, and the machine's Debian mirror as its own files name it."""

from pathlib import Path

import pytest

from pose_core import folders
from tools import debian, paths


@pytest.mark.parametrize("platform", ["linux", "darwin", "win32"])
@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"POSE_CORE_CACHE": "/somewhere/else"},
        {"XDG_CACHE_HOME": "/xdg"},
        {"XDG_CACHE_HOME": "relative/is/ignored"},
        {"LOCALAPPDATA": "/local"},
    ],
)
def test_scripts_and_package_agree_on_the_cache_folder(
    platform: str, variables: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("POSE_CORE_CACHE", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.platform", platform)
    assert paths.cache_folder() == folders.cache_folder()
    assert paths.cache_folder().is_absolute()


def test_cache_folder_is_the_named_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("POSE_CORE_CACHE", str(tmp_path / "named"))
    assert paths.cache_folder() == tmp_path / "named"


DEB822 = """\
Types: deb-src
URIs: http://sources.example/debian
Suites: stable
Components: main

# a comment
Types: deb
URIs: http://security.example/debian-security
Suites: stable-security
Components: main

Types: deb
Enabled: no
URIs: http://off.example/debian
Suites: stable
Components: main

Types: deb deb-src
URIs:
 https://mirror.example/debian/
Suites: stable stable-updates
Components: main contrib
"""


@pytest.mark.parametrize(
    ("files", "mirror"),
    [
        ({}, debian.FALLBACK_MIRROR),
        ({"sources.list.d/debian.sources": DEB822}, "https://mirror.example/debian"),
        (
            {
                "sources.list": "# deb http://old.example/debian stable main\n"
                "deb [arch=amd64 signed-by=/k.gpg] http://one.example/debian stable main\n"
            },
            "http://one.example/debian",
        ),
        ({"sources.list": "deb http://archive.example/ubuntu noble main\n"}, debian.FALLBACK_MIRROR),
        ({"sources.list": "deb http://snapshot.debian.org/archive/debian/20250101T000000Z sid main\n"}, None),
        ({"sources.list.d/debian.sources.bak": DEB822}, debian.FALLBACK_MIRROR),
        ({"sources.list.d/broken.sources": "no colon here\n\n :\n"}, debian.FALLBACK_MIRROR),
    ],
)
def test_the_mirror_is_the_one_that_apt_uses(files: dict[str, str], mirror: str | None, tmp_path: Path) -> None:
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert debian.debian_mirror(tmp_path) == (mirror or debian.FALLBACK_MIRROR)
