"""Decimals in texts: every digit that counts, no zero that does not."""

from __future__ import annotations

from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.query.decimals import plain, shortened

DECIMALS = st.decimals(min_value=-(10**20), max_value=10**20, places=6)


@pytest.mark.parametrize(
    ("value", "text"),
    [("2034.500000", "2034.5"), ("100.000000", "100"), ("0.000000", "0"), ("-0.000001", "-0.000001"), ("1200", "1200")],
)
def test_a_number_as_people_write_it(value: str, text: str) -> None:
    """Never with an exponent."""
    assert str(plain(Decimal(value))) == text


@given(DECIMALS)
def test_nothing_is_lost(value: Decimal) -> None:
    """It is the same number, and its text has no exponent."""
    assert plain(value) == value
    assert "E" not in str(plain(value))


def test_every_digit_of_the_longest_decimal_is_kept() -> None:
    """Arrow has 38 of them, and 76 in its wide form; Python's own arithmetic keeps 28."""
    for digits in (38, 76):
        value = Decimal("1" * (digits - 6) + ".111110")
        assert str(plain(value)) == "1" * (digits - 6) + ".11111"


@given(st.lists(st.none() | DECIMALS))
def test_a_column_gets_the_smallest_scale_that_holds_it(values: list[Decimal | None]) -> None:
    """Its values stay equal, and one place less would not do."""
    made = shortened(pa.table({"x": pa.array(values, pa.decimal128(38, 6)), "y": [1] * len(values)}))
    assert made.column("x").to_pylist() == values
    places = [max(0, -int(plain(value).as_tuple().exponent)) for value in values if value is not None]
    assert made.schema.field("x").type.scale == max(places, default=0)
