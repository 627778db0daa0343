"""Words about time as periods."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from seawall.ask.language import language
from seawall.ask.times import TimeReader
from seawall.ask.tokens import tokens_of

AS_OF = date(2024, 1, 1)


def longest(text: str, name: str = "en") -> str:
    """The period of the most words from the beginning."""
    tokens = tokens_of(text)
    found = list(TimeReader(tokens, language(name), AS_OF, AS_OF - timedelta(days=1)).at(0))
    end, time = max(found, key=lambda one: one[0])
    assert end == len(tokens)
    return time.text or time.role


@pytest.mark.parametrize(
    ("text", "period"),
    [
        ("last week", "last_1_week"),
        ("in the past 4 weeks", "last_4_weeks"),
        ("the last three months", "last_3_months"),
        ("this year", "this_year"),
        ("yesterday", "last_1_day"),
        ("today", "2024-01-01"),
        ("in March 2022", "2022-03"),
        ("in March", "2023-03"),
        ("in december", "2023-12"),
        ("in 2022", "2022"),
        ("in Q2 2023", "2023-04-01..2023-06-30"),
        ("in the second quarter of 2023", "2023-04-01..2023-06-30"),
        ("in the first half of 2023", "2023-01-01..2023-06-30"),
        ("on 4 July 2023", "2023-07-04"),
        ("on July 4th", "2023-07-04"),
        ("on 2023-07-04", "2023-07-04"),
        ("between 3 and 9 April", "2023-04-03..2023-04-09"),
        ("from March to May 2022", "2022-03-01..2022-05-31"),
        ("from November 2022 until February 2023", "2022-11-01..2023-02-28"),
        ("from November until February 2023", "2022-11-01..2023-02-28"),
        ("from 20 December to 3 January 2023", "2022-12-20..2023-01-03"),
        ("since June", "2023-06-01.."),
        ("before 1 May", "..2023-04-30"),
        ("until 1 May", "..2023-04-30"),
        ("until May", "..2023-05-31"),
        ("before May", "..2023-04-30"),
        ("after 15 May", "2023-05-16.."),
        ("week 2 of 2023", "2023-01-09..2023-01-15"),
        ("in the week of December 20", "2023-12-18..2023-12-24"),
        ("the week before last", "2023-12-18..2023-12-24"),
        ("next month", "2024-01-01..2024-01-31"),
        ("a year ago", "year_ago"),
    ],
)
def test_english_periods(text: str, period: str) -> None:
    """Every way to name a period that we know."""
    assert longest(text) == period


@pytest.mark.parametrize(
    ("text", "period"),
    [
        ("in der letzten Woche", "last_1_week"),
        ("in den vergangenen 4 Wochen", "last_4_weeks"),
        ("diesen Monat", "this_month"),
        ("im März 2022", "2022-03"),
        ("im Mai", "2023-05"),
        ("im 2. Quartal 2023", "2023-04-01..2023-06-30"),
        ("im zweiten Quartal", "2023-04-01..2023-06-30"),
        ("am 4. Juli 2023", "2023-07-04"),
        ("am 4.7.2023", "2023-07-04"),
        ("vom 3. bis 9. April", "2023-04-03..2023-04-09"),
        ("zwischen dem 3. und 9. April", "2023-04-03..2023-04-09"),
        ("seit Juni", "2023-06-01.."),
        ("vor dem 1. Mai", "..2023-04-30"),
        ("gestern", "last_1_day"),
        ("KW 2", "2023-01-09..2023-01-15"),
    ],
)
def test_german_periods(text: str, period: str) -> None:
    """The same in German."""
    assert longest(text, "de") == period


@pytest.mark.parametrize("text", ["trips", "on 45 May", "in week 99", "31 February 2023", "2023-13-01", "last 99999999 weeks"])
def test_what_is_no_period_does_not_raise(text: str) -> None:
    """Days that do not exist are no period of so many words."""
    tokens = tokens_of(text)
    reader = TimeReader(tokens, language("en"), AS_OF, AS_OF)
    assert all(end <= len(tokens) for place in range(len(tokens)) for end, _ in reader.at(place))


@pytest.mark.parametrize("text", ["from 2017-05-01 to 2017-04-01", "from May 2017 to April 2017", "from 1 May 2017 to 1 April 2017"])
def test_a_range_whose_ends_are_dated_is_not_turned_round(text: str) -> None:
    """A year that was written stays: what ends before it begins is no period."""
    tokens = tokens_of(text)
    found = list(TimeReader(tokens, language("en"), AS_OF, AS_OF - timedelta(days=1)).at(0))
    assert all(end < len(tokens) for end, _ in found)
