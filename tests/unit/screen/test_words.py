"""Safe places are the same however a text grows: words are read once, at once where that tells all."""

from __future__ import annotations

import re
from itertools import accumulate, pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.model_proxy.screen.words import CALM, Words

_WORD = re.compile(r"([!#-+\-.-:=?-\\^-z|~\x00-\x08\x0e-\x1b]*)([^!#-+\-.-:=?-\\^-z|~\x00-\x08\x0e-\x1b]+)")
_PROSE = re.compile(r"[('*_]{0,3}[A-Za-z]?[a-z]+(?:['-][a-z]+){0,4}[.:?!)'*_]{0,3}")
_NAMES = re.compile(r"passw|passphrase|kennwort|pwd|secret|token|key|bearer|credential", re.IGNORECASE)


def safe(text: str) -> tuple[int, bool]:
    """Up to where a text can be let go, and whether all words until there are calm: word by word, from its beginning."""
    place, calm, clean, clean_there = 0, CALM, True, True
    for match in _WORD.finditer(text):
        if word := match[1]:
            quiet = len(word) <= 40 and _PROSE.fullmatch(word) is not None and _NAMES.search(word) is None
            calm, clean = (calm + 1, clean) if quiet else (0, False)
        if calm >= CALM:
            place, clean_there = match.end(), clean
    return place, clean_there


WORDS = [
    "the",
    "tide",
    "It's",
    "(so)",
    "rises.",
    "GROCERY",
    "12",
    "x" * 50,
    "password",
    "Key",
    "store\x01",
    "é",
    "–",
    "über",
    '"',
    "{",
    "a:b",
]
texts = st.lists(st.tuples(st.sampled_from(WORDS), st.sampled_from([" ", " ", "", "\n", ", ", '","', "\x1c", "\u2028"])), max_size=25).map(
    lambda parts: "".join(one + gap for one, gap in parts)
)


@settings(max_examples=200)
@given(texts, st.lists(st.integers(min_value=0, max_value=10_000), max_size=12))
def test_places_are_the_same_however_a_text_grows(text: str, places: list[int]) -> None:
    """As if each beginning of it were read alone."""
    words = Words()
    for end in sorted({len(text), *(place % (len(text) + 1) for place in places)}):
        words.read(text[:end])
        assert (words.place, words.clean) == safe(text[:end])


@settings(max_examples=200)
@given(texts, st.lists(st.integers(min_value=1, max_value=40), min_size=1, max_size=30))
def test_what_was_let_go_is_forgotten(text: str, sizes: list[int]) -> None:
    """The rest reads as a text of its own."""
    words, held = Words(), ""
    for start, end in pairwise([0, *accumulate(sizes)]):
        held += text[start:end]
        words.read(held)
        assert (words.place, words.clean) == safe(held)
        held = held[words.place :]
        words.let()
