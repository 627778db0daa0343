"""How long the supervisor waits before it starts something again."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from seawall.cli.supervisor_process import describe_end
from seawall.cli.supervisor_units import RestartPolicy


def test_waits_double_up_to_a_limit() -> None:
    """A crash is mended at once, a crash loop is slowed down."""
    policy = RestartPolicy(delay_s=0.1, delay_s_max=0.5, failures_max=10)
    delays = [policy.delay([0.0] * count, now=0.0) for count in range(1, 6)]
    assert delays == [0.1, 0.2, 0.4, 0.5, 0.5]


def test_gives_up_after_too_many_failures_in_the_window() -> None:
    """Something that never comes up is left alone, and said to have failed."""
    policy = RestartPolicy(failures_max=3, window_s=60.0)
    assert policy.delay([0.0, 1.0, 2.0], now=2.0) is not None
    assert policy.delay([0.0, 1.0, 2.0, 3.0], now=3.0) is None


def test_what_worked_in_a_ready_instance_is_never_given_up() -> None:
    """However often it failed the wait is the longest and no longer."""
    policy = RestartPolicy(delay_s_max=5.0, failures_max=3)
    assert policy.delay([0.0] * 5000, now=0.0, worked=True) == 5.0


def test_old_failures_are_forgotten() -> None:
    """One crash a day is always mended at once."""
    policy = RestartPolicy(delay_s=0.1, failures_max=3, window_s=60.0)
    assert policy.delay([day * 86_400.0 for day in range(30)], now=29 * 86_400.0) == 0.1


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=30).map(sorted))
def test_delay_is_always_within_bounds(failures: list[float]) -> None:
    """No history of failures makes it wait longer than the limit or not at all."""
    policy = RestartPolicy()
    delay = policy.delay(failures, now=failures[-1])
    assert delay is None or policy.delay_s <= delay <= policy.delay_s_max


def test_an_end_is_told_in_words() -> None:
    """Status and logs name the signal or the status."""
    assert describe_end(-9) == "killed by SIGKILL"
    assert describe_end(2) == "ended with status 2"
    assert describe_end("no such file") == "could not start: no such file"
