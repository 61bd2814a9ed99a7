"""Profiles: what somebody tells of themselves, one each."""

import re
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from tests.contract.people import PROFILE, Person, faults
from tests.contract.test_http import assert_is_problem


def test_a_profile_is_empty_until_it_is_written(newcomer: Callable[[], Person]) -> None:
    """To read one makes none."""
    person = newcomer()
    for _ in range(2):
        answer = person.http.get(PROFILE)
        assert answer.status_code == 200
        assert list(answer.json().items()) == [("bio", ""), ("website", ""), ("updated_at", None)]
        assert answer.headers["Cache-Control"] == "no-store"


def test_a_profile_is_replaced_as_a_whole(newcomer: Callable[[], Person], author: Person) -> None:
    """What a writing leaves out is empty afterwards, and nobody else's changes."""
    person = newcomer()
    before = author.http.get(PROFILE).json()
    seen = [""]
    for fields in (
        {"bio": "Wrote: naïve 🐎", "website": "https://example.org/ü?q=1#x"},
        {"website": "http://example.org"},
        {"bio": " " + "x" * 2000 + "\n"},
        {},
    ):
        answer = person.http.put(PROFILE, json=fields)
        assert answer.status_code == 200
        profile = answer.json()
        assert profile["bio"] == fields.get("bio", "").strip()
        assert profile["website"] == fields.get("website", "")
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", profile["updated_at"])
        assert profile["updated_at"] > seen[-1]
        seen.append(profile["updated_at"])
        assert person.http.get(PROFILE).json() == profile
    assert author.http.get(PROFILE).json() == before


def test_writing_one_at_once_makes_one(newcomer: Callable[[], Person]) -> None:
    """The first writing may come twice, from two windows."""
    person = newcomer()
    with ThreadPoolExecutor(4) as pool:
        answers = [pool.submit(person.http.put, PROFILE, json={"bio": "x"}) for _ in range(4)]
    assert Counter(answer.result().status_code for answer in answers) == {200: 4}


def test_a_website_is_one(author: Person) -> None:
    """An address that a browser would run or not find is refused."""
    for website in ("javascript:alert(1)", "ftp://example.org", "example.org", "https://", " x"):
        refused = author.http.put(PROFILE, json={"website": website})
        assert faults(refused) == {"#/website": "invalid_format"}, website
    for fields, expected in (
        ({"website": "https://example.org/" + "x" * 200}, {"#/website": "too_long"}),
        ({"bio": "x" * 2001}, {"#/bio": "too_long"}),
        ({"bio": None, "website": 1}, {"#/bio": "invalid_type", "#/website": "invalid_type"}),
        ({"updated_at": None}, {"#/updated_at": "unknown_field"}),
    ):
        assert faults(author.http.put(PROFILE, json=fields)) == expected


def test_a_profile_has_no_other_method(author: Person) -> None:
    """It goes with its user."""
    for method in ("POST", "PATCH", "DELETE"):
        answer = author.http.request(method, PROFILE)
        assert_is_problem(answer, 405, "method_not_allowed")
        assert answer.headers["Allow"].split(", ") == ["GET", "HEAD", "PUT"]
