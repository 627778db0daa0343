"""Pages of rows as cheaply as their sort allows: windows for pages sorted by time, chunks for whole exports.

A page sorted by time looks at narrow windows first (`row_probe.py`). A long listing is read as one page after the other of the
same generation, each read whole before it is given: an export of millions of rows starts at once, holds one chunk in memory
and no place at the engine while somebody slowly takes it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field

import msgspec
import pyarrow as pa

from seawall.app.model import App, Field, RowsQuery, Scalar
from seawall.core.deadline import Deadline
from seawall.query.compile_query import compile_extent
from seawall.query.generations import GenerationReader
from seawall.query.open_query import Moment, OpenQuery, RowKeys, scalar_of
from seawall.query.policy import EffectivePolicy
from seawall.query.port import Compiled
from seawall.query.row_probe import Extent, leading_time, narrowed

CHUNK_ROWS = 10_000
SORTED_CHUNK_ROWS = 50_000
"""Where each chunk is a sort of the whole table, fewer and larger ones."""
WINDOW_ROWS_MIN = 100_000
"""Tables smaller than this are sorted whole: that takes a few milliseconds."""
EXTENTS_MAX = 256
After = Sequence[Scalar] | None


class Asked(msgspec.Struct, frozen=True):
    """A row query and everything that decides its answer."""

    query: RowsQuery
    policy: EffectivePolicy
    moment: Moment
    deadline: Deadline


Start = Callable[[Asked, After, RowKeys], Awaitable[OpenQuery]]
"""Opens one statement; its limit counts the row that shows whether there are more."""
Run = Callable[[Compiled, Moment, Deadline], Awaitable[pa.Table]]


@dataclass
class RowPages:
    """Opens row queries of one app."""

    app: App
    generations: GenerationReader
    start: Start
    run: Run
    dialect: str
    _extents: dict[tuple[str, str], Extent | None] = field(default_factory=dict)

    async def open(self, asked: Asked, after: After) -> OpenQuery:
        """The page after the row with these key values, or the first."""
        extent = await self._extent(asked)
        chunk = CHUNK_ROWS if extent is not None or self._is_operational(asked.query) else SORTED_CHUNK_ROWS
        if asked.query.limit <= chunk:
            return await self._page(asked, after, extent)

        async def following(last: Sequence[Scalar], rows: int) -> OpenQuery:
            return await self._page(_limited(asked, rows), last, extent)

        first = await self._page(_limited(asked, chunk), after, extent)
        await first.is_full()
        first.go_on(asked.query.limit - chunk, chunk, following)
        return first

    def _is_operational(self, query: RowsQuery) -> bool:
        return self.app.semantics.datasets[query.dataset].engine != "warehouse"

    async def _page(self, asked: Asked, after: After, extent: Extent | None) -> OpenQuery:
        keys = RowKeys.of(self.app, asked.query, asked.policy)
        one_more = _limited(asked, asked.query.limit + 1)
        for window in self._windows(one_more.query, after, extent):
            page = await self.start(msgspec.structs.replace(one_more, query=window), after, keys)
            if await page.is_full():
                return page
        return await self.start(one_more, after, keys)

    def _windows(self, query: RowsQuery, after: After, extent: Extent | None) -> Iterator[RowsQuery]:
        time = self._time(query)
        if time is not None and extent is not None and not (after and after[0] is None):
            yield from narrowed(query, time, extent, after[0] if after else None)

    async def _extent(self, asked: Asked) -> Extent | None:
        """First and last moment of the leading time field in this generation, remembered; None when windows would not help."""
        time = self._time(asked.query)
        if time is None:
            return None
        key = (asked.moment.watermark, time.ref)
        if key not in self._extents:
            compiled = compile_extent(self.app, asked.query, time, dialect=self.dialect)
            row = (await self.run(compiled, asked.moment, asked.deadline)).to_pylist()[0]
            first, last = scalar_of(row["first"]), scalar_of(row["last"])
            known = isinstance(first, str) and isinstance(last, str)
            self._extents[key] = Extent(str(first), str(last), int(row["rows"])) if known else None
            while len(self._extents) > EXTENTS_MAX:
                del self._extents[next(iter(self._extents))]
        return self._extents[key]

    def _time(self, query: RowsQuery) -> Field | None:
        """The time field sorted by first, in a warehouse table large enough to care. Operational tables have indexes."""
        dataset = self.app.semantics.datasets[query.dataset]
        if self._is_operational(query):
            return None
        tables = self.generations.current(self.app.name).tables
        if dataset.source in tables and tables[dataset.source].rows < WINDOW_ROWS_MIN:
            return None
        return leading_time(query, dataset.fields)


def _limited(asked: Asked, rows: int) -> Asked:
    return msgspec.structs.replace(asked, query=msgspec.structs.replace(asked.query, limit=rows))
