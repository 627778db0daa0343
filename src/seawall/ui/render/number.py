"""A big number with what it is compared with, and the line that led to it."""

from __future__ import annotations

from datetime import date, timedelta
from typing import cast

import msgspec
from markupsafe import Markup

from seawall.app.model import Dimension, Grain, MetricQuery, Panel
from seawall.query.periods import Latest, earlier_start
from seawall.query.port import Column
from seawall.ui.charts.data import PanelData, number
from seawall.ui.charts.drawing import as_day, period_end
from seawall.ui.charts.sparkline import sparkline
from seawall.ui.charts.text import esc, markup
from seawall.ui.render.context import RenderContext

LONG = 10_000
"""From here on a big number is written with three significant digits; the exact value is in its title."""


class Reading(msgspec.Struct, frozen=True):
    """What the number says, before words."""

    column: Column
    value: object
    before: object
    """What it is compared with; None when there is nothing."""
    history: tuple[float | None, ...]
    """Whole periods up to the value's, for the sparkline."""
    when: date | None
    grain: str
    partial: bool = False
    """Whether the period is not whole."""


def reading_of(
    panel: Panel, data: PanelData, comparison: PanelData | None, ctx: RenderContext, latest: Latest | None = None
) -> Reading | None:
    """The value of the `latest` period, or the only row's; None when there is no metric or no row.

    Without `latest` it is the last period among the rows that is over. A latest period without a row has no value; where no period
    is whole, the last row is told as incomplete and compared with nothing.
    """
    column = next((each for each in data.columns if each.role == "metric"), None)
    if column is None or data.table.num_rows == 0:
        return None
    grain, _ = _times(panel, data)
    if not grain:
        return Reading(column, _first_metric(data), _first_metric(comparison), (), None, "")
    dated = _dated(panel, data)
    if not dated:
        return None
    over = [(day, value) for day, value in dated if _over(day, grain, ctx)]
    start = latest.start if latest is not None else (over[-1][0] if over else None)
    if start is None:
        when, value = dated[-1]
        return Reading(column, value, None, tuple(number(each) for _, each in dated), when, grain, partial=True)
    return _latest(panel, column, dated, comparison, grain, start, ctx.whole_from)


def _by_day(row: tuple[date, object]) -> date:
    return row[0]


def big_number(panel: Panel, reading: Reading | None, ctx: RenderContext) -> Markup:
    """Number, comparison, sparkline; fixed height."""
    if reading is None:
        return markup("")
    write = ctx.formatter.short if _is_long(reading.value) else ctx.formatter.value
    text = write(reading.value, reading.column.format, reading.column.datatype)
    full = ctx.formatter.value(reading.value, reading.column.format, reading.column.datatype)
    tip = f' title="{esc(full)}"' if full != text else ""
    return markup(
        f'<div class="big"><p class="value"><data value="{esc(reading.value)}"{tip}>{esc(text)}</data>{_when(reading, ctx)}</p>'
        f"{_comparison(panel, reading, ctx)}{sparkline(reading.history)}</div>"
    )


def _when(reading: Reading, ctx: RenderContext) -> str:
    """Which period the number is of."""
    if reading.when is None:
        return ""
    skeleton = {"month": "yMMM", "year": "y", "hour": "datetime"}.get(reading.grain, "MMMd")
    if reading.grain == "quarter":
        text = ctx.messages.text("quarter", quarter=(reading.when.month + 2) // 3, year=reading.when.year)
    else:
        text = ctx.formatter.date(reading.when, skeleton)
    told = ctx.messages.text(f"finding.period.{reading.grain}", date=text)
    if reading.partial:
        told += f" ({ctx.messages['partial']})"
    return f' <span class="when">{esc(told)}</span>'


def _comparison(panel: Panel, reading: Reading, ctx: RenderContext) -> str:
    words = ctx.messages
    now, before = number(reading.value), number(reading.before)
    if now is None or before is None or (before == 0 and reading.column.format.style != "percent"):
        return f'<p class="compared none">{esc(words["compared.none"])}</p>' if panel.compare else ""
    period = panel.compare.period if panel.compare else "previous"
    key = f"compared.{period}.{reading.grain}"
    against = words[key] if key in words else words[f"compared.{period}"]
    change, direction = _change(now, before, reading, ctx)
    was = words.text("compared.was", value=ctx.formatter.short(reading.before, reading.column.format, reading.column.datatype))
    verdict, classes = _verdict(reading, direction, ctx)
    told = f'<strong class="{classes}">{esc(change)}{verdict}</strong>'
    return f'<p class="compared">{told} {esc(against)} <span class="was">{esc(was)}</span></p>'


def _change(now: float, before: float, reading: Reading, ctx: RenderContext) -> tuple[str, int]:
    """Relative change in words, in percentage points for shares; and its sign."""
    if reading.column.format.style == "percent":
        points = (now - before) * 100
        text = ctx.messages.text("compared.points", change=_signed(ctx.formatter.plain(abs(points), 1), points))
        return text, (points >= 0.05) - (points <= -0.05)
    ratio = (now - before) / abs(before)
    direction = (ratio >= 0.0005) - (ratio <= -0.0005)
    return (ctx.formatter.change(ratio) if direction else ctx.messages["compared.same"]), direction


def _signed(text: str, value: float) -> str:
    return f"{'+' if value > 0 else '−'}{text}"


def _verdict(reading: Reading, direction: int, ctx: RenderContext) -> tuple[str, str]:
    """Good or bad news, said to those who do not see colours; neutral when the metric does not say."""
    better = reading.column.better
    if not direction or better not in ("up", "down"):
        return "", "neutral"
    good = (direction > 0) == (better == "up")
    word = esc(ctx.messages["better" if good else "worse"])
    return f'<span class="sr"> ({word})</span>', "good" if good else "bad"


def _times(panel: Panel, data: PanelData) -> tuple[str, list[object]]:
    """The grain and values of the time dimension, when the query has one."""
    if not isinstance(panel.query, MetricQuery):
        return "", []
    grains: dict[str, Dimension] = {each.name: each for each in panel.query.by if each.grain}
    for index, column in enumerate(data.columns):
        if column.name in grains:
            return str(grains[column.name].grain), data.table.column(index).to_pylist()
    return "", []


def _over(when: date, grain: str, ctx: RenderContext) -> bool:
    return ctx.as_of is None or grain == "hour" or period_end(when, grain) <= ctx.as_of


def _latest(
    panel: Panel, column: Column, rows: list[tuple[date, object]], comparison: PanelData | None, grain: str, when: date,
    whole_from: date | None,
) -> Reading:  # fmt: skip
    """The reading of the period from `when`. What it is compared with is found by its date, among the rows or in `comparison`."""
    known = dict([*_dated(panel, comparison), *rows])
    history = tuple(number(value) for day, value in rows if day <= when and (whole_from is None or day >= whole_from))
    return Reading(column, known.get(when), _earlier(panel, known, when, grain), history, when, grain)


def _earlier(panel: Panel, known: dict[date, object], when: date, grain: str) -> object:
    period = panel.compare.period if panel.compare else "previous"
    if grain == "hour":
        return known.get(when - (timedelta(hours=1) if period == "previous" else timedelta(weeks=52)))
    before = earlier_start(when, cast("Grain", grain), period)
    return known.get(before) if before is not None else None


def _dated(panel: Panel, data: PanelData | None) -> list[tuple[date, object]]:
    """(period, value) of the first metric, in the order of time; empty when the query has no time dimension."""
    if data is None or data.table.num_rows == 0:
        return []
    grain, times = _times(panel, data)
    index = next((index for index, column in enumerate(data.columns) if column.role == "metric"), None)
    if not grain or index is None:
        return []
    values: list[object] = data.table.column(index).to_pylist()
    days = [as_day(when) if isinstance(when, date) and grain != "hour" else when for when in times]
    return sorted(((day, value) for day, value in zip(days, values, strict=True) if isinstance(day, date)), key=_by_day)


def _first_metric(data: PanelData | None) -> object:
    """The first metric of the first row."""
    if data is None or data.table.num_rows == 0:
        return None
    index = next((index for index, column in enumerate(data.columns) if column.role == "metric"), None)
    value: object = None if index is None else data.table.column(index)[0].as_py()
    return value


def _is_long(value: object) -> bool:
    amount = number(value)
    return amount is not None and abs(amount) >= LONG
