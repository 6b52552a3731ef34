"""One shard: a person in one look, rendered and labelled."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from pose_core.lab.datasets.layout import image_name, write_labels
from pose_core.lab.datasets.mocap import MocapSet
from pose_core.lab.mannequin import rig
from pose_core.lab.mannequin.pose import Pose, pose_joints
from pose_core.lab.rendered_people.figure import Figure, remove_everything
from pose_core.lab.rendered_people.motions import Moment, clips_of_split, draw_moments
from pose_core.lab.rendered_people.people import draw_person
from pose_core.lab.rendered_people.plan import Plan, Shard
from pose_core.lab.rendered_people.surroundings import Surroundings, background_files, set_up_render
from pose_core.lab.rendered_people.views import View, box_of, draw_view
from pose_core.lab.rendered_people.visibility import seen_joints
from pose_core.skeletons.h36m import h36m_joints
from pose_core.types import BoolArray, FloatArray

_PATTERNED = {"lab": 0.3, "wild": 0.65}
_JPEG_QUALITY = {"lab": 92, "wild": 85}
_LEAST_SEEN = 6


@dataclass(frozen=True, eq=False)
class _Scene:
    figure: Figure
    surroundings: Surroundings
    thickness: float


def render_shard(plan: Plan, shard: Shard, mocap: MocapSet, folder: Path) -> None:
    """Render a shard into its folder; what an interrupted run left there is removed first."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    rng = np.random.default_rng((plan.seed, shard.number))
    remove_everything()
    set_up_render(plan.size_px, _JPEG_QUALITY[shard.look])
    person = draw_person(rng, _PATTERNED[shard.look])
    figure = Figure(person, rng)
    files = background_files(Path(plan.backgrounds)) if plan.backgrounds else []
    here = _Scene(
        figure,
        Surroundings(shard.look, files, rng),
        person.shape.size * max(person.shape.torso_girth, person.shape.limb_girth, 1.0),
    )
    moments = draw_moments(mocap, clips_of_split(mocap, shard.split), shard.count, figure.points, rng)
    pose = Pose(np.stack([m.D for m in moments]), np.stack([m.root_m for m in moments]))
    rig.keyframe_pose(figure.armature, pose.D, pose.root_m, figure.points)
    joints = h36m_joints(pose_joints(pose, figure.points))
    rows: list[dict[str, Any]] = []
    for i, moment in enumerate(moments):
        bpy.context.scene.frame_set(i + 1)
        view, visible = _picture(here, shard.look, plan.size_px, joints[i], folder / image_name(i), rng)
        rows.append(_row(shard, moment, view, joints[i], visible))
    # A picture's number and its seed must not depend on when the labels were written: one file, at the end.
    write_labels(folder, {name: np.stack([row[name] for row in rows]) for name in rows[0]})


def _picture(
    here: _Scene, look: str, size_px: int, joints_m: FloatArray, path: Path, rng: np.random.Generator
) -> tuple[View, BoolArray]:
    view = draw_view(joints_m, look, size_px, rng)
    here.surroundings.prepare(view, joints_m, rng)
    bpy.context.view_layer.update()
    eye = view.T_world_camera[:3, 3]
    inside = view.inside(view.project(joints_m))
    visible = inside & seen_joints(here.figure, joints_m, eye, here.thickness)
    if visible.sum() < _LEAST_SEEN:
        here.surroundings.remove_occluders()
        bpy.context.view_layer.update()
        visible = inside & seen_joints(here.figure, joints_m, eye, here.thickness)
    bpy.context.scene.render.filepath = str(path)
    bpy.ops.render.render(write_still=True)
    return view, visible


def _row(shard: Shard, moment: Moment, view: View, joints_m: FloatArray, visible: BoolArray) -> dict[str, Any]:
    camera_m = view.points_camera(joints_m)
    return {
        "joints_px": view.project(joints_m).astype(np.float32),
        "joints_m": (camera_m - camera_m[0]).astype(np.float32),
        "root_m": camera_m[0].astype(np.float32),
        "visible": visible,
        "camera_matrix": view.camera_matrix.astype(np.float32),
        "T_world_camera": view.T_world_camera.astype(np.float32),
        "box_px": box_of(view, joints_m).astype(np.float32),
        "subject": np.array(shard.subject),
        "performer": np.array(moment.performer),
        "action": np.array(moment.action),
        "clip": np.array(moment.clip),
        "frame": np.array(moment.frame, dtype=np.int64),
        "look": np.array(shard.look),
    }
