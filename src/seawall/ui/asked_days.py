"""Which days a question over time asks about: a week or a month that reaches beyond them has only a part of its value."""

from __future__ import annotations

from datetime import date

from seawall.app.model import App, MetricQuery
from seawall.query.errors import InvalidQuery
from seawall.query.periods import Span, same_time, span_of, week_starts_of


def asked_days(app: App, query: MetricQuery, as_of: date | None) -> Span | None:
    """The days that all of its periods share; None where it goes by no time, or names no period of that time."""
    time = next((one for one in query.by if one.grain), None)
    if time is None:
        return None
    starts = week_starts_of(app, query, time.field)
    mine = [one for one in query.where if one.op == "during" and one.values and same_time(app, query, one.field, time.field)]
    periods = [str(one.values[0]) for one in mine]
    try:
        spans = [span_of(text, as_of, starts) for text in periods]
    except InvalidQuery:
        return None
    first = max((one.start for one in spans if one.start), default=None)
    end = min((one.end for one in spans if one.end), default=None)
    return Span(first, end) if first or end else None
