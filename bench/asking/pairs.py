"""Pairs of texts for the semantic cache, made from golden questions: *flips* that differ in exactly one thing that matters, and
*paraphrases* that say the same in other words. Deterministic; nothing here knows how texts are read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from itertools import pairwise, product
from pathlib import Path

import msgspec

from seawall.ask.golden import Golden

LETTERS_MAX = 200
"""Longer questions are refused before anything is looked up."""

MONTHS = ("January", "February", "March", "April", "June", "July", "August", "September", "October", "November", "December")
"""Without May, which is a verb too."""
MONATE = ("Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November", "Dezember")
WORDS = ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
ZAHLEN = ("zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun", "zehn", "elf", "zwölf")

Swaps = Sequence[Sequence[str]]
POLITE = (
    ("please show me {}", "en"),
    ("{} please", "en"),
    ("Hi, could you give me {}? Thanks", "en"),
    ("bitte {}", "de"),
    ("zeig mir {}", "de"),
)
"""Every second one for a question, by its length."""
_WRITTEN = json.loads(Path(__file__).with_suffix(".json").read_text("utf-8"))
FLIPS: dict[str, Swaps] = _WRITTEN["flips"]
"""Kind → what is put in place of what; both sides whole words."""
SAME: dict[str, dict[str, Swaps]] = {
    "en": {
        **_WRITTEN["same"]["en"],
        "number words": [(word, str(n)) for n, word in enumerate(WORDS, 2)],
        "months": [(month, month[:3]) for month in MONTHS],
    },
    "de": {**_WRITTEN["same"]["de"], "number words": [(word, str(n)) for n, word in enumerate(ZAHLEN, 2)]},
}
"""Language → kind → what says the same."""
_KEPT = re.compile(r"sales (?:value|per)|units per|baskets per|per basket|ratio|in total", re.IGNORECASE)
"""Where a word is part of a longer name, another in its place is no synonym of the whole."""
_LONGER = {
    "sales": re.compile(r"(?:net|gross|price|promoted|expected) +sales|sales forecast", re.IGNORECASE),
    "revenue": re.compile(r"net revenue", re.IGNORECASE),
    "by week": re.compile(r"week by week", re.IGNORECASE),
}
_TIME_LAST = re.compile(
    rf"^(?P<what>[^.?!:]+?),? (?P<time>(?:in|since|during) (?:{'|'.join(MONTHS)})(?: 2017)?|last (?:week|month|quarter))[?.! ]*$", re.I
)


class Pair(msgspec.Struct, frozen=True):
    """Two texts of the same asker, after the same question."""

    golden: Golden
    kind: str
    other: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.golden.question!r} / {self.other!r}"


def flips(goldens: Sequence[Golden]) -> list[Pair]:
    """Each question with texts that ask for something else."""
    return _distinct(Pair(one, kind, other) for one in short(goldens) for kind, other in _flipped(one))


def paraphrases(goldens: Sequence[Golden]) -> list[Pair]:
    """Each question that has an answer with texts that ask for the same."""
    asked = [one for one in short(goldens) if one.expect is not None]
    return _distinct(Pair(one, kind, other) for one in asked for kind, other in _reworded(one))


def short(goldens: Sequence[Golden]) -> list[Golden]:
    """Those that are looked at at all."""
    return [one for one in goldens if one.question.strip() and len(one.question) <= LETTERS_MAX]


def _distinct(pairs: Iterator[Pair]) -> list[Pair]:
    found: dict[tuple[str, str], Pair] = {}
    for pair in pairs:
        if pair.other != pair.golden.question:
            found.setdefault((pair.golden.id, pair.other), pair)
    return list(found.values())


def _flipped(one: Golden) -> Iterator[tuple[str, str]]:
    text = one.question
    for kind, swaps in FLIPS.items():
        for old, new in swaps:
            yield kind, _swapped(text, old, new)
    for months in (MONTHS, MONATE) if one.locale.startswith("de") else (MONTHS,):
        for place, month in enumerate(months):
            yield "month", _swapped(text, month, months[(place + 4) % len(months)])
    yield "month", re.sub(r"\b2017-(\d\d)", lambda found: f"2017-{int(found[1]) % 12 + 1:02}", text, count=1)
    for change in (_other_day, _other_number):
        yield from change(text)
    yield from _turned(text)


def _other_day(text: str) -> Iterator[tuple[str, str]]:
    names = "|".join((*MONTHS, *MONATE))
    if "week of" in text:
        return  # the next day may lie in the same week
    yield "day", re.sub(rf"\b(\d{{1,2}})(?=(?:st|nd|rd|th|\.)? (?:{names})\b)", _one_more, text, count=1, flags=re.IGNORECASE)
    yield (
        "day",
        re.sub(
            rf"(?<=\b)((?:{names}) )(\d{{1,2}})\b", lambda found: found[1] + str(int(found[2]) % 28 + 1), text, count=1, flags=re.IGNORECASE
        ),
    )
    yield "day", re.sub(r"\b(2017-\d\d-)(\d\d)\b", lambda found: f"{found[1]}{int(found[2]) % 28 + 1:02}", text, count=1)
    yield "day", _swapped(text, "yesterday", "today")
    yield "day", _swapped(text, "today", "yesterday")


def _other_number(text: str) -> Iterator[tuple[str, str]]:
    if "week of" in text:
        return
    for found in re.finditer(r"(?<![\d.,/-])\d+(?![\d.,/-]*\d)", text):
        if not (len(found[0]) == 4 and found[0].startswith("20")):
            yield "number", text[: found.start()] + str(int(found[0]) + 1) + text[found.end() :]
    for words in (WORDS, ZAHLEN):
        for word, other in pairwise(words):
            yield "number", _swapped(text, word, other)


def _one_more(found: re.Match[str]) -> str:
    return str(int(found[1]) % 28 + 1)


def _turned(text: str) -> Iterator[tuple[str, str]]:
    """The other way round: what is divided, what is compared with what."""
    metric = "|".join(
        ("discount", "units", "baskets", "coupons", "net sales", "stores trading", "coupon value", "gross sales", "rabatt", "absatz")
    )
    for joint in ("divided by", "per", "as a ratio to", "to", "geteilt durch"):
        yield "order", re.sub(rf"\b({metric}) {joint} ({metric})\b", rf"\2 {joint} \1", text, count=1, flags=re.IGNORECASE)
    month = "|".join((*MONTHS, *MONATE))
    for first, second in product((rf"(?:{month})", r"2017-\d\d", r"Q\d"), repeat=2):
        pattern = rf"\b({first}) (vs|and|with|versus|compared to|gegenüber|revenue against) ({second})\b"
        if "between" not in text or "difference" in text:
            yield "order", re.sub(pattern, r"\3 \2 \1", text, count=1, flags=re.IGNORECASE)


def _reworded(one: Golden) -> Iterator[tuple[str, str]]:
    text = one.question
    language = one.locale[:2]
    for kind, swaps in SAME[language].items():
        if kind != "synonym" or not _KEPT.search(text):
            for old, new in swaps:
                if old not in _LONGER or not _LONGER[old].search(text):
                    yield kind, _swapped(text, old, new)
    yield from _spelled(text, ZAHLEN if language == "de" else WORDS)
    if not one.after:
        for form in [form for form, spoken in POLITE if spoken == language][len(text) % 2 :: 2]:
            if not re.match(r"(?:hi|hey|which|what|how|in |is |do |wie|welche|zeig|give|please|kindly|i |list|show)", text, re.I):
                yield "politeness", form.format(text.strip(" ?!"))
    if found := _TIME_LAST.match(text):
        yield "word order", f"{found['time']}, {found['what']}"
    yield "marks", f"  {text.rstrip(' ?.!')} ?"


def _spelled(text: str, words: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Small numbers in words, but not the numbers of days and of stores."""
    for found in re.finditer(r"(?<![\w.,/#-])(?<!store )(?:[2-9]|1[0-2])(?= [a-zäöü])", text):
        if not re.match(rf" (?:{'|'.join((*MONTHS, *MONATE))})", text[found.end() :]):
            yield "number words", text[: found.start()] + words[int(found[0]) - 2] + text[found.end() :]


def _swapped(text: str, old: str, new: str) -> str:
    """The first such words replaced, in the same letters."""
    found = re.search(rf"(?<!\w){re.escape(old)}(?![\w-])", text, re.IGNORECASE)
    if found is None:
        return text
    written = new.upper() if found[0].isupper() and len(found[0]) > 1 else new
    return text[: found.start()] + written + text[found.end() :]
