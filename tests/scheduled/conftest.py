"""Services of this run, and which versions they get."""

import pytest

from tests.harness.fixtures import projects

__all__ = ["projects"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let one of uv's resolutions be chosen."""
    choices = ["highest", "lowest-direct"]
    parser.addoption("--resolution", choices=choices, default="highest", help="as uv's option")
