"""Spans of days: what "last 13 weeks" or "2017-01-01..2017-03-31" mean on a given date. Pure date arithmetic.

A span is half open: its start is inside, its end is not; None is unbounded. Relative periods resolve against the
watermark's date `as_of`, never against the wall clock. A period is complete once `as_of` has reached the first day after
it: data of the day `as_of` itself may still be on its way. Weeks start on Monday (ISO 8601) unless the field says otherwise.
"""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import date, timedelta
from typing import Literal

import msgspec

from seawall.app.model import App, Comparison, Dimension, Field, Filter, Grain, MetricQuery, Query, RowsQuery
from seawall.query.errors import InvalidQuery
from seawall.query.sql_tree import facts_in

WeekStart = Literal["monday", "sunday", "saturday"]
WEEK_SHIFT_DAYS: dict[WeekStart, int] = {"monday": 0, "sunday": 1, "saturday": 2}
"""Days to add before an ISO week is cut, and to take off after."""
PERIODS_MAX = 10_000
_UNITS: dict[str, Grain] = {"day": "day", "week": "week", "month": "month", "quarter": "quarter", "year": "year"}
_MONTHS: dict[Grain, int] = {"month": 1, "quarter": 3, "year": 12}
_LAST = re.compile(r"last_(\d{1,5})_(day|week|month|quarter|year)s?")
_THIS = re.compile(r"this_(day|week|month|quarter|year)")
_DAY = r"\d{4}-\d{2}-\d{2}"
_RANGE = re.compile(rf"({_DAY})?\.\.({_DAY})?")
_WHOLE = re.compile(r"(\d{4})(?:-(\d{2}))?(?:-(\d{2}))?")


class Span(msgspec.Struct, frozen=True):
    """Days from `start` up to, not including, `end`."""

    start: date | None
    end: date | None

    def text(self) -> str:
        """As a period that `span_of` reads: both days inside."""
        last = self.end - timedelta(days=1) if self.end else None
        return f"{self.start or ''}..{last or ''}"


def span_of(text: str, as_of: date | None, week_starts: WeekStart = "monday") -> Span:
    """The days a period names. InvalidQuery when it is not a period, or is relative and there is no `as_of`."""
    try:
        made = _explicit(text) or _relative(text, as_of, week_starts)
    except (ValueError, OverflowError) as error:
        raise _not_a_period(text) from error
    if made is None:
        raise _not_a_period(text)
    return made


def truncated(day: date, grain: Grain, week_starts: WeekStart = "monday") -> date:
    """The first day of the period that `day` lies in."""
    if grain in _MONTHS:
        months = _MONTHS[grain]
        return date(day.year, (day.month - 1) // months * months + 1, 1)
    if grain == "week":
        return day - timedelta(days=(day.weekday() + WEEK_SHIFT_DAYS[week_starts]) % 7)
    return day


def moved(day: date, grain: Grain, count: int) -> date:
    """`day`, `count` periods on (or back). A day the month does not have becomes its last."""
    if grain not in _MONTHS:
        return day + timedelta(days=count * (7 if grain == "week" else 1))
    index = day.year * 12 + day.month - 1 + count * _MONTHS[grain]
    year, month = divmod(index, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def last_complete(count: int, grain: Grain, as_of: date | None, week_starts: WeekStart = "monday") -> Span:
    """The `count` latest periods that are over at `as_of`."""
    if as_of is None:
        raise InvalidQuery("A relative period needs a date to count back from", fix="Give the data's date, or name the days")
    if not 1 <= count <= PERIODS_MAX or grain == "hour":
        raise InvalidQuery(
            "There is no such period", expected=f"1 to {PERIODS_MAX} days, weeks, months, quarters or years", got=f"{count} {grain}"
        )
    try:
        end = truncated(as_of, grain, week_starts)
        return Span(moved(end, grain, -count), end)
    except (ValueError, OverflowError) as error:
        raise InvalidQuery("The period starts before year 1", got=f"{count} {grain}") from error


class Latest(msgspec.Struct, frozen=True):
    """The period whose value a question over time tells: the last whole one."""

    start: date | None
    """Its first day; None when the days asked about hold no whole period that is over."""


def latest_period(app: App, query: MetricQuery, as_of: date | None) -> Latest | None:
    """The last period of the query's grain that is over at `as_of` and lies whole within the days it asks about.

    None when the question has no such periods: no grain, hours, or no date to count from.
    """
    time = _time(query)
    if time is None or time.grain is None or time.grain == "hour" or as_of is None:
        return None
    starts = week_starts_of(app, query, time.field)
    asked = [span_of(str(each.values[0]), as_of, starts) for each in query.where if _is_period_of(app, query, each, time)]
    try:
        end = truncated(min([as_of, *(span.end for span in asked if span.end)]), time.grain, starts)
        start = moved(end, time.grain, -1)
    except (ValueError, OverflowError):
        return Latest(None)
    return Latest(start if all(span.start is None or span.start <= start for span in asked) else None)


def foreseen_first(app: App, query: MetricQuery, as_of: date | None) -> date | None:
    """The first day of the first period that a question over time can show; None when only the data tells, or the question is refused."""
    time = _time(query)
    if time is None or time.grain is None:
        return None
    week_starts = week_starts_of(app, query, time.field)
    try:
        asked = [span_of(str(each.values[0]), as_of, week_starts) for each in query.where if _is_period_of(app, query, each, time)]
        if query.last is not None:
            asked.append(last_complete(query.last, time.grain, as_of, week_starts))
        starts = [span.start for span in asked if span.start]
        return truncated(max(starts), time.grain, week_starts) if starts else None
    except (InvalidQuery, ValueError, OverflowError):
        return None


def earlier_start(start: date, grain: Grain, period: Literal["previous", "year_ago"]) -> date | None:
    """The first day of the period that the one from `start` is compared with.

    `year_ago` of a day or a week is 52 weeks before, so that weekdays match. None before year 1.
    """
    try:
        if period == "previous":
            return moved(start, grain, -1)
        return moved(start, "year", -1) if grain in _MONTHS else start - timedelta(weeks=52)
    except (ValueError, OverflowError):
        return None


def compared(app: App, query: MetricQuery, comparison: Comparison, as_of: date | None) -> MetricQuery | None:
    """The question whose answer this one's is compared with; None when there is none.

    Over time it is the one period before the last whole one, or that period a year ago, however many periods are shown. Without a
    grain it is all of the days asked about against as many before, or a year ago.
    """
    time = _time(query)
    if time is not None and time.grain is not None:
        latest = latest_period(app, query, as_of)
        start = earlier_start(latest.start, time.grain, comparison.period) if latest and latest.start else None
        return None if start is None else _only(app, query, time, Span(start, moved(start, time.grain, 1)))
    for place, condition in enumerate(query.where):
        if condition.op == "during" and condition.values:
            span = span_of(str(condition.values[0]), as_of, week_starts_of(app, query, condition.field))
            earlier = shifted(span, comparison.period, unit_of(str(condition.values[0])))
            return None if earlier is None else _with_period(query, place, earlier)
    return None


def shifted(span: Span, period: Literal["previous", "year_ago"], unit: Grain) -> Span | None:
    """The span as long as this one just before it, or a year earlier (52 weeks, when it counts weeks). None before year 1."""
    if span.start is None or span.end is None:
        return None
    try:
        return _shifted(span.start, span.end, period, unit)
    except (ValueError, OverflowError):
        return None


def _shifted(start: date, end: date, period: Literal["previous", "year_ago"], unit: Grain) -> Span:
    if period == "year_ago":
        grain: Grain = "week" if unit == "week" else "year"
        count = 52 if unit == "week" else 1
        return Span(moved(start, grain, -count), moved(end, grain, -count))
    if unit in _MONTHS and start.day == end.day == 1:
        months = (end.year - start.year) * 12 + end.month - start.month
        return Span(moved(start, "month", -months), start)
    return Span(start - (end - start), start)


def _with_period(query: MetricQuery, place: int, span: Span) -> MetricQuery:
    where = list(query.where)
    where[place] = Filter(where[place].field, "during", (span.text(),))
    return msgspec.structs.replace(query, where=tuple(where))


def _only(app: App, query: MetricQuery, time: Dimension, span: Span) -> MetricQuery:
    """The same question about these days alone."""
    others = (each for each in query.where if not _is_period_of(app, query, each, time))
    return msgspec.structs.replace(query, where=(*others, Filter(time.field, "during", (span.text(),))), last=None)


def _time(query: MetricQuery) -> Dimension | None:
    return next((dimension for dimension in query.by if dimension.grain), None)


def _is_period_of(app: App, query: MetricQuery, condition: Filter, time: Dimension) -> bool:
    return condition.op == "during" and bool(condition.values) and same_time(app, query, condition.field, time.field)


def same_time(app: App, query: Query, one: str, other: str) -> bool:
    """Whether two names of time fields mean the same there: "" is each fact's default time, which a single fact also has by name."""
    return one == other or (not (one and other) and [one or other] == [field.ref for field in _default_times(app, query)])


def week_starts_of(app: App, query: Query, ref: str) -> WeekStart:
    """The day on which weeks of a time field begin there; "" is each fact's default time."""
    fields = [app.semantics.field(ref)] if ref else _default_times(app, query)
    return fields[0].week_starts if fields else "monday"


def _default_times(app: App, query: Query) -> list[Field]:
    """What "" means for each fact that has a time."""
    semantics = app.semantics
    if isinstance(query, RowsQuery):
        facts = {query.dataset}
    else:
        facts = {
            fact for name in query.metrics if name in semantics.metrics for fact in facts_in(semantics, semantics.metrics[name].expression)
        }
    datasets = [semantics.datasets[fact] for fact in sorted(facts)]
    return [dataset.fields[name] for dataset in datasets if (name := dataset.time.rpartition(".")[2])]


def unit_of(text: str) -> Grain:
    """What a period counts: `last_4_weeks` weeks, `2017-03` months, two days between dots days."""
    relative = _LAST.fullmatch(text) or _THIS.fullmatch(text)
    if relative:
        return _UNITS[relative.groups()[-1]]
    return "month" if _WHOLE.fullmatch(text) else "day"


def _explicit(text: str) -> Span | None:
    if match := _RANGE.fullmatch(text):
        first, last = (date.fromisoformat(part) if part else None for part in match.groups())
        if (first is None and last is None) or (first and last and last < first):
            raise ValueError(text)
        return Span(first, last + timedelta(days=1) if last else None)
    if match := _WHOLE.fullmatch(text):
        year, month, day = match.groups()
        start = date(int(year), int(month or 1), int(day or 1))
        return Span(start, moved(start, "day" if day else "month" if month else "year", 1))
    return None


def _relative(text: str, as_of: date | None, week_starts: WeekStart) -> Span | None:
    if match := _LAST.fullmatch(text):
        return last_complete(int(match[1]), _UNITS[match[2]], as_of, week_starts)
    if (match := _THIS.fullmatch(text)) and as_of is not None:
        start = truncated(as_of, _UNITS[match[1]], week_starts)
        return Span(start, moved(start, _UNITS[match[1]], 1))
    return None


def _not_a_period(text: str) -> InvalidQuery:
    return InvalidQuery(
        "This is not a period",
        expected="days such as 2017-01-01..2017-03-31, a month or year such as 2017-04, last_4_weeks or this_month",
        got=repr(text[:60]),
    )
