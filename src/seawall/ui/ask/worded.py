"""Periods that a form sent in words, put into their short form; and what was written where that is no period.

A form of a period says with `was` what it held before and with `at` which field it is. What is not understood leaves the question as
it was: the page goes on to its address, with the words as `odd` and the field as `at`, which says so at that field.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from seawall.ui.ask.asked import last
from seawall.ui.params import Values

SENT = ("was", "at", "odd")
ODD_MAX = 100
AT_MAX = 24
Read = Callable[[str], str | None]


class Odd(msgspec.Struct, frozen=True):
    """Words that are no period."""

    text: str
    at: str
    """The field they were written into."""


class Worded(msgspec.Struct, frozen=True):
    """An address with periods in their short form."""

    values: Values
    odd: Odd | None = None

    @property
    def told(self) -> dict[str, str]:
        """What the next address says beside the question."""
        return {"odd": self.odd.text, "at": self.odd.at} if self.odd else {}


def worded(values: Values, read: Read) -> Worded | None:
    """The address in short forms; None when it is in them already, or when words that nobody sent from a form are not understood."""
    name = "wv" if last(values, "wo") == "during" else "period"
    given = [text for text in values.get(name, ()) if text.strip()]
    said = [read(text) for text in given]
    is_form = "was" in values
    if (None in said and not is_form) or (said == given and not is_form):
        return None
    kept = [last(values, "was") if short is None else short for short in said]
    rest = {key: list(texts) for key, texts in values.items() if key not in SENT and key != name}
    if found := [short for short in kept if short]:
        rest[name] = found
    odd = next((text for text, short in zip(given, said, strict=True) if short is None), None)
    return Worded(rest, Odd(odd.strip()[:ODD_MAX], last(values, "at")[:AT_MAX]) if odd is not None else None)


def odd_of(values: Values) -> Odd | None:
    """What the form before this page sent that was no period."""
    text, at = last(values, "odd").strip()[:ODD_MAX], last(values, "at")[:AT_MAX]
    return Odd(text, at) if text and at else None
