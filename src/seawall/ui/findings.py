"""Headlines made from the rows: one true sentence, or none.

A finding is said only when the rows carry it: a share needs all parts of a whole (no limit that cut some off, no negative
parts), a change two complete neighbouring periods, a peak at least three. Otherwise the panel keeps its title. Sentences are
plain text in the reader's language; the caller escapes.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import msgspec

from seawall.app.model import MetricQuery, Panel
from seawall.query.port import Column
from seawall.ui.charts.data import PanelData, label, number
from seawall.ui.charts.drawing import as_day, period_end
from seawall.ui.render.context import RenderContext

PEAK_PERIODS_MIN = 3
SHARE_PARTS_MIN = 2
SAME = 0.0005


class Facts(msgspec.Struct, frozen=True):
    """A panel's first metric by its dimensions."""

    metric: Column
    grain: str
    """The grain of the time dimension; empty when there is none."""
    values: dict[str, dict[date | None, float]]
    """Category ("" when there is none) → period (None when there is none) → value; incomplete periods left out."""
    whole: bool
    """Whether every category is there: nothing was cut off by a limit."""


def finding(panel: Panel, data: PanelData, ctx: RenderContext, *, comparison: PanelData | None = None) -> str:
    """The panel's headline, or an empty string when its rows are too thin for one."""
    facts = facts_of(panel, data, ctx)
    if facts is None or not facts.values:
        return ""
    if panel.finding == "largest_mover" and comparison is not None and not facts.grain:
        earlier = facts_of(panel, comparison, ctx)
        return _mover_between(panel, facts, earlier, ctx) if earlier is not None else ""
    tell = _TELLERS.get(panel.finding)
    return tell(facts, ctx) if tell is not None else ""


def facts_of(panel: Panel, data: PanelData, ctx: RenderContext) -> Facts | None:
    """The rows arranged for telling; None when there is no metric."""
    metric_index = next((index for index, column in enumerate(data.columns) if column.role == "metric"), None)
    if metric_index is None or not isinstance(panel.query, MetricQuery):
        return None
    grains = {each.name: each.grain for each in panel.query.by if each.grain}
    columns = [data.table.column(index).to_pylist() for index in range(len(data.columns))]
    names = [column.name for column in data.columns]
    time = next((index for index, name in enumerate(names) if name in grains), None)
    parts = [index for index, column in enumerate(data.columns) if column.role == "dimension" and index != time]
    grain = str(grains[names[time]]) if time is not None else ""
    values: dict[str, dict[date | None, float]] = {}
    for row in zip(*columns, strict=True):
        amount = number(row[metric_index])
        when = row[time] if time is not None else None
        if isinstance(when, date) and grain != "hour":
            when = as_day(when)
        if amount is None or (time is not None and not _told(when, grain, ctx)):
            continue
        values.setdefault(" · ".join(label(row[index]) for index in parts), {})[when] = amount
    limited = panel.query.limit is not None and data.table.num_rows >= panel.query.limit
    return Facts(data.columns[metric_index], grain, values, not limited)


def _top_share(facts: Facts, ctx: RenderContext) -> str:
    sums = {name: sum(periods.values()) for name, periods in facts.values.items()}
    total = sum(sums.values())
    adds_up = facts.whole and facts.metric.format.style != "percent" and all(value >= 0 for value in sums.values())
    if len(sums) < SHARE_PARTS_MIN or not adds_up or total <= 0:
        return ""
    name = max(sums, key=lambda each: sums[each])
    share = ctx.formatter.share(sums[name] / total)
    return ctx.messages.text("finding.top_share", name=name, share=share, metric=_metric(facts, ctx, inside=True))


def _latest_change(facts: Facts, ctx: RenderContext) -> str:
    """Of the largest series: sums across series would be wrong for averages and distinct counts."""
    name = _largest(facts)
    periods = sorted((when, value) for when, value in facts.values[name].items() if when is not None)
    if len(periods) < 2 or not _neighbours(periods[-2][0], periods[-1][0], facts.grain) or not periods[-2][1]:
        return ""
    (_, before), (when, now) = periods[-2:]
    ratio = (now - before) / abs(before)
    way = "same" if abs(ratio) < SAME else "up" if ratio > 0 else "down"
    several = "_of" if len(facts.values) > 1 else ""
    return ctx.messages.text(
        f"finding.change_{way}{several}", name=name, metric=_metric(facts, ctx, inside=bool(several)),
        change=_unsigned(ratio, ctx), value=_short(now, facts, ctx), period=_period(when, facts.grain, ctx),
    )  # fmt: skip


def _peak(facts: Facts, ctx: RenderContext) -> str:
    if not facts.grain:
        return _leader(facts, ctx)
    best = max(((value, when, name) for name, periods in facts.values.items() for when, value in periods.items() if when), default=None)
    if best is None or max(len(periods) for periods in facts.values.values()) < PEAK_PERIODS_MIN:
        return ""
    value, when, name = best
    if len(set(facts.values[name].values())) == 1:
        return ""
    key = "finding.peak_of" if len(facts.values) > 1 else "finding.peak"
    return ctx.messages.text(
        key, name=name, metric=_metric(facts, ctx), value=_short(value, facts, ctx), period=_period(when, facts.grain, ctx)
    )


def _leader(facts: Facts, ctx: RenderContext) -> str:
    values = {name: periods.get(None, 0.0) for name, periods in facts.values.items()}
    if min(values.values()) < 0 < max(values.values()):
        return _largest_value(facts, ctx)
    ranked = sorted(values, key=lambda name: -values[name])
    if len(ranked) < 2 or values[ranked[0]] == values[ranked[1]]:
        return ""
    return ctx.messages.text("finding.peak_category", name=ranked[0], value=_short(values[ranked[0]], facts, ctx))


def _largest_mover(facts: Facts, ctx: RenderContext) -> str:
    if not facts.grain:
        return _largest_value(facts, ctx)
    last = max((when for periods in facts.values.values() for when in periods if when is not None), default=None)
    ratios: dict[str, float] = {}
    for name, periods in facts.values.items():
        ordered = sorted((when, value) for when, value in periods.items() if when is not None)
        if len(ordered) > 1 and ordered[-1][0] == last and _neighbours(ordered[-2][0], ordered[-1][0], facts.grain) and ordered[-2][1] > 0:
            ratios[name] = ordered[-1][1] / ordered[-2][1] - 1
    against = ctx.messages[f"compared.previous.{facts.grain}"]
    return _mover(ratios, against, ctx)


def _largest_value(facts: Facts, ctx: RenderContext) -> str:
    """Where the metric itself is a change (a percentage, or values of both signs): the largest either way."""
    values = {name: periods.get(None, 0.0) for name, periods in facts.values.items()}
    is_change = facts.metric.format.style == "percent" or min(values.values()) < 0 < max(values.values())
    if len(values) < 2 or not is_change:
        return ""
    name = max(values, key=lambda each: abs(values[each]))
    if facts.metric.format.style == "percent":
        return ctx.messages.text("finding.mover", name=name, change=ctx.formatter.change(values[name]))
    plus = "+" if values[name] > 0 else ""
    return ctx.messages.text("finding.mover", name=name, change=f"{plus}{_short(values[name], facts, ctx)}")


def _mover_between(panel: Panel, now: Facts, before: Facts, ctx: RenderContext) -> str:
    ratios = {}
    for name, periods in now.values.items():
        earlier = before.values.get(name, {}).get(None)
        if earlier is not None and earlier > 0 and None in periods:
            ratios[name] = periods[None] / earlier - 1
    period = panel.compare.period if panel.compare else "previous"
    return _mover(ratios, ctx.messages[f"compared.{period}"], ctx)


def _mover(ratios: dict[str, float], against: str, ctx: RenderContext) -> str:
    if len(ratios) < 2:
        return ""
    name = max(ratios, key=lambda each: abs(ratios[each]))
    if abs(ratios[name]) < SAME:
        return ""
    key = "finding.mover_up" if ratios[name] > 0 else "finding.mover_down"
    return ctx.messages.text(key, name=name, change=_unsigned(ratios[name], ctx), compared=against)


_TELLERS: dict[str, Callable[[Facts, RenderContext], str]] = {
    "top_share": _top_share,
    "latest_change": _latest_change,
    "peak": _peak,
    "largest_mover": _largest_mover,
}


def _told(when: object, grain: str, ctx: RenderContext) -> bool:
    """Whether a period is whole: the data does not begin within it, and it is over, so that its value will not change any more."""
    if not isinstance(when, date) or (ctx.whole_from is not None and as_day(when) < ctx.whole_from):
        return False
    if ctx.asked is not None and ctx.asked.start is not None and as_day(when) < ctx.asked.start:
        return False
    ends = [day for day in (ctx.as_of, ctx.asked.end if ctx.asked else None) if day is not None]
    return not ends or grain == "hour" or period_end(when, grain) <= min(ends)


def _neighbours(earlier: date, later: date, grain: str) -> bool:
    return grain == "hour" or period_end(earlier, grain) >= later


def _largest(facts: Facts) -> str:
    return max(facts.values, key=lambda name: sum(facts.values[name].values()))


def _metric(facts: Facts, ctx: RenderContext, *, inside: bool = False) -> str:
    """The metric's label; inside an English sentence without its capital."""
    words = facts.metric.label.in_locale(ctx.locale) or facts.metric.name
    if inside and ctx.messages.locale == "en" and words[1:2].islower():
        return words[0].lower() + words[1:]
    return words


def _short(value: float, facts: Facts, ctx: RenderContext) -> str:
    return ctx.formatter.short(value, facts.metric.format, facts.metric.datatype)


def _unsigned(ratio: float, ctx: RenderContext) -> str:
    return ctx.formatter.change(abs(ratio)).lstrip("+")


def _period(when: date, grain: str, ctx: RenderContext) -> str:
    if grain == "quarter":
        text = ctx.messages.text("quarter", quarter=(when.month + 2) // 3, year=when.year)
    else:
        text = ctx.formatter.date(when, {"month": "yMMM", "year": "y", "hour": "datetime"}.get(grain, "yMMMd"))
    return ctx.messages.text(f"finding.period.{grain}", date=text)
