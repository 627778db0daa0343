"""The room of the gallery where the same panels hang in each state they may be in: loading, fresh, aged, empty, failed."""

from __future__ import annotations

import msgspec

from seawall.ui.charts.data import PanelData
from seawall.ui.gallery_data import Rows
from seawall.ui.gallery_demand import numbers, shares, weekly
from seawall.ui.gallery_exhibit import DEPARTMENT, Exhibit, exhibit, query_sales


def states(rows: Rows) -> tuple[tuple[Exhibit, ...], ...]:
    """Its rows."""
    line, bars, number = weekly(rows), shares(rows), numbers(rows)[0]
    table = exhibit(
        "t",
        "Top departments",
        query_sales(
            "SELECT department, sum(net_sales) AS net_sales, sum(units)::bigint AS units FROM sales GROUP BY 1 ORDER BY 2 DESC LIMIT 6",
            rows,
        ),
        [DEPARTMENT],
        "table",
    )
    nothing = PanelData(line.data.columns, line.data.table.slice(0, 0))
    return (
        tuple(_named(number, f"{state}-n", state) for state in ("loading", "fresh", "cached", "stale")),
        (_named(line, "loading-l", "loading"), _named(line, "fresh-l", "fresh")),
        (_named(bars, "loading-b", "loading"), _named(bars, "cached-b", "cached")),
        (_named(table, "loading-t", "loading"), _named(table, "stale-t", "stale")),
        (_named(line, "stale-l", "stale"), _named(line, "summary-l", "summary")),
        (_named(line, "failed-l", "failed"), msgspec.structs.replace(_named(line, "empty-l", "fresh"), data=nothing)),
        (_filtered(line, nothing), _named(number, "failed-n", "failed")),
    )


def _filtered(one: Exhibit, nothing: PanelData) -> Exhibit:
    return Exhibit(msgspec.structs.replace(one.panel, name="empty-f", filters=("department",)), nothing)


def _named(one: Exhibit, name: str, state: str) -> Exhibit:
    return msgspec.structs.replace(one, panel=msgspec.structs.replace(one.panel, name=name), state=state)
