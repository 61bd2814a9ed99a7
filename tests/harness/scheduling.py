"""How pytest-xdist hands out tests: what shares servers or an image stays together."""

import re
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

from tests.variants import FRAMEWORKS

# What is shared: a pair of servers, an image.
SHARING = ("tests/contract/", "tests/artefacts/test_compose", "tests/artefacts/test_image")
# Of the contract's modules, those that share one service besides: the fixture `api`.
OF_THE_API = re.compile(
    r"tests/contract/test_(accounts|api|articles|client|comments|docs|fuzz|golden|permissions|profiles"
    r"|queries|tags|tokens|transactions|users)\.py"
)


class BySharedServers(LoadScopeScheduling):  # type: ignore[misc]
    """Gives a module's tests of one framework to one process; other tests go one by one.

    Modules that share a service go to one process together.

    `--dist loadgroup` would do, but xdist 3.8 does not see groups under pytest 9.2.
    """

    def _split_scope(self, nodeid: str) -> str:
        file, _, test = nodeid.partition("::")
        if not file.startswith(SHARING):
            return nodeid
        parameters = test.partition("[")[2]
        shared = "api" if OF_THE_API.fullmatch(file) else file
        return shared + next((name for name in FRAMEWORKS if name in parameters), "")


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    """Use it whatever `--dist` says."""
    return BySharedServers(config, log)
