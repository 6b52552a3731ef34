#!/usr/bin/env python3
"""Render clips of clothed people whose motion and camera are known exactly, to measure the whole pipeline.

    python scripts/render_clips.py [--only NAME,...] [--out DIR] [--mocap DIR] [--list]

Performers that training never sees are danced by mannequins in coats, skirts, wide trousers and with bags. Runs in the
worker's environment; Blender's module is installed if it is missing. Finished clips are kept in the user's cache and
not made again, so that a run that was stopped goes on where it was. `scripts/evaluate.py --parts clips` measures them.
"""

from __future__ import annotations

import tools.needs  # noqa: F401

# isort: split
import argparse
import sys
import time
from pathlib import Path

from _root import ROOT
from pose_core.errors import PoseCoreError
from pose_core.lab.rendered_clips.clips import CLIPS
from pose_core.lab.rendered_clips.plan import default_folder, video_path
from pose_core.lab.rendered_clips.produce import chosen_clips, produce
from tools.blender import DEFAULT_BPY, ensure_bpy
from tools.command import clean_environment
from tools.errors import SetupError
from tools.progress import Progress


def parse(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="names of clips, with commas; all of them otherwise")
    parser.add_argument(
        "--out", type=Path, default=default_folder(), help="folder for the clips (default: %(default)s)"
    )
    parser.add_argument("--mocap", type=Path, default=ROOT.parent / "shared" / "mocap", help="motion capture folder")
    parser.add_argument("--frames", type=int, help="only so many frames of each clip, for a trial")
    parser.add_argument("--list", action="store_true", help="say which clips there are, and render nothing")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Render what is missing."""
    arguments = parse(argv)
    if arguments.list:
        for clip in CLIPS:
            there = "there" if video_path(arguments.out, clip).is_file() else "missing"
            worn = ", ".join(actor.outfit for actor in clip.actors)
            print(f"{clip.name:24} {clip.kind:12} {clip.seconds:3.1f} s at {clip.rate:10} {worn}: {there}")
        return 0
    progress, began = Progress(), time.monotonic()
    try:
        clips = chosen_clips(arguments.only, arguments.frames)
        python = ensure_bpy(DEFAULT_BPY, progress)
        with progress.step(f"render into {arguments.out}") as step:
            frames = produce(clips, arguments.mocap, arguments.out, python, clean_environment(), step.detail)
    except PoseCoreError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except SetupError as error:
        print(f"error: {error}", *error.tail, sep="\n", file=sys.stderr)
        return 1
    seconds = time.monotonic() - began
    each = f", {seconds / frames:.2f} s each" if frames else ""
    print(f"{len(clips)} clips in {arguments.out} ({frames} frames rendered now{each})")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
