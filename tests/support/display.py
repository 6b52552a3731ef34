"""A virtual display, scripted clicks, screenshots, and the full Blender with its interface on it."""

import contextlib
import dataclasses
import os
import queue
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from tests.support.blender import REPOSITORY, Bind, full_blender_command
from tests.support.missing import skip_or_fail

ARTIFACTS = REPOSITORY / "test-artifacts"
SIZE_PX = (1600, 1000)


@dataclasses.dataclass(frozen=True)
class Display:
    """A running X display."""

    name: str

    def _run(self, *argv: str) -> str:
        done = subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            env={**os.environ, "DISPLAY": self.name},
            timeout=60,
            check=False,
        )
        if done.returncode != 0:
            pytest.fail(f"{' '.join(argv)} failed: {done.stdout}{done.stderr}")
        return done.stdout

    def screenshot(self, name: str) -> Path:
        """Save the whole screen as `test-artifacts/NAME.png` and return its path."""
        ARTIFACTS.mkdir(exist_ok=True)
        path = ARTIFACTS / f"{name}.png"
        self._run("import", "-window", "root", str(path))
        return path

    def move(self, x_px: int, y_px: int) -> None:
        """Move the pointer; (0, 0) is the top left corner."""
        self._run("xdotool", "mousemove", str(x_px), str(y_px))

    def click(self, x_px: int, y_px: int, button: int = 1) -> None:
        """Move the pointer there and click."""
        self.move(x_px, y_px)
        # Blender learns of the pointer's place from the motion, which must come before the press.
        time.sleep(0.2)
        self._run("xdotool", "click", str(button))

    def key(self, name: str) -> None:
        """Press a key, named as X does: Escape, Return, ctrl+z."""
        self._run("xdotool", "key", name)


@contextlib.contextmanager
def virtual_display(size_px: tuple[int, int] = SIZE_PX) -> Iterator[Display]:
    """Start a virtual display on a free number and end it afterwards."""
    for program in ("Xvfb", "xdotool", "import"):
        if shutil.which(program) is None:
            skip_or_fail(f"{program} is not installed; `python3 scripts/test.py --tier ui` installs it (Linux, root)")
    read_end, write_end = os.pipe()
    screen = f"{size_px[0]}x{size_px[1]}x24"
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write_end), "-screen", "0", screen, "-nolisten", "tcp"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=(write_end,),
    )
    os.close(write_end)
    try:
        with os.fdopen(read_end) as answer:
            number = answer.readline().strip()
        if not number:
            pytest.fail(f"Xvfb did not start (exit code {server.wait(10)})")
        yield Display(f":{number}")
    finally:
        server.terminate()
        server.wait(20)


class RunningBlender:
    """A Blender with its interface, whose script reports by printing lines."""

    def __init__(self, process: "subprocess.Popen[str]", display: Display) -> None:
        self.process = process
        self.display = display
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._seen: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line.rstrip("\n"))
        self._lines.put(None)

    @property
    def output(self) -> str:
        """Everything it has printed that was waited past."""
        return "\n".join(self._seen)

    def wait_for(self, prefix: str, timeout_s: float = 60.0) -> str:
        """Return the rest of the next line that starts with this prefix.

        Lines before it are passed over. If Blender ends or time runs out first, the test fails with its output and a
        screenshot.
        """
        end = time.monotonic() + timeout_s
        while True:
            try:
                line = self._lines.get(timeout=max(0.0, end - time.monotonic()))
            except queue.Empty:
                shot = self.display.screenshot("ui-timeout")
                pytest.fail(f"no line '{prefix}' within {timeout_s:g} s (screen: {shot}); output:\n{self.output}")
            if line is None:
                pytest.fail(f"Blender ended (code {self.process.wait(10)}) before '{prefix}'; output:\n{self.output}")
            self._seen.append(line)
            if line.startswith(prefix):
                return line[len(prefix) :].strip()

    def wait_for_end(self, timeout_s: float = 60.0) -> int:
        """Wait until Blender has ended and return its exit code."""
        try:
            code = self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            shot = self.display.screenshot("ui-timeout")
            pytest.fail(f"Blender did not end within {timeout_s:g} s (screen: {shot}); output:\n{self.output}")
        self._reader.join(10)
        while not self._lines.empty():
            line = self._lines.get()
            if line is not None:
                self._seen.append(line)
        return code


@contextlib.contextmanager
def full_blender_ui(
    display: Display,
    arguments: Sequence[str | Path],
    share: Path,
    *,
    binds: Sequence[Bind] = (),
    env: Mapping[str, str] | None = None,
) -> Iterator[RunningBlender]:
    """Start `blender --factory-startup -noaudio ARGUMENTS...` on a display; it is killed when the block ends.

    Args:
        arguments: such as `["--python", script, "--", ...]`.
        share: folder, such as `tmp_path`, visible and writable inside at the same path.
    """
    whole = ["--factory-startup", "-noaudio", *arguments]
    process = subprocess.Popen(
        full_blender_command(whole, share, display=display.name, binds=binds, env=env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
    )
    try:
        yield RunningBlender(process, display)
    finally:
        process.kill()
        process.wait(20)
