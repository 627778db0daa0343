"""Periods alone, as people write them, and back into words."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.ask.said_period import ALL_OF_TIME, CHARACTERS_MAX, compared_said, compared_words, period_said, period_words
from seawall.ask.sentence import period_text
from seawall.query.periods import span_of

AS_OF = date(2018, 1, 1)
UNITS = ("day", "week", "month", "quarter", "year")
PERIODS = st.one_of(
    st.builds(lambda count, unit: f"last_{count}_{unit}s", st.integers(2, 60), st.sampled_from(UNITS)),
    st.builds(lambda unit: f"this_{unit}", st.sampled_from(("week", "month", "quarter", "year"))),
    st.builds(lambda year, month: f"{year}-{month:02}", st.integers(2010, 2030), st.integers(1, 12)),
    st.builds(lambda day: f"{day}..", st.dates(date(2016, 1, 1), date(2019, 1, 1))),
    st.builds(lambda days: f"{min(days)}..{max(days)}", st.tuples(*[st.dates(date(2016, 1, 1), date(2019, 1, 1))] * 2)),
)


@pytest.mark.parametrize(
    ("text", "locale", "period"),
    [
        ("March 2017", "en", "2017-03"),
        ("in March", "en", "2017-03"),
        ("last 4 weeks", "en", "last_4_weeks"),
        ("the last 4 weeks", "en", "last_4_weeks"),
        ("letzte 4 Wochen", "de", "last_4_weeks"),
        ("letzte 4 Wochen", "en", "last_4_weeks"),
        ("since June", "en", "2017-06-01.."),
        ("seit Juni", "de", "2017-06-01.."),
        ("1 May to 15 May 2017", "en", "2017-05-01..2017-05-15"),
        ("Q2 2017", "de", "2017-04-01..2017-06-30"),
        ("this month", "en", "this_month"),
        ("previous month", "en", "last_1_month"),
        ("Vormonat", "de", "last_1_month"),
        ("2017", "en", "2017"),
        (" last_4_weeks ", "en", "last_4_weeks"),
        ("2017-01-01..2017-03-31", "de", "2017-01-01..2017-03-31"),
        ("all time", "en", ALL_OF_TIME),
    ],
)
def test_words_are_a_period(text: str, locale: str, period: str) -> None:
    """In the reader's language or another, or in the short form itself."""
    assert period_said(text, locale, AS_OF) == period


@pytest.mark.parametrize(
    "text", ["", "wibble", "March florb", "sales in March", "2017-13", "a year ago", "March vs April", "..", "x" * (CHARACTERS_MAX + 1)]
)
def test_what_is_not_wholly_a_period_is_none(text: str) -> None:
    """No part of it is passed over."""
    assert period_said(text, "en", AS_OF) is None


def test_words_count_back_from_the_data_alone() -> None:
    """Without data there is no day to count from; what names its days needs none."""
    assert period_said("last 4 weeks", "en", None) is None
    assert period_said("2017-03", "en", None) == "2017-03"


@given(PERIODS, st.sampled_from(("en", "de", "de-AT")))
def test_words_of_a_period_mean_its_days(period: str, locale: str) -> None:
    """What a field shows may be sent back as it stands."""
    said = period_said(period_words(period, locale, AS_OF), locale, AS_OF)
    assert said is not None
    assert span_of(said, AS_OF) == span_of(period, AS_OF)


@pytest.mark.parametrize("period", ["2017-03", "last_4_weeks", "this_month", "2017-06-01..", "last_1_week", "2017-04-01..2017-06-30"])
@pytest.mark.parametrize("locale", ["en", "de"])
def test_common_periods_have_words(period: str, locale: str) -> None:
    """Those that are offered are offered as people write them."""
    assert period_words(period, locale, AS_OF) == period_text(period, locale)


@pytest.mark.parametrize(
    ("text", "locale", "period", "compare"),
    [
        ("the period before", "en", "2017-03", "previous"),
        ("der Zeitraum davor", "de", "2017-03", "previous"),
        ("previous month", "en", "2017-03", "previous"),
        ("a year ago", "en", "2017-03", "year_ago"),
        ("than a year ago", "en", "2017-03", "year_ago"),
        ("gegen das Vorjahr", "de", "2017-03", "year_ago"),
        ("last year", "en", "2017-03", "year_ago"),
        ("last year", "en", "2017", "last_1_year"),
        ("last month", "en", "this_month", "previous"),
        ("last 4 weeks", "en", "last_4_weeks", "previous"),
        ("April 2017", "en", "2017-03", "2017-04"),
        ("compared with April 2017", "en", "2017-03", "2017-04"),
        ("verglichen mit April 2017", "de", "2017-03", "2017-04"),
        ("last_4_weeks", "en", "last_4_weeks", "last_4_weeks"),
        ("soon", "en", "2017-03", None),
        ("not March", "en", "2017-03", None),
        ("ever", "en", "2017-03", None),
        ("x" * 101, "en", "2017-03", None),
    ],
)
def test_words_are_what_a_period_is_compared_with(text: str, locale: str, period: str, compare: str | None) -> None:
    """How far before, or another period."""
    assert compared_said(text, locale, AS_OF, period) == compare


@given(PERIODS | st.sampled_from(["previous", "year_ago"]), st.sampled_from(("en", "de", "de-AT")))
def test_words_of_a_comparison_mean_the_same(compare: str, locale: str) -> None:
    """What the field shows may be sent back as it stands."""
    said = compared_said(compared_words(compare, locale, AS_OF), locale, AS_OF)
    assert said is not None
    assert said == compare or span_of(said, AS_OF) == span_of(compare, AS_OF)
