"""The project's own files, for tests that look at sources instead of running them."""

import ast
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.support.missing import skip_or_fail

REPOSITORY = Path(__file__).resolve().parents[2]


def project_files() -> list[Path]:
    """Return every file that is, or would be, in the repository."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        skip_or_fail(f"the list of files needs git and a checkout: {error}")
    paths = (REPOSITORY / name for name in done.stdout.split("\0") if name)
    return [path for path in paths if path.is_file()]


def text_files() -> Iterator[tuple[Path, str]]:
    """Yield each project file that is text, with its text."""
    for path in project_files():
        try:
            yield path, path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue


def imports(path: Path) -> Iterator[tuple[str, int, bool]]:
    """Yield each absolute import of a Python file.

    Returns:
        the module's full name, its line, and whether the import runs when the file is imported.
    """
    tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
    yield from _imports_below(tree, at_import=True)


def _is_for_types_only(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test).split(".")[-1] == "TYPE_CHECKING"


def _imports_below(node: ast.AST, at_import: bool) -> Iterator[tuple[str, int, bool]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            for alias in child.names:
                yield alias.name, child.lineno, at_import
        elif isinstance(child, ast.ImportFrom) and child.level == 0 and child.module:
            yield child.module, child.lineno, at_import
        else:
            deferred = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            yield from _imports_below(child, at_import and not deferred and not _is_for_types_only(child))
