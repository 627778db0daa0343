"""The periods of a draft: one that a question is about, one it is compared with, and whether the data holds them at all."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import msgspec

from seawall.ask.draft import Draft
from seawall.ask.lexicon import Lexicon
from seawall.ask.question import Comparison, Question, during
from seawall.ask.refusals import Unanswerable
from seawall.ask.times import Time
from seawall.query.errors import InvalidQuery
from seawall.query.periods import span_of


class Asked(msgspec.Struct, frozen=True):
    """What a draft says about time."""

    period: Time | None = None
    compare: Comparison | str = ""


def asked(draft: Draft, kept: Time | None = None) -> Asked:
    """The period and the comparison. Unanswerable when there are several, or words about time that no query knows.

    `kept` is the period of the question before, for what names none of its own.
    """
    times = [time for time in draft.times if time.role in ("period", "future")]
    versus = [time for time in draft.versus if time.role in ("period", "future")]
    roles = {time.role for time in (*draft.times, *draft.versus)}
    alone = [time for time in draft.times if time.role == "previous" and time.unit]
    if alone and not times and not versus and not {"versus", "compare", "difference"} & draft.flags:
        return Asked(Time(f"last_1_{alone[0].unit}", unit=alone[0].unit, count=1))
    if "unknown" in roles:
        raise Unanswerable("unclear")
    compare: Comparison | str = "year_ago" if "year_ago" in roles else "previous" if "previous" in roles else ""
    if {"versus", "compare", "difference"} & draft.flags and len(times) == 2 and not versus and not compare:
        versus, times = times[1:], times[:1]
    if len(times) > 1:
        times = [_together(times)]
    if len(versus) > 1 or (versus and compare):
        raise Unanswerable("unclear", [time.text for time in versus])
    period = times[0] if times else None
    if versus:
        compare = _compared(period or kept, versus[0])
    return Asked(period, compare)


def timed(question: Question, draft: Draft, lexicon: Lexicon, as_of: date) -> Question:
    """With its period and what it is compared with. Unanswerable when the data holds nothing of it."""
    found = asked(draft)
    several = any(one.op == "in" and len(one.values) > 1 for one in question.where) or len(question.metrics) > 1
    nothing = not found.compare and not several
    if nothing and ({"difference", "versus"} & draft.flags or ("compare" in draft.flags and not question.by)):
        raise Unanswerable("unclear")
    if found.period is None:
        if found.compare == "previous" and question.metrics and not any(one.grain for one in question.by):
            raise Unanswerable("unclear")
        return msgspec.structs.replace(question, compare=found.compare)
    facts = lexicon.facts_of(question.metrics) or tuple(dict.fromkeys(one.field.partition(".")[0] for one in question.by))
    period = _ahead(found.period, lexicon, facts, as_of)
    for text in (period.text, found.compare if found.compare not in ("previous", "year_ago") else ""):
        if text and not held(text, lexicon, facts, as_of):
            raise Unanswerable("out_of_range", [text])
    field = _time_field(draft, lexicon, facts)
    return msgspec.structs.replace(with_period(question, period, field), compare=found.compare)


def _ahead(time: Time, lexicon: Lexicon, facts: Sequence[str], as_of: date) -> Time:
    """A month without a year is the next one, where only that is in the data: of forecasts."""
    if not time.lacks_year or held(time.text, lexicon, facts, as_of):
        return time
    year, _, month = time.text.partition("-")
    later = Time(f"{int(year) + 1}-{month}")
    return later if held(later.text, lexicon, facts, as_of) else time


def with_period(question: Question, time: Time, field: str = "") -> Question:
    """`last` when the question goes by the period's own unit, else a condition."""
    grains = [one for one in question.by if one.grain]
    if time.count and not field and len(grains) == 1 and grains[0].grain == time.unit:
        return msgspec.structs.replace(question, last=time.count)
    return msgspec.structs.replace(question, where=(*question.where, during(time.text, field)))


def held(text: str, lexicon: Lexicon, facts: Sequence[str], as_of: date) -> bool:
    """Whether a period meets the days of the data."""
    days = lexicon.span_of(facts)
    try:
        span = span_of(text, as_of)
    except InvalidQuery:
        return False
    if days is None:
        return True
    return (span.start is None or span.start <= days[1]) and (span.end is None or span.end > days[0])


def _together(times: list[Time]) -> Time:
    """`after 15 May` and `until the end of June` as one period. Unanswerable for others."""
    opened = [time.text.partition("..")[0] for time in times if time.text.endswith("..")]
    closed = [time.text.partition("..")[2] for time in times if time.text.startswith("..")]
    if len(times) == 2 and opened and closed and opened[0] <= closed[0]:
        return Time(f"{opened[0]}..{closed[0]}")
    if len({time.text for time in times}) == 1:
        return times[0]
    raise Unanswerable("unclear", [time.text for time in times])


def versus_of(other: Time, kept: Time | None) -> Comparison | str:
    """What a question about `kept` compares with when it is compared with this time."""
    if other.role in ("previous", "year_ago"):
        return "previous" if other.role == "previous" else "year_ago"
    return _compared(kept, other) if kept is not None and other.role == "period" else ""


def _compared(time: Time | None, other: Time) -> Comparison | str:
    """`this month … last month` is the one before; `last week … last year` the same a year ago; others by their name."""
    if time is None:
        raise Unanswerable("unclear", [other.text])
    if other.unit and other.unit == time.unit and {time.text, other.text} == {f"this_{time.unit}", f"last_1_{time.unit}"}:
        return "previous"
    if other.count and other.text == time.text:
        return "previous"
    if other.unit == "year" and other.count == 1 and time.unit != "year":
        return "year_ago"
    return other.text


def _time_field(draft: Draft, lexicon: Lexicon, facts: Sequence[str]) -> str:
    """The time field that is named, unless it is what the facts go by anyway."""
    datasets = lexicon.app.semantics.datasets
    defaults = {f"{name}.{datasets[name].time.rpartition('.')[2]}" for name in facts if datasets[name].time}
    if not draft.time_fields or defaults & set(draft.time_fields):
        return ""
    return next(iter(lexicon.nearest(draft.time_fields, facts)), "")
