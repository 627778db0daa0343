"""Why a text is no question, as a word; and as a sentence in the asker's language."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Literal

from babel.dates import format_date

from seawall.ask.golden import Refusal
from seawall.ask.language import Language


class Unanswerable(Exception):
    """A draft is no question."""

    def __init__(self, refusal: Refusal, words: Iterable[str] = (), *, is_final: bool = False) -> None:
        self.refusal = refusal
        self.is_final = is_final
        """Whether other ways to cut the text would only pass over what was said."""
        self.words = tuple(word for word in words if word)
        super().__init__(refusal)


def sentence(
    language: Language, refusal: Refusal | Literal["unsure"], words: Sequence[str], offers: Sequence[str], days: tuple[date, date] | None
) -> str:
    """What was not understood, and what could be asked instead."""
    key: str = refusal
    if refusal == "unclear" and not words:
        key = "unclear_whole"
    if refusal == "out_of_range" and days is None:
        key = "out_of_range_future"
    first, last = (format_date(day, "medium", language.name) for day in days) if days else ("", "")
    listed = _listed([language.quoted.format(text=word) for word in words], language)
    made = language.sentences[key].format(words=listed, first=first, last=last)
    if offers:
        made += " " + language.sentences["offer"].format(offers=_listed(list(offers), language))
    return made


def _listed(texts: list[str], language: Language) -> str:
    return ", ".join(texts[:-1]) + language.joined + texts[-1] if len(texts) > 1 else "".join(texts)
