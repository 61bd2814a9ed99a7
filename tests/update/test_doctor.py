"""A service of any release is examined from outside, by the newest checks."""

import pytest
from packaging.version import Version

from tests.harness.fixtures import project, projects
from tests.harness.projects import Project
from tests.service.test_doctor_checks import examined, ledger
from tests.support import files, git
from tests.update.conftest import Born

__all__ = ["project", "projects"]

pytestmark = pytest.mark.full


def test_a_service_lacks_what_came_after_it(born: Born, born_at: str, project: Project) -> None:
    """Exactly that, and the examination changes nothing in it."""
    service = born()
    before = [*files(service)]
    found = examined(project.development / ".venv" / "bin" / "python", project.service, service)
    later = {
        each["id"]
        for each in ledger(project.service)
        if Version(each["since"]) > Version(born_at.removeprefix("v"))
    }
    assert {*found} == later, found
    assert not [text for text in found.values() if "Traceback" in text or "KeyError" in text]
    assert [*files(service)] == before
    assert git(service, "status", "--short") == ""
