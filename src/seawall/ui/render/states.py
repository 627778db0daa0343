"""What a panel shows when it is not (quite) fresh: skeletons, the age of an answer, the sentence that says what is wrong, empty.

Head and body keep the heights of the finished panel, so that nothing moves when it lands.
"""

from __future__ import annotations

from markupsafe import Markup

from seawall.app.model import MetricQuery, Panel
from seawall.ui.charts.data import PanelData
from seawall.ui.charts.text import esc, markup
from seawall.ui.render.context import RenderContext
from seawall.ui.render.page import exact_time

_REASONS = {
    "deadline": "deadline", "deadline-exceeded": "deadline", "timeout": "deadline",
    "unavailable": "unavailable", "engine-unavailable": "unavailable", "no-generation": "unavailable", "overloaded": "unavailable",
    "index-missing": "unavailable",
    "query-failed": "query", "invalid-query": "query",
    "not-found": "not_found", "not-permitted": "not_permitted", "invalid-input": "invalid", "invalid-cursor": "invalid",
}  # fmt: skip
_NEXT = {"deadline": "next.late", "not_found": "next.ask", "not_permitted": "next.ask", "query": "next.ask", "invalid": "next.filters"}
_BY_WORDS = {"index-missing": "similar.tip.building", "continued": "similar.tip.continued"}
ROW_PX = 37
TABLE_HEAD_PX = 33
SCROLL_PX = 640
PAGER_PX = 48
COUNT_PX = 24
LEGEND_ROOM = '<div class="legend narrow"></div>'
WAITING = ' class="waiting"'
RANKS = 10
NUMBER_PX = 116


def skeleton(panel: Panel, ctx: RenderContext) -> Markup:
    """The panel before its answer: its own title and definition, and a shape of what will come."""
    kind = shape(panel)
    words = ctx.messages.text("loading", title=panel.title.in_locale(ctx.locale))
    return markup(
        f'{head(panel, ctx, waiting=bool(panel.finding))}<div class="{body_class(panel)}">'
        f'{LEGEND_ROOM if kind == "is-chart" and _has_series(panel) else ""}<div class="skeleton" role="img" aria-label="{esc(words)}">'
        f'{_shape(kind, panel)}</div></div><footer class="panel-foot"></footer>'
    )


def shape(panel: Panel) -> str:
    """Which of the shapes a panel has: `number`, `table`, or `chart` with the room its legend takes."""
    marks = [layer.mark for layer in panel.chart.layers]
    if "number" in marks:
        return "is-number"
    if "table" in marks or not marks:
        return "is-table"
    return "is-chart"


def body_class(panel: Panel, *, landed: PanelData | None = None) -> str:
    """The classes of a panel's body: its shape, and for a table of a known length its height.

    A table that `landed` with less than half of its rows, as filters leave it, is as high as its rows.
    """
    kind = shape(panel)
    rows = panel.query.limit if kind == "is-table" and isinstance(panel.query, MetricQuery) else None
    if landed is not None and rows is not None and 0 < landed.table.num_rows * 2 < rows:
        rows = None
    return f"panel-body {kind}" if rows is None else f"panel-body {kind} h{_height_class(_table_px(rows))}"


def head(panel: Panel, ctx: RenderContext, headline: str = "", state: str = "", *, waiting: bool = False) -> str:
    """Title (a finding when there is one), definition, and room for the age. A finding that is `waiting` is a grey bar.

    Where a finding stands in the title's place, `data-title` has the title, and the definition begins with it and ". ".
    """
    title = panel.title.in_locale(ctx.locale)
    words = panel.description.in_locale(ctx.locale)
    kept = ""
    if waiting or (headline and headline != title):
        words = f"{title}. {words}" if words else title
        kept = f' data-title="{esc(title)}"'
    headline = headline or title
    definition = f'<p class="definition" id="d-{esc(panel.name)}" dir="auto">{esc(words)}</p>'
    long = f" has-finding{' is-long' if _is_sentence(panel) else ''}" if panel.finding else ""
    inside = f'<span class="sr">{esc(headline)}</span>' if waiting else esc(headline)
    heading = f'<h2 id="h-{esc(panel.name)}" dir="auto"{kept}{WAITING if waiting else ""}>{inside}</h2>'
    return f'<header class="panel-head{long}"><div>{heading}{definition}</div>{state}</header>'


def _is_sentence(panel: Panel) -> bool:
    """Whether the finding will take two lines on a phone: those that tell a time do."""
    over_time = isinstance(panel.query, MetricQuery) and any(each.grain for each in panel.query.by)
    return panel.finding in ("latest_change", "largest_mover") or (panel.finding == "peak" and over_time)


def state_note(rung: str, made_at: float, ctx: RenderContext) -> Markup:
    """How old an answer is, in words; the exact time on focus. Nothing for a fresh one."""
    if rung not in ("cached", "stale", "summary"):
        return markup("")
    words = ctx.messages
    machine, exact = exact_time(made_at, ctx)
    label = words.text(f"state.{rung}", age=age(ctx.now - made_at, ctx))
    tip = words.text(f"state.tip.{rung}", time=exact)
    return markup(
        f'<time class="age {rung}" datetime="{machine}" tabindex="0" data-tip="{esc(tip)}">{esc(label)}'
        f'<span class="sr">. {esc(tip)}</span></time>'
    )


def degraded_note(reason: str, ctx: RenderContext) -> Markup:
    """That similar rows were found by words, and why."""
    words = ctx.messages
    tip = words[_BY_WORDS.get(reason, "similar.tip.away")]
    return markup(
        f'<span class="age stale" data-degraded="words" tabindex="0" data-tip="{esc(tip)}">{esc(words["similar.words"])}'
        f'<span class="sr">. {esc(tip)}</span></span>'
    )


def age(seconds: float, ctx: RenderContext) -> str:
    """A duration into the past, in the one unit that says it best."""
    minutes = int(max(0.0, seconds) // 60)
    if minutes < 1:
        return ctx.messages["age.now"]
    if minutes < 60:
        return ctx.messages.count("age.minutes", minutes)
    if minutes < 48 * 60:
        return ctx.messages.count("age.hours", minutes // 60)
    return ctx.messages.count("age.days", minutes // 1440)


def explanation(panel: Panel, reason_code: str, ctx: RenderContext, retry_url: str) -> Markup:
    """The last rung: what is wrong in a sentence, what happens next, a way to try again.

    An answer that only came too late is marked `data-again`: the script asks for it once more.
    """
    reason = _REASONS.get(reason_code.replace("_", "-"), "other")
    words = ctx.messages
    retry = f'<a class="button" href="{esc(retry_url)}" data-retry="{esc(panel.name)}">{esc(words["retry"])}</a>' if retry_url else ""
    again = " data-again" if reason == "deadline" else ""
    return markup(
        f'{head(panel, ctx)}<div class="panel-body {shape(panel)}"><div class="failed h{body_px(panel)}"{again}>'
        f"<p><strong>{esc(words[f'failed.{reason}'])}</strong></p>"
        f'<p>{esc(words[_NEXT.get(reason, "next.retry")])}</p>{retry}</div></div><footer class="panel-foot"></footer>'
    )


def empty(panel: Panel, ctx: RenderContext) -> str:
    """No rows: says so, and shows the way out. That data is still to come is said only where rights hide nothing."""
    if ctx.sight == "none":
        return _empty(panel, ctx.messages["failed.not_found"], f"<p>{esc(ctx.messages['next.ask'])}</p>")
    filtered = any(ctx.parameters.get(name) for name in panel.filters)
    words = ctx.messages
    if filtered:
        clear = f'<a class="button" href="?lang={esc(ctx.locale)}" data-page-link>{esc(words["clear"])}</a>'
        return _empty(panel, words["empty"], f"<p>{esc(words['empty.next'])}</p>{clear}")
    if ctx.sight == "some":
        return _empty(panel, words["empty.none"], "")
    return _empty(panel, words["empty.plain"], f"<p>{esc(words['empty.wait'])}</p>")


def _empty(panel: Panel, words: str, way_out: str) -> str:
    return f'<div class="empty h{body_px(panel)}"><p><strong>{esc(words)}</strong></p>{way_out}</div>'


def body_px(panel: Panel) -> int:
    """The height a panel's body keeps, a multiple of 4 CSS pixels between 40 and 600."""
    kind = shape(panel)
    return _height_class(NUMBER_PX if kind == "is-number" else panel.chart.height_px)


def _height_class(height_px: float) -> int:
    return min(600, max(40, -(-int(height_px) // 20) * 20))


def _table_px(rows: int) -> int:
    return TABLE_HEAD_PX + rows * ROW_PX


def _shape(kind: str, panel: Panel) -> str:
    if kind == "is-number":
        shapes = (
            '<rect y="6" width="148" height="28" rx="4"/><rect y="44" width="112" height="14" rx="3"/><rect y="84" width="99%" height="2"/>'
        )
        return f'<svg class="sk" height="{NUMBER_PX}" aria-hidden="true">{shapes}</svg>'
    if kind == "is-table":
        height = _rows_px(panel)
        rows = "".join(_row(index) for index in range(max(3, height // ROW_PX)))
        return f'<svg class="sk" height="{height}" aria-hidden="true">{rows}</svg>'
    height = panel.chart.height_px
    if panel.chart.layers[0].mark == "bar":
        if _is_ranked(panel):
            return f'<svg class="sk" height="{height}" aria-hidden="true">{_ranks(panel, height)}</svg>'
        return f'<svg class="sk" height="{height}" aria-hidden="true">{_bars(height)}</svg>'
    lines = "".join(f'<rect y="{12 + index * (height - 60) // 3}" width="100%" height="1"/>' for index in range(4))
    thin = any(layer.mark == "line" for layer in panel.chart.layers)
    way = "M0 74C14 60 22 66 34 52S58 58 70 36s20-4 30-20"
    hill = f'<path class="ln" d="{way}"/>' if thin else f'<path d="{way}V100H0z"/>'
    inner = f'<svg y="12" height="{height - 60}" viewBox="0 0 100 100" preserveAspectRatio="none">{hill}</svg>'
    return f'<svg class="sk" height="{height}" aria-hidden="true">{lines}{inner}</svg>'


def _has_series(panel: Panel) -> bool:
    """Whether there will be several series, whose names need a legend on narrow panels."""
    plain = [layer for layer in panel.chart.layers if layer.mark in ("line", "bar", "area") and "y2" not in layer.encoding]
    dimensions = len(panel.query.by) if isinstance(panel.query, MetricQuery) else 0
    colors = [each for layer in plain for each in layer.encoding.get("color", ())]
    if colors and not any(each.legend for each in colors):
        return False
    colored = any(each.field for each in colors)
    return bool(plain) and (colored or len(plain) > 1 or dimensions > 1)


def _is_ranked(panel: Panel) -> bool:
    """Whether bars will most likely lie on their side: they stand for names, not for times."""
    return isinstance(panel.query, MetricQuery) and bool(panel.query.by) and panel.query.by[0].grain is None


def _ranks(panel: Panel, height: int) -> str:
    limit = panel.query.limit or RANKS
    count = max(2, min(limit, height // 22))
    room = min(36.0, height / count)
    return "".join(
        f'<rect y="{index * room + room * 0.2:.0f}" width="16%" height="{room * 0.5:.0f}" rx="2"/>'
        f'<rect x="20%" y="{index * room + room * 0.17:.0f}" width="{72 / (index * 0.5 + 1):.0f}%" height="{room * 0.66:.0f}" rx="2"/>'
        for index in range(count)
    )


def _rows_px(panel: Panel) -> int:
    """The height of a table that is still to come: what its limit allows, as far as it is shown without scrolling."""
    query = panel.query
    if isinstance(query, MetricQuery):
        return panel.chart.height_px if query.limit is None else min(600, _table_px(query.limit))
    around = PAGER_PX + (COUNT_PX if query.count != "none" else 0)
    return min(SCROLL_PX, _table_px(query.limit)) + around


def _row(index: int) -> str:
    y = index * ROW_PX + 12
    widths = ((0, 22), (34, 12), (56, 10), (76, 12), (92, 8))
    return "".join(f'<rect x="{x}%" y="{y}" width="{width}%" height="{12 if index else 8}" rx="3"/>' for x, width in widths)


def _bars(height: int) -> str:
    heights = (0.5, 0.62, 0.46, 0.7, 0.84, 0.6, 0.74, 0.92, 0.66, 0.8)
    base = height - 24
    return "".join(
        f'<rect x="{index * 10 + 1.5}%" width="7%" y="{base - part * (base - 12):.0f}" height="{part * (base - 12):.0f}" rx="2"/>'
        for index, part in enumerate(heights)
    )
