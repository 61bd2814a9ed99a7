"""A password is long, and none that everybody tries first."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts import passwords
from tests.support import PASSWORD

EMAIL = "ada.lovelace@example.org"


@pytest.mark.parametrize(
    "password",
    [PASSWORD, "Zk3vQ8wT1yR6", "pferd heftklammer", "🐎🔋📎🎠🪵🧲🐳🦊🍋🎻🧊🪁", "x1y2z3" * 21],
)
def test_a_good_password(password: str) -> None:
    """Length is what counts, not which kinds of letters there are."""
    assert passwords.fault_of(password, email=EMAIL) is None


@pytest.mark.security
@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("", "too_short"),
        ("Zk3vQ8wT1yR", "too_short"),
        ("Zk3vQ8wT1yR6" * 11, "too_long"),
        ("aaaaaaaaaaaa", "too_common"),
        ("abababababab", "too_common"),
        ("My-PassWord-is-2026", "too_common"),
        ("qwertyuiop[]", "too_common"),
        ("0123456789ab", "too_common"),
        ("ADA.lovelace.1815", "too_common"),
    ],
)
def test_a_bad_password(password: str, code: str) -> None:
    """Each rule has its code; the name in the address is the first that is guessed."""
    assert passwords.fault_of(password, email=EMAIL) == code


def test_a_short_name_forbids_little() -> None:
    """Whoever is called `o@example.org` can still choose."""
    assert passwords.fault_of(PASSWORD, email="cor@example.org") is None


@given(st.text(max_size=200), st.text(max_size=80))
def test_every_password_is_judged(password: str, email: str) -> None:
    """Whatever it is, and whatever stands for the address."""
    code = passwords.fault_of(password, email=email)
    assert code in {None, "too_short", "too_long", "too_common"}
    if not passwords.SHORTEST <= len(password) <= passwords.LONGEST:
        assert code in {"too_short", "too_long"}
