"""A vulnerability passes only for a reason, and only for a time."""

from datetime import date

import pytest

from config import identity
from dev.audit import WAIVERS, WAY_OUT
from dev.waivers import Waiver, waivers

pytestmark = pytest.mark.security

TODAY = date(2026, 11, 21)
GOOD = 'id = "GHSA-1"\nreason = "Not called here."\nexpires = 2026-11-21'


def read(text: str, today: date = TODAY) -> tuple[dict[str, Waiver], list[str]]:
    """Return what the audit takes from a file of waivers."""
    return waivers(text, WAIVERS, today, WAY_OUT)


def test_a_waiver_holds_until_its_day_is_over() -> None:
    """The day that it names is the last one."""
    text = f"[[waiver]]\n{GOOD}\n[[waiver]]\n{GOOD.replace('GHSA-1', 'PYSEC-2')}\n"
    waived, faults = read(text)
    assert (set(waived), faults) == ({"GHSA-1", "PYSEC-2"}, [])
    assert waived["GHSA-1"] == Waiver("Not called here.", TODAY)


def test_an_expired_waiver_is_named_with_the_way_out() -> None:
    """Whoever reads it knows which, since when, and what to do now."""
    _, (fault,) = read(f"[[waiver]]\n{GOOD}", date(2026, 11, 22))
    assert fault.startswith(f"{WAIVERS}: GHSA-1 was waived until 2026-11-21: update the package")


@pytest.mark.parametrize(
    "waiver",
    [
        GOOD.replace("Not called here.", " "),
        GOOD.replace("reason", "note"),
        GOOD.replace("GHSA-1", ""),
        GOOD.replace("2026-11-21", '"2026-11-21"'),
        GOOD.replace("2026-11-21", "2026-11-21T00:00:00Z"),
        GOOD.partition("\nexpires")[0],
        f'{GOOD}\npackage = "redis"',
    ],
)
def test_half_a_waiver_waives_nothing(waiver: str) -> None:
    """Without an id, a reason or a date there is nothing to come back to; the second one counts."""
    second = GOOD.replace("GHSA-1", "GHSA-2")
    waived, (fault,) = read(f"[[waiver]]\n{waiver}\n[[waiver]]\n{second}")
    assert waived.keys() == {"GHSA-2"}
    assert "waiver 1 needs an id, a reason and a date `expires`" in fault


@pytest.mark.parametrize("text", [f"[[waivers]]\n{GOOD}", f"[waiver]\n{GOOD}", GOOD, "waiver ="])
def test_what_is_no_list_of_waivers_is_refused(text: str) -> None:
    """A waiver that nobody reads would be believed by whoever wrote it."""
    waived, (fault,) = read(text)
    assert waived == {}
    assert fault.startswith(WAIVERS)


def test_the_waivers_of_this_service_are_good() -> None:
    """On the day that this is run they are well-formed; whether they expired the audit says."""
    files = [identity.ROOT / name for name in (WAIVERS, "doctor-waivers.toml")]
    found = [read(path.read_text(), date.min)[1] for path in files if path.exists()]
    assert [fault for faults in found for fault in faults] == []
