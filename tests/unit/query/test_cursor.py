"""Cursors come back as they went out, and in no other form."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.query.cursor import Cursors
from seawall.query.errors import InvalidCursor

CURSORS = Cursors(b"k" * 32)
scalars = st.one_of(st.none(), st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False), st.text(max_size=20))
values = st.lists(scalars, max_size=5).map(tuple)


@given(values=values, subject=st.text(max_size=20))
def test_what_goes_out_comes_back(values: tuple[object, ...], subject: str) -> None:
    """Any key values survive, types included, in characters a URL need not escape."""
    text = CURSORS.encode(values, subject=subject)  # type: ignore[arg-type]
    assert CURSORS.decode(text, subject=subject) == values
    assert text.replace("-", "").replace("_", "").isalnum()


@given(values=values, place=st.integers(0, 500), replacement=st.sampled_from("AZaz09-_=.é"))
def test_an_altered_cursor_is_refused(values: tuple[object, ...], place: int, replacement: str) -> None:
    """One character changed anywhere is noticed, the last one's spare bits included."""
    text = CURSORS.encode(values, subject="s")  # type: ignore[arg-type]
    altered = text[: place % len(text)] + replacement + text[place % len(text) + 1 :]
    if altered != text:
        with pytest.raises(InvalidCursor):
            CURSORS.decode(altered, subject="s")


@pytest.mark.parametrize("text", ["", "x", "AAAA", "A" * 5000, "\0", "💥", " "])
def test_nonsense_is_refused(text: str) -> None:
    """What was never a cursor is an invalid one, whatever it is."""
    with pytest.raises(InvalidCursor):
        CURSORS.decode(text, subject="s")


def test_a_cursor_belongs_to_one_subject_and_one_key() -> None:
    """Another question, another principal's rights or another installation refuse it."""
    text = CURSORS.encode((1, "a"), subject="mine")
    for cursors, subject in ((CURSORS, "yours"), (Cursors(b"j" * 32), "mine")):
        with pytest.raises(InvalidCursor):
            cursors.decode(text, subject=subject)


def test_a_short_key_is_refused() -> None:
    """A key that could be guessed is no key."""
    with pytest.raises(ValueError, match="32 bytes"):
        Cursors(b"short")
