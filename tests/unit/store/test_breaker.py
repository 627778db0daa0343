"""The breaker: one probe at a time, longer pauses, told once."""

from __future__ import annotations

from seawall.core.clock import ManualClock
from seawall.store.breaker import Breaker


def test_after_a_failure_one_probe_a_pause() -> None:
    """Nobody else is let through while one finds out."""
    clock = ManualClock()
    breaker = Breaker(clock, first_seconds=1.0)
    assert breaker.allow()
    assert breaker.failed()
    assert [breaker.allow(), breaker.allow()] == [False, False]
    clock.advance(1.0)
    assert [breaker.allow(), breaker.allow()] == [True, False]


def test_success_closes_it_and_is_told_once() -> None:
    """The first success after a loss is news; the next is not."""
    clock = ManualClock()
    breaker = Breaker(clock, first_seconds=1.0)
    breaker.failed()
    clock.advance(1.0)
    assert breaker.allow()
    assert [breaker.succeeded(), breaker.succeeded()] == [True, False]
    assert [breaker.allow(), breaker.allow()] == [True, True]


def test_pauses_double_up_to_the_longest() -> None:
    """However long it is away, it is found again within the longest pause."""
    clock = ManualClock()
    breaker = Breaker(clock, first_seconds=1.0, longest_seconds=4.0)
    pauses = []
    breaker.failed()
    for _ in range(5):
        waited = 0.0
        while not breaker.allow():
            clock.advance(0.5)
            waited += 0.5
        pauses.append(waited)
        breaker.failed()
    assert pauses == [1.0, 2.0, 4.0, 4.0, 4.0]


def test_calls_that_fail_together_count_once() -> None:
    """Ten calls in flight when it dies open it for one pause, not for ten doublings."""
    clock = ManualClock()
    breaker = Breaker(clock, first_seconds=1.0, longest_seconds=100.0)
    assert [breaker.failed() for _ in range(10)] == [True] + [False] * 9
    clock.advance(1.0)
    assert breaker.allow()
