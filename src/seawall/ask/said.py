"""What a text says beyond doubt, whatever it means as a whole: its values, periods, numbers, direction, negation, comparison.

Two texts that say the same may share what they were understood as (the semantic cache), and what a model understood must not contradict
what was said (the cascade). Likeness of vectors decides neither: "top" is like "bottom", and 2016 like 2017.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import msgspec

from seawall.app.model import Filter
from seawall.ask.question import Question
from seawall.core.digest import digest

Direction = Literal["", "asc", "desc", "both"]
NEGATIVE = ("ne", "not_in", "is_null")


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """The facts of one text. Where order means something (a ratio, a comparison) it is kept."""

    metrics: tuple[frozenset[str], ...] = ()
    """Of each phrase that names one: every metric it may be."""
    dimensions: tuple[str, ...] = ()
    values: tuple[frozenset[str], ...] = ()
    """Of each value named: every `field=value` it may be."""
    periods: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    grains: tuple[str, ...] = ()
    direction: Direction = ""
    negated: tuple[str, ...] = ()
    """What follows each negation; "" when nothing of the vocabulary does."""
    compares: tuple[str, ...] = ()
    """Words of comparison, in order: `previous`, `gt`, …"""
    ratio: bool = False
    marks: tuple[str, ...] = ()
    """Other words of grammar that change what is asked: `share`, `missing`, `only`, `instead`, …"""
    unknown: tuple[str, ...] = ()
    """Stems of words that mean nothing here."""
    shape: tuple[str, ...] = ()
    """What belongs to what (`shape.py`), and every word that is not known to say nothing."""

    def signature(self) -> str:
        """Equal only for texts that say the same, in whatever words and order."""
        arranged = tuple if self.ratio or self.compares else sorted
        values = sorted(sorted(one) for one in self.values)
        names = (
            arranged(sorted(one) for one in self.metrics),
            sorted(self.dimensions),
            values,
            arranged(self.periods),
            arranged(self.numbers),
        )
        parts = (
            *names,
            sorted(self.grains),
            self.direction,
            sorted(self.negated),
            self.compares,
            self.ratio,
            () if self.shape else sorted(self.marks),  # the shape holds them as the words they are
            sorted(self.unknown),
            self.shape,
        )
        return digest(parts)


def contradiction(said: Said, question: Question, text: str) -> str:
    """Why a question cannot be what the text asked; "" when nothing speaks against it."""
    checks = (
        _metrics(said, question),
        _values(said, question, text),
        _periods(said, question),
        _ranking(said, question),
        _negation(said, question),
    )
    return next((fault for fault in checks if fault), "")


def _metrics(said: Said, question: Question) -> str:
    asked = set(question.metrics)
    missing = next((one for one in said.metrics if not one & asked), None)
    return f"The question asks for {min(missing)}, which the query leaves out." if missing and not said.ratio else ""


def _values(said: Said, question: Question, text: str) -> str:
    asked = {f"{one.field}={value}" for one in question.where if one.op != "during" for value in one.values}
    for one in said.values:
        if not one & asked and not _grouped(one, question):
            return f"The question names {sorted(one)[0].partition('=')[2]}, which the query leaves out."
    heard = frozenset[str]().union(*said.values)
    lower = text.casefold()
    for value in sorted(asked - heard):
        if str(value.partition("=")[2]).casefold() not in lower:
            return f"The query asks for {value.partition('=')[2]}, which the question does not name."
    return ""


def _grouped(one: Iterable[str], question: Question) -> bool:
    """A value that is also the name of a group: nothing to filter when the answer is grouped by its field and it is a word of it."""
    fields = {value.partition("=")[0] for value in one}
    return any(
        dimension.field in fields and dimension.name == value.partition("=")[2].casefold() for dimension in question.by for value in one
    )


def _periods(said: Said, question: Question) -> str:
    asked = [one for one in question.where if one.op == "during"]
    has = bool(asked) or question.last is not None or bool(question.compare)
    if said.periods and not has:
        return f"The question names the time {said.periods[0]}, which the query leaves out."
    if not said.periods and asked:
        return "The query names a time, and the question none."
    told = {_flat(period) for period in said.periods}
    for one in asked:
        if told and not any(_flat(str(value)) in told for value in one.values) and len(said.periods) == 1:
            return f"The question's time is {said.periods[0]}, not {one.values[0]}."
    return ""


def _flat(period: str) -> str:
    return period.rstrip("s")


def _ranking(said: Said, question: Question) -> str:
    directions = {"desc" if one.descending else "asc" for one in question.order}
    if said.direction in ("asc", "desc") and directions and said.direction not in directions:
        return "The query sorts the other way."
    if said.direction and question.by and not question.order:
        return "The question asks for an order, which the query leaves out."
    if question.limit is not None and str(question.limit) not in said.numbers and not said.direction:
        return f"The query cuts off after {question.limit}, which the question does not ask."
    return ""


def _negation(said: Said, question: Question) -> str:
    negative = any(_is_negative(one) for one in question.where)
    if said.negated and not negative:
        return "The question excludes something, and the query does not."
    if negative and not said.negated:
        return "The query excludes something, and the question does not."
    return ""


def _is_negative(one: Filter) -> bool:
    return one.op in NEGATIVE
