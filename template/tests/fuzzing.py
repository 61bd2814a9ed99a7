"""Requests made from the OpenAPI document: whatever fits it, or just does not.

What failed once is kept in .hypothesis and is tried first from then on.
"""

from collections.abc import Mapping
from typing import Any

import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.transport import Response
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.support import Client

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
HEALTH = [HealthCheck.too_slow, HealthCheck.filter_too_much]


def fuzz(
    client: Client,
    headers: dict[str, str],
    paths: str,
    *,
    places: Mapping[str, object] | None = None,
    **options: Any,
) -> None:
    """Ask what the document has under these paths, and check each answer against it.

    `places` are parameters of paths, so that something is there. Of what is there, nothing is
    deleted; nor does who asks leave, or all answers would be 401 from then on.
    """
    document = client.get("/api/schema").json()
    schema = schemathesis.openapi.from_dict(document).include(path_regex=paths)
    schema = schema.exclude(method="DELETE", path_regex=r"\}$" if places else "/me$")
    modes = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)

    def answer(case: Case[Any]) -> Response:
        case.path_parameters |= {
            name: str(value)
            for name, value in (places or {}).items()
            if name in case.path_parameters
        }
        asked = case.as_transport_kwargs(base_url="http://testserver")
        request = requests.Request(asked["method"], asked["url"], params=asked.get("params"))
        prepared = request.prepare()
        body = {"json": asked["json"]} if "json" in asked else {}
        found = getattr(client, case.method.lower())(prepared.path_url, headers=headers, **body)
        shown = {name: [value] for name, value in found.headers.items()}
        return Response(found.status_code, shown, found.content, prepared, 0.0, verify=False)

    @given(st.one_of([schema.as_strategy(generation_mode=mode) for mode in modes]))
    @settings(suppress_health_check=HEALTH, **options)
    def check(case: Case[Any]) -> None:
        case.validate_response(answer(case), checks=CHECKS)

    check()
