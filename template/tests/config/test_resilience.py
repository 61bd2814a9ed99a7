"""The circuit breaker, with a clock that the test turns."""

import pytest

from config import resilience
from config.resilience import Breaker
from tests.support import Clock


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Replace the module's clock."""
    clock = Clock()
    monkeypatch.setattr(resilience, "time", clock)
    return clock


def test_a_closed_breaker_lets_every_call_pass(clock: Clock) -> None:
    """While the server answers, nobody is held back, and nothing changes."""
    breaker = Breaker()
    assert breaker.allows()
    assert not breaker.succeeded()
    assert breaker.allows()
    assert not breaker.is_open


def test_a_failure_opens_it_once(clock: Clock) -> None:
    """Only the first failure is news, which keeps the log short."""
    breaker = Breaker()
    assert breaker.failed()
    assert not breaker.failed()
    assert breaker.is_open
    assert not breaker.allows()


def test_one_caller_tries_again(clock: Clock) -> None:
    """A server that comes back is not met by everybody at once."""
    breaker = Breaker(retry_after=5)
    breaker.failed()
    clock.now += 4.9
    assert not breaker.allows()
    clock.now += 0.1
    assert breaker.allows()
    assert not breaker.allows()
    clock.now += 5
    assert breaker.allows()


def test_a_late_failure_delays_the_trial(clock: Clock) -> None:
    """The wait counts from the last failure."""
    breaker = Breaker(retry_after=5)
    breaker.failed()
    clock.now += 4
    breaker.failed()
    clock.now += 4
    assert not breaker.allows()


def test_a_success_closes_it_once(clock: Clock) -> None:
    """After one answer all calls pass again, and only the first answer is news."""
    breaker = Breaker(retry_after=5)
    breaker.failed()
    clock.now += 5
    assert breaker.allows()
    assert breaker.succeeded()
    assert not breaker.succeeded()
    assert breaker.allows()
    assert not breaker.is_open
