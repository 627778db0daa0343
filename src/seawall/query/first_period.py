"""Whether the first period of an answer over time is whole: data begins on some day, seldom on the first of a week or a month.

Told by one small question about the days around that period, under the same rights, which is kept with the other results of its
generation: answers that begin with the same period share it. Where the question says which period that is, it is asked just
before the answer, for behind all that a page asks at one moment it would come last. When it cannot be told soon the answer stands
as it is.
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
from seawall.query.periods import Span, foreseen_first, moved
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


def begins_late(first: date, grain: Grain, days: list[date]) -> bool | None:
    """Whether a period from `first` lacks days at its beginning, by the earliest `days` around it that have data; None without any.

    Where the data has a day a week, the first of them may stand anywhere in its week.
    """
    if not days:
        return None
    missing = days[0] - first
    apart = days[1] - days[0] if len(days) > 1 else timedelta(days=1)
    return missing >= apart and missing > TOLERATED * (moved(first, grain, 1) - first)


async def _told(
    service: QueryService, query: MetricQuery, policy: EffectivePolicy, time: Dimension, first: date, limit: Deadline
) -> date | None:
    """The period after `first` when each fact's data begins late in it; None also when that cannot be told."""
    grain = time.grain or "day"
    try:
        begins = [await _begins_late(service, policy, ref, first, grain, limit) for ref in _fields(service.app, policy, query, time)]
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
    by, where = (Dimension("day", ref, "day"),), (Filter(ref, "during", (around.text(),)),)
    answer = await service.table(MetricQuery((), by, where, (Order("day"),), limit=2), policy, deadline=limit)
    return begins_late(first, grain, [_day(one) for one in answer.table.column(0).to_pylist() if isinstance(one, date)])


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


def _fields(app: App, policy: EffectivePolicy, query: MetricQuery, time: Dimension) -> list[str]:
    """The time field, or of each fact its default one, as far as the days may be seen."""
    known = Vocabulary(app, policy)
    if time.field:
        fields = [known.field(time.field)]
    else:
        facts = {fact for name in query.metrics for fact in facts_in(app.semantics, app.semantics.metrics[name].expression)}
        fields = [known.time_field(fact) for fact in sorted(facts)]
    return [field.ref for field in fields if not known.is_masked(field)]


def _earliest(table: pa.Table, name: str) -> date | None:
    return min((_day(one) for one in table.column(name).to_pylist() if isinstance(one, date)), default=None)


def _day(value: date) -> date:
    return value.date() if isinstance(value, datetime) else value
