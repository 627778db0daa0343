"""A panel's fragment: everything inside its `<section>`.

```html
<header class="panel-head"><div><h2 id="h-NAME">finding or title</h2><p class="definition" id="d-NAME">…</p></div><!--state--></header>
<div class="panel-body is-chart|is-number|is-table">…</div>
<footer class="panel-foot"><details class="data">a link to the same numbers as a table</details> <p>CSV · Parquet</p></footer>
```
The server puts the age of the answer where `<!--state-->` stands; a cached fragment therefore never needs drawing again.

**For the browser script.** A chart is `<svg class="chart" tabindex="0" data-points='{…}'>`. Its units are CSS pixels and its horizontal
places percentages *of its content box* (padding is the room for labels), so a script may add `<circle cx="12.5%" cy="40">`
to it and find the nearest point from `(pointer x - left - padding-left) / content width`. The JSON, by key:

| key | upright chart | on its side (`"h": 1`) |
|---|---|---|
| `x` | places along the axis, per cent from the left | (in series) |
| `y` | (in series) | places along the axis, CSS pixels from the top |
| `t` | the written label of each place: `"Jan 2, 2017"`, `"GROCERY"` | the same |
| `s` | series: `n`, `c`, `v`, and `y`: CSS pixels from the top of each point | `x` instead of `y`: per cent |
| `f` | 1 on a scatter plot: each place is one point; take the nearest in both directions | |

In a series `n` is the name; `c` the colour (0 accent, 1…8 palette, -1 grey: classes `s0`…`s8`, `sx`); `v` the written values, one for
each place (`""`: no row, `"—"`: no value). A null among its places means that there is nothing to point at: no value, or an interval,
whose values are told all the same. `k`, when it is there, says how the key is drawn: `bd` a pale band, `ds` a dotted line.

Everything in it is text to be set with `textContent`. Arrow keys go along `t`. Marks carry `<title>` for use without script; a
script that shows tooltips of its own removes them. `svg[aria-labelledby]` names the chart, `details.data` leads to the same
numbers as a table, which the script puts there when it is opened.

`[data-tip]` elements are focusable and show their text by CSS alone; `[data-zoom]` asks for the zoom island: it names the columns
that are drawn, and `data-ends` says how many periods the chart leaves out at the beginning and at the end.
"""

from __future__ import annotations

from markupsafe import Markup

from seawall.app.model import MetricQuery, Panel
from seawall.query.periods import Latest
from seawall.ui import findings
from seawall.ui.charts.chart import draw_chart
from seawall.ui.charts.data import PanelData
from seawall.ui.charts.drawing import Drawing, LegendItem
from seawall.ui.charts.plot import px
from seawall.ui.charts.readout import Readout
from seawall.ui.charts.text import esc, markup
from seawall.ui.render import number, states, table
from seawall.ui.render.context import RenderContext
from seawall.ui.render.data_table import table_link
from seawall.ui.render.states import explanation, skeleton, state_note
from seawall.ui.render.told import told

STATE_MARK = "<!--state-->"


def panel_fragment(
    panel: Panel, data: PanelData, ctx: RenderContext, *, comparison: PanelData | None = None, latest: Latest | None = None
) -> Markup:
    """Head, body and foot of a panel with its rows. Draws any rows without raising; nothing of them is left unescaped.

    A big number tells the `latest` period (`query/periods.py`) and is compared with the one row of `comparison`.
    """
    headline = findings.finding(panel, data, ctx, comparison=comparison) if panel.finding else ""
    kind = states.shape(panel)
    inside, readout, note = _body(panel, data, ctx, comparison, latest, kind)
    foot = _foot(panel, data, ctx, readout, note) if inside else '<footer class="panel-foot"></footer>'
    body = f'<div class="{states.body_class(panel, landed=data)}">{inside or states.empty(panel, ctx)}</div>'
    return markup(f"{states.head(panel, ctx, headline, STATE_MARK)}{body}{foot}")


def _body(
    panel: Panel, data: PanelData, ctx: RenderContext, comparison: PanelData | None, latest: Latest | None, kind: str
) -> tuple[str, Readout | None, str]:  # fmt: skip
    """What is shown, what it tells, and a note; nothing where the rows have nothing to show."""
    if not data.table.num_rows:
        return "", None, ""
    if kind == "is-table":
        return table.whole_table(panel, data.columns, data.table, ctx), None, ""
    if kind == "is-number":
        reading = number.reading_of(panel, told(panel, data), told(panel, comparison) if comparison else None, ctx, latest)
        return str(number.big_number(panel, reading, ctx)) if reading is not None else "", None, ""
    drawing = draw_chart(panel, data, ctx)
    if drawing is None:
        return "", None, ""
    return f"{_legend(drawing)}{drawing.svg}", drawing.readout, drawing.note


def _legend(drawing: Drawing) -> str:
    if not drawing.legend:
        return ""
    title = f'<li><b dir="auto">{esc(drawing.legend_title)}</b></li>' if drawing.legend_title else ""
    items = "".join(_legend_item(item) for item in drawing.legend)
    return f'<ul class="legend{"" if drawing.legend_always else " narrow"}">{title}{items}</ul>'


def _legend_item(item: LegendItem) -> str:
    color = f"s{item.color}" if item.color >= 0 else "sx"
    value = f' <span class="vl">{esc(item.value)}</span>' if item.value else ""
    key = _dot(item.radius, color) if item.radius else f'<i class="key {color}{" ds" if item.dashed else ""}"></i>'
    return f'<li>{key}<span dir="auto">{esc(item.name)}</span>{value}</li>'


def _dot(radius: float, color: str) -> str:
    """A dot as large as in the chart."""
    side, middle = px(radius * 2 + 2), px(radius + 1)
    circle = f'<circle class="pt {color}" cx="{middle}" cy="{middle}" r="{px(radius)}"/>'
    return f'<svg width="{side}" height="{side}" aria-hidden="true">{circle}</svg>'


def _foot(panel: Panel, data: PanelData, ctx: RenderContext, readout: Readout | None, note: str) -> str:
    details = table_link(panel, data, readout, ctx)
    title = panel.title.in_locale(ctx.locale)
    links = " ".join(_download(panel, title, kind, name, ctx) for kind, name in (("csv", "CSV"), ("parquet", "Parquet")))
    told = f'<p class="note">{esc(note)}</p>' if note else ""
    return f'<footer class="panel-foot">{details}{told}<p class="links">{_zoom(panel, title, readout, ctx)}{links}</p></footer>'


def _zoom(panel: Panel, title: str, readout: Readout | None, ctx: RenderContext) -> str:
    """A button for charts over time. It needs the script, which shows it."""
    query = panel.query
    over_time = isinstance(query, MetricQuery) and any(dimension.grain for dimension in query.by)
    if not over_time or readout is None or readout.sideways or readout.free:
        return ""
    words = ctx.messages
    ends = " ".join(map(str, readout.left_out))
    return (
        f'<button type="button" class="link" data-zoom="{esc(" ".join(readout.drawn))}" data-ends="{ends}" '
        f'data-url="{esc(ctx.panel_url(panel.name, "json"))}" data-hint="{esc(words["zoom.hint"])}" '
        f'aria-expanded="false" aria-label="{esc(words.text("zoom_in", title=title))}">{esc(words["zoom"])}</button>'
    )


def _download(panel: Panel, title: str, kind: str, name: str, ctx: RenderContext) -> str:
    label = ctx.messages.text("download_as", title=title, format=name)
    return f'<a href="{esc(ctx.panel_url(panel.name, kind))}" download aria-label="{esc(label)}">{name}</a>'


__all__ = ["STATE_MARK", "PanelData", "explanation", "panel_fragment", "skeleton", "state_note"]
