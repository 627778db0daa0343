"""A period alone, as people write it (`March 2017`, `letzte 4 Wochen`, `since June`), in the short form that addresses carry, and back;
likewise what a period is compared with (`the month before`, `Vorjahr`, `April`).

Read by the parser's own reader of times, in the asker's language or another: what a question means by these words, a form means too.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from functools import lru_cache

from seawall.app.scalars import check_period
from seawall.ask.language import LANGUAGES, Language, language, language_of
from seawall.ask.question import RELATIVE
from seawall.ask.sentence import period_text, phrases
from seawall.ask.times import Time, TimeReader
from seawall.ask.tokens import Token, tokens_of
from seawall.core.errors import InvalidInput
from seawall.query.errors import InvalidQuery
from seawall.query.periods import Span, span_of, unit_of

ALL_OF_TIME = ""
CHARACTERS_MAX = 100


def period_said(text: str, locale: str, as_of: date | None) -> str | None:
    """The short form: `2017-03`, `last_4_weeks`; ALL_OF_TIME where no period is one; None when the whole of it is not one period.

    Words count back from `as_of`, the day before which the data is complete; without it they are not read.
    """
    bare = text.strip()
    if len(bare) > CHARACTERS_MAX:
        return None
    if _is_short(bare, as_of):
        return bare
    return _said(bare, locale, as_of) if as_of is not None else None


def period_words(short: str, locale: str, as_of: date | None) -> str:
    """In words that `period_said` reads as the same days; as it is when there are none."""
    words = period_text(short, locale)
    said = period_said(words, locale, as_of)
    is_same = said is not None and (said == short or (_days(said) is not None and _days(said) == _days(short)))
    return words if is_same else short


def compared_said(text: str, locale: str, as_of: date | None, period: str = "") -> str | None:
    """What a question about `period` is compared with: `previous`, `year_ago` or a period; None when the words say neither.

    As in a whole question: last year stands for the same days a year ago, and the last month beside this one for the one before.
    """
    bare = text.strip()
    if len(bare) > CHARACTERS_MAX:
        return None
    if bare in RELATIVE or _is_short(bare, as_of):
        return bare
    short = _against(bare, locale, as_of) if as_of is not None else None
    if short is None or short in RELATIVE or not period:
        return short
    if short.startswith("last_") and short in (period, period.replace("this_", "last_1_")):
        return "previous"
    return "year_ago" if short == "last_1_year" and not _is_years(period) else short


def _is_years(period: str) -> bool:
    return unit_of(period) == "year" or (period.isdecimal() and len(period) == len("2017"))


def compared_words(short: str, locale: str, as_of: date | None) -> str:
    """In words that `compared_said` reads as the same."""
    return phrases(locale)(short) if short in RELATIVE else period_words(short, locale, as_of)


@lru_cache(maxsize=1024)
def _against(text: str, locale: str, as_of: date) -> str | None:
    """`previous`, `year_ago` or a period, whatever joins it to the question: "than a year ago", "gegen März"."""
    tokens = tokens_of(text)
    for one in _languages(tokens, locale):
        for start in range(len(tokens)):
            if start and not _joins(tokens[start - 1].norm, one):
                break
            times = list(_whole(tokens[start:], one, as_of))
            shorts = [*(time.role for time in times if time.role in RELATIVE), *map(_short, times)]
            if found := next((short for short in shorts if short and (short in RELATIVE or _is_short(short, as_of))), None):
                return found
    return None


def _joins(word: str, spoken: Language) -> bool:
    phrases_of = (phrase.split() for phrase, tags in spoken.tags.items() if {"versus", "compare"}.intersection(tags))
    return word in spoken.prepositions | spoken.articles or any(word in words for words in phrases_of)


@lru_cache(maxsize=1024)
def _said(text: str, locale: str, as_of: date) -> str | None:
    tokens = tokens_of(text)
    readings = (_short(time) for one in _languages(tokens, locale) for time in _whole(tokens, one, as_of))
    return next((short for short in readings if short == ALL_OF_TIME or (short is not None and _is_short(short, as_of))), None)


def _languages(tokens: tuple[Token, ...], locale: str) -> Iterator[Language]:
    """The one the words are in, then the others: a date may look like any."""
    first = language_of(tokens, locale)
    yield first
    yield from (language(name) for name in LANGUAGES if name != first.name)


def _whole(tokens: tuple[Token, ...], spoken: Language, as_of: date) -> Iterator[Time]:
    """Every reading that takes all of the words."""
    reader = TimeReader(tokens, spoken, as_of, as_of - timedelta(days=1))
    yield from (time for end, time in reader.at(0) if end == len(tokens))


def _short(time: Time) -> str | None:
    if time.role in ("period", "future"):
        return time.text or None
    if time.role == "previous" and time.unit:
        return f"last_1_{time.unit}"
    return ALL_OF_TIME if time.role == "ever" else None


def _is_short(text: str, as_of: date | None) -> bool:
    try:
        check_period(text)
        span_of(text, as_of or date(2000, 1, 1))
    except (InvalidInput, InvalidQuery):
        return False
    return True


def _days(short: str) -> Span | None:
    """Those of a period that names them; None of one that counts back."""
    try:
        return span_of(short, None)
    except InvalidQuery:
        return None
