"""How an answer is drawn: what was asked for where it can be, else what suits its rows."""

from __future__ import annotations

from seawall.app.model import Channel, Chart, Comparison, Encoding, Layer, Mark, MetricQuery, Panel, Text
from seawall.ask.question import RELATIVE, Question
from seawall.ask.rows import PERIOD, RATIO, Rows, computed
from seawall.query.port import Column

BARS_MAX = 40
COLOURS_MAX = 8
DIMENSIONS_DRAWN_MAX = 2
PANEL = "answer"
Encodings = dict[Channel, tuple[Encoding, ...]]


def panel_of(question: Question, query: MetricQuery, rows: Rows, title: Text) -> Panel:
    """The answer as a panel that every part of the page knows how to draw."""
    alone = question.compare in RELATIVE and not question.by and not side_by_side(question)
    compare = Comparison("year_ago" if question.compare == "year_ago" else "previous") if alone else None
    return Panel(PANEL, title, query, chart_of(question, rows), compare=compare)


def chart_of(question: Question, rows: Rows) -> Chart:
    """What was asked for where it can be drawn, else what suits: a number, a line over time, bars, or a table."""
    mark = _mark(question, rows)
    if mark in ("table", "number"):
        return Chart((Layer(mark),))
    dimensions = [column.name for column in rows.columns if column.role == "dimension"] or [PERIOD]
    metrics = [column for column in rows.columns if column.role == "metric"]
    y = _measure(question, metrics)
    tips = tuple(Encoding(field=column.name) for column in rows.columns)
    if mark == "line":
        drawn = [column for column in metrics if column.format.style == y.format.style and not question.ratio] or [y]
        if len(dimensions) > 1:
            return Chart((Layer("line", {"x": _of(dimensions[0]), "y": _of(y.name), "color": _of(dimensions[1])}),), 320)
        return Chart(tuple(Layer("line", {"x": _of(dimensions[0]), "y": _of(column.name)}) for column in drawn[:2]), 320)
    if not question.by or question.by[0].grain is not None:
        upright: Encodings = {"x": _of(dimensions[0]), "y": _of(y.name), **_colour(dimensions)}
        return Chart((Layer("bar", upright),), 320)
    height = 120 + 20 * min(rows.table.num_rows, BARS_MAX)
    encoding: Encodings = {"x": _of(y.name), "y": _of(dimensions[0]), **_colour(dimensions)}
    return Chart((Layer("bar", encoding if len(dimensions) > 1 else encoding | {"tooltip": tips}),), max(160, height))


def side_by_side(question: Question) -> bool:
    """Whether several metrics are compared: no chart shows all of them and their changes, a table does."""
    return bool(question.compare) and len(question.metrics) > 1 and not question.ratio


def _mark(question: Question, rows: Rows) -> Mark:
    timed = [one for one in question.by if one.grain is not None]
    if not question.metrics or question.show == "table" or len(question.by) > DIMENSIONS_DRAWN_MAX:
        return "table"
    if side_by_side(question) and (question.show == "auto" or not question.by):
        return "table"
    if question.compare and len(question.by) > 1 and question.show == "auto":
        return "table"  # a chart has no room for the other time of every group
    if not question.by:
        two_times = bool(question.compare) and question.compare not in RELATIVE
        return "bar" if two_times else "number" if len(question.metrics) == 1 or question.ratio else "table"
    if len(question.by) > 1 and (len(timed) != 1 or timed[0] is not question.by[0]) and question.show == "auto":
        return "table" if len(question.metrics) > 1 or _distinct(rows, 1) > COLOURS_MAX else "bar"
    if len(question.by) > 1 and _distinct(rows, 1) > COLOURS_MAX:
        return "table"
    if timed and timed[0] is question.by[0]:
        return "bar" if question.show == "bar" else "line"
    return "bar" if rows.table.num_rows <= BARS_MAX or question.show == "bar" else "table"


def _measure(question: Question, metrics: list[Column]) -> Column:
    made = computed(question)
    wanted = [RATIO] if question.ratio else [one.name for one in question.order if one.name in made]
    named = {column.name: column for column in metrics}
    return next((named[name] for name in wanted if name in named), metrics[0])


def _distinct(rows: Rows, place: int) -> int:
    return len(rows.table.column(place).unique()) if rows.table.num_columns > place else 0


def _colour(dimensions: list[str]) -> Encodings:
    return {"color": _of(dimensions[1])} if len(dimensions) > 1 else {}


def _of(name: str) -> tuple[Encoding, ...]:
    return (Encoding(field=name),)
