"""Every answer is one that the OpenAPI document has told of."""

from typing import Any, cast

import pytest
from hypothesis import Phase
from schemathesis.core.failures import FailureGroup

from tests.fuzzing import fuzz
from tests.journey import Answer
from tests.support import Client, Headers, Login, MakeUser, Response

pytestmark = pytest.mark.integration


@pytest.mark.security
@pytest.mark.parametrize("is_staff", [False, True])
def test_every_answer_is_documented(
    data_client: Client, make_user: MakeUser, login: Login, is_staff: bool
) -> None:
    """No failure of ours; no status, type, header or shape that a client would not expect."""
    fuzz(data_client, login(make_user(is_staff=is_staff)), ".*", max_examples=60)


def test_a_planted_bug_is_found(data_client: Client, make_user: MakeUser, login: Login) -> None:
    """What crashes at some inputs only does not stay hidden."""

    class Buggy:
        """Stands before the service, and fails where it should not."""

        get = staticmethod(data_client.get)

        @staticmethod
        def patch(path: str, *, json: Any = None, headers: Headers = None) -> Response:
            name = json.get("full_name") if isinstance(json, dict) else ""
            if isinstance(name, str) and not name.isascii():
                return Answer(500, {"Content-Type": "application/problem+json"}, b"{}")
            return data_client.patch(path, json=json, headers=headers)

    unrecorded: dict[str, Any] = {"database": None, "phases": [Phase.generate]}
    with pytest.raises((FailureGroup, ExceptionGroup), match="Server error"):
        fuzz(cast("Client", Buggy()), login(make_user()), "/users/me$", **unrecorded)
