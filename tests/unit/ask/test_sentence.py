"""A question back in words, each part a chip that can be taken away."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.ask.test_params import questions
from tests.unit.query.star import app

from seawall.app.model import Filter, Order
from seawall.ask.params import to_params
from seawall.ask.question import Question, by_field, by_time, during
from seawall.ask.sentence import chips, period_text, sentence

APP = app()


def test_a_question_is_told_as_one_would_say_it() -> None:
    """Subject first, then each part in turn."""
    question = Question(
        ("revenue",),
        (by_field("stores.store_group"),),
        (Filter("products.department", "not_in", ("FUEL", "DELI")), during("2017-03")),
        (Order("revenue", descending=True),),
        5,
    )
    told = sentence(question, APP, "en")
    assert told == "revenue, by store_group, department is not FUEL or DELI, March 2017, largest revenue first, the first 5"


@pytest.mark.parametrize(
    ("period", "english", "german"),
    [
        ("2017", "2017", "2017"),
        ("2017-03", "March 2017", "März 2017"),
        ("last_1_month", "last month", "letzter Monat"),
        ("last_4_weeks", "last 4 weeks", "letzte 4 Wochen"),
        ("this_quarter", "this quarter", "dieses Quartal"),
        ("2017-04-01..2017-06-30", "Q2 2017", "2. Quartal 2017"),
        ("2017-06-01..", "since Jun 1, 2017", "seit 01.06.2017"),
        ("2017-04-03..2017-04-03", "Apr 3, 2017", "03.04.2017"),
    ],
)
def test_times_are_said_in_the_reader_s_language(period: str, english: str, german: str) -> None:
    """Not as programs write them."""
    assert (period_text(period, "en"), period_text(period, "de")) == (english, german)


@given(questions(), st.sampled_from(("en", "de", "de-AT", "fr")))
def test_every_part_of_every_question_has_its_chip(question: Question, locale: str) -> None:
    """In any locale, each naming the parameter that holds it."""
    made = chips(question, APP, locale)
    assert {(one.name, one.value) for one in made} == set(to_params(question))
    assert all(one.text.strip() for one in made)


def test_a_ratio_and_a_series_are_one_thing() -> None:
    """Sales per basket, the last eight weeks."""
    question = Question(("revenue", "baskets"), (by_time("week"),), last=8, ratio=True)
    assert sentence(question, APP, "en") == "revenue per baskets, by week, the last 8 weeks"
