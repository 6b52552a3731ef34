"""A person as objects in Blender."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import bpy
import numpy as np

from pose_core.lab.mannequin import body, rig, scene
from pose_core.lab.mannequin.body import Part
from pose_core.lab.mannequin.shape import shaped_part, shaped_points
from pose_core.lab.mannequin.skeleton import BONE_NAMES, Points
from pose_core.lab.mannequin.skin import part_weights
from pose_core.lab.rendered_people.people import Cloth, Colour, Person, pattern_image
from pose_core.types import FloatArray, IntArray

_FINE = 1.0 / 0.6  # pictures of some hundred pixels show no more


class Figure:
    """A person's armature, rest pose, and which bone each polygon follows most.

    Args:
        person: who it is.
        rng: where chance comes from.
        label: put before the names of materials, so that several people keep their own colours.
        over: parts worn over the person's own clothes, with their weights (V, B).
        without: names of parts of the person's own clothes to leave out.
        colours: linear RGB of further materials by name.
    """

    def __init__(
        self,
        person: Person,
        rng: np.random.Generator,
        label: str = "",
        over: Sequence[tuple[Part, FloatArray]] = (),
        without: Sequence[str] = (),
        colours: dict[str, Colour] | None = None,
    ) -> None:
        self.points: Points = shaped_points(person.shape)
        self.armature: Any = rig.build_armature("Person", self.points)
        self.parts: list[Any] = []
        self.bone_of_polygon: dict[str, IntArray] = {}
        self.materials = _materials(person, rng, label)
        self.materials |= {name: rig.plain_material(label + name, rgb) for name, rgb in (colours or {}).items()}
        for part, weights in (*_wardrobe(person), *over):
            if part.name not in without:
                self._add(part, weights, person, self.materials)

    def _add(self, part: Part, weights: FloatArray, person: Person, materials: dict[str, Any]) -> None:
        thing = rig.build_skinned(shaped_part(part, weights, person.shape, self.points), weights, self.armature)
        for name in part.materials:
            thing.data.materials.append(materials[name])
        cloth = person.bottom if part.name in ("trousers", "wide_trousers", "skirt") else person.top
        _unwrap(thing, part, cloth.period_m)
        if part.name == "head" and person.beard:
            thing.data.materials.append(materials["beard"])
            thing.data.polygons.foreach_set("material_index", _beard(part).astype(np.int32))
        self.parts.append(thing)
        self.bone_of_polygon[thing.name] = np.argmax(weights[part.mesh.quads].sum(axis=1), axis=1)

    def bone_at(self, thing: Any, polygon: int) -> str | None:
        """The bone that a polygon of an object follows most; None for what is not this person's."""
        bones = self.bone_of_polygon.get(thing.name)
        return None if bones is None else BONE_NAMES[int(bones[polygon])]


def _wardrobe(person: Person) -> list[tuple[Part, FloatArray]]:
    bare_from = 0.42 if person.sleeve_share > 0.3 else 0.0
    found = [_arms(bare_from), _shirt(person.sleeve_share), _trousers(person.hem_z_m), *_shoes()]
    if person.forearm_share is not None:
        found.append(_sleeves(person.forearm_share))
    if person.hem_z_m > 0.1:
        found.append(_legs())
    if person.skirt_hem_m is not None:
        found.append(_skirt(person.skirt_hem_m))
    if person.wristband:
        found.append(_cuffs())
    return [*found, *_head(person.hair_style)]


# The surface of a part depends on its cut alone, so that bodies share it.


def _with_weights(part: Part) -> tuple[Part, FloatArray]:
    return part, part_weights(part)


@lru_cache
def _arms(start_share: float) -> tuple[Part, FloatArray]:
    return _with_weights(body.build_arms(_FINE, start_share))


@lru_cache
def _shirt(sleeve_share: float) -> tuple[Part, FloatArray]:
    return _with_weights(body.build_shirt(_FINE, sleeve_share))


@lru_cache
def _sleeves(end_share: float) -> tuple[Part, FloatArray]:
    return _with_weights(body.build_sleeves(_FINE, end_share))


@lru_cache
def _trousers(hem_z_m: float) -> tuple[Part, FloatArray]:
    return _with_weights(body.build_trousers(_FINE, hem_z_m))


@lru_cache
def _skirt(hem_z_m: float) -> tuple[Part, FloatArray]:
    return _with_weights(body.build_skirt(_FINE, hem_z_m))


@lru_cache
def _legs() -> tuple[Part, FloatArray]:
    return _with_weights(body.build_legs(_FINE))


@lru_cache
def _shoes() -> tuple[tuple[Part, FloatArray], ...]:
    return tuple(_with_weights(part) for part in body.build_shoes(_FINE))


@lru_cache
def _cuffs() -> tuple[Part, FloatArray]:
    return _with_weights(body.build_cuffs(_FINE))


@lru_cache
def _head(hair: str) -> tuple[tuple[Part, FloatArray], ...]:
    return tuple(_with_weights(part) for part in body.build_head(_FINE, hair))


def _materials(person: Person, rng: np.random.Generator, label: str) -> dict[str, Any]:
    colours: dict[str, Colour] = {
        "skin": person.skin, "hair": person.hair, "lips": person.lips, "iris": person.iris, "shoes": person.shoes,
        "soles": person.soles, "eye_white": (0.85, 0.84, 0.82), "pupil": (0.005, 0.005, 0.005),
        "beard": _mixed(person.hair, person.skin, 0.6),
    }  # fmt: skip
    made = {name: rig.plain_material(label + name, colour) for name, colour in colours.items()}
    made["shirt"] = _cloth_material("shirt", person.top, rng)
    made["trousers"] = _cloth_material("trousers", person.bottom, rng)
    # A band in the colour of the shirt would still show as a gap in its pattern.
    made["shirt_band"] = (
        made["shirt"] if person.band == person.top.colour else rig.plain_material(f"{label}band", person.band)
    )
    return made


def _mixed(a: Colour, b: Colour, share: float) -> Colour:
    return (
        share * a[0] + (1.0 - share) * b[0],
        share * a[1] + (1.0 - share) * b[1],
        share * a[2] + (1.0 - share) * b[2],
    )


def _cloth_material(name: str, cloth: Cloth, rng: np.random.Generator) -> Any:
    return scene.textured_material(name, scene.new_image(name, pattern_image(cloth, rng)))


def _unwrap(thing: Any, part: Part, period_m: float) -> None:
    """Texture coordinates in the modelled rest pose, a tile every `period_m`: round the body, and up."""
    corners = part.mesh.vertices[part.mesh.quads].reshape(-1, 3)
    along_arm = np.abs(corners[:, 0]) > 0.21
    across = np.where(along_arm, corners[:, 2], corners[:, 0] + 0.5 * corners[:, 1])
    up = np.where(along_arm, np.abs(corners[:, 0]), corners[:, 2])
    layer = thing.data.uv_layers.new(name="UVMap")
    layer.data.foreach_set("uv", (np.stack([across, up], axis=-1) / period_m).astype(np.float32).ravel())


def _beard(part: Part) -> IntArray:
    """(F,) 1 for the quads of the head where a beard grows."""
    middle = part.mesh.vertices[part.mesh.quads].mean(axis=1)
    x, y, z = middle.T
    jaw = (y < -0.02) & (z < 1.597) & (z > 1.520)
    whiskers = (np.abs(x) > 0.05) & (y < 0.0) & (z < 1.640) & (z > 1.520)
    return np.asarray(jaw | whiskers, dtype=np.int64)


def remove_everything() -> None:
    """An empty scene: objects, meshes, materials, images and actions gone."""
    for collection in ("objects", "meshes", "armatures", "materials", "images", "actions", "cameras"):
        things = getattr(bpy.data, collection)
        for thing in list(things):
            things.remove(thing)
