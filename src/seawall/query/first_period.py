"""Whether the first period of an answer over time is whole: data begins on some day, seldom on the first of a week or a month.

Told by one small question about the days around that period, under the same rights, which is kept with the other results of its
generation: answers that begin with the same period share it. Where the question says which period that is, it is asked just
before the answer, for behind all that a page asks at one moment it would come last. When it cannot be told soon the answer stands
as it is. `begins_within` tells the same of the time that an answer is compared with.
"""

from __future__ import annotations

import asyncio
from datetime import date, datetime, timedelta

import pyarrow as pa

from seawall.app.model import App, Dimension, Filter, Grain, MetricQuery, Order
from seawall.core.deadline import Deadline
from seawall.core.errors import DeadlineExceeded, SeawallError
from seawall.query.compile_names import Vocabulary
from seawall.query.compile_query import engine_of
from seawall.query.periods import Span, foreseen_first, moved, span_of, week_starts_of
from seawall.query.policy import EffectivePolicy
from seawall.query.service import Answer, QueryService
from seawall.query.sql_tree import facts_in
from seawall.telemetry.events import event

SECONDS_MAX = 0.5
"""An answer waits no longer to be told that its first period is not whole, and never more than half of what its deadline leaves."""
TOLERATED = 0.1
"""So much of a period may lack at its beginning: a month from the third is a month, a week from its Tuesday is no week."""


async def answer_and_whole_from(
    service: QueryService, query: MetricQuery, policy: EffectivePolicy, *, deadline: Deadline
) -> tuple[Answer, date | None]:
    """The answer, and what `whole_from` tells of it. Raises what the service raises."""
    time = _time(service, query)
    foreseen = foreseen_first(service.app, query, service.now().as_of) if time else None
    told = asyncio.create_task(_told(service, query, policy, time, foreseen, deadline)) if time and foreseen else None
    try:
        await asyncio.sleep(0)  # what is told stands in the engine's queue just before the answer, and answers in the order of the page
        answer = await service.table(query, policy, deadline=deadline)
        if told is None or time is None or _earliest(answer.table, time.name) != foreseen:
            return answer, await whole_from(service, query, policy, answer.table, deadline=deadline)
        await asyncio.wait({told}, timeout=_patience(deadline).remaining())
        if told.done():
            return answer, told.result()
        _not_known(service, DeadlineExceeded())
        return answer, None
    finally:
        if told is not None:
            told.cancel()


async def whole_from(
    service: QueryService, query: MetricQuery, policy: EffectivePolicy, table: pa.Table, *, deadline: Deadline
) -> date | None:
    """The first day of the first whole period, when the earliest one of `table`, the answer to `query`, is not whole; else None."""
    time = _time(service, query)
    first = _earliest(table, time.name) if time else None
    if time is None or first is None:
        return None
    return await _told(service, query, policy, time, first, _patience(deadline))


async def begins_within(service: QueryService, query: MetricQuery, policy: EffectivePolicy, *, deadline: Deadline) -> date | None:
    """The first day that has data in the one period which `query` asks about, when days before it lack there; else None.

    What is compared with such a period is compared with a part of it.
    """
    periods = [one for one in query.where if one.op == "during"]
    if len(periods) != 1 or engine_of(service.app, query) != "warehouse":
        return None
    limit, field = _patience(deadline), periods[0].field
    try:
        span = span_of(str(periods[0].values[0]), service.now().as_of, week_starts_of(service.app, query, field))
        if span.start is None or span.end is None:
            return None
        begins = [await _lacking(service, policy, ref, span.start, span.end, limit) for ref in _fields(service.app, policy, query, field)]
        return min((day for day in begins if day is not None), default=None) if all(begins) else None
    except (ValueError, OverflowError):
        return None
    except SeawallError as error:
        _not_known(service, error)
        return None


async def _lacking(service: QueryService, policy: EffectivePolicy, ref: str, start: date, end: date, limit: Deadline) -> date | None:
    days = await _first_days(service, policy, ref, Span(start - (end - start), end), limit)
    return days[0] if _is_late(start, days, end - start) else None


def begins_late(first: date, grain: Grain, days: list[date]) -> bool | None:
    """Whether a period from `first` lacks days at its beginning, by the earliest `days` around it that have data; None without any.

    Where the data has a day a week, the first of them may stand anywhere in its week.
    """
    return _is_late(first, days, moved(first, grain, 1) - first) if days else None


def _is_late(first: date, days: list[date], length: timedelta) -> bool:
    missing = days[0] - first if days else timedelta(0)
    apart = days[1] - days[0] if len(days) > 1 else timedelta(days=1)
    return missing >= apart and missing > TOLERATED * length


async def _told(
    service: QueryService, query: MetricQuery, policy: EffectivePolicy, time: Dimension, first: date, limit: Deadline
) -> date | None:
    """The period after `first` when each fact's data begins late in it; None also when that cannot be told."""
    grain = time.grain or "day"
    try:
        begins = [await _begins_late(service, policy, ref, first, grain, limit) for ref in _fields(service.app, policy, query, time.field)]
        told = [late for late in begins if late is not None]
        return moved(first, grain, 1) if told and all(told) else None
    except (ValueError, OverflowError):
        return None
    except SeawallError as error:
        _not_known(service, error)
        return None


async def _begins_late(
    service: QueryService, policy: EffectivePolicy, ref: str, first: date, grain: Grain, limit: Deadline
) -> bool | None:  # fmt: skip
    around = Span(moved(first, grain, -1), moved(first, grain, 2))
    return begins_late(first, grain, await _first_days(service, policy, ref, around, limit))


async def _first_days(service: QueryService, policy: EffectivePolicy, ref: str, around: Span, limit: Deadline) -> list[date]:
    """The earliest two days that have data."""
    by, where = (Dimension("day", ref, "day"),), (Filter(ref, "during", (around.text(),)),)
    answer = await service.table(MetricQuery((), by, where, (Order("day"),), limit=2), policy, deadline=limit)
    return [_day(one) for one in answer.table.column(0).to_pylist() if isinstance(one, date)]


def _patience(deadline: Deadline) -> Deadline:
    return Deadline.after(min(SECONDS_MAX, deadline.remaining() / 2), deadline.clock)


def _not_known(service: QueryService, error: SeawallError) -> None:
    event("beginning.not_known", app=service.app.name, reason=error.slug)


def _time(service: QueryService, query: MetricQuery) -> Dimension | None:
    """The dimension whose first period may lack days; None when it has none."""
    time = next((one for one in query.by if one.grain), None)
    if time is None or time.grain in (None, "day", "hour") or engine_of(service.app, query) != "warehouse":
        return None
    return time


def _fields(app: App, policy: EffectivePolicy, query: MetricQuery, field: str) -> list[str]:
    """The time field, or of each fact its default one, as far as the days may be seen."""
    known = Vocabulary(app, policy)
    if field:
        fields = [known.field(field)]
    else:
        facts = {fact for name in query.metrics for fact in facts_in(app.semantics, app.semantics.metrics[name].expression)}
        fields = [known.time_field(fact) for fact in sorted(facts)]
    return [one.ref for one in fields if not known.is_masked(one)]


def _earliest(table: pa.Table, name: str) -> date | None:
    return min((_day(one) for one in table.column(name).to_pylist() if isinstance(one, date)), default=None)


def _day(value: date) -> date:
    return value.date() if isinstance(value, datetime) else value
