"""A page of rows sorted by time, without sorting all of time: look at the newest (or oldest) stretch first.

When a narrow window next to where the page begins holds a whole page and one row more, that page is the answer, because every
row outside the window sorts behind it. Otherwise the window widens, and at last there is none. Parquet row groups outside
the window are never read, so the first page costs the same however long the history is.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import msgspec

from seawall.app.model import Field, Filter, Order, RowsQuery, Scalar

FIRST_ROWS = 30_000
"""About how many rows the first window holds when rows are spread evenly: a Parquet row group."""
WIDER = 16
WIDEST_SHARE = 0.5
"""Each further window is so much wider; one of more than half of everything is not worth trying."""
_TIMES = frozenset({"Date", "DateTime", "DateTimeTz"})


class Extent(msgspec.Struct, frozen=True):
    """The first and last moment of a time field, as ISO 8601 text, and how many rows there are."""

    first: str
    last: str
    rows: int
    """Of the whole table."""


def leading_time(query: RowsQuery, fields: dict[str, Field]) -> Field | None:
    """The time field a page is sorted by first, when narrowing can help."""
    field = fields.get(query.keyset[0].name) if query.keyset else None
    return field if field is not None and field.datatype in _TIMES else None


def narrowed(query: RowsQuery, field: Field, extent: Extent, after: Scalar) -> Iterator[RowsQuery]:
    """The query within ever wider windows, all narrower than the extent. `after` is the leading key the page begins behind."""
    order: Order = query.keyset[0]
    first, last = _moment(extent.first), _moment(extent.last)
    start = _moment(str(after)) if after is not None else (last if order.descending else first)
    share = max(FIRST_ROWS, 4 * query.limit) / max(1, extent.rows)
    while share <= WIDEST_SHARE:
        width = (last - first) * share + timedelta(seconds=1)
        edge = _edge(start, -width if order.descending else width)
        if edge is not None and first < edge < last:
            bound = Filter(field.ref, "ge" if order.descending else "le", (_text(edge, field),))
            yield msgspec.structs.replace(query, where=(*query.where, bound))
        share *= WIDER


def _edge(start: datetime, width: timedelta) -> datetime | None:
    """None beyond the first and the last moment there are: rows without an end often end on 9999-12-31."""
    try:
        return start + width
    except OverflowError:
        return None


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _text(moment: datetime, field: Field) -> str:
    if field.datatype == "Date":
        return moment.date().isoformat()
    return moment.isoformat() if field.datatype == "DateTimeTz" else moment.replace(tzinfo=None).isoformat()
