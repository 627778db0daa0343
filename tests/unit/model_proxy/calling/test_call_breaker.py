"""When a provider's model is left alone, and when it is asked again."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from seawall.core.clock import ManualClock
from seawall.model_proxy.breaker import LONGEST_FACTOR, Breaker, Outcome, Permit
from seawall.model_proxy.config import Breaking

SETTINGS = Breaking(window=10, failures=0.5, slow=0.8, least=4, open=5, probes=2)


def broken() -> tuple[Breaker, ManualClock]:
    """A breaker that has just opened."""
    clock = ManualClock()
    breaker = Breaker(SETTINGS, clock)
    for _ in range(4):
        breaker.leave(breaker.enter(), "failed")
    assert breaker.state == "open"
    return breaker, clock


@pytest.mark.parametrize(
    ("outcomes", "state"),
    [
        (["failed"] * 3, "closed"),
        (["well", "failed"] * 2, "open"),
        (["well", "well", "failed"] * 4, "closed"),
        (["slow", "slow", "slow", "slow"], "open"),
        (["slow", "well", "slow", "well"] * 3, "closed"),
        (["unknown"] * 20, "closed"),
    ],
)
def test_rates_open_it(outcomes: list[Outcome], state: str) -> None:
    """Of failures, or of slow calls; a few calls are no rate."""
    breaker = Breaker(SETTINGS, ManualClock())
    for outcome in outcomes:
        if permit := breaker.enter():
            breaker.leave(permit, outcome)
    assert breaker.state == state


def test_what_is_older_than_the_window_is_forgotten() -> None:
    """Failures of long ago open nothing."""
    clock = ManualClock()
    breaker = Breaker(SETTINGS, clock)
    for _ in range(6):
        breaker.leave(breaker.enter(), "failed")
        clock.advance(4)
    assert breaker.state == "closed"


def test_probes_are_bounded_and_close_it() -> None:
    """All of them must be well."""
    breaker, clock = broken()
    assert breaker.enter() == ""
    clock.advance(5)
    probes = [breaker.enter() for _ in range(3)]
    assert probes == ["probe", "probe", ""]
    assert breaker.leave("probe", "well") is None
    assert breaker.leave("probe", "well") == "closed"
    assert breaker.enter() == "call"


def test_an_ill_probe_opens_it_for_longer() -> None:
    """Up to a limit."""
    breaker, clock = broken()
    for pause in (5.0, 10.0, 20.0):
        assert breaker.seconds_left == pause
        clock.advance(pause)
        assert breaker.leave(breaker.enter(), "failed") == "open"


def test_a_probe_that_came_to_nothing_frees_its_place() -> None:
    """Its client left."""
    breaker, clock = broken()
    clock.advance(5)
    breaker.enter()
    breaker.leave(breaker.enter(), "unknown")
    assert breaker.enter() == "probe"


class BreakerMachine(RuleBasedStateMachine):
    """Calls come, end and time passes in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = ManualClock()
        self.breaker = Breaker(SETTINGS, self.clock)
        self.out: list[Permit] = []

    @rule()
    def enter(self) -> None:
        """A call wants to go out."""
        if permit := self.breaker.enter():
            self.out.append(permit)

    @precondition(lambda self: self.out)
    @rule(outcome=st.sampled_from(["well", "slow", "failed", "unknown"]), which=st.integers(0, 100))
    def leave(self, outcome: Outcome, which: int) -> None:
        """One ends."""
        self.breaker.leave(self.out.pop(which % len(self.out)), outcome)

    @rule(seconds=st.floats(0, 30))
    def wait(self, seconds: float) -> None:
        """Time passes."""
        self.clock.advance(seconds)

    @invariant()
    def it_never_locks_up(self) -> None:
        """However it stands, a call goes out sooner or later once those that are out have ended."""
        assert self.breaker.seconds_left <= SETTINGS.open * LONGEST_FACTOR
        if not self.out and self.breaker.seconds_left == 0:
            permit = self.breaker.enter()
            assert permit
            self.breaker.leave(permit, "unknown")


TestBreaker = BreakerMachine.TestCase
TestBreaker.settings = settings(max_examples=50)
