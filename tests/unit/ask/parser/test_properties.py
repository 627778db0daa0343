"""What holds for every text."""

from __future__ import annotations

import asyncio
import re
import sys
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.app.model import Filter
from seawall.ask.lexicon import Lexicon
from seawall.ask.question import Question
from seawall.ask.reading import CHARACTERS_MAX, TOKENS_MAX, Reader, Reading
from seawall.ask.tokens import tokens_of
from seawall.query.compile_query import compile_query
from seawall.query.policy import unrestricted

from .conftest import AS_OF, VALUES, bicycles, lexicon_for

LEXICON = lexicon_for(unrestricted(bicycles()))
TALK = """
trips takings duration repairs by per and or not without only top bottom 3 5 12 2023 may june last week month harbour old town red blue
docks hills member station borough colour bike highest lowest compared with than between to from over 30 minutes unicorn ratio of share
fahrten nach ohne je
und letzten wochen all the how many which best worst as a table since until late , ? - average total
"""
WORDS = st.sampled_from(TALK.split())
SENTENCES = st.lists(WORDS, min_size=1, max_size=14).map(" ".join)
QUIET = settings(max_examples=80)


def read(text: str, before: Question | None = None, lexicon: Lexicon = LEXICON, as_of: date = AS_OF) -> Reading:
    """The reading, made without a loop of our own."""
    return asyncio.run(Reader(lexicon).read(text, locale="en", as_of=as_of, before=before))


@given(st.text(max_size=120))
@QUIET
def test_no_text_raises(text: str) -> None:
    """Whatever comes is a question or a refusal with a sentence."""
    reading = read(text)
    assert (reading.question is None) == bool(reading.refusal) == bool(reading.why)


@given(SENTENCES, st.one_of(st.none(), SENTENCES))
@QUIET
def test_every_question_compiles(text: str, first: str | None) -> None:
    """Also those that follow another."""
    before = read(first).question if first else None
    question = read(text, before).question
    if question is not None:
        assert compile_query(LEXICON.app, question.query(), LEXICON.policy, dialect="duckdb", as_of=AS_OF).sql


@given(SENTENCES)
@QUIET
def test_values_come_from_the_data_or_from_the_text(text: str) -> None:
    """Nothing is made up."""
    question = read(text).question
    for one in question.where if question else ():
        if one.op == "during":
            continue
        for value in one.values:
            known = value in VALUES.get(one.field, ()) or isinstance(value, bool)
            assert known or re.search(rf"(?<!\d){value}(?!\d)", text)


@given(st.sampled_from(["stations", "boroughs", "colours"]), st.integers(1, 50), st.sampled_from(["trips", "takings", "late share"]))
@QUIET
def test_bottom_is_top_the_other_way_round(noun: str, count: int, metric: str) -> None:
    """Only the order differs."""
    top, bottom = (read(f"{word} {count} {noun} by {metric}").question for word in ("top", "bottom"))
    assert top is not None
    assert bottom is not None
    assert [one.descending for one in top.order] == [True]
    assert [one.descending for one in bottom.order] == [False]
    assert top.limit == bottom.limit == count


@given(st.sampled_from([(ref, value) for ref, values in VALUES.items() if ref.startswith("bikes.") for value in values]))
@QUIET
def test_a_negation_turns_a_condition_round(value: tuple[str, str]) -> None:
    """ "With" and "without" never mean the same."""
    with_, without = read(f"trips of {value[1]} bikes").question, read(f"trips without {value[1]} bikes").question
    assert with_ is not None
    assert without is not None
    assert with_.where == (Filter(value[0], "eq", (value[1],)),)
    assert without.where == (Filter(value[0], "ne", (value[1],)),)


@given(st.integers(1990, 2022), st.sampled_from(["May", "2 May", "Q3", "the first half of"]))
@QUIET
def test_another_year_is_another_period(year: int, part: str) -> None:
    """2023 is in the data; the others are refused, and never answered from 2023."""
    assert read(f"trips in {part} 2023").question is not None
    assert read(f"trips in {part} {year}").refusal == "out_of_range"


def work(text: str) -> int:
    """How many functions are called to read a text: the same on every machine."""
    counted = 0

    def called(_frame: object, event: str, _argument: object) -> None:
        nonlocal counted
        counted += event == "call"

    sys.setprofile(called)
    try:
        read(text)
    finally:
        sys.setprofile(None)
    return counted


@pytest.mark.parametrize("part", ["and trips ", "by ", "a", "1 ", "not ", "(", "trips by station "])
def test_odd_long_texts_are_read_quickly(part: str) -> None:
    """Repetition does not multiply the work: of twice as much there is at most about twice as much."""
    some = min(CHARACTERS_MAX // len(part), TOKENS_MAX // max(1, len(tokens_of(part)))) // 2
    read(part * some)  # whatever is remembered is by now
    assert work(part * 2 * some) < 3 * work(part * some)
