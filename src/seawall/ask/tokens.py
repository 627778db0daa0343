"""A text as tokens: words, numbers, dates and the few marks that mean something.

Every token remembers where it stood. Its `norm` is small, without accents (`Märkte` → `markte`, `ß` → `ss`), without a possessive's `'s`;
two words that differ in nothing else are the same. Hyphens, slashes and underscores part words.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Literal

import msgspec

Kind = Literal["word", "number", "date", "mark"]
_PARTS = re.compile(
    r"(?P<date>\d{4}-\d{2}-\d{2}(?!\d)|\d{4}-(?:0[1-9]|1[0-2])(?![\d-])|\d{1,2}\.\d{1,2}\.(?:\d{4}|\d{2})?(?!\d)|\d{1,2}/\d{1,2}/\d{2,4})"
    r"|(?P<number>\d+(?:[.,]\d+)*(?:\+(?!\d)|(?:[kKmM]|bn|th)(?![^\W_]))?)(?![^\W_])"
    r"|(?P<word>(?<![^\W_])[wW]/[oO](?![^\W_])|[^\W_]+(?:['’´`][^\W\d_]+)?)"
    r"|(?P<mark>>=|<=|≥|≤|[<>=&,;%/–—:\"“”„'-]|\.\.+)",
    re.UNICODE,
)
_MARKS = {"≥": ">=", "≤": "<=", "—": "–", "..": "–", "...": "–", ";": ",", "“": '"', "”": '"', "„": '"'}
_SHORT = {"w/o": "without"}
_LETTERS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "æ": "ae", "œ": "oe", "ı": "i"})


class Token(msgspec.Struct, frozen=True):
    """One of a text's parts."""

    norm: str
    kind: Kind
    start: int
    """Where it begins in the text, in characters; `end` is the first one after it."""
    end: int


def fold(text: str) -> str:
    """Small letters without accents."""
    if text.isascii():
        return text.lower()
    parted = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in parted if not unicodedata.combining(letter)).translate(_LETTERS)


def tokens_of(text: str) -> tuple[Token, ...]:
    """The tokens of a text, in order."""
    made = []
    for match in _PARTS.finditer(text):
        kind: Kind = match.lastgroup  # type: ignore[assignment]  # the groups are named like the kinds
        norm = match.group()
        if kind == "word":
            norm = _SHORT.get(norm.lower()) or _bare(fold(norm))
        elif kind == "mark":
            norm = _MARKS.get(norm, norm)
        else:
            norm = norm.lower()
        made.append(Token(norm, kind, match.start(), match.end()))
    return tuple(made)


def as_written(said: str, tokens: tuple[Token, ...], text: str) -> str:
    """Words as they stand in the text, which has capitals and accents; as they are where they do not stand there."""
    norms = said.split()
    for place in range(len(tokens) - len(norms) + 1):
        if norms and [token.norm for token in tokens[place : place + len(norms)]] == norms:
            found = text[tokens[place].start : tokens[place + len(norms) - 1].end]
            return found if fold(found) == said else said
    return said


def words_of(text: str) -> tuple[str, ...]:
    """The words and numbers of a text, without its marks: what phrases are made of."""
    return tuple(token.norm for token in tokens_of(text) if token.kind != "mark")


def number_of(norm: str, *, decimal: str = ".") -> float | None:
    """A number as written where `decimal` is the decimal mark; `10k`, `2m` and `1,000` too. None when it is none."""
    scale = 1.0
    for ending, factor in (("bn", 1e9), ("k", 1e3), ("m", 1e6)):
        if norm.endswith(ending):
            norm, scale = norm.removesuffix(ending), factor
            break
    thousands = "," if decimal == "." else "."
    if re.fullmatch(rf"\d{{1,3}}(\{thousands}\d{{3}})+(\{decimal}\d+)?", norm):
        norm = norm.replace(thousands, "")
    norm = norm.replace(",", ".")
    try:
        return float(norm) * scale if len(norm) <= 18 else None
    except ValueError:
        return None


def _bare(norm: str) -> str:
    """Without an apostrophe and what follows it: `grocery's` → `grocery`."""
    for mark in "'’´`":
        head, found, tail = norm.partition(mark)
        if found:
            return head if tail in ("s", "") else head + tail
    return norm
