"""Fixtures that all tests share."""

from collections.abc import Iterator
from importlib.util import find_spec

import pytest

from tests.support.blender import BPY_VERSIONS
from tests.support.display import Display, virtual_display

# These run in an environment of their own, the tier `train`.
_NEED_TORCH = [
    "keypoints/test_pose_network.py",
    "lab/nets/test_image_networks.py",
    "lab/nets/test_lifter_network.py",
    "lab/nets/test_paper_equations.py",
    "lab/test_train_network.py",
    "lab/train/test_image_data.py",
]
collect_ignore = [] if find_spec("torch") else _NEED_TORCH


@pytest.fixture(params=BPY_VERSIONS)
def bpy_version(request: pytest.FixtureRequest) -> str:
    """Each Blender that exists as a Python module."""
    return str(request.param)


@pytest.fixture(scope="session")
def display() -> Iterator[Display]:
    """One virtual display for all UI tests of a run."""
    with virtual_display() as running:
        yield running


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the figures that tests recorded, which pytest else shows only of tests that fail."""
    measured = [report for report in terminalreporter.getreports("passed") if report.user_properties]
    if measured:
        terminalreporter.section("measured")
    for report in measured:
        figures = ", ".join(
            f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}"
            for name, value in report.user_properties
        )
        terminalreporter.write_line(f"{report.nodeid.split('::')[-1]}: {figures}")
