"""Values as readers of a locale expect them."""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal

import pytest
from babel.dates import format_date
from babel.numbers import format_currency, format_decimal, parse_decimal
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.render.factory import DOLLARS

from seawall.app.model import Format
from seawall.ui.formats import MINUS, NULL, formatter


@given(st.decimals(min_value=-(10**12), max_value=10**12, places=2), st.sampled_from(["en", "de", "fr"]))
def test_numbers_round_trip_through_babel(value, locale):
    """What we write, Babel reads back as the same number."""
    text = formatter(locale).value(value, Format(decimals=2), "Decimal")
    assert parse_decimal(text.replace(MINUS, "-"), locale=locale) == value


@given(st.decimals(min_value=-(10**9), max_value=10**9, places=2), st.sampled_from(["en", "de", "fr"]))
def test_our_quick_way_agrees_with_babel(value, locale):
    """Grouping, decimals, symbol and spacing are CLDR's; only the minus sign is the typographic one."""
    made = formatter(locale)
    assert made.value(value, DOLLARS, "Decimal").replace(MINUS, "-") == format_currency(value, "USD", locale=locale)
    assert made.value(int(value), Format(), "Integer").replace(MINUS, "-") == format_decimal(int(value), locale=locale)


@given(st.dates(min_value=date(1000, 1, 1)), st.sampled_from(["en", "de", "fr", "ja"]))
def test_dates_agree_with_babel(value, locale):
    """The compiled pattern writes what Babel's own function writes."""
    made = formatter(locale)
    assert made.date(value, "date") == format_date(value, "medium", locale=locale)


@pytest.mark.parametrize(
    ("value", "format", "datatype", "english", "german"),
    [
        (1234567.891, Format(), "Float", "1,234,567.89", "1.234.567,89"),
        (-1234.5, DOLLARS, "Decimal", "−$1,234.50", "−1.234,50 $"),
        (Decimal("0.1234"), Format(style="percent"), "Decimal", "12.3%", "12,3 %"),
        (1_234_567, Format(style="currency", currency="EUR", compact=True), "Integer", "€1.23M", "1,23 Mio. €"),
        (12_345, Format(compact=True), "Integer", "12.3K", "12.345"),
        (3, Format(unit="kg"), "Integer", "3 kg", "3 kg"),
        (date(2017, 1, 4), Format(style="week"), "Date", "Jan 2, 2017", "2. Jan. 2017"),
        (date(2017, 3, 1), Format(style="month"), "Date", "Mar 2017", "März 2017"),
        (datetime(2017, 1, 4, 14, 5), Format(), "DateTime", "Jan 4, 2017, 2:05 PM", "4. Jan. 2017, 14:05"),  # noqa: DTZ001
        (time(9, 30), Format(), "Time", "9:30 AM", "09:30"),
        (True, Format(), "Boolean", "Yes", "Ja"),
        (-0.001, Format(decimals=1), "Float", "0", "0"),
    ],
)
def test_styles(value, format, datatype, english, german):
    """Each style in both of our locales."""
    for locale, expected in (("en", english), ("de", german)):
        written = formatter(locale).value(value, format, datatype)
        assert written.replace("\u00a0", " ").replace("\u202f", " ") == expected


@pytest.mark.parametrize("value", [None, float("nan"), Decimal("NaN")])
def test_what_is_missing_is_a_dash(value):
    """Null and NaN are an em dash in every style."""
    for style in ("number", "percent", "currency", "integer"):
        assert formatter("en").value(value, Format(style=style, currency="USD"), "Float") == NULL


def test_axis_says_its_unit_once():
    """Ticks share one scale, carry just enough decimals, and only the last has the unit."""
    assert formatter("en").axis([0, 50_000, 100_000, 150_000], DOLLARS) == ["0", "50K", "100K", "$150K"]
    assert formatter("en").axis([0, 500_000, 1_000_000, 1_500_000], DOLLARS) == ["0", "0.5M", "1.0M", "$1.5M"]
    assert formatter("de").axis([0, 0.2, 0.4], Format(style="percent")) == ["0", "20", "40\u00a0%"]


def test_short_labels():
    """Labels have three significant digits, money under a hundred has its cents."""
    made = formatter("en")
    shorts = [made.short(value, DOLLARS, "Float") for value in (12.6, 115.2, 78_935.9, 999_999, 2_316_394)]
    assert shorts == ["$12.60", "$115", "$78.9K", "$1M", "$2.32M"]


def test_changes_are_signed():
    """A change carries its sign, and none when nothing is left of it."""
    made = formatter("en")
    assert [made.change(ratio) for ratio in (0.042, -0.3141, 0.00001, 12.3)] == ["+4.2%", "−31.4%", "0.0%", "+1,230%"]


@given(st.floats() | st.integers() | st.decimals() | st.text() | st.none() | st.booleans() | st.dates() | st.datetimes() | st.times())
def test_any_value_in_any_style(value):
    """No value of any type makes any style raise."""
    for style in ("number", "integer", "percent", "currency", "date", "week", "month", "datetime", "text"):
        for datatype in ("String", "Float", "Date", "Boolean"):
            made = formatter("de")
            shown = Format(style=style, currency="EUR", compact=style == "currency")
            assert isinstance(made.value(value, shown, datatype), str)
            assert isinstance(made.short(value, shown, datatype), str)
