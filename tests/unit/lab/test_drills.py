"""What a drill's report says of what was seen."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.core.errors import InvalidInput
from seawall.lab.drill_load import check_loopback
from seawall.lab.drills import Outage, Seen, State, choose_outage, judge, state_of

AWAY = Outage(10.0, 20.0)


def seen(began: float, state: State = "usual", status: int = 200, *, took: float = 0.05, vectors: bool = True) -> Seen:
    return Seen(began, began + took, status, vectors, state)


GOOD = [seen(5.0), seen(12.0, "words"), seen(13.0, "earlier"), seen(14.0, vectors=False), seen(20.5, "words"), seen(22.0)]


def test_a_store_that_is_missed_openly_passes() -> None:
    """Everything answered, everything told, and as usual again after its release."""
    report = judge(GOOD, AWAY, 30.0, 0.4)
    assert report.passed
    assert (report.by_words, report.earlier, report.silent) == (1, 1, 0)
    assert report.recovered_s == pytest.approx(2.05)
    assert report.store_back_s == 0.4


@pytest.mark.parametrize(
    ("more", "what"),
    [
        (seen(12.0, "none", 503), "failed"),
        (seen(3.0, "none", 0), "unanswered"),
        (seen(12.0, "usual"), "silent"),
        (seen(12.0, "none"), "silent"),
        (seen(15.0, "none", 500, vectors=False), "failed"),
    ],
)
def test_one_bad_view_fails_it(more: Seen, what: str) -> None:
    """An error, no answer, or a panel that does not say that it is worse."""
    report = judge([*GOOD, more], AWAY, 30.0, 0.4)
    assert not report.passed
    assert getattr(report, what) == 1


def test_what_never_recovers_fails() -> None:
    """Panels that stay worse to the end."""
    report = judge([*GOOD[:-1], seen(29.0, "words")], AWAY, 30.0, None)
    assert (report.passed, report.recovered_s, report.store_back_s) == (False, None, None)


def test_a_drill_that_saw_nothing_proves_nothing() -> None:
    """Without a view of similar rows in the outage it has not passed."""
    assert not judge([seen(5.0), seen(25.0)], AWAY, 30.0, 0.1).passed


def test_a_view_across_the_edge_is_not_held_against_the_panel() -> None:
    """It may have had its answer before the store went away, or after it came back."""
    assert judge([*GOOD, seen(10.2), seen(19.9, took=0.3)], AWAY, 30.0, 0.1).passed


@given(st.floats(10, 7200), st.integers())
def test_there_is_time_before_and_after(seconds: float, seed: int) -> None:
    """Whenever the moment is."""
    outage = choose_outage(seconds, random.Random(seed))
    assert seconds * 0.15 <= outage.stopped < outage.released <= seconds * 0.76
    assert outage.released - outage.stopped >= seconds * 0.24


def test_what_cannot_be_drilled() -> None:
    """Too short a time, and instances elsewhere."""
    with pytest.raises(InvalidInput):
        choose_outage(5.0, random.Random(1))
    assert check_loopback("http://localhost:8420")
    for url in ("https://boards.example", "http://10.0.0.1:8420", "http://localhost.example:8420"):
        with pytest.raises(InvalidInput):
            check_loopback(url)


@pytest.mark.parametrize(
    ("html", "state"),
    [
        (b'<span class="age stale" data-degraded="words"></span><time class="age cached"></time><tbody><tr>', "words"),
        (b'<time class="age summary" datetime=""></time><table>', "earlier"),
        (b'<div class="failed h240"><p>', "sentence"),
        (b"<table><tbody><tr>", "usual"),
        (b"<h1>Sign in</h1>", "none"),
    ],
)
def test_a_page_tells_its_panel_s_state(html: bytes, state: State) -> None:
    """By what every reader sees as well."""
    assert state_of(html) == state
