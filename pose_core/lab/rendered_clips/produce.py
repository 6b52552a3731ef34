"""From the plan to videos with their truth: frames by a process in Blender, one clip after the other."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from pose_core.errors import ConfigError, DatasetError
from pose_core.lab.datasets.mocap import MocapSet
from pose_core.lab.datasets.mocap_folder import read_folder
from pose_core.lab.rendered_clips.clips import CLIPS, clips_by_name
from pose_core.lab.rendered_clips.encode import encode
from pose_core.lab.rendered_clips.plan import Clip, truth_path, video_path
from pose_core.lab.rendered_clips.take import make_take
from pose_core.lab.rendered_clips.truth import truth_of, write_truth

_WORKER = Path(__file__).with_name("render_frames.py")
_TAIL_LINES = 12


def chosen_clips(names: str, frames: int | None = None) -> list[Clip]:
    """Clips by their names, with commas; all of them for "".

    Raises:
        ConfigError: there is no clip of that name, or the number of frames is none.
    """
    if frames is not None and frames < 1:
        raise ConfigError(f"The number of frames must be 1 or more, but is {frames}.")
    known = clips_by_name()
    wanted = [name.strip() for name in names.split(",") if name.strip()] or [clip.name for clip in CLIPS]
    for name in wanted:
        if name not in known:
            raise ConfigError(f"There is no clip '{name}'.", f"Known clips: {', '.join(known)}.")
    return [known[name].shortened(frames) for name in wanted]


def is_finished(folder: Path, clip: Clip) -> bool:
    """Whether a clip has been made to its end."""
    return video_path(folder, clip).is_file() and truth_path(folder, clip).is_file()


def produce(
    clips: list[Clip],
    mocap_folder: Path,
    folder: Path,
    python: Path,
    environment: Mapping[str, str],
    tell: Callable[[str], None],
) -> int:
    """Make the clips that are missing.

    Args:
        clips: what to make.
        mocap_folder: recordings that the clips name.
        folder: where videos and truth go.
        python: a Python with the bpy module.
        environment: of its process.
        tell: told how far it is.
    Returns:
        How many frames were rendered.
    Raises:
        DatasetError: the process in Blender failed; finished clips are kept.
        InsufficientDataError: a recording is missing.
    """
    missing = [clip for clip in clips if not is_finished(folder, clip)]
    if not missing:
        return 0
    folder.mkdir(parents=True, exist_ok=True)
    mocap = read_folder(mocap_folder)
    done = 0
    with tempfile.TemporaryDirectory(prefix="pose-core-clips-") as scratch:
        places = {clip.name: Path(scratch) / clip.name for clip in missing}
        for place in places.values():
            place.mkdir()
        task = {
            "mocap": str(mocap_folder.resolve()),
            "frames": missing[0].frames,
            "clips": [[c.name, str(places[c.name])] for c in missing],
        }
        log = Path(scratch) / "blender.log"
        by_name = {clip.name: clip for clip in missing}
        for word, rest in _lines(python, json.dumps(task), dict(environment), log):
            if word == "frame":
                done += 1
                tell(f"{rest} ({done} frames so far)")
            elif word == "clip":
                _finish(by_name[rest], mocap, places[rest], folder)
    return done


def _finish(clip: Clip, mocap: MocapSet, pictures: Path, folder: Path) -> None:
    """Encode one clip and write its truth; the video comes last, so that a video always has its truth."""
    take = make_take(clip, mocap)
    write_truth(folder, clip, truth_of(clip, take))
    files = sorted(pictures.glob("*.jpg"))
    encode(files, take.ticks, video_path(folder, clip))
    for path in files:
        path.unlink()


def _lines(python: Path, task: str, environment: dict[str, str], log: Path) -> Iterator[tuple[str, str]]:
    """What the process in Blender says: the first word of each line, and the rest."""
    with log.open("w", encoding="utf-8") as errors:
        process = subprocess.Popen(
            [str(python), str(_WORKER)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True,
            env=environment,
        )  # fmt: skip
    assert process.stdin is not None and process.stdout is not None
    try:
        process.stdin.write(task)
        process.stdin.close()
        for line in process.stdout:
            word, _, rest = line.strip().partition(" ")
            yield word, rest
        if process.wait() != 0:
            said = [s for s in log.read_text(encoding="utf-8", errors="replace").splitlines() if "EGL" not in s]
            raise DatasetError(
                "Rendering in Blender failed: " + "\n".join(said[-_TAIL_LINES:]),
                "Finished clips are kept; run this again to go on.",
            )
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait()
