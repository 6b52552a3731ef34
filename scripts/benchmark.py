#!/usr/bin/env python3
"""Measure speed and memory, as ratios within one run.

Usage: `.venv/bin/python scripts/benchmark.py [VIDEO] [--repeat 6] [--rounds 3] [--peer] [--mocap FOLDER]
[--out FILE.md]`

`--peer` also runs the reference MediaPipe Python pipeline, in turn with Pose Core (installs it into the user's cache
folder, about 1 GB). Figures of one run are comparable with each other; those of different machines are not.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from pose_core.lab.bench.clips import repeat_clip  # noqa: E402
from scripts.tools.blender import ensure_bpy  # noqa: E402
from scripts.tools.paths import cache_folder  # noqa: E402
from scripts.tools.progress import Progress  # noqa: E402

BENCH = ROOT / "scripts" / "_bench"
KEY_FRAMES = 1000


def run_json(argv: list[str]) -> dict[str, Any]:
    """Run a program and read the JSON object it prints last."""
    done = subprocess.run(argv, capture_output=True, text=True, check=False, cwd=ROOT)
    if done.returncode != 0:
        raise SystemExit(f"{argv[1] if len(argv) > 1 else argv[0]} failed:\n{done.stderr[-2000:]}")
    result: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return result


def peer_python() -> str:
    """Python of an environment with the reference pipeline, made if need be."""
    folder = cache_folder() / "peer-mediapipe-0.10.21"
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    if not (folder / "ready").exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "-q", "mediapipe==0.10.21", "numpy<2"], check=True)
        (folder / "ready").touch()
    return str(python)


def median(rows: list[dict[str, Any]], key: str) -> float:
    """Median of one figure over rounds."""
    return statistics.median(float(row[key]) for row in rows)


def bench_video(clip: Path, rounds: int, with_peer: bool) -> list[str]:
    """Ours and the peer's time a frame, run in turn."""
    ours, theirs = [], []
    peer = peer_python() if with_peer else None
    for _ in range(rounds):
        ours.append(run_json([sys.executable, str(BENCH / "run_pose_core.py"), str(clip)]))
        if peer:
            theirs.append(run_json([peer, str(BENCH / "run_mediapipe.py"), str(clip)]))
    frames = ours[0]["frames"]
    ms = 1000 * median(ours, "job_s") / frames
    lines = [
        f"Video to motion file, {frames} frames: {ms:.2f} ms a frame (model loading included), "
        f"peak {max(r['peak_mb'] for r in ours):.0f} MB, stages {ours[-1]['stages']}"
    ]
    if theirs:
        peer_ms = 1000 * median(theirs, "job_s") / theirs[0]["frames"]
        lines.append(
            f"Reference MediaPipe pipeline, same clip, in turn: {peer_ms:.2f} ms a frame, "
            f"peak {max(r['peak_mb'] for r in theirs):.0f} MB"
        )
        lines.append(f"**Ratio: {peer_ms / ms:.2f}x faster than the reference**")
    return lines


def bench_memory(source: Path, lengths: tuple[int, ...]) -> list[str]:
    """Peak memory against clip length."""
    lines = []
    with tempfile.TemporaryDirectory() as folder:
        for times in lengths:
            clip = Path(folder) / f"x{times}{source.suffix}"
            repeat_clip(source, times, clip)
            row = run_json([sys.executable, str(BENCH / "run_pose_core.py"), str(clip)])
            lines.append(f"Peak memory, clip x{times} ({row['frames']} frames): {row['peak_mb']:.0f} MB")
    return lines


def bench_start() -> list[str]:
    """How soon `import pose_core` returns and a worker answers."""
    imports = []
    for _ in range(5):
        code = "import time; t = time.perf_counter(); import pose_core; print(time.perf_counter() - t)"
        imports.append(
            float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
        )
    from pose_core import __version__
    from pose_core.worker import protocol
    from pose_core.worker.client import worker_command

    ready = []
    for _ in range(5):
        begun = time.perf_counter()
        worker = subprocess.Popen(worker_command(sys.executable), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert worker.stdin is not None and worker.stdout is not None
        worker.stdin.write(protocol.encode(protocol.Hello(__version__)))
        worker.stdin.flush()
        worker.stdout.readline()
        ready.append(time.perf_counter() - begun)
        worker.communicate()
    return [
        f"`import pose_core`: {statistics.median(imports):.3f} s",
        f"Worker ready: {statistics.median(ready):.3f} s",
    ]


def bench_keys() -> list[str]:
    """A motion to keys, against Blender's baking and against keying one by one; then fewer keys by their error."""
    from pose_core.lab.bench.sample import sample_motion
    from pose_core.motion_file import write_motion

    python = ensure_bpy("5.0.1", Progress())
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "long.motion.npz"
        write_motion(path, sample_motion(KEY_FRAMES))
        row = run_json([str(python), str(BENCH / "run_keys.py"), str(path)])
    ours = row["all_s"]
    lines = [
        f"Medians of {row['rounds']} rounds, in each of which ours and Blender's own ways run in turn.",
        f"{row['frames']} frames on a rig of {row['bones']} bones ({row['keyed_bones']} keyed, {row['keys']} keys): "
        f"{ours:.3f} s (read {row['read_s']:.3f}, compute {row['compute_s']:.3f}, write {row['write_s']:.3f}); "
        f"with fewer keys (2 mm) {row['few_keys_s']:.2f} s; on legs {row['longer_legs']:g} times as long, which are "
        f"solved again, {row['longer_legs_s']:.3f} s",
        f"Constraints and `nla.bake` on the same rig, all bones and channels as the operator does by itself: "
        f"{row['bake_s']:.2f} s; **ratio {row['bake_s'] / ours:.0f}x**. The {row['keyed_bones']} bones alone, only "
        f"rotation and location: {row['bake_keyed_s']:.2f} s; **ratio {row['bake_keyed_s'] / ours:.0f}x**",
        f"`keyframe_insert` bone by bone and frame by frame, the same {row['keys']} keys: {row['insert_s']:.2f} s; "
        f"**ratio {row['insert_s'] / ours:.0f}x** (against reading, computing and writing together)",
    ]
    every = row["all_bones"]
    lines.append(
        f"Writing alone, all {row['bones']} bones keyed: {every['write_s']:.3f} s; the same keys by `keyframe_insert` "
        f"{every['insert_s']:.2f} s; **ratio {every['insert_s'] / every['write_s']:.0f}x**"
    )
    control = row["rigify"]
    if "refused" in control:
        lines.append(f"Rigify control rig: not measured ({control['refused']})")
    else:
        lines.append(
            f"Rigify control rig of {control['bones']} bones: {control['ours_s']:.2f} s, constraints and `nla.bake` "
            f"{control['bake_s']:.2f} s; **ratio {control['bake_s'] / control['ours_s']:.0f}x**"
        )
    return [*lines, *bench_fewer_keys()]


def bench_fewer_keys() -> list[str]:
    """How many times fewer keys are left for a largest error."""
    from pose_core.lab.bench.fewer_keys import dense, fewer
    from pose_core.lab.bench.sample import sample_motion

    full = dense(sample_motion())
    lines = []
    for mm in (0.5, 1.0, 2.0, 5.0):
        rows = [fewer(full, mm), fewer(full, mm, standing=False), fewer(full, mm, curved=False)]
        lines.append(
            f"Largest error {mm:g} mm, sample walk of {len(full.tracks[0].frames)} frames: "
            f"**{rows[0].times_fewer:.1f}x** fewer keys (off by {rows[0].off_mm:.2f} mm at most, planted points "
            f"{rows[0].planted_off_mm:.2f} mm); feet not held still {rows[1].times_fewer:.1f}x; straight lines instead "
            f"of curves {rows[2].times_fewer:.1f}x"
        )
    return lines


MOCAP_INTRO = """
## Fewer keys on real people

Motion capture, at most 8 seconds a clip, on an armature of 21 bones with the actor's own sizes. Largest error 2 or 5 mm
for every joint, tip and point beside a bone, 0.8 mm for planted heels and balls of the feet; what is really off is
measured on the written curves at all frames. The files hold 30 frames a second; 60 are made by cubic interpolation.
"""


def bench_solver(rounds: int, *, curve: bool) -> list[str]:
    """The solve alone: a minute of video against its floor and its peer, and time and memory against length."""
    script = str(BENCH / "run_solver.py")
    minute = [run_json([sys.executable, script, "1800", "--floor"]) for _ in range(rounds)]
    seconds, floor = median(minute, "seconds"), median(minute, "floor_s")
    peer = run_json([sys.executable, script, "60", "--peer"])
    lines = [
        f"Solve of 60 s at 30 frames/s: {seconds:.2f} s, {1800 / seconds:.0f} frames/s; its "
        f"{minute[0]['factorisations']} banded factorisations alone: {floor:.2f} s (floor); "
        f"**ratio {seconds / floor:.1f}**",
        f"`scipy.optimize.least_squares` with a sparse Jacobian, {peer['peer_frames']:.0f} frames, one stage: "
        f"{peer['peer_s']:.2f} s; ours: {peer['ours_s']:.3f} s; **ratio {peer['peer_s'] / peer['ours_s']:.0f}x**",
    ]
    if curve:
        for frames in (1_000, 3_000, 10_000, 30_000, 100_000):
            row = run_json([sys.executable, script, str(frames)])
            lines.append(
                f"Solve of {frames} frames: {row['seconds']:.1f} s, {row['frames_per_s']:.0f} frames/s, "
                f"{1000 * row['cpu_seconds'] / frames:.2f} ms of processor time a frame, "
                f"peak {row['peak_mb']:.0f} MB ({1000 * (row['peak_mb'] - row['before_mb']) / frames:.0f} kB a frame)"
            )
    return lines


def main() -> int:
    """Run the parts asked for and print or write a page of results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("video", type=Path, nargs="?", default=ROOT / "samples" / "mannequin_walk.mp4")
    parser.add_argument("--repeat", type=int, default=6, help="play the clip this often for the timing (default 6)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds to take the median of (default 3)")
    parser.add_argument("--peer", action="store_true", help="also run the reference MediaPipe pipeline")
    parser.add_argument("--skip", default="", help="parts to leave out: video,memory,start,keys,solver,curve")
    parser.add_argument("--mocap", type=Path, help="folder of motion capture: also thin out keys of real people")
    parser.add_argument("--out", type=Path, help="also write the page here")
    options = parser.parse_args()
    skip = set(options.skip.split(","))
    lines = [f"{os.cpu_count()} processor cores."]
    if "video" not in skip:
        lines[0] = (
            f"Clip: `{options.video.name}` x {options.repeat}; {lines[0][:-1]}; medians of {options.rounds} rounds."
        )
    if "video" not in skip:
        with tempfile.TemporaryDirectory() as folder:
            clip = Path(folder) / f"long{options.video.suffix}"
            repeat_clip(options.video, options.repeat, clip)
            lines += bench_video(clip, options.rounds, options.peer)
    if "memory" not in skip:
        lines += bench_memory(options.video, (1, 4, 16))
    if "start" not in skip:
        lines += bench_start()
    if "keys" not in skip:
        lines += bench_keys()
    if "solver" not in skip:
        lines += bench_solver(options.rounds, curve="curve" not in skip)
    page = "# Benchmark\n\n" + "\n".join(f"- {line}" for line in lines) + "\n"
    if options.mocap:
        from pose_core.lab.bench.fewer_keys import mocap_table

        page += MOCAP_INTRO + "\n" + "\n".join(mocap_table(options.mocap)) + "\n"
    print(page)
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(page, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
