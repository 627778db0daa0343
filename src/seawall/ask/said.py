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
_IN_PLACE = frozenset({"in_place", "instead"})


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
    goes_on: bool = False
    """Whether the text may refine the question before it: it measures nothing of its own, or its words say so."""

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


def contradiction(said: Said, question: Question, text: str, before: Question | None = None) -> str:
    """Why a question cannot be what the text asked; "" when nothing speaks against it. What a follow-up keeps of `before` is no fault."""
    kept = _Kept.of(before if said.goes_on else None)
    checks = (
        _metrics(said, question, kept),
        _values(said, question, text, kept),
        _periods(said, question, kept),
        _ranking(said, question, kept),
        _negation(said, question, kept),
    )
    return next((fault for fault in checks if fault), "")


class _Kept(msgspec.Struct, frozen=True):
    """What the question before says: a follow-up need not say it again."""

    metrics: frozenset[str] = frozenset()
    values: frozenset[str] = frozenset()
    periods: frozenset[str] = frozenset()
    excluded: frozenset[str] = frozenset()
    limit: int | None = None

    @classmethod
    def of(cls, before: Question | None) -> _Kept:
        """Nothing, where no question went before."""
        if before is None:
            return cls()
        times = {str(value) for one in before.where if one.op == "during" for value in one.values}
        excluded = frozenset(one.field for one in before.where if _is_negative(one))
        return cls(frozenset(before.metrics), _values_of(before), frozenset(map(_flat, times)), excluded, before.limit)


def _values_of(question: Question) -> frozenset[str]:
    return frozenset(f"{one.field}={value}" for one in question.where if one.op != "during" for value in one.values)


def _metrics(said: Said, question: Question, kept: _Kept) -> str:
    asked = {*question.metrics, *(kept.metrics if _takes_away(said) else ())}
    missing = next((one for one in said.metrics if not one & asked), None)
    return f"The question asks for {min(missing)}, which the query leaves out." if missing and not said.ratio else ""


def _values(said: Said, question: Question, text: str, kept: _Kept) -> str:
    asked = _values_of(question)
    for one in said.values:
        is_gone = bool(one & kept.values) and _takes_away(said)
        if not one & asked and not is_gone and not _grouped(one, question):
            return f"The question names {sorted(one)[0].partition('=')[2]}, which the query leaves out."
    heard = frozenset[str]().union(*said.values)
    lower = text.casefold()
    for value in sorted(asked - heard - kept.values):
        if str(value.partition("=")[2]).casefold() not in lower:
            return f"The query asks for {value.partition('=')[2]}, which the question does not name."
    return ""


def _takes_away(said: Said) -> bool:
    """Whether something may be named to be rid of it: "without deli", "meat instead of deli"."""
    return bool(said.negated) or bool(_IN_PLACE & {*said.marks})


def _grouped(one: Iterable[str], question: Question) -> bool:
    """A value that is also the name of a group: nothing to filter when the answer is grouped by its field and it is a word of it."""
    fields = {value.partition("=")[0] for value in one}
    return any(
        dimension.field in fields and dimension.name == value.partition("=")[2].casefold() for dimension in question.by for value in one
    )


def _periods(said: Said, question: Question, kept: _Kept) -> str:
    asked = [_flat(str(value)) for one in question.where if one.op == "during" for value in one.values]
    has = bool(asked) or question.last is not None or bool(question.compare)
    if said.periods and not has:
        return f"The question names the time {said.periods[0]}, which the query leaves out."
    if not said.periods and not kept.periods.issuperset(asked):
        return "The query names a time, and the question none."
    told = {_flat(period) for period in said.periods}
    compared = _flat(question.compare) in told
    for period in asked:
        if len(said.periods) == 1 and period not in told and not (compared and period in kept.periods):
            return f"The question's time is {said.periods[0]}, not {period}."
    return ""


def _flat(period: str) -> str:
    return period.rstrip("s")


def _ranking(said: Said, question: Question, kept: _Kept) -> str:
    directions = {"desc" if one.descending else "asc" for one in question.order}
    if said.direction in ("asc", "desc") and directions and said.direction not in directions:
        return "The query sorts the other way."
    if said.direction and question.by and not question.order:
        return "The question asks for an order, which the query leaves out."
    is_said = question.limit is None or str(question.limit) in said.numbers or question.limit == kept.limit
    if not is_said and not said.direction:
        return f"The query cuts off after {question.limit}, which the question does not ask."
    return ""


def _negation(said: Said, question: Question, kept: _Kept) -> str:
    negative = {one.field for one in question.where if _is_negative(one)}
    is_gone = bool(kept.values - _values_of(question))
    if said.negated and not negative and not is_gone:
        return "The question excludes something, and the query does not."
    if not said.negated and not negative <= kept.excluded:
        return "The query excludes something, and the question does not."
    return ""


def _is_negative(one: Filter) -> bool:
    return one.op in NEGATIVE
