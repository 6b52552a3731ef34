"""The nodes of a glTF file: scale taken out of them, skinned meshes at the top, clips as animations."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from pose_core.export.clip import LocalTracks, inverse_rigid, rigid
from pose_core.export.glb_file import Glb
from pose_core.export.thinning import KeptKeys, slopes
from pose_core.maths.rotations import matrix_to_quaternion, quaternion_to_matrix
from pose_core.types import BoolArray, FloatArray

_NO_SCALE = 1e-6
# Godot keeps none of these in the names of bones and of other nodes.
_NOT_IN_BONES, _NOT_IN_NODES = re.compile(r"[:/]"), re.compile(r'[:./@%"]')


def node_parents(glb: Glb) -> list[int]:
    """Index of the node above each, -1 at the top."""
    parents = [-1] * len(glb.list_of("nodes"))
    for k, node in enumerate(glb.list_of("nodes")):
        for child in node.get("children", ()):
            parents[child] = k
    return parents


def node_globals(glb: Glb) -> list[FloatArray]:
    """(4, 4) global transform of each node."""
    nodes, parents = glb.list_of("nodes"), node_parents(glb)
    out: list[FloatArray | None] = [None] * len(nodes)

    def place(k: int) -> FloatArray:
        found = out[k]
        if found is None:
            local = local_matrix(nodes[k])
            out[k] = found = local if parents[k] < 0 else place(parents[k]) @ local
        return found

    return [place(k) for k in range(len(nodes))]


def local_matrix(node: dict[str, Any]) -> FloatArray:
    """(4, 4) of a node against its parent."""
    if "matrix" in node:
        return np.array(node["matrix"], dtype=np.float64).reshape(4, 4).T
    out = np.eye(4)
    x, y, z, w = node.get("rotation", (0.0, 0.0, 0.0, 1.0))
    out[:3, :3] = quaternion_to_matrix(np.array([w, x, y, z])) * np.array(node.get("scale", (1.0, 1.0, 1.0)))
    out[:3, 3] = node.get("translation", (0.0, 0.0, 0.0))
    return out


def set_local(node: dict[str, Any], local: FloatArray) -> None:
    """Write a node's transform: (4, 4) without scale."""
    for name in ("matrix", "scale", "rotation", "translation"):
        node.pop(name, None)
    if np.any(np.abs(local[:3, 3]) > 0):
        node["translation"] = local[:3, 3].tolist()
    w, x, y, z = matrix_to_quaternion(local[:3, :3])
    if abs(w) < 1.0:
        node["rotation"] = [float(x), float(y), float(z), float(w)]


def without_scale(glb: Glb, size: float = 1.0) -> list[str]:
    """Take the scale out of all nodes: sizes go into distances, meshes and bind matrices; the picture stays the same.

    Args:
        glb: is changed.
        size: makes everything larger besides.
    Returns:
        Names of nodes that keep theirs: mirrored ones, and meshes that several nodes show in different sizes.
    """
    nodes, parents = glb.list_of("nodes"), node_parents(glb)
    old = [np.diag([size, size, size, 1.0]) @ matrix for matrix in node_globals(glb)]
    new = [rigid(matrix) for matrix in old]
    stretch = [new[k][:3, :3].T @ old[k][:3, :3] for k in range(len(nodes))]
    for node, k in ((node, k) for k, node in enumerate(nodes) if "skin" in node and "mesh" in node):
        # a skinned mesh is placed by its joints alone
        joint = glb.json["skins"][node["skin"]]["joints"][0]
        stretch[k] = np.eye(3) * float(np.cbrt(abs(np.linalg.det(old[joint][:3, :3]))))
    kept = _bake_meshes(glb, stretch)
    for k in kept:
        new[k] = old[k]
    _bind_again(glb, old, new, stretch, kept)
    for k, node in enumerate(nodes):
        local = new[k] if parents[k] < 0 else np.linalg.inv(new[parents[k]]) @ new[k]
        if k in kept:
            set_local(node, rigid(local))
            sizes: FloatArray = np.asarray(np.linalg.norm(local[:3, :3], axis=0))
            node["scale"] = [*sizes[:2].tolist(), float(sizes[2] * np.sign(np.linalg.det(local[:3, :3])))]
        else:
            set_local(node, local)
    return [str(nodes[k].get("name", k)) for k in kept]


def _bake_meshes(glb: Glb, stretch: list[FloatArray]) -> list[int]:
    """Bring meshes to their size in the world; indices of the nodes whose meshes cannot be."""
    users: dict[int, list[int]] = {}
    for k, node in enumerate(glb.list_of("nodes")):
        if "mesh" in node:
            users.setdefault(node["mesh"], []).append(k)
    kept: list[int] = []
    done: set[int] = set()
    for mesh, members in users.items():
        L = stretch[members[0]]
        alike = all(np.allclose(stretch[k], L, rtol=1e-5, atol=1e-9) for k in members)
        if np.allclose(L, np.eye(3), atol=_NO_SCALE) and alike:
            continue
        if not alike or np.linalg.det(L) <= 0:
            kept += members
            continue
        for primitive in glb.json["meshes"][mesh]["primitives"]:
            for attributes in (primitive["attributes"], *primitive.get("targets", ())):
                base = attributes is primitive["attributes"]
                for name, accessor in attributes.items():
                    if accessor not in done:
                        done.add(accessor)
                        _bake_attribute(glb, name, accessor, L, base)
    return kept


def _bake_attribute(glb: Glb, name: str, accessor: int, L: FloatArray, base: bool) -> None:
    even = np.allclose(L, np.eye(3) * L[0, 0], rtol=1e-5, atol=1e-9 * abs(L[0, 0]))
    if name == "POSITION":
        glb.transform(accessor, L)
    elif name == "NORMAL" and not even:
        glb.transform(accessor, np.asarray(np.linalg.inv(L).T, dtype=np.float64), unit=base)


def _bind_again(
    glb: Glb, old: list[FloatArray], new: list[FloatArray], stretch: list[FloatArray], kept: list[int]
) -> None:
    """Bind matrices for joints without scale and meshes of another size."""
    done: set[int] = set()
    nodes = glb.list_of("nodes")
    for index, skin in enumerate(glb.json.get("skins", ())):
        accessor = skin.get("inverseBindMatrices")
        if accessor is None or accessor in done:
            continue
        done.add(accessor)
        mesh = next((k for k, node in enumerate(nodes) if node.get("skin") == index and k not in kept), None)
        undo = np.eye(4)
        if mesh is not None:
            undo[:3, :3] = np.linalg.inv(stretch[mesh])
        binds = np.swapaxes(glb.floats(accessor).reshape(-1, 4, 4), 1, 2)
        joints = skin["joints"]
        moved = np.stack([inverse_rigid(new[j]) @ old[j] @ binds[i] @ undo for i, j in enumerate(joints)])
        moved[:, 3] = (0.0, 0.0, 0.0, 1.0)
        glb.set_floats(accessor, np.swapaxes(moved, 1, 2).reshape(-1, 16))


def skinned_meshes_to_top(glb: Glb) -> None:
    """Put nodes with skinned meshes at the top, where the format wants them: no other node moves them anyway."""
    nodes, parents = glb.list_of("nodes"), node_parents(glb)
    scene = glb.json["scenes"][glb.json.get("scene", 0)]
    for k, node in enumerate(nodes):
        if "skin" not in node or node.get("children"):
            continue
        set_local(node, np.eye(4))
        if parents[k] >= 0:
            above = nodes[parents[k]]
            above["children"] = [c for c in above["children"] if c != k]
            if not above["children"]:
                del above["children"]
            scene["nodes"].append(k)


def plain_names(glb: Glb) -> dict[str, str]:
    """Give nodes names that Godot keeps as they are, each once; old name to new where they differ."""
    taken: set[str] = set()
    changed: dict[str, str] = {}
    joints = {joint for skin in glb.json.get("skins", ()) for joint in skin["joints"]}
    for k, node in enumerate(glb.list_of("nodes")):
        old = str(node.get("name", ""))
        base = (_NOT_IN_BONES if k in joints else _NOT_IN_NODES).sub("_", old)
        new, number = base, 1
        while new in taken:
            number += 1
            new = f"{base}_{number}"
        taken.add(new)
        node["name"] = new
        if new != old:
            changed[old] = new
    return changed


def add_clips(glb: Glb, nodes: Sequence[int], clips: Sequence[tuple[LocalTracks, KeptKeys]],
              shapes: Sequence[dict[str, FloatArray]] = ()) -> None:  # fmt: skip
    """Write clips as one animation each.

    Args:
        glb: is changed; animations that it has are removed.
        nodes: indices of the N nodes that the clips move.
        clips: each with the keys to write.
        shapes: for every clip, name of a mesh's node to (T, K) values of its shape keys.
    """
    glb.json["animations"] = []
    for k, (tracks, kept) in enumerate(clips):
        writer = _Animation(glb, tracks, kept.curved)
        for n, node in enumerate(nodes):
            writer.add(node, "translation", tracks.translations[:, n], kept.translations[:, n])
            writer.add(node, "rotation", np.roll(tracks.quaternions[:, n], -1, axis=-1), kept.rotations[:, n])
            if np.any(tracks.scales[:, n] != 1.0):
                writer.add(node, "scale", tracks.scales[:, n], kept.scales[:, n])
        everything = np.ones(len(tracks.times_s), dtype=np.bool_)
        for name, values in (shapes[k] if k < len(shapes) else {}).items():
            for n, node_entry in enumerate(glb.list_of("nodes")):
                if node_entry.get("name") == name and "mesh" in node_entry:
                    writer.add(n, "weights", values, everything)
        if writer.entry["channels"]:
            glb.json["animations"].append(writer.entry)
    if not glb.json["animations"]:
        del glb.json["animations"]


class _Animation:
    def __init__(self, glb: Glb, tracks: LocalTracks, curved: bool) -> None:
        self.glb = glb
        self.curved = curved
        self.times_s = tracks.times_s
        self.entry: dict[str, Any] = {"name": tracks.name, "channels": [], "samplers": []}
        self._times: dict[bytes, int] = {}

    def add(self, node: int, path: str, values: FloatArray, mask: BoolArray) -> None:
        """One channel; places that stay as in the rest pose need none."""
        if path == "translation" and not mask[1:-1].any():
            rest = self.glb.json["nodes"][node].get("translation", (0.0, 0.0, 0.0))
            if np.allclose(values[0], rest, rtol=1e-5, atol=1e-6):
                return
        key = mask.tobytes()
        if key not in self._times:
            self._times[key] = self.glb.add_floats(self.times_s[mask, None], bounds=True)
        curved = self.curved and path != "weights"
        output = values[mask].reshape(-1, 1) if path == "weights" else values[mask]
        if curved:
            slope = slopes(self.times_s, values)[mask]  # before, value, behind: key by key
            output = np.stack([slope, output, slope], axis=1).reshape(-1, output.shape[1])
        kind = "CUBICSPLINE" if curved else "LINEAR"
        self.entry["samplers"].append(
            {"input": self._times[key], "interpolation": kind, "output": self.glb.add_floats(output)}
        )
        self.entry["channels"].append(
            {"sampler": len(self.entry["samplers"]) - 1, "target": {"node": node, "path": path}}
        )
