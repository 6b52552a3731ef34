"""Makes the exports once and has every reader look at them."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.interop.compare import Seen, jobs_for, seen
from tests.interop.motions import write_motions
from tests.support.blender import REPOSITORY, run_bpy_script
from tests.support.shared import shared_file

sys.path.insert(0, str(REPOSITORY / "scripts"))

from tools.chroot import Bind, run_in_root
from tools.interop import Readers

READERS = Path(__file__).parent / "readers"
SCRIPT = Path(__file__).parent / "scripts" / "make_exports.py"
BPY = "5.0.1"
INCH_M = 0.0254
RIGS = {
    "metres": "generic_names_tpose.glb",
    "centimetres": "mixamo_tpose.fbx",
    "inches": f"mesh2motion_human_male.glb@{INCH_M}",
    "no root bone": "mannequiny.glb",
    "Unreal": "unreal_twist_ik_apose.glb",
    "VRM": "vroid_names_tpose.glb",
}
TIMEOUT_S = 400

Entry = dict[str, Any]


def make_exports(folder: Path) -> list[Entry]:
    """Export every motion on every rig for every program, in one Blender process."""
    write_motions(folder)
    rigs = [
        f"{name.replace(' ', '_')}={shared_file('rigs/' + file.partition('@')[0])}{''.join(file.partition('@')[1:])}"
        for name, file in RIGS.items()
    ]
    rigs.append(str(shared_file("cases/unreal_root_is_object.blend")))
    run_bpy_script(BPY, SCRIPT, [folder, *rigs], home=folder / "home", timeout_s=TIMEOUT_S)
    entries: list[Entry] = json.loads((folder / "exports.json").read_text(encoding="utf-8"))
    return entries


def _run(argv: Iterable[str | Path]) -> None:
    subprocess.run([str(part) for part in argv], check=True, timeout=TIMEOUT_S, stdin=subprocess.DEVNULL)


def _compared(reader: str, folder: Path, entries: list[Entry], found: dict[str, Any], metres: bool = False,
              bakes: Callable[[Entry], bool] = lambda _: False) -> list[Seen]:  # fmt: skip
    return [seen(reader, folder, e, found[str(folder / e["file"])], metres, bakes(e)) for e in entries]


def _asked(name: str, folder: Path, jobs: list[dict[str, Any]]) -> tuple[Path, Path]:
    """Files with the jobs of a reader and for its answers."""
    asked, answered = folder / f"{name}.jobs.json", folder / f"{name}.found.json"
    asked.write_text(json.dumps(jobs), encoding="utf-8")
    return asked, answered


def read_with_three(readers: Readers, folder: Path, entries: list[Entry]) -> list[Seen]:
    """Everything with three.js; GLB files with the glTF validator too."""
    found = _three(readers, "three", folder, jobs_for(folder, entries))
    return _compared("three.js", folder, entries, found)


def _three(readers: Readers, name: str, folder: Path, jobs: list[dict[str, Any]]) -> dict[str, Any]:
    asked, answered = _asked(name, folder, jobs)
    assert readers.node is not None
    _run(["node", READERS / "read_three.mjs", readers.node / "node_modules", asked, answered])
    found: dict[str, Any] = json.loads(answered.read_text(encoding="utf-8"))
    return found


def read_with_python(readers: Readers, folder: Path, entries: list[Entry]) -> list[Seen]:
    """FBX with ufbx, BVH with bvhio."""
    mine = [e for e in entries if e["file"].endswith((".fbx", ".bvh"))]
    asked, answered = _asked("python", folder, jobs_for(folder, mine))
    assert readers.python is not None
    _run([readers.python, READERS / "read_python.py", asked, answered])
    found = json.loads(answered.read_text(encoding="utf-8"))
    return [
        result
        for suffix, reader in ((".fbx", "ufbx"), (".bvh", "bvhio"))
        for result in _compared(reader, folder, [e for e in mine if e["file"].endswith(suffix)], found)
    ]


def sdk_bakes(entry: Entry) -> bool:
    """Whether the SDK's fixed rates miss the clip's frames."""
    return entry["kind"] not in ("walk", "late")


def read_with_sdk(readers: Readers, folder: Path, entries: list[Entry]) -> list[Seen]:
    """FBX with Autodesk's SDK, which bakes at 24, 30 or 60 frames a second: converted, and what came of it read."""
    mine = [e for e in entries if e["preset"].startswith("fbx") and (e["preset"] == "fbx" or e["kind"] == "walk")]
    mine = [e for e in mine if e["kind"] != "thin"]
    assert readers.node is not None
    program = readers.node / "node_modules" / "fbx2gltf" / "bin" / "Linux" / "FBX2glTF"
    out = folder / "sdk"
    out.mkdir(exist_ok=True)
    jobs = jobs_for(folder, mine, sdk_bakes)

    def convert(entry: Entry, job: dict[str, Any]) -> None:
        rate = {"late": "bake24", "walk": "bake30"}.get(entry["kind"], "bake60")
        target = out / f"{entry['file']}.glb"
        argv = [str(program), "-i", job["file"], "-o", str(target), "-b", "--anim-framerate", rate]
        subprocess.run(argv, check=True, timeout=TIMEOUT_S, stdin=subprocess.DEVNULL, capture_output=True)
        job["file"] = str(target)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(convert, mine, jobs))
    found = _three(readers, "sdk", folder, jobs)
    by_source = {str(folder / e["file"]): found[job["file"]] for e, job in zip(mine, jobs, strict=True)}
    return _compared("Autodesk SDK", folder, mine, by_source, metres=True, bakes=sdk_bakes)


def read_with_assimp(readers: Readers, folder: Path, entries: list[Entry]) -> list[Seen]:
    """FBX, and some of the rest, with assimp."""
    mine = [e for e in entries if e["preset"] == "fbx" or (e["kind"] == "walk" and e["preset"] != "bvh")]
    mine = [e for e in mine if e["kind"] != "thin"]
    asked, answered = _asked("assimp", folder, jobs_for(folder, mine))
    script = READERS / "read_assimp.py"
    _in_root(readers, folder, ["python3", "-I", script, asked, answered], (Bind(READERS),))
    return _compared("assimp", folder, mine, json.loads(answered.read_text(encoding="utf-8")))


def godot_bakes(entry: Entry) -> bool:
    """Whether no rate that Godot bakes at meets every frame."""
    return entry["kind"] in ("ntsc", "variable", "thin")


def read_with_godot(readers: Readers, folder: Path, entries: list[Entry]) -> list[Seen]:
    """The Godot preset as it is meant, and FBX and GLB as Godot imports them by itself."""
    mine = [e for e in entries if e["preset"] == "godot" or (e["kind"] == "walk" and e["preset"] in ("fbx", "glb"))]
    project = folder / "godot"
    project.mkdir(exist_ok=True)
    for entry in mine:
        for name in (entry["file"], f"{entry['file']}.import"):
            if (folder / name).exists():
                shutil.copy(folder / name, project / name)
    (project / "project.godot").write_text('config_version=5\n[application]\nconfig/name="interop"\n')
    shutil.copy(READERS / "read_godot.gd", project)
    asked, answered = _asked("jobs", project, jobs_for(folder, mine, godot_bakes))
    godot = ["godot", "--headless", "--path", project]
    _in_root(readers, project, [*godot, "--import"])
    said = _in_root(readers, project, [*godot, "--script", "read_godot.gd", "--", asked, answered])
    assert "ERROR" not in said, said[-2000:]
    found = json.loads(answered.read_text(encoding="utf-8"))
    return _compared("Godot", folder, mine, found, metres=True, bakes=godot_bakes)


def draw_in_godot(readers: Readers, folder: Path, display: str) -> Path:
    """A picture of one moment of a walk, drawn by Godot in the project that `read_with_godot` has imported."""
    project = folder / "godot"
    shutil.copy(READERS / "render_godot.gd", project)
    picture = project / "walk.png"
    godot = ["godot", "--path", project, "--rendering-method", "gl_compatibility", "--audio-driver", "Dummy"]
    words = ["--script", "render_godot.gd", "--", "inches.walk.godot.glb", "0.9", picture]
    _in_root(readers, project, [*godot, *words], display=display)
    return picture


def _in_root(readers: Readers, share: Path, argv: list[str | Path], binds: tuple[Bind, ...] = (),
             display: str | None = None) -> str:  # fmt: skip
    assert readers.root is not None
    done = run_in_root(readers.root, argv, share, binds=binds, display=display, timeout_s=TIMEOUT_S)
    assert done.returncode == 0, done.stdout[-2000:]
    return done.stdout


NODE_PACKAGES = {"three": "three.js", "gltf-validator": "glTF validator", "fbx2gltf": "FBX2glTF (Autodesk FBX SDK)"}


def root_versions(readers: Readers) -> list[str]:
    """What Godot and assimp say they are."""
    if readers.root is None:
        return []
    godot = run_in_root(readers.root, ["godot", "--version"], timeout_s=60).stdout.strip().splitlines()[-1]
    assimp = run_in_root(readers.root, ["assimp", "version"], timeout_s=60).stdout
    version = next(line.split()[1] for line in assimp.splitlines() if line.startswith("Version"))
    return [f"Godot {'.'.join(godot.split('.')[:3])}", f"assimp {version}"]
