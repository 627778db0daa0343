"""Times that a form sent in words, put into their short form; and what was written where that is none.

A form of a period, or of what it is compared with, says with `was` what it held before and with `at` which field it is. What is not
understood leaves the question as it was: the page goes on to its address, with the words as `odd` and the field as `at`, which says so
at that field.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from seawall.ui.ask.asked import last
from seawall.ui.params import Values

SENT = ("was", "at", "odd")
COMPARED = "compare"
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


def worded(values: Values, read: Read, against: Read) -> Worded | None:
    """The address in short forms; None when it is in them already, or when words that nobody sent from a form are not understood.

    `read` reads periods, `against` what one is compared with.
    """
    name = "wv" if last(values, "wo") == "during" else "period"
    readers = {name: read, COMPARED: against}
    given = {one: [text for text in values.get(one, ()) if text.strip()] for one in readers}
    said = {one: [readers[one](text) for text in texts] for one, texts in given.items()}
    if "was" not in values and (said == given or any(None in shorts for shorts in said.values())):
        return None
    own = COMPARED if COMPARED in last(values, "at") else name
    rest = {key: list(texts) for key, texts in values.items() if key not in SENT and key not in readers}
    for one in readers:
        kept = [last(values, "was") if one == own else text for text in given[one]]
        if found := [made for short, old in zip(said[one], kept, strict=True) if (made := old if short is None else short)]:
            rest[one] = found
    odd = next((text for text, short in zip(given[own], said[own], strict=True) if short is None), None)
    return Worded(rest, Odd(odd.strip()[:ODD_MAX], last(values, "at")[:AT_MAX]) if odd is not None else None)


def odd_of(values: Values) -> Odd | None:
    """What the form before this page sent that was no period."""
    text, at = last(values, "odd").strip()[:ODD_MAX], last(values, "at")[:AT_MAX]
    return Odd(text, at) if text and at else None
