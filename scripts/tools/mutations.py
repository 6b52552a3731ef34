"""One-line changes that a good test notices: where a source has room for one, and what the line is then.

A change is of a kind that alters what the code does: a comparison turned round, a sign, a constant many times as large,
an index off by one, a clip dropped, a condition negated. Guards against division by zero are left alone.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass

# Constants nearer to zero than this guard divisions, and stand for "next to nothing" whatever they are.
_LEAST_CONSTANT = 1e-5

_COMPARISONS = {ast.Lt: ">=", ast.LtE: ">", ast.Gt: "<=", ast.GtE: "<", ast.Eq: "!=", ast.NotEq: "==",
                ast.Is: "is not", ast.IsNot: "is", ast.In: "not in", ast.NotIn: "in"}  # fmt: skip
_OPERATORS = {ast.Add: "-", ast.Sub: "+", ast.Mult: "/", ast.Div: "*"}
_TWINS = {"min": "max", "max": "min", "any": "all", "all": "any", "minimum": "maximum", "maximum": "minimum",
          "fmin": "fmax", "fmax": "fmin", "sin": "cos", "cos": "sin", "nanmin": "nanmax", "nanmax": "nanmin",
          "argmin": "argmax", "argmax": "argmin"}  # fmt: skip


@dataclass(frozen=True)
class Mutation:
    """A change of one line."""

    path: str
    """The file, relative to the project."""
    line: int
    """From 1."""
    kind: str
    before: str
    after: str

    def apply(self, source: str) -> str:
        """The source with the change."""
        lines = source.splitlines(keepends=True)
        assert lines[self.line - 1].rstrip("\n") == self.before, "the file has changed since"
        lines[self.line - 1] = self.after + "\n"
        return "".join(lines)


def find_mutations(path: str, source: str) -> list[Mutation]:
    """All changes that a source has room for, in the order of its lines.

    Args:
        path: how the changes name the file.
        source: Python.
    """
    lines = source.splitlines()
    found: dict[tuple[int, str], Mutation] = {}
    for node in _live_nodes(ast.parse(source)):
        for kind, start, end, new in _changes(node, source):
            (row, first), (last_row, last) = start, end
            if row != last_row:
                continue
            text = lines[row - 1]
            # positions of the syntax tree count bytes
            raw = text.encode()
            after = (raw[:first] + new.encode() + raw[last:]).decode()
            mutation = Mutation(path, row, kind, text, after)
            if after != text and _is_python(mutation, source):
                found.setdefault((row, after), mutation)
    return sorted(found.values(), key=lambda m: (m.line, m.kind, m.after))


def _is_python(mutation: Mutation, source: str) -> bool:
    try:
        ast.parse(mutation.apply(source))
    except SyntaxError:
        return False
    return True


def _live_nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """Nodes of code that computes something: no annotations, decorators, messages of errors nor assertions."""
    declared = [getattr(tree, "annotation", None), getattr(tree, "returns", None), *getattr(tree, "decorator_list", ())]
    for child in ast.iter_child_nodes(tree):
        if isinstance(child, ast.Raise | ast.Assert | ast.Import | ast.ImportFrom | ast.JoinedStr | ast.arg):
            continue
        # `zip(..., strict=True)` is an assertion as well
        if any(child is node for node in declared) or (isinstance(child, ast.keyword) and child.arg == "strict"):
            continue
        yield child
        yield from _live_nodes(child)


_Span = tuple[int, int]


def _changes(node: ast.AST, source: str) -> Iterator[tuple[str, _Span, _Span, str]]:
    """Kind, start and end (line, column) and new text of what can be changed in a node."""
    match node:
        case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _COMPARISONS:
            yield "comparison", _end(left), _start(right), f" {_COMPARISONS[type(op)]} "
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            between = _between(source, left, right)
            if between is not None and between.strip(" ") in "+-*/":
                yield "operator", _end(left), _start(right), f" {_OPERATORS[type(op)]} "
        case ast.UnaryOp(op=ast.USub(), operand=operand) if not isinstance(operand, ast.Constant):
            yield "sign", _start(node), _start(operand), ""
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield "condition", _start(node), _start(operand), ""
        case ast.BoolOp(op=op, values=[first, second, *_]):
            yield "condition", _end(first), _start(second), " or " if isinstance(op, ast.And) else " and "
        case ast.Slice(lower=ast.Constant(value=int(value)) as bound) if value >= 0:
            yield "off by one", _start(bound), _end(bound), str(value + 1)
        case ast.Slice(upper=ast.Constant(value=int(value)) as bound):
            yield "off by one", _start(bound), _end(bound), str(value - 1) if value > 1 else str(value + 1)
        case ast.Constant(value=bool(value)):
            yield "constant", _start(node), _end(node), str(not value)
        case ast.Constant(value=float(value)) if abs(value) >= _LEAST_CONSTANT:
            yield "constant", _start(node), _end(node), repr(value * 10)
        case ast.Call(func=ast.Attribute(attr="clip"), args=[first, *_]):
            yield "dropped clip", _start(node), _end(node), ast.get_source_segment(source, first) or ""
        case ast.Call(func=ast.Attribute(value=owner, attr=name) as called) if name in _TWINS:
            yield "twin function", _end(owner), _end(called), f".{_TWINS[name]}"
        case ast.Call(func=ast.Name(id=name) as called) if name in _TWINS:
            yield "twin function", _start(called), _end(called), _TWINS[name]
        case _:
            return


def _between(source: str, left: ast.expr, right: ast.expr) -> str | None:
    """The text between two neighbours on one line."""
    if left.end_lineno != right.lineno or left.end_col_offset is None:
        return None
    raw = source.splitlines()[right.lineno - 1].encode()
    return raw[left.end_col_offset : right.col_offset].decode()


def _start(node: ast.expr) -> _Span:
    return node.lineno, node.col_offset


def _end(node: ast.expr) -> _Span:
    assert node.end_lineno is not None and node.end_col_offset is not None
    return node.end_lineno, node.end_col_offset


def nearest_tests(module: str, imports_of: dict[str, set[str]], tests: dict[str, set[str]]) -> list[str]:
    """Test files that lead to a module, the nearest first: those of its own room, or else the nearest of all.

    Args:
        module: dotted name.
        imports_of: of every module of the package the modules it imports.
        tests: of every test file the modules it imports.
    Returns:
        Paths of test files; empty if nothing leads to any.
    """
    room = f"tests/{module.split('.')[1]}"
    ring, known, found = {module}, {module}, list[str]()
    while ring:
        here = sorted(path for path, imported in tests.items() if imported & ring and path not in found)
        if not found and here and not any(path.startswith((f"{room}/", f"{room}.")) for path in tests):
            return here
        found += [path for path in here if path.startswith(f"{room}/")]
        ring = {other for other, imported in imports_of.items() if imported & ring} - known
        known |= ring
    return found
