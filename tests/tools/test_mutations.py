"""The changes that the mutation check makes."""

import ast

import pytest

from tools.mutations import find_mutations, nearest_tests


@pytest.mark.parametrize(
    ("line", "after"),
    [
        ("x = a < b", "x = a >= b"),
        ("x = a is None", "x = a is not None"),
        ("x = a + b", "x = a - b"),
        ("x = -a", "x = a"),
        ("x = 0.5", "x = 5.0"),
        ("x = a[1:]", "x = a[2:]"),
        ("x = a[:1]", "x = a[:2]"),
        ("x = np.clip(a, 0.0, 1.0)", "x = a"),
        ("x = np.minimum(a, b)", "x = np.maximum(a, b)"),
        ("x = any(a)", "x = all(a)"),
        ("x = not a", "x = a"),
        ("x = a and b", "x = a or b"),
        ("x = 'ä' if a < b else b", "x = 'ä' if a >= b else b"),
    ],
)
def test_a_line_is_changed(line: str, after: str) -> None:
    found = [m for m in find_mutations("m.py", f"# first\n{line}\n") if m.after == after]
    assert len(found) == 1 and found[0].line == 2
    assert found[0].apply(f"# first\n{line}\n") == f"# first\n{after}\n"


@pytest.mark.parametrize(
    "source",
    [
        "x: Literal[-1] = y",
        "assert a < b",
        "raise ValueError(a - b)",
        "@dataclass(frozen=True)\nclass A:\n    pass",
        "zip(a, b, strict=True)",
        "x = np.maximum",
        "x = 1e-12 if a else b",
    ],
)
def test_what_computes_nothing_is_left_alone(source: str) -> None:
    assert find_mutations("m.py", source) == []


def test_every_change_is_python_and_of_one_line() -> None:
    source = """\
def f(a, b):
    if a < b and not -a > 0.5:
        return np.clip(
            a[1:], 0.0, 1.0
        )
    return a * b - 1.0
"""
    found = find_mutations("m.py", source)
    assert len({(m.line, m.after) for m in found}) == len(found) >= 8
    for mutation in found:
        changed = mutation.apply(source)
        ast.parse(changed)
        assert sum(a != b for a, b in zip(source.splitlines(), changed.splitlines(), strict=True)) == 1


def test_the_nearest_tests_of_the_own_room_come_first() -> None:
    imports = {"pose_core.solve.b": {"pose_core.solve.a"}, "pose_core.solve.a": set(), "pose_core.alone": set()}
    tests = {
        "tests/solve/test_b.py": {"pose_core.solve.b"},
        "tests/solve/test_a.py": {"pose_core.solve.a"},
        "tests/cli/test_c.py": {"pose_core.solve.a"},
        "tests/test_alone.py": {"pose_core.alone"},
    }
    assert nearest_tests("pose_core.solve.a", imports, tests) == ["tests/solve/test_a.py", "tests/solve/test_b.py"]
    assert nearest_tests("pose_core.solve.b", imports, tests) == ["tests/solve/test_b.py"]
    assert nearest_tests("pose_core.alone", imports, tests) == ["tests/test_alone.py"]
    assert nearest_tests("pose_core.solve.nobody", imports, tests) == []
