"""Scores of understanding: what counts as right, how sure one can be of a share, and what is told beside the headline."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.ask.golden import Golden, Refusal
from seawall.ask.question import Question
from seawall.ask.scoring import Attempt, same_table, score, share, tally

SALES, UNITS = Question(("sales",)), Question(("units",))


def golden(id_: str, *tags: str, expect: Question | None = SALES, refuse: Refusal | None = None) -> Golden:
    return Golden(id_, "?", expect=None if refuse else expect, refuse=refuse, tags=tags)


RUN = (
    Attempt(golden("a", "top"), SALES, confidence=0.95),
    Attempt(golden("b", "top", "period"), UNITS, confidence=0.55, same_result=True),
    Attempt(golden("c"), None, refusal="unclear"),
    Attempt(golden("d", refuse="no_metric"), None, refusal="unknown_words"),
    Attempt(golden("e", "period", refuse="unsafe"), SALES, confidence=0.92),
)


def test_right_wrong_and_refused_add_up():
    """A refusal where something could be answered is neither right nor wrong; an answer where nothing could be is wrong."""
    told = tally(RUN)
    assert [attempt.outcome for attempt in RUN] == ["right", "wrong", "refused", "right", "wrong"]
    assert (told.right.count, told.wrong.count, told.refused.count, told.right.total) == (2, 2, 1, 5)


def test_the_same_table_by_another_query_counts_beside_the_headline():
    """One more is as good as right by its rows; the headline does not move."""
    assert tally(RUN).same_result.count == 3
    assert tally(RUN).right.count == 2


def test_kinds_of_questions_are_told_apart():
    """Each tag has its own tally, and so have answerable and unanswerable questions, first."""
    told = score(RUN).by_tag
    assert list(told) == ["(answerable)", "(unanswerable)", "period", "top"]
    assert (told["(answerable)"].right.total, told["(unanswerable)"].right.total) == (3, 2)
    assert (told["top"].right.count, told["top"].wrong.count) == (1, 1)
    assert score(RUN).misses == ("b", "e")


def test_refusals_are_told_by_reason():
    """What should have been said against what was said, answers included."""
    assert score(RUN).refusals == {"answer": {"unclear": 1}, "no_metric": {"unknown_words": 1}, "unsafe": {"answered": 1}}


def test_confidence_is_held_against_what_came_true():
    """Three answers: at 0.92 and 0.95 half were right, at 0.55 none."""
    told = score(RUN)
    assert [(round(one.low, 1), one.count, one.right) for one in told.bins] == [(0.5, 1, 0.0), (0.9, 2, 0.5)]
    assert told.calibration_error == pytest.approx((0.55 + 2 * abs(0.935 - 0.5)) / 3)


def test_wilson_intervals_are_those_of_the_textbook():
    """81 of 263: 25.53 % to 36.62 % (Newcombe 1998, table I); of none of 20, at most 16.11 %."""
    told = share(81, 263)
    assert (round(told.low, 4), round(told.high, 4)) == (0.2553, 0.3662)
    assert (share(0, 20).low, round(share(0, 20).high, 4)) == (0.0, 0.1611)
    assert (share(0, 0).low, share(0, 0).high) == (0.0, 1.0)


@given(st.integers(0, 300).flatmap(lambda total: st.tuples(st.integers(0, total), st.just(total))))
def test_an_interval_holds_its_share(counted: tuple[int, int]):
    """Always within 0 and 1, around what was measured; the mirrored count has the mirrored interval."""
    count, total = counted
    told, other = share(count, total), share(total - count, total)
    assert 0 <= told.low <= told.share <= told.high <= 1
    if total:
        assert told.low == pytest.approx(1 - other.high)


def test_tables_are_the_same_by_their_rows():
    """Order counts only where it was asked for, the last digits of doubles never, and nothing is not the same as nothing."""
    one, two = [("a", 0.1 + 0.2), ("b", 1)], [("b", 1), ("a", 0.3)]
    assert same_table(one, two, ordered=False)
    assert not same_table(one, two, ordered=True)
    assert not same_table([("a", 1)], [("a", 1), ("a", 1)], ordered=False)
    assert not same_table([], [], ordered=False)
