"""Who imports whom among the project's own modules, and circles among them."""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from .paths import project_root

PACKAGES = ("pose_core", "blender_addon", "scripts", "tests")


@dataclass(frozen=True)
class Import:
    """One import statement's module."""

    importer: str
    module: str
    """Full name: of the module itself where one of the project's own is meant, whichever form the import has."""
    line: int
    deferred: bool
    """Whether it runs with a function instead of with the importing module."""
    types_only: bool
    """Whether only type checkers see it."""

    def __str__(self) -> str:
        return f"{self.importer}:{self.line} {self.module}"


def module_name(path: Path) -> str:
    """Dotted name of a file of the project."""
    parts = path.relative_to(project_root()).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def project_modules() -> Mapping[str, Path]:
    """Every module of the project by its name."""
    return {module_name(path): path for name in PACKAGES for path in sorted((project_root() / name).rglob("*.py"))}


@cache
def project_imports() -> tuple[Import, ...]:
    """Every import in the project."""
    return tuple(found for name, path in project_modules().items() for found in imports_of(name, path))


def imports_of(name: str, path: Path) -> list[Import]:
    """Every import of a module, relative ones by their full name."""
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
    known = project_modules()
    found = []
    for node, deferred, types_only in _statements(tree, False, False):
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        else:
            base = _base(node, package)
            # `from package import module` means the module, `from module import name` the module that holds the name
            modules = [full if (full := f"{base}.{a.name}") in known else base for a in node.names]
        found += [Import(name, module, node.lineno, deferred, types_only) for module in dict.fromkeys(modules)]
    return found


def _base(node: ast.ImportFrom, package: str) -> str:
    if not node.level:
        return node.module or ""
    parts = package.split(".")
    return ".".join([*parts[: len(parts) - node.level + 1], *([node.module] if node.module else [])])


_Statement = ast.Import | ast.ImportFrom


def _statements(node: ast.AST, deferred: bool, types_only: bool) -> Iterator[tuple[_Statement, bool, bool]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import | ast.ImportFrom):
            yield child, deferred, types_only
            continue
        inside = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for_types = isinstance(child, ast.If) and ast.unparse(child.test).split(".")[-1] == "TYPE_CHECKING"
        yield from _statements(child, deferred or inside, types_only or for_types)


def circles(edges: Mapping[str, set[str]]) -> list[tuple[str, ...]]:
    """Groups of modules each of which leads to every other one, sorted (Tarjan 1972, strongly connected components)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[tuple[str, ...]] = []

    def visit(module: str) -> None:
        index[module] = low[module] = len(index)
        stack.append(module)
        for other in edges.get(module, ()):
            if other not in index:
                visit(other)
                low[module] = min(low[module], low[other])
            elif other in stack:
                low[module] = min(low[module], index[other])
        if low[module] == index[module]:
            group = stack[stack.index(module) :]
            del stack[stack.index(module) :]
            if len(group) > 1:
                found.append(tuple(sorted(group)))

    for module in edges:
        if module not in index:
            visit(module)
    return sorted(found)
