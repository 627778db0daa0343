"""Keys that name one row of a panel in a URL, signed so that nobody can make one up.

A key holds the row's sort values, which are unique together and never masked (`app/rows.py`, `query/compile_rows.py`). It is bound
to the app, the panel and its sort, not to who asks nor to a generation: a link to a row can be passed on, and the policy of
whoever opens it decides whether there is such a row. Nothing is granted by holding a key.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import pyarrow as pa

from seawall.app.model import App, Filter, Panel, RowsQuery, Scalar
from seawall.core.errors import SeawallError
from seawall.query.compile_names import Vocabulary
from seawall.query.compile_rows import key_parts
from seawall.query.cursor import Cursors
from seawall.query.open_query import scalar_of
from seawall.query.policy import EffectivePolicy


class Keyed(msgspec.Struct, frozen=True):
    """A row query that fetches its rows' keys, too."""

    query: RowsQuery
    """With the columns of the key behind those shown."""
    shown: int
    """How many columns are shown."""
    names: tuple[str, ...]
    """The columns that make the key, in its order."""
    subject: str


class RowKeys:
    """Gives out keys and reads them."""

    def __init__(self, cursors: Cursors) -> None:
        self._cursors = cursors

    def keyed(self, app: App, panel: Panel, query: RowsQuery, policy: EffectivePolicy) -> Keyed:
        """`query`, a row query of `panel`, with what its rows' keys are made of."""
        names = _names(app, query, policy)
        more = tuple(name for name in names if name not in query.columns)
        fetched = msgspec.structs.replace(query, columns=(*query.columns, *more))
        return Keyed(fetched, len(query.columns), names, _subject(app, panel, query))

    def of_batch(self, keyed: Keyed, batch: pa.RecordBatch) -> list[str]:
        """The key of each row of a batch."""
        columns = [[scalar_of(value) for value in batch.column(name).to_pylist()] for name in keyed.names]
        return [self._cursors.encode(values, subject=keyed.subject) for values in zip(*columns, strict=True)]

    def conditions(self, app: App, panel: Panel, query: RowsQuery, policy: EffectivePolicy, key: str) -> tuple[Filter, ...] | None:
        """What holds of the row with this key alone; None when we never gave out this key for this panel."""
        try:
            names = _names(app, query, policy)
            values = self._cursors.decode(key, subject=_subject(app, panel, query))
        except SeawallError:
            return None
        return tuple(_is(f"{query.dataset}.{name}", value) for name, value in zip(names, values, strict=True))


def _names(app: App, query: RowsQuery, policy: EffectivePolicy) -> tuple[str, ...]:
    return tuple(part.field.name for part in key_parts(Vocabulary(app, policy), query))


def _subject(app: App, panel: Panel, query: RowsQuery) -> str:
    sort: Sequence[object] = [app.semantics.datasets[query.dataset].primary_key, [order.name for order in query.keyset]]
    return msgspec.json.encode(["row", app.name, panel.name, query.dataset, sort]).decode()


def _is(ref: str, value: Scalar) -> Filter:
    return Filter(ref, "is_null") if value is None else Filter(ref, "eq", (value,))
