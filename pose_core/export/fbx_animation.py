"""Write clips into an FBX file that has none: stacks, layers, curves, takes and time spans."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from pose_core.export.clip import LocalTracks
from pose_core.export.fbx_file import Node
from pose_core.export.fbx_scene import FbxScene, set_property
from pose_core.export.thinning import KeptKeys, slopes
from pose_core.retarget.rig.channels import euler_angles
from pose_core.types import BoolArray, FloatArray

TICKS = 46_186_158_000
"""Ticks of a second."""
# Linear interpolation; the further bits are what Autodesk's programs write beside it.
_LINEAR = 1 << 2 | 1 << 8 | 1 << 13 | 1 << 14
_CUBIC = 1 << 3 | 1 << 10
# Slope behind a key, slope before the next one, both weights (a third, packed as whole numbers), no velocity.
_KEY_DATA = (0.0, 0.0, 9.419963346924634e-30, 0.0)
_KEY_VERSION = 4008
_TIME = ("KTime", "Time", "")


def add_clips(scene: FbxScene, nodes: Sequence[int], clips: Sequence[tuple[LocalTracks, KeptKeys]],
              shapes: Sequence[dict[str, FloatArray]] = ()) -> None:  # fmt: skip
    """Write clips as one take each; the first is the one that plays.

    Args:
        scene: is changed.
        nodes: ids of the N models that the clips move.
        clips: each with the keys to write.
        shapes: for every clip, name of a mesh to (T, K) values of its shape keys.
    """
    writer = _Writer(scene)
    end = 0
    for k, (tracks, kept) in enumerate(clips):
        end = max(end, writer.add(tracks, kept, nodes, shapes[k] if k < len(shapes) else {}))
    writer.finish([tracks for tracks, _ in clips], end)


def bone_angles(quaternions: FloatArray) -> FloatArray:
    """(T, N, 3) degrees of (T, N, 4) rotations, as they are written."""
    return np.degrees(euler_angles(quaternions, "XYZ"))


class _Writer:
    def __init__(self, scene: FbxScene) -> None:
        self.scene = scene
        self.objects = scene.root.child("Objects")
        self.links = scene.root.child("Connections")
        self._next = max([1_000_000_000, *scene.objects]) + 1
        self.added: dict[str, int] = {}

    def add(self, tracks: LocalTracks, kept: KeptKeys, nodes: Sequence[int], shapes: dict[str, FloatArray]) -> int:
        """One take; returns its last tick."""
        ticks = _ticks(tracks.times_s)
        stack = self._object("AnimationStack", tracks.name, "AnimStack", "")
        for name, tick in zip(("LocalStart", "LocalStop", "ReferenceStart", "ReferenceStop"),
                              (ticks[0], ticks[-1]) * 2, strict=True):  # fmt: skip
            set_property(stack, name, ("L", int(tick)), kind=_TIME)
        layer = self._object("AnimationLayer", tracks.name, "AnimLayer", "")
        self._link(layer, int(stack.first))
        angles = bone_angles(tracks.quaternions)
        for k, model in enumerate(nodes):
            for label, name, values, mask in self._channels(tracks, angles, kept, k):
                self._curve_node(layer, model, label, name, values, ticks, mask, kept.curved)
        everything = np.ones(len(ticks), dtype=np.bool_)
        for mesh, values in shapes.items():
            for channel, column in zip(self._shape_channels(mesh), values.T, strict=False):
                self._curve_node(
                    layer, channel, "DeformPercent", "DeformPercent", 100.0 * column[:, None], ticks, everything, False
                )
        return int(ticks[-1])

    def finish(self, clips: Sequence[LocalTracks], end: int) -> None:
        """What a file says about its takes elsewhere."""
        takes = self.scene.root.child("Takes")
        takes.children = [Node("Current", [("S", clips[0].name.encode() if clips else b"")])]
        for tracks in clips:
            ticks = _ticks(tracks.times_s)
            take = takes.add("Take", ("S", tracks.name.encode()))
            take.add("FileName", ("S", f"{tracks.name}.tak".encode()))
            for name in ("LocalTime", "ReferenceTime"):
                take.add(name, ("L", int(ticks[0])), ("L", int(ticks[-1])))
        settings = self.scene.root.child("GlobalSettings")
        first = int(_ticks(clips[0].times_s)[0]) if clips else 0
        set_property(settings, "TimeSpanStart", ("L", first), kind=_TIME)
        set_property(settings, "TimeSpanStop", ("L", end), kind=_TIME)
        document = self.scene.root.child("Documents").find("Document")
        if document is not None and clips:
            set_property(document, "ActiveAnimStackName", ("S", clips[0].name.encode()), kind=("KString", "", ""))
        self._count()

    def _channels(self, tracks: LocalTracks, angles: FloatArray, kept: KeptKeys, k: int
                  ) -> Iterator[tuple[str, str, FloatArray, BoolArray]]:  # fmt: skip
        yield "T", "Lcl Translation", tracks.translations[:, k], kept.translations[:, k]
        yield "R", "Lcl Rotation", angles[:, k], kept.rotations[:, k]
        if np.any(tracks.scales[:, k] != 1.0):
            yield "S", "Lcl Scaling", tracks.scales[:, k], kept.scales[:, k]

    def _shape_channels(self, mesh: str) -> list[int]:
        """Ids of the shape channels of a mesh, in the order of its shape keys."""
        scene = self.scene
        key = scene.names().get(mesh)
        out: list[int] = []
        for geometry in scene.children.get(key, ()) if key is not None else ():
            for deformer in scene.children.get(geometry, ()):
                if deformer in scene.objects and scene.objects[deformer].values[2][1] == b"BlendShape":
                    out += scene.children.get(deformer, ())
        return out

    def _object(self, kind: str, name: str, sort: str, last: str) -> Node:
        node = self.objects.add(kind, ("L", self._next), ("S", f"{name}\x00\x01{sort}".encode()), ("S", last.encode()))
        self._next += 1
        self.added[kind] = self.added.get(kind, 0) + 1
        return node

    def _link(self, child: Node, parent: int, name: str = "") -> None:
        values = [("S", b"OP" if name else b"OO"), ("L", int(child.first)), ("L", parent)]
        self.links.add("C", *values, *([("S", name.encode())] if name else []))

    def _curve_node(self, layer: Node, target: int, label: str, name: str, values: FloatArray, ticks: FloatArray,
                    mask: BoolArray, curved: bool) -> None:  # fmt: skip
        """Curves of one property of one object."""
        slope = slopes(ticks / TICKS, values)[mask] if curved else None
        node = self._object("AnimationCurveNode", label, "AnimCurveNode", "")
        self._link(node, int(layer.first))
        self._link(node, target, name)
        for axis, letter in enumerate("XYZ" if values.shape[1] == 3 else [label]):
            part = f"d|{letter}"
            set_property(node, part, ("D", float(values[0, axis])), kind=("Number", "", "A"))
            curve = self._object("AnimationCurve", "", "AnimCurve", "")
            curve.add("Default", ("D", float(values[0, axis])))
            curve.add("KeyVer", ("I", _KEY_VERSION))
            curve.add("KeyTime", ("l", ticks[mask]))
            curve.add("KeyValueFloat", ("f", values[mask, axis]))
            flags, data, users = _key_attributes(int(mask.sum()), None if slope is None else slope[:, axis])
            curve.add("KeyAttrFlags", ("i", flags))
            curve.add("KeyAttrDataFloat", ("f", data))
            curve.add("KeyAttrRefCount", ("i", users))
            self._link(curve, int(node.first), part)

    def _count(self) -> None:
        """The file's own list of how many objects of each kind it has."""
        definitions = self.scene.root.child("Definitions")
        total = definitions.child("Count")
        total.values = [("I", int(total.first) + sum(self.added.values()))]
        for kind, number in self.added.items():
            entry = next((one for one in definitions.all("ObjectType") if one.first == kind.encode()), None)
            if entry is None:
                entry = definitions.add("ObjectType", ("S", kind.encode()))
                entry.add("Count", ("I", 0))
            count = entry.child("Count")
            count.values = [("I", int(count.first) + number)]


def _key_attributes(count: int, slope: FloatArray | None) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Flags, slopes and for how many keys each holds: one for all straight ones, one for each on a curve."""
    if slope is None:
        return np.array([_LINEAR]), np.array(_KEY_DATA), np.array([count])
    data = np.tile(_KEY_DATA, (count, 1))
    data[:, 0], data[:, 1] = slope, np.append(slope[1:], 0.0)
    return np.full(count, _CUBIC), data.ravel(), np.ones(count, dtype=np.int64)


def _ticks(times_s: FloatArray) -> FloatArray:
    return np.asarray(np.round(times_s * TICKS).astype(np.int64))
