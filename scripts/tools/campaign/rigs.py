"""Rigs: every character at hand under every change that a rig may have, mapped, keyed and looked at in Blender."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from pose_core.lab.bench.sample import sample_motion
from pose_core.motion_file import write_motion
from pose_core.retarget.mapping.families import name_presets
from tools.blender import BPY_VERSIONS, DEFAULT_BPY, read_bpy
from tools.errors import SetupError
from tools.paths import project_root

from .frame import Case, Outcome

NAME = "rigs"
TITLE = "Rigs"
ABOUT = """
Every character at hand (the test rigs, the rigs on which retargeting once failed, Blender's own Rigify rigs, and the
built-in skeleton under the names of every known family) under one to three changes: scale, heading, rolls, prefixes,
names that say nothing, other families' names, bones that are added or missing, bones that hang elsewhere, connected
bones, inheritance and rotation modes, other rest poses, parents, IK, limits, old actions. Each is mapped, gets a walk,
and is evaluated by Blender.

- **right**: mapped as it should be; no joint off by more than 1 % of the height, planted feet slide less than 1 mm a
  frame (for a figure of 1.7 m).
- **said**: what a constraint or driver moves was off, and the report named the bones and what moves them.
- **refused**: a sentence instead of a take, where one was right: animals, exchanged sides, mirrored or unevenly scaled
  objects, names and shape that say too little.
- **turned away**: refused, although it should have been mapped.
- **wrong**: another bone than the right one, a joint off without a word, an error that is no sentence, or a crash.
"""
VERDICTS = ("right", "said", "refused", "turned away", "wrong")
GOOD = ("right", "said", "refused")
CASES = 300
CHANGES = (
    "scaled", "turned", "lying_data", "rolls", "extra_bones", "namespace", "nameless", "other_family", "without_toes",
    "without_neck", "without_clavicles", "without_hands", "one_spine", "two_spines", "loose_feet", "loose_hands",
    "loose_thighs", "arms_on_neck", "connected_hips", "inheritance", "rotation_modes", "arms_down", "knees_bent",
    "hunched", "scaled_parent", "uneven_parent", "moving_parent", "leg_ik", "leg_ik_turning", "arm_ik_pole",
    "elbow_limits", "driven_bone", "old_action", "old_pose", "twist_bones", "exchanged_sides", "mirrored",
    "facing_away", "upper_case", "spine_ik", "long_arms", "short_legs", "hidden_locked", "ik_influence_half",
    "child_of_hips", "leg_ik_driven",
)  # fmt: skip
_CHUNK = 12
_CASE_LIMIT_S = 60.0
_SCRIPT = Path(__file__).with_name("rigs_in_blender.py")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which Blender."""
    parser.add_argument("--bpy", choices=BPY_VERSIONS, default=DEFAULT_BPY, help="version of Blender's Python module")


def plan(seed: int) -> Iterator[Case]:
    """First every character as it is and every change once, then characters under several changes."""
    characters = _characters()
    human = [name for name in characters if not _is_animal(name)]
    for name in characters:
        yield _case(name, [], 0)
    rng = np.random.default_rng(seed)
    for change in CHANGES:
        for name in rng.choice(human, 2, replace=False):
            yield _case(str(name), [change], int(rng.integers(1 << 30)))
    while True:
        count = int(rng.integers(1, 4))
        changes = [str(one) for one in rng.choice(CHANGES, count, replace=False)]
        yield _case(str(rng.choice(human)), changes, int(rng.integers(1 << 30)))


def run(cases: Sequence[Case], deadline: float, options: argparse.Namespace) -> Iterator[Outcome]:
    """Try cases in processes of Blender's module, a dozen each; one that crashes or hangs is its case's verdict."""
    python = read_bpy(options.bpy)
    if python is None:
        raise SetupError(
            f"bpy {options.bpy} is not installed.", advice="`python3 scripts/test.py --tier blender` installs it."
        )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_motion(folder / "walk.motion.npz", sample_motion(48))
        left = list(cases)
        while left and time.monotonic() < deadline:
            outcomes = _chunk(left[:_CHUNK], python, folder, min(deadline, time.monotonic() + _CHUNK * _CASE_LIMIT_S))
            yield from outcomes
            done = {one.id for one in outcomes}
            left = [case for case in left if case.id not in done]


def _chunk(cases: Sequence[Case], python: Path, folder: Path, deadline: float) -> list[Outcome]:
    """Outcomes of the cases that one process came to."""
    jobs, results = folder / "cases.json", folder / "results.jsonl"
    jobs.write_text(json.dumps([{"id": c.id, "group": c.group, **c.what} for c in cases]), encoding="utf-8")
    results.unlink(missing_ok=True)
    environment = {**os.environ, "BLENDER_USER_RESOURCES": str(folder / "blender"), "PYTHONNOUSERSITE": "1"}
    command = [
        str(python),
        "-X",
        "faulthandler",
        str(_SCRIPT),
        str(jobs),
        str(results),
        str(folder / "walk.motion.npz"),
    ]
    how = "the process crashed"
    with (folder / "log.txt").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=environment)
        try:
            code = process.wait(max(deadline - time.monotonic(), 5.0))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            code, how = 1, "no end" if deadline - time.monotonic() > -5.0 else "stopped"
    lines = results.read_text(encoding="utf-8").splitlines() if results.is_file() else []
    outcomes = [Outcome(**json.loads(line)) for line in lines if line.endswith("}")]
    if code != 0 and len(outcomes) < len(cases) and time.monotonic() < deadline:
        stuck = cases[len(outcomes)]
        tail = (folder / "log.txt").read_text(encoding="utf-8", errors="replace").splitlines()[-3:]
        outcomes.append(Outcome(stuck.id, stuck.group, "wrong", f"{how} ({code}): {' / '.join(tail)}"[:400]))
    return outcomes


def _case(character: str, changes: list[str], seed: int) -> Case:
    label = Path(character).name
    group = "as they are" if not changes else "one change" if len(changes) == 1 else "several changes"
    name = f"{label} {'+'.join(changes) or 'plain'}" + (f" #{seed}" if changes else "")
    return Case(name, group, {"character": character, "changes": changes, "seed": seed})


def _characters() -> list[str]:
    """Files beside the project where they are, the sample's figure, Rigify's rigs, and every family's names."""
    shared = project_root().parent / "shared"
    files = sorted(
        str(path)
        for folder, kinds in (("rigs", (".fbx", ".glb", ".blend")), ("cases", (".fbx", ".blend")))
        for path in (shared / folder).glob("*")
        if path.suffix in kinds
    )
    families = [f"family:{preset.family}" for preset in name_presets() if not preset.controls]
    return [*files, str(project_root() / "samples" / "mannequin.fbx"), "metarig", "rigify", *families]


def _is_animal(character: str) -> bool:
    return Path(character).name in ("dog_quadruped.glb", "tentacle_chain.glb")
