"""Tables: the column's type decides the format, numbers stand right in tabular figures, nulls say why.

Cells are joined strings: a hundred rows of eight columns cost less than half a millisecond.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import pyarrow as pa
from markupsafe import Markup

from seawall.app.model import Panel
from seawall.query.port import Column
from seawall.ui.charts.text import esc, markup
from seawall.ui.formats import NULL
from seawall.ui.render.context import RenderContext

_NUMERIC = ("Integer", "Decimal", "Float")
_TEMPORAL = ("Date", "Time", "DateTime", "DateTimeTz")
NULL_STOPS_MAX = 8
"""So many missing values of a batch's column can be reached by Tab; in a column that is mostly empty more would be in the way."""


def table_open(panel: Panel, columns: Sequence[Column], ctx: RenderContext, *, total: int | None, exact: bool) -> Markup:
    """The table up to and including `<tbody>`: rows may follow in as many batches as there are."""
    words = ctx.messages
    count = "" if total is None else f'<p class="count">{esc(words.count("rows.total_exact" if exact else "rows.total_about", total))}</p>'
    label = esc(words.text("scroll_table", title=panel.title.in_locale(ctx.locale)))
    return markup(
        f'{count}<div class="scroll" tabindex="0" role="region" aria-label="{label}">'
        f'<table aria-labelledby="h-{esc(panel.name)}"><thead><tr>{_heads(columns, ctx)}</tr></thead><tbody>'
    )


def table_rows(columns: Sequence[Column], batch: pa.RecordBatch, ctx: RenderContext, links: Sequence[str] = ()) -> Markup:
    """`<tr>…</tr>` for each row of a batch whose columns correspond to `columns`. With `links` the first cell leads to its row's."""
    cells = [_cells(column, batch.column(index).to_pylist(), ctx) for index, column in enumerate(columns[: batch.num_columns])]
    if links and cells:
        cells[0] = [_linked(cell, link, ctx) for cell, link in zip(cells[0], links, strict=True)]
    return markup("".join([f"<tr>{''.join(row)}</tr>" for row in zip(*cells, strict=False)]))


def table_close(
    panel: Panel, ctx: RenderContext, next_url: str | None, shown: int, *, total: int | None = None, exact: bool = True
) -> Markup:
    """The end of the table and its pager, which a later `<template for="NAME-end">` may replace when rows are still coming."""
    foot = table_foot(panel, ctx, next_url, shown, total=total, exact=exact)
    name = esc(panel.name)
    return markup(f'</tbody></table></div><?start name="{name}-end">{foot}<?end>')


def table_foot(
    panel: Panel, ctx: RenderContext, next_url: str | None, shown: int, *, total: int | None = None, exact: bool = True
) -> Markup:
    """How many rows are shown, and the way to the next ones."""
    words = ctx.messages
    after = f"{panel.name}.after"
    start = msgspec.structs.replace(ctx, parameters={name: values for name, values in ctx.parameters.items() if name != after})
    first = f'<a class="button" href="?{esc(start.query)}" data-page-link>{esc(words["rows.first"])}</a>' if after in ctx.parameters else ""
    onward = f'<a class="button" href="{esc(next_url)}" rel="next" data-page-link>{esc(words["rows.next"])}</a>' if next_url else ""
    return markup(f'<div class="pager"><p>{esc(_shown(ctx, shown, total, exact))}</p>{first}{onward}</div>')


def whole_table(panel: Panel, columns: Sequence[Column], table: pa.Table, ctx: RenderContext) -> str:
    """A finished table of a metric query, without a pager."""
    rows = "".join(str(table_rows(columns, batch, ctx)) for batch in table.to_batches())
    return f"{table_open(panel, columns, ctx, total=None, exact=True)}{rows}</tbody></table></div>"


def is_numeric(column: Column) -> bool:
    """Whether a column stands right."""
    return column.datatype in _NUMERIC and column.format.style != "text"


def _shown(ctx: RenderContext, shown: int, total: int | None, exact: bool) -> str:
    if total is None:
        return ctx.messages.count("rows.shown", shown)
    many = ctx.formatter.plain(shown, 0)
    return ctx.messages.count("rows.shown_exact" if exact else "rows.shown_about", max(total, shown), shown=many)


def _heads(columns: Sequence[Column], ctx: RenderContext) -> str:
    parts = []
    for column in columns:
        name = esc(column.label.in_locale(ctx.locale) or column.name)
        classes = ' class="n"' if is_numeric(column) else ""
        why = (
            f' <span class="masked" tabindex="0" data-tip="{esc(ctx.messages["null.masked"])}">{esc(ctx.messages["masked"])}</span>'
            if column.masked
            else ""
        )
        parts.append(f'<th scope="col"{classes}>{name}{why}</th>')
    return "".join(parts)


def _cells(column: Column, values: list[object], ctx: RenderContext) -> list[str]:
    """One column's cells."""
    write = ctx.formatter.maker(column.format, column.datatype)
    missing = values.count(None)
    null = _null(column, ctx, stop=missing <= NULL_STOPS_MAX) if missing or column.datatype == "Float" else ""
    if missing == len(values):
        return [null] * missing
    if is_numeric(column) and column.format.unit.isalnum() | (not column.format.unit):
        texts = [write(value) for value in values]  # digits and symbols of CLDR: nothing to escape
        return [null if text == NULL else f'<td class="n">{text}</td>' for text in texts]
    if column.datatype in _TEMPORAL and column.format.style != "text":
        return [null if value is None else f'<td class="d">{esc(write(value))}</td>' for value in values]
    kind = ' class="n"' if is_numeric(column) else ' dir="auto"'
    made: dict[str, str] = {}
    return [null if value is None else _text_cell(write(value), kind, made) for value in values]


def _linked(cell: str, link: str, ctx: RenderContext) -> str:
    """A cell whose content leads to its row; one without a value says so in words that can be followed."""
    opened, _, inside = cell.partition(">")
    if ' class="null' in opened:
        inside = f'<span aria-hidden="true">{NULL}</span><span class="sr">{esc(ctx.messages["row.show"])}</span></td>'
    return f'{opened}><a class="rl" href="{esc(link)}">{inside.removesuffix("</td>")}</a></td>'


def _text_cell(text: str, kind: str, made: dict[str, str]) -> str:
    """A cell of text; what repeats within a column is escaped once."""
    cell = made.get(text)
    if cell is None:
        cell = made[text] = f"<td{kind}>{esc(text)}</td>"
    return cell


def _null(column: Column, ctx: RenderContext, *, stop: bool) -> str:
    why = esc(ctx.messages["null.masked" if column.masked else "null.missing"])
    focus = ' tabindex="0"' if stop and not column.masked else ""
    side = " n" if is_numeric(column) else ""
    dash = f'<span aria-hidden="true">{NULL}</span><span class="sr">{why}</span>'
    return f'<td class="null{side}"><span{focus} data-tip="{why}">{dash}</span></td>'
