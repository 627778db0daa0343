"""The numbers of a chart as a table, for those who do not see it and those who want to check it.

A panel only says that there is one and links to it: a page of charts would otherwise be mostly cells that nobody looks at. The link
leads to a plain page with the table, which needs no script; the browser's script opens the same table in the panel.
"""

from __future__ import annotations

import msgspec
from markupsafe import Markup

from seawall.app.model import Panel
from seawall.ui.charts.chart import draw_chart
from seawall.ui.charts.data import PanelData
from seawall.ui.charts.readout import ROWS_MAX, Readout
from seawall.ui.charts.text import esc, markup
from seawall.ui.render import states, table
from seawall.ui.render.context import RenderContext

NUMERIC = ' class="n"'


def table_link(panel: Panel, data: PanelData, readout: Readout | None, ctx: RenderContext) -> str:
    """What opens the table. Nothing for panels that are tables themselves."""
    if states.shape(panel) == "is-table":
        return ""
    url = f"{ctx.panel_url(panel.name, 'html')}&lang={ctx.locale}"
    words = ctx.messages
    label = words.text("data_table_of", title=panel.title.in_locale(ctx.locale))
    return (
        f'<details class="data"><summary>{esc(words["data_table"])} <span>{esc(_told(data, readout, ctx))}</span></summary>'
        f'<a href="{esc(url)}" data-table aria-label="{esc(label)}">{esc(words["data_table_open"])}</a></details>'
    )


def data_page(panel: Panel, data: PanelData, ctx: RenderContext, *, css: str) -> Markup:
    """The table as a page of its own, with every period of the rows: those too that a line leaves out."""
    every = msgspec.structs.replace(ctx, as_of=None, whole_from=None, asked=None)
    drawing = draw_chart(panel, data, every) if states.shape(panel) == "is-chart" and data.table.num_rows else None
    readout = drawing.readout if drawing is not None else None
    words, title = ctx.messages, esc(panel.title.in_locale(ctx.locale))
    inside = _readout_table(readout) if _is_told(readout) and readout else _raw_table(data, ctx)
    back = f"/{ctx.app}/{ctx.page}?{ctx.query}{'&' if ctx.query else ''}lang={ctx.locale}#panel-{panel.name}"
    return markup(
        f'<!doctype html><html lang="{esc(words.locale)}"><head><meta charset="utf-8"><meta name="viewport" '
        f'content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark"><title>{title}</title>'
        f'<link rel="stylesheet" href="{esc(css)}"></head>'
        f'<body><main id="main"><div class="page-head"><h1>{title}</h1><p class="as-of">{esc(_told(data, readout, ctx))}</p></div>'
        f'<div class="row cols-1"><section class="panel">'
        f'<div class="scroll" tabindex="0" role="region" aria-label="{esc(words["data_table"])}">{inside}</div></section></div>'
        f'<p><a class="button" href="{esc(back)}">{esc(words["data_table_back"])}</a></p></main></body></html>'
    )


def _is_told(readout: Readout | None) -> bool:
    return readout is not None and bool(readout.labels) and not readout.free


def _told(data: PanelData, readout: Readout | None, ctx: RenderContext) -> str:
    """How many rows there are."""
    count = len(readout.labels) + sum(readout.left_out) if readout is not None and _is_told(readout) else data.table.num_rows
    if count <= ROWS_MAX:
        return ctx.messages.count("data_rows", count)
    return ctx.messages.text("data_rows_first", count=ROWS_MAX, total=ctx.formatter.plain(count, 0))


def _readout_table(readout: Readout) -> str:
    heads = "".join(f'<th scope="col" class="n">{esc(trace.name)}</th>' for trace in readout.traces)
    columns = [trace.values[:ROWS_MAX] for trace in readout.traces]
    rows = "".join(
        f'<tr><th scope="row">{esc(label)}</th>{"".join([_cell(value) for value in values])}</tr>'
        for label, *values in zip(readout.labels[:ROWS_MAX], *columns, strict=True)
    )
    return f'<table><thead><tr><th scope="col">{esc(readout.heading)}</th>{heads}</tr></thead><tbody>{rows}</tbody></table>'


def _cell(value: str) -> str:
    return f'<td class="n">{esc(value)}</td>'


def _raw_table(data: PanelData, ctx: RenderContext) -> str:
    head = "".join(
        f'<th scope="col"{NUMERIC if table.is_numeric(column) else ""}>{esc(column.label.in_locale(ctx.locale) or column.name)}</th>'
        for column in data.columns
    )
    rows = "".join(str(table.table_rows(data.columns, batch, ctx)) for batch in data.table.slice(0, ROWS_MAX).to_batches())
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
