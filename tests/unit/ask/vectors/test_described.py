"""Rows found by the words that describe them."""

from __future__ import annotations

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from seawall.app.model import Similar
from seawall.ask.vectors.described import Described, Shown, grouped, text_of
from seawall.ask.vectors.port import START, key_of, value_of

SHOWN = Shown("products", Similar(("kind", "brand"), "product"), "id")
MILK = Described(
    ["FLUID MILK, National", "CHOCOLATE MILK, Private", "CHOCOLATE BARS, National", "DOG FOOD, Private"],
    [[key_of(n) for n in (1, 2)], [key_of(3)], [key_of(n) for n in (4, 10)], [key_of(5)]],
)


def best(words: str, limit: int = 10) -> list[int | str]:
    return [value_of(near.key) for near in MILK.page(MILK.likeness(words), limit=limit)]


def test_rows_with_more_of_the_words_come_first() -> None:
    """Ties are in the order of keys."""
    assert best("chocolate milk")[:1] == [3]
    assert set(best("chocolate milk")) == {1, 2, 3, 4, 10}
    assert best("national") == [1, 2, 4, 10]


def test_case_plurals_and_beginnings_do_not_matter() -> None:
    """What begins a word counts a little less than the word."""
    assert best("Milks") == best("MILK") == best("milk")
    assert set(best("choc")) == {3, 4, 10}
    whole, part = MILK.likeness("chocolate bars"), MILK.likeness("choc bars")
    assert whole[2] > part[2] > 0


def test_words_that_nothing_has_find_nothing() -> None:
    """Neither do no words at all."""
    assert best("zebra") == best("") == best("…") == []


def test_rows_are_grouped_by_what_describes_them() -> None:
    """Missing parts are left out; a row that nothing describes is not there."""
    table = pa.table({"id": [3, 1, 2, 4], "kind": ["A", "A", None, None], "brand": ["x", "x", "x", None]})
    made = grouped(table, SHOWN)
    assert dict(zip(made.texts, made.keys, strict=True)) == {"A, x": [key_of(1), key_of(3)], "x": [key_of(2)]}
    assert text_of({"kind": "A", "brand": "x"}, SHOWN) == "A, x"
    assert made.items == 3


@given(st.lists(st.integers(-5, 5), min_size=1, max_size=30), st.integers(1, 7))
def test_pages_hold_every_row_once(likenesses: list[int], limit: int) -> None:
    """Whatever is equally alike and wherever pages are cut."""
    made = Described([f"text {n}" for n in range(len(likenesses))], [[key_of(n), key_of(-n - 1)] for n in range(len(likenesses))])
    likeness = {place: like / 5 for place, like in enumerate(likenesses)}
    found, position = [], START
    while page := made.page(likeness, limit=limit, after=position):
        found += page
        position = page[-1].position
    assert len({near.key for near in found}) == len(found) == 2 * len([like for like in likenesses if like <= 10])
    assert [near.position for near in found] == sorted(near.position for near in found)


@given(st.one_of(st.integers(-(2**63), 2**63 - 1), st.text()), st.one_of(st.integers(-(2**63), 2**63 - 1), st.text()))
def test_keys_sort_as_their_values_do(one: int | str, other: int | str) -> None:
    """And lead back to them."""
    assert value_of(key_of(one)) == one
    if type(one) is type(other):
        assert (key_of(one) < key_of(other)) == (one < other)  # type: ignore[operator]
