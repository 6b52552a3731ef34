"""Reads FBX files with ufbx and BVH files with bvhio: `read_python.py JOBS.json OUT.json`, as `read_three.mjs` does."""

import json
import sys
from pathlib import Path

import bvhio
import numpy as np
import pufbx
from pufbx.animation.bake_anim import bake_anim


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
    """Value of ufbx's keys at a time."""
    times, values = keys["time"], keys["value"]
    values = np.stack([values[axis] for axis in values.dtype.names], axis=-1) if values.dtype.names else values
    i = int(np.clip(np.searchsorted(times, time, side="right") - 1, 0, len(times) - 1))
    if i + 1 >= len(times) or times[i + 1] == times[i]:
        return values[i]
    share = float(np.clip((time - times[i]) / (times[i + 1] - times[i]), 0, 1))
    return slerp(values[i], values[i + 1], share) if turn else values[i] + share * (values[i + 1] - values[i])


def matrix(translation, rotation, scale):
    """(4, 4) of a local transform; quaternions xyzw."""
    x, y, z, w = rotation / np.linalg.norm(rotation)
    out = np.eye(4)
    out[:3, :3] = np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    ) * np.asarray(scale)
    out[:3, 3] = translation
    return out


def read_fbx(job):
    """With ufbx."""
    scene = pufbx.load_fbx(job["file"])
    baked = bake_anim(scene, no_resample_rotation=True)
    moved = {node.typed_id: node for node in baked.modified_nodes}
    order = [node for node in scene.nodes if node.parent is not None]
    nodes, sizes = {}, []

    def places(local):
        world = {scene.root_node.typed_id: np.eye(4)}
        for node in order:  # parents come first
            world[node.typed_id] = world[node.parent.typed_id] @ local(node)
        return world

    def resting(node):
        t = node.local_transform
        return matrix(t.translation.as_array(), t.rotation.as_array(), t.scale.as_array())

    rest = places(resting)
    for node in order:
        size = node.local_transform.scale.as_tuple()
        sizes += size
        nodes[node.name] = {"rest": rest[node.typed_id][:3, 3].tolist(), "scale": list(size), "at": []}
    for time in job["times"]:

        def moving(node, time=time):
            keys = moved.get(node.typed_id)
            if keys is None:
                return resting(node)
            return matrix(
                between(keys.translation_keys, time, False),
                between(keys.rotation_keys, time, True),
                between(keys.scale_keys, time, False),
            )

        world = places(moving)
        for node in order:
            nodes[node.name]["at"].append(world[node.typed_id][:3, 3].tolist())
    roots = [node.name for node in order if node.parent.is_root]
    return {
        "clips": [[stack.name, 0.0] for stack in scene.anim_stacks],
        "duration": baked.playback_duration,
        "first": baked.key_time_min,
        "nodes": nodes,
        "scales": [min(sizes), max(sizes)],
        "keys": max(max(len(n.rotation_keys), len(n.translation_keys)) for n in baked.modified_nodes),
        "roots": roots,
        "said": [],
    }


def read_bvh(job):
    """With bvhio: whole frames only."""
    file = bvhio.readAsBvh(job["file"])
    root = bvhio.convertBvhToHierarchy(file.Root).loadRestPose(recursive=True)
    joints = [joint for joint, _, _ in root.layout()]
    nodes = {joint.Name: {"rest": list(joint.PositionWorld), "scale": [1, 1, 1], "at": []} for joint in joints}
    for time in job["times"]:
        root.loadPose(round(time / file.FrameTime), recursive=True)
        for joint in joints:
            nodes[joint.Name]["at"].append(list(joint.PositionWorld))
    return {
        "clips": [["", (file.FrameCount - 1) * file.FrameTime]],
        "duration": (file.FrameCount - 1) * file.FrameTime,
        "first": 0.0,
        "nodes": nodes,
        "scales": [1, 1],
        "keys": file.FrameCount,
        "said": [],
    }


def main():
    """Read every job; one that fails says why."""
    out = {}
    for job in json.loads(Path(sys.argv[1]).read_text()):
        try:
            out[job["file"]] = read_bvh(job) if job["file"].endswith(".bvh") else read_fbx(job)
        except Exception as error:  # noqa: BLE001 - whatever a reader trips over is the result
            out[job["file"]] = {"failed": repr(error)}
    Path(sys.argv[2]).write_text(json.dumps(out))


if __name__ == "__main__":
    main()
