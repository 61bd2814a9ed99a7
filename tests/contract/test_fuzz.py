"""Thousands of requests made from the OpenAPI document, good ones and bad ones of every kind."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.contract.conftest import Sql
from tests.contract.people import Person
from tests.harness.roles import Role
from tests.support import ROOT

pytestmark = pytest.mark.full

CASES, EXAMPLES = 1000, 40  # at least in all, at most an operation in each of its phases
# No failure of ours, no answer but those that the document names, no bad request that is taken, no
# route that forgets to ask for a token, no method that is taken without being documented.
CHECKS = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "response_headers_conformance",
    "negative_data_rejection",
    "ignored_auth",
    "unsupported_method",
    "allow_header_conformance",
    "use_after_free",
    "ensure_resource_availability",
]
# The database does not let this user go or its logins end, or the first such request that succeeds,
# an admin's about itself for one, would be the last that is let in.
ANCHOR = [
    "CREATE TABLE IF NOT EXISTS anchor (user_id uuid REFERENCES accounts_user)",
    "INSERT INTO anchor VALUES (%(id)s)",
    """
    CREATE OR REPLACE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF EXISTS (SELECT FROM anchor WHERE user_id = NEW.user_id) THEN
            RAISE 'anchored' USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
    END $$
    """,
    """
    CREATE OR REPLACE TRIGGER keep BEFORE UPDATE ON access_token_family
    FOR EACH ROW EXECUTE FUNCTION keep()
    """,
]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("who", ["admin", "user"])
def test_every_answer_is_as_the_document_says(
    api: Role, admin: Person, newcomer: Callable[[], Person], sql: Sql, tmp_path: Path, who: str
) -> None:
    """An admin reaches everything; a user may do less, and is answered just as well."""
    person, report = admin if who == "admin" else newcomer(), tmp_path / "report.json"
    for statement in ANCHOR:
        sql(statement, id=person.id)
    before = len(api.events)
    done = subprocess.run(
        [
            *[str(Path(sys.executable).with_name("st")), "--no-color"],
            *["run", f"{api.url}/api/schema", "--checks", ",".join(CHECKS)],
            *["--header", f"Authorization: {person.http.headers['Authorization']}"],
            *["--max-examples", str(EXAMPLES), "--generation-database", "none"],
            *["--continue-on-failure", "--report", "json", "--report-json-path", str(report)],
        ],
        check=False,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=os.environ | {"SCHEMATHESIS_HOOKS": "tests.contract.fuzzing", "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-2_000:]
    found = json.loads(report.read_text())
    assert found["test_cases"]["generated"] >= CASES
    assert found["test_cases"]["with_failures"] == 0
    assert found["operations"]["tested"] == found["operations"]["total"] >= 25
    # It was let in until the end, and made things, or none of that says much.
    made = [event for event in api.events[before:] if event.get("status") == 201]
    assert {event["route"] for event in made} >= {"/api/v1/articles", "/api/v1/tags"}
    assert person.http.get("/api/v1/users/me").status_code == 200
