"""A question that passed its checks, answered: run under the asker's policy, and given the chart that suits its rows."""

from __future__ import annotations

import asyncio
from datetime import date

import msgspec
import pyarrow as pa

from seawall.app.model import App, Filter, Grain, MetricQuery, Order, Panel, Text
from seawall.app.vocabulary import metric_facts
from seawall.ask.answer_chart import panel_of, side_by_side
from seawall.ask.meeting import Meeting, stretches
from seawall.ask.question import RELATIVE, Question
from seawall.ask.rows import (
    ALL_TIME,
    LOCALES,
    PERIOD,
    Rows,
    beside,
    first_metric,
    one_above_other,
    ordered,
    trimmed,
    with_ratio,
    without_changes,
)
from seawall.ask.sentence import period_text, phrases
from seawall.core.deadline import Deadline
from seawall.query.errors import InvalidQuery
from seawall.query.first_period import begins_within
from seawall.query.periods import Span, last_complete, shifted, span_of, unit_of, week_starts_of
from seawall.query.policy import EffectivePolicy
from seawall.query.service import QueryService

GROUPS_MAX = 10_000


class Answered(msgspec.Struct, frozen=True):
    """Rows and how to draw them."""

    panel: Panel
    rows: Rows
    comparison: Rows | None
    """Of a single number that is compared: the other period's row."""
    watermark: str
    as_of: date | None
    compared_from: date | None = None
    """The first day of data within the time compared with, where days lack before it: no change is told, for it would be that of a part."""
    compared_partly: bool = False
    """Over time only what lies before that day is compared with nothing."""


async def answered(service: QueryService, policy: EffectivePolicy, question: Question, title: Text, *, deadline: Deadline) -> Answered:
    """The answer. InvalidQuery or NotFound for what cannot be asked, DeadlineExceeded, EngineUnavailable, QueryFailed."""
    query = shown(question)
    earlier = None
    if question.compare:
        moment, _ = service.compile(query, policy)
        earlier = compared_query(service.app, question, query, moment.as_of)
    queries = [query] if earlier is None else [query, earlier]
    answers, begins = await asyncio.gather(
        asyncio.gather(*(service.table(one, policy, deadline=deadline) for one in queries)),
        _begins(service, policy, earlier, deadline),
    )
    now = _computed(Rows(answers[0].columns, answers[0].table), question)
    before = _computed(Rows(answers[1].columns, answers[1].table), question) if earlier else None
    meeting = _meeting(service.app, question, earlier, answers[0].as_of, begins) if earlier is not None else None
    rows, comparison = _compared(question, now, before, meeting) if before is not None else (now, None)
    if begins is not None and meeting is None:
        rows, comparison = without_changes(rows, question), None
    rows = ordered(rows, _with_default_order(question, rows)) if question.query().order != question.order or before else rows
    rows = trimmed(rows) if question.by and question.by[0].grain is not None else rows
    return Answered(
        panel_of(question, query, rows, title), rows, comparison, answers[0].watermark, answers[0].as_of, begins, meeting is not None
    )


async def _begins(service: QueryService, policy: EffectivePolicy, earlier: MetricQuery | None, deadline: Deadline) -> date | None:
    return await begins_within(service, earlier, policy, deadline=deadline) if earlier is not None else None


def shown(question: Question) -> MetricQuery:
    """The query to run: groups without an order of time come with the largest first, and never more than can be shown."""
    query = question.query()
    if len(query.order) < len(question.order) or question.compare:
        return msgspec.structs.replace(query, order=_in_time(question), limit=GROUPS_MAX)
    if not query.order and query.metrics and query.by and not any(one.grain for one in query.by):
        query = msgspec.structs.replace(query, order=(Order(query.metrics[0], descending=True),))
    return query if query.limit is not None else msgspec.structs.replace(query, limit=GROUPS_MAX)


def compared_query(app: App, question: Question, query: MetricQuery, as_of: date | None) -> MetricQuery:
    """The same about the other time. InvalidQuery when the question names no time that another could stand beside."""
    where = tuple(one for one in query.where if one.op != "during")
    periods = [one for one in query.where if one.op == "during"]
    field = periods[0].field if periods else ""
    if question.compare not in RELATIVE:
        return msgspec.structs.replace(query, where=(*where, Filter(field, "during", (question.compare,))), last=None)
    if len(periods) > 1:
        raise InvalidQuery("Only one period can be compared with another", expected="one period", got=str(len(periods)))
    span, unit = _span(app, question, periods, as_of)
    other = shifted(span, "year_ago" if question.compare == "year_ago" else "previous", unit)
    if other is None:
        raise InvalidQuery("This period has none before it", expected="a period with a beginning and an end")
    return msgspec.structs.replace(query, where=(*where, Filter(field, "during", (other.text(),))), last=None)


def _meeting(app: App, question: Question, earlier: MetricQuery, as_of: date | None, begins: date | None) -> Meeting | None:
    """How rows over time meet; None where none are, or a time has no beginning or end."""
    timed = [one for one in question.by if one.grain is not None]
    periods = [one for one in question.where if one.op == "during"]
    if not timed or len({(one.grain, one.field) for one in timed}) > 1 or (len(periods) != 1 and question.last is None):
        return None
    by, usual = timed[0], _usual_times(app, question)
    if periods and by.field != periods[0].field and not {by.field, periods[0].field} <= {"", *usual}:
        return None
    span, _ = _span(app, question, periods, as_of)
    starts = week_starts_of(app, earlier, by.field)
    other = next(span_of(str(one.values[0]), as_of, starts) for one in earlier.where if one.op == "during")
    found = stretches(span, other, by.grain or "day", starts, as_of)
    return Meeting(*found, frozenset({by.name}), begins) if found is not None else None


def _usual_times(app: App, question: Question) -> list[str]:
    """The time fields that the metrics go by where none is named."""
    datasets, metrics = app.semantics.datasets, app.semantics.metrics
    homes = [datasets[fact] for name in question.metrics for fact in metric_facts(app.semantics, metrics[name])]
    return [f"{one.name}.{one.time.rpartition('.')[2]}" for one in homes if one.time]


def _compared(question: Question, now: Rows, before: Rows, meeting: Meeting | None) -> tuple[Rows, Rows | None]:
    """The rows to show, and of a single number the other time's row. Of a ratio only itself is compared, not its parts."""
    relative = question.compare in RELATIVE
    if not question.by and not side_by_side(question):
        return (now, before) if relative else (one_above_other(now, before, _times(question)), None)
    time = None if relative else Text({locale: period_text(question.compare, locale) for locale in LOCALES})
    first, second = (first_metric(now), first_metric(before)) if question.ratio else (now, before)
    in_order = len(question.by) == 1 and question.by[0].grain is not None
    return beside(first, second, in_order=in_order, time=time, meeting=meeting), None


def _times(question: Question) -> tuple[str, str]:
    return next((str(one.values[0]) for one in question.where if one.op == "during"), ALL_TIME), question.compare


def in_words(rows: Rows, question: Question, locale: str) -> Rows:
    """For people: two numbers' times as they say them."""
    place = next((place for place, one in enumerate(rows.columns) if one.name == PERIOD), None)
    if question.by or place is None:
        return rows
    said = [
        phrases(locale)("all_time") if text == ALL_TIME else period_text(str(text), locale) for text in rows.table.column(place).to_pylist()
    ]
    return Rows(rows.columns, rows.table.set_column(place, PERIOD, pa.array(said, pa.string())))


def _computed(rows: Rows, question: Question) -> Rows:
    if rows.table.num_rows >= GROUPS_MAX and (question.limit is None or question.limit >= GROUPS_MAX):
        raise InvalidQuery(
            "The answer has too many groups", expected=f"fewer than {GROUPS_MAX}", fix="Ask for the top 10, or for one group"
        )
    return with_ratio(rows) if question.ratio else rows


def _in_time(question: Question) -> tuple[Order, ...]:
    return tuple(Order(one.name) for one in question.by if one.grain is not None)


def _with_default_order(question: Question, rows: Rows) -> Question:
    if question.order or not question.by or question.by[0].grain is not None:
        return question
    first = next(column.name for column in rows.columns if column.role == "metric")
    return msgspec.structs.replace(question, order=(Order(first, descending=True),))


def _span(app: App, question: Question, periods: list[Filter], as_of: date | None) -> tuple[Span, Grain]:
    if periods:
        text = str(periods[0].values[0])
        return span_of(text, as_of, week_starts_of(app, question.query(), periods[0].field)), unit_of(text)
    time = next((one for one in question.by if one.grain is not None), None)
    if question.last is None or time is None or time.grain is None:
        raise InvalidQuery("There is no period to compare", expected="a period such as last month", fix="Say of which time")
    return last_complete(question.last, time.grain, as_of, week_starts_of(app, question.query(), time.field)), time.grain
