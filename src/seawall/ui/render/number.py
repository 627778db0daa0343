"""A big number with what it is compared with, and the line that led to it."""

from __future__ import annotations

from datetime import date, timedelta

import msgspec
from markupsafe import Markup

from seawall.app.model import Dimension, MetricQuery, Panel
from seawall.query.port import Column
from seawall.ui.charts.data import PanelData, number
from seawall.ui.charts.drawing import as_day, period_end
from seawall.ui.charts.sparkline import sparkline
from seawall.ui.charts.text import esc, markup
from seawall.ui.render.context import RenderContext

LONG = 10_000
"""From here on a big number is written with three significant digits; the exact value is in its title."""
YEAR_AGO = {"day": 364, "week": 364}
"""Days back to the same weekday of last year."""


class Reading(msgspec.Struct, frozen=True):
    """What the number says, before words."""

    column: Column
    value: object
    before: object
    """What it is compared with; None when there is nothing."""
    history: tuple[float | None, ...]
    """Complete periods up to the value's, for the sparkline."""
    when: date | None
    grain: str


def reading_of(panel: Panel, data: PanelData, comparison: PanelData | None, ctx: RenderContext) -> Reading | None:
    """The latest complete period's value, or the only row's; None when there is no metric or no row."""
    column = next((each for each in data.columns if each.role == "metric"), None)
    if column is None or data.table.num_rows == 0:
        return None
    grain, _ = _times(panel, data)
    if not grain:
        return Reading(column, _first_metric(data), _first_metric(comparison), (), None, "")
    dated = _dated(panel, data)
    over = [(day, value) for day, value in dated if _over(day, grain, ctx)]
    return _latest(panel, column, over or dated, comparison, grain) if dated else None


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
        f'<div class="big"><p class="value"><data value="{esc(reading.value)}"{tip}>{esc(text)}</data></p>'
        f"{_comparison(panel, reading, ctx)}{sparkline(reading.history)}</div>"
    )


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


def _latest(panel: Panel, column: Column, rows: list[tuple[date, object]], comparison: PanelData | None, grain: str) -> Reading:
    """The last row's reading. `comparison` holds earlier periods, so what is compared with is found by date in both."""
    when, value = rows[-1]
    known = dict([*_dated(panel, comparison), *rows])
    return Reading(column, value, _earlier(panel, known, when, grain), tuple(number(each) for _, each in rows), when, grain)


def _earlier(panel: Panel, known: dict[date, object], when: date, grain: str) -> object:
    if panel.compare is None or panel.compare.period == "previous":
        before = max((day for day in known if day < when), default=None)
        return known[before] if before is not None and (grain == "hour" or period_end(before, grain) >= when) else None
    if grain in YEAR_AGO:
        return known.get(when - timedelta(days=min(YEAR_AGO[grain], when.toordinal() - 1)))
    return known.get(when.replace(year=max(1, when.year - 1), day=min(when.day, 28)))


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
