"""A text as tokens."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.ask.tokens import number_of, tokens_of, words_of


def test_words_lose_case_accents_and_possessives() -> None:
    """What differs only in writing is the same."""
    assert words_of("The Museum’s CAFÉ, Straße_12") == ("the", "museum", "cafe", "strasse", "12")


def test_hyphens_and_slashes_part_words() -> None:
    """`park-and-ride` is three words."""
    assert words_of("park-and-ride Tandem/Family") == ("park", "and", "ride", "tandem", "family")


@pytest.mark.parametrize("text", ["2023-05-01", "2023-05", "1.5.2023", "01.05.", "5/1/2023"])
def test_dates_are_one_token(text: str) -> None:
    """A date's marks are its own."""
    assert [token.kind for token in tokens_of(f"on {text} then")] == ["word", "date", "word"]


@pytest.mark.parametrize(
    ("norm", "decimal", "number"),
    [("1,000", ".", 1000), ("1.000", ",", 1000), ("1,5", ",", 1.5), ("2.5k", ".", 2500), ("3m", ".", 3e6), ("12", ".", 12)],
)
def test_numbers_are_read_as_the_language_writes_them(norm: str, decimal: str, number: float) -> None:
    """A dot is for thousands in German."""
    assert number_of(norm, decimal=decimal) == number


@given(st.text(max_size=80))
def test_tokens_stand_where_they_say(text: str) -> None:
    """Tokens are in order, do not overlap, and fold to what stands there."""
    end = 0
    for token in tokens_of(text):
        assert end <= token.start < token.end <= len(text)
        end = token.end
