"""Reads files with assimp's command: `read_assimp.py JOBS.json OUT.json`, inside the root that has it.

assimp gives the keys; between them this blends as its own viewers do, straight.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np


def slerp(a, b, share):
    """Between quaternions, the short way."""
    dot = float(a @ b)
    if dot < 0:
        b, dot = -b, -dot
    if dot > 1 - 1e-12:
        return a + share * (b - a)
    angle = np.arccos(dot)
    return (np.sin((1 - share) * angle) * a + np.sin(share * angle) * b) / np.sin(angle)


def between(keys, time, turn):
    """Value of [time, value] keys."""
    times = np.array([key[0] for key in keys])
    i = int(np.clip(np.searchsorted(times, time + 1e-9, side="right") - 1, 0, len(times) - 1))
    here = np.array(keys[i][1])
    if i + 1 >= len(times):
        return here
    there = np.array(keys[i + 1][1])
    share = float(np.clip((time - times[i]) / (times[i + 1] - times[i]), 0, 1))
    return slerp(here, there, share) if turn else here + share * (there - here)


def rotation(q):
    """(3, 3) of a quaternion wxyz."""
    w, x, y, z = q / np.linalg.norm(q)
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )


def walk(node, local, above, out):
    """World matrices of a node and what is below it."""
    world = above @ local(node)
    out[node["name"]] = world
    for child in node.get("children", ()):
        walk(child, local, world, out)


def read(job, folder):
    """One file."""
    target = Path(folder) / "out.assjson"
    done = subprocess.run(
        ["assimp", "export", job["file"], str(target), "-fassjson"], capture_output=True, text=True, check=False
    )
    if done.returncode != 0 or not target.exists():
        return {"failed": done.stdout[-400:] + done.stderr[-400:]}
    scene = json.loads(target.read_text())
    target.unlink()
    clips = scene.get("animations", [])
    channels = {channel["name"]: channel for channel in clips[0]["channels"]} if clips else {}
    rate = clips[0].get("tickspersecond") or 1.0 if clips else 1.0

    def resting(node):
        return np.array(node["transformation"]).reshape(4, 4)

    rest = {}
    walk(scene["rootnode"], resting, np.eye(4), rest)
    nodes = {name: {"rest": matrix[:3, 3].tolist(), "at": []} for name, matrix in rest.items()}
    sizes = []

    def measure(node):
        sizes.extend(np.linalg.norm(resting(node)[:3, :3], axis=0).tolist())
        for child in node.get("children", ()):
            measure(child)

    measure(scene["rootnode"])
    for time in job["times"]:

        def moving(node, tick=time * rate):
            channel = channels.get(node["name"])
            if channel is None:
                return resting(node)
            out = np.eye(4)
            scale = between(channel["scalingkeys"], tick, False) if channel.get("scalingkeys") else np.ones(3)
            out[:3, :3] = rotation(between(channel["rotationkeys"], tick, True)) * scale
            out[:3, 3] = between(channel["positionkeys"], tick, False)
            return out

        world = {}
        walk(scene["rootnode"], moving, np.eye(4), world)
        for name, matrix in world.items():
            nodes[name]["at"].append(matrix[:3, 3].tolist())
    return {
        "clips": [[clip["name"], clip["duration"] / (clip.get("tickspersecond") or 1.0)] for clip in clips],
        "nodes": nodes,
        "scales": [min(sizes), max(sizes)],
        "keys": max((len(c["rotationkeys"]) for c in channels.values()), default=0),
        "first": min((c["rotationkeys"][0][0] for c in channels.values()), default=0.0) / rate,
        "said": [line for line in done.stdout.splitlines() if line.startswith(("Warn", "Error"))],
    }


def main():
    """Read every job."""
    out = {}
    with tempfile.TemporaryDirectory() as folder:
        for job in json.loads(Path(sys.argv[1]).read_text()):
            try:
                out[job["file"]] = read(job, folder)
            except Exception as error:  # noqa: BLE001 - whatever a reader trips over is the result
                out[job["file"]] = {"failed": repr(error)}
    Path(sys.argv[2]).write_text(json.dumps(out))


if __name__ == "__main__":
    main()
