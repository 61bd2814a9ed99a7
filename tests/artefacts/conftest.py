"""Rendered services, for the tests that build and run what they hold."""

from tests.harness.fixtures import project, projects

__all__ = ["project", "projects"]
