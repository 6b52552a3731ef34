"""The rooms of the house, from the ground up: a room may import those above it in this list, never those below."""

from collections.abc import Mapping
from dataclasses import dataclass

from .import_graph import Import


@dataclass(frozen=True)
class Room:
    """Modules that belong together."""

    name: str
    modules: tuple[str, ...]
    """Packages and modules, each with all that is below it."""
    about: str
    """One line."""


ROOMS = (
    Room("basics", ("pose_core", *(f"pose_core.{name}" for name in ("errors", "types", "files", "folders",
                    "process_lock", "stages", "cancel", "temporaries", "untrusted"))),
         "errors with hints, checked types, safe files and readers"),
    Room("processes", ("pose_core.processes",), "child processes that end with their parent"),
    Room("maths", ("pose_core.maths",), "rotations, cameras, frame times, metrics"),
    Room("skeletons", ("pose_core.skeletons",), "joint trees, keypoint sets and how they map"),
    Room("contracts", ("pose_core.config", "pose_core.motion_file", "pose_core.casting", "pose_core.doubts",
                       "pose_core.job_paths"),
         "one request in, one motion file out, who plays whom"),
    Room("runtime", ("pose_core.runtime", "pose_core.weights"), "model catalogue, store, ONNX and LiteRT sessions"),
    Room("video", ("pose_core.video",), "upright frames with exact times, previews out"),
    Room("keypoints", ("pose_core.keypoints",), "crops, and 2D keypoints in them"),
    Room("detect", ("pose_core.detect",), "people in a frame"),
    Room("track", ("pose_core.track",), "who is who from frame to frame"),
    Room("lift", ("pose_core.lift",), "repair of 2D, joints in 3D about the pelvis"),
    Room("solve", ("pose_core.solve",), "one motion of a body over the whole clip"),
    Room("retarget", ("pose_core.retarget",), "bones of any rig, and keys for them"),
    Room("export", ("pose_core.export",), "files that other programs read right"),
    Room("preview", ("pose_core.preview",), "the skeleton over the footage"),
    Room("pipeline", ("pose_core.pipeline",), "video to motion files"),
    Room("worker", ("pose_core.worker",), "the pipeline in a process of its own, JSON lines"),
    Room("install", ("pose_core.install",), "the worker's environment"),
    Room("batch", ("pose_core.batch",), "lists of jobs, without Blender"),
    Room("cli", ("pose_core.cli",), "the command `pose-core`"),
    Room("add-on", ("blender_addon",), "Blender: panels, jobs, actions; a folder a feature"),
    Room("laboratory", ("pose_core.lab",), "networks, training, data, evaluation; not in the add-on"),
)  # fmt: skip


def room_of(module: str) -> Room | None:
    """The room a module belongs to, by the longest name that fits; None for what is in none of them."""
    best: tuple[int, Room] | None = None
    for room in ROOMS:
        for name in room.modules:
            # the package itself holds no more than its names: its modules must be listed
            fits = module == name or (name != "pose_core" and module.startswith(f"{name}."))
            if fits and (best is None or len(name) > best[0]):
                best = (len(name), room)
    return None if best is None else best[1]


def arrows(imports: tuple[Import, ...]) -> Mapping[tuple[str, str], list[Import]]:
    """What leads from one room to another: imports for type checkers, and the package's public names, left out."""
    found: dict[tuple[str, str], list[Import]] = {}
    for i in imports:
        if i.importer == "pose_core":
            continue
        source, target = room_of(i.importer), room_of(i.module)
        if source is not None and target is not None and source is not target and not i.types_only:
            found.setdefault((source.name, target.name), []).append(i)
    return found
