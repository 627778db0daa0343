"""The table of drawing functions the server calls. `DRAWING` is the shipped one; a test may put in one that fails.

All of them are pure and synchronous and return markup that is safe: text from data was escaped by whoever made it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec
from markupsafe import Markup, escape

from seawall.app.model import App, Page, Panel
from seawall.query.port import Column
from seawall.ui.fragments import STATE_MARK
from seawall.ui.render import detail, states, table
from seawall.ui.render import panel as panels
from seawall.ui.render.context import RenderContext
from seawall.ui.render.data_table import data_page
from seawall.ui.render.filters import filter_bar, filter_problems
from seawall.ui.render.page import Assets, NavLink, Shell, rows, shell_close, shell_open

Draw = Callable[..., Markup]
FILTERS_MARK = Markup("<!--filters-->")
"""Where the document waits for the filter bar."""


@dataclass(frozen=True)
class Drawing:
    """How everything looks."""

    document: Draw
    document_end: Draw
    filter_bar: Draw
    filter_problems: Draw
    panel_fragment: Draw
    data_page: Draw
    explanation: Draw
    state_note: Draw
    degraded_note: Draw
    rows_open: Draw
    rows_batch: Draw
    rows_close: Draw
    rows_foot: Draw
    rows_empty: Draw
    row_detail: Draw
    row_missing: Draw


def document(app: App, page: Page, ctx: RenderContext, nav: Sequence[NavLink], assets: Assets, shell: Shell) -> Markup:
    """The document up to the end of its layout: FILTERS_MARK, then `<?start name="panel">skeleton<?end>` for each panel."""

    def waiting(panel: Panel) -> str:
        return f'<?start name="{escape(panel.name)}">{states.skeleton(panel, ctx)}<?end>'

    return shell_open(app, page, ctx, FILTERS_MARK, nav, assets, shell) + rows(page, waiting)


def rows_open(panel: Panel, columns: Sequence[Column], ctx: RenderContext, *, total: int | None, exact: bool) -> Markup:
    """A row panel up to its first row."""
    opened = table.table_open(panel, columns, ctx, total=total, exact=exact)
    return Markup('{}<div class="panel-body is-table">{}').format(_head(panel, ctx), opened)


def rows_close(panel: Panel, ctx: RenderContext, foot: Markup) -> Markup:
    """From after the last row to the end of the panel; `foot` stands under the table."""
    touching = {name: values for name, values in ctx.parameters.items() if name in panel.filters}
    narrow = msgspec.structs.replace(ctx, parameters=touching)
    links = [_download(panel, narrow, kind, name) for kind, name in (("csv", "CSV"), ("parquet", "Parquet"))]
    return Markup('</tbody></table></div>{}</div><footer class="panel-foot"><p class="links">{}</p></footer>').format(
        foot, Markup(" ").join(links)
    )


def rows_empty(panel: Panel, ctx: RenderContext) -> Markup:
    """A row panel without any row."""
    inside = Markup(states.empty(panel, ctx))  # noqa: S704 -- drawn by us
    return Markup('{}<div class="panel-body is-table">{}</div><footer class="panel-foot"></footer>').format(_head(panel, ctx), inside)


def _head(panel: Panel, ctx: RenderContext) -> Markup:
    return Markup(states.head(panel, ctx, state=STATE_MARK))  # noqa: S704 -- drawn by us


def _download(panel: Panel, ctx: RenderContext, kind: str, name: str) -> Markup:
    label = ctx.messages.text("download_as", title=panel.title.in_locale(ctx.locale), format=name)
    return Markup('<a href="{}" download aria-label="{}">{}</a>').format(ctx.panel_url(panel.name, kind), label, name)


DRAWING = Drawing(
    document=document,
    document_end=shell_close,
    filter_bar=filter_bar,
    filter_problems=filter_problems,
    panel_fragment=panels.panel_fragment,
    data_page=data_page,
    explanation=states.explanation,
    state_note=states.state_note,
    degraded_note=states.degraded_note,
    rows_open=rows_open,
    rows_batch=table.table_rows,
    rows_close=rows_close,
    rows_foot=table.table_foot,
    rows_empty=rows_empty,
    row_detail=detail.row_detail,
    row_missing=detail.row_missing,
)
