"""Questions in, rows out: one app's queries, each sent to the engine that holds its data and read from one generation.

`table` gives whole answers through the result cache; `open` streams, with failures before the first batch raised at once,
so that nothing has been sent yet; `count`, `options` and `dry_run` are what pages and checks ask beside that. Everything
takes an effective policy, and what it hides is not there.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from copy import copy
from datetime import UTC, date, datetime

import msgspec
import pyarrow as pa

from seawall.app.model import App, Bundle, Dimension, Filter, MetricQuery, Query, RowsQuery, Scalar
from seawall.core.clock import SYSTEM_CLOCK, Clock
from seawall.core.deadline import Deadline
from seawall.core.digest import digest
from seawall.core.errors import DeadlineExceeded
from seawall.query.cache import CacheKey
from seawall.query.compile_names import Vocabulary
from seawall.query.compile_query import compile_count, compile_query, engine_of
from seawall.query.errors import EngineUnavailable
from seawall.query.generations import Generation, GenerationReader
from seawall.query.key_check import DuplicateKey, compile_key_check, keys_of
from seawall.query.one_generation import OnlyGeneration
from seawall.query.open_query import Moment, OpenQuery, RowKeys, opened, scalar_of
from seawall.query.policy import EffectivePolicy, unrestricted
from seawall.query.port import Column, Compiled, Engine
from seawall.query.results import FRESH_SECONDS, ResultCache
from seawall.query.row_pages import Asked, RowPages
from seawall.query.rows_by_key import filled, marked
from seawall.query.type_check import compile_measured, compile_stored
from seawall.telemetry.spans import span

COMPILED_MAX = 1024
TABLE_BATCH_ROWS = 65_536
STREAM_BATCH_ROWS = 1024
COUNT_SHARE = 0.5
"""How much of its deadline an exact count may take before an estimate is given instead."""
FORM = "table-1"
"""Changes when the meaning of a cached table changes."""


class Answer(msgspec.Struct, frozen=True):
    """A whole answer."""

    table: pa.Table
    columns: tuple[Column, ...]
    watermark: str
    """The generation it was read from; empty for operational tables."""
    as_of: date | None


class QueryService:
    """The queries of one app."""

    def __init__(
        self,
        bundle: Bundle,
        engines: Mapping[str, Engine],
        generations: GenerationReader,
        results: ResultCache | None = None,
        *,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._bundle = bundle
        self._engines = engines
        self._generations = generations
        self._results = results
        self._clock = clock
        self._compiled: OrderedDict[str, Compiled] = OrderedDict()
        dialect = engines["warehouse"].dialect if "warehouse" in engines else ""
        self._pages = RowPages(bundle.app, generations, self._start_rows, self._run, dialect)

    @property
    def app(self) -> App:
        """The app whose questions these are."""
        return self._bundle.app

    def reading(self, generation: Generation | None) -> QueryService:
        """The same queries, all of one generation whatever becomes current meanwhile; of None: as before there was any.

        Whoever names an answer by a watermark asks these, so that its rows are of that watermark.
        """
        pinned = copy(self)
        pinned._generations = OnlyGeneration(self._generations, generation)
        return pinned

    def now(self, engine: str = "") -> Moment:
        """Which data an answer would be made from, and the date it counts back from. NoGeneration before there is any.

        Without an `engine`: of the app, whose moment is the warehouse's unless all of its tables are operational.
        """
        if not engine:
            engines = {dataset.engine for dataset in self.app.semantics.datasets.values()}
            engine = "operational" if engines == {"operational"} else "warehouse"
        return self._moment(engine)

    async def table(self, query: Query, policy: EffectivePolicy, *, deadline: Deadline, fresh_for: float = FRESH_SECONDS) -> Answer:
        """The whole answer, from the result cache when it is there. `fresh_for` seconds belong to the kind of question."""
        moment, compiled = self.compile(query, policy)
        visible = [column.name for column in compiled.columns]

        async def make(limit: Deadline) -> pa.Table:
            return (await self._run(compiled, moment, limit)).select(visible)

        if self._results is None or not moment.watermark:
            table = await make(deadline)
        else:
            table = await self._results.table(self._key(query, policy, compiled, moment), make, deadline=deadline, fresh_for=fresh_for)
        return Answer(table, compiled.columns, moment.watermark, moment.as_of)

    async def open(
        self, query: Query, policy: EffectivePolicy, *, deadline: Deadline, after: tuple[Scalar, ...] | None = None
    ) -> OpenQuery:
        """Start a query and wait for its first batch. A row query gives one page; `next_after` is known when it is read."""
        moment = self._moment(engine_of(self.app, query))
        if not isinstance(query, RowsQuery):
            return await self._start(query, policy, moment, deadline)
        Vocabulary(self.app, policy).dataset(query.dataset)
        return await self._pages.open(Asked(query, policy, moment, deadline), after)

    async def rows_by_key(
        self, query: RowsQuery, policy: EffectivePolicy, field: str, values: Sequence[Scalar], *, deadline: Deadline
    ) -> pa.Table:
        """The rows of `query` whose own `field` (a whole number or a text) has one of the values, at most 512, in the query's order."""
        item = self.app.semantics.datasets[query.dataset].fields[field]
        asked, marks = marked(query, item.ref, item.datatype, len(values))
        moment, compiled = self.compile(asked, policy)
        visible = [column.name for column in compiled.columns]
        return (await self._run(filled(compiled, marks, values), moment, deadline)).select(visible)

    async def count(self, query: RowsQuery, policy: EffectivePolicy, *, deadline: Deadline) -> tuple[int, bool]:
        """How many rows there are on all pages, and whether that is exact.

        A query that asks for an estimate gets one when counting takes long: the rows of the whole table, if the principal
        may see all of them and no filter is set. Otherwise DeadlineExceeded.
        """
        moment = self._moment(engine_of(self.app, query))
        dialect = self._dialect(engine_of(self.app, query))
        compiled = compile_count(self.app, query, policy, dialect=dialect, as_of=moment.as_of)
        estimate = self._rows_of(query, policy, moment) if query.count == "estimate" else None
        limit = deadline if estimate is None else Deadline.after(deadline.remaining() * COUNT_SHARE, deadline.clock)
        try:
            table = await self._run(compiled, moment, limit)
        except DeadlineExceeded:
            if estimate is None:
                raise
            return estimate, False
        return int(table.column(0)[0].as_py()), True

    async def options(self, field_ref: str, policy: EffectivePolicy, *, deadline: Deadline, limit: int = 100) -> list[Scalar]:
        """The values of a field that the principal may see, sorted; dates and times as ISO 8601 text."""
        query = MetricQuery((), (Dimension("value", field_ref),), (Filter(field_ref, "not_null"),), limit=limit)
        answer = await self.table(query, policy, deadline=deadline)
        return [scalar_of(value) for value in answer.table.column(0).to_pylist()]

    async def dry_run(self, query: Query) -> None:
        """Plan the query as somebody who may see everything would ask it. QueryFailed when the database refuses it."""
        moment, compiled = self.compile(query, unrestricted(self.app))
        await self._engine(compiled.engine).dry_run(compiled.sql, compiled.parameters, watermark=moment.watermark)

    async def stored_types(self, dataset: str) -> pa.Schema:
        """The types of a dataset's fields as its table has them. QueryFailed when the database refuses a field."""
        return await self._plan(compile_stored(self.app, dataset, self._engine(self.app.semantics.datasets[dataset].engine).dialect))

    async def measured_type(self, metric: str) -> pa.DataType:
        """The type a metric's expression gives. QueryFailed when the database refuses it."""
        engine = self._engine(engine_of(self.app, MetricQuery((metric,))))
        schema = await self._plan(compile_measured(self.app, metric, engine.dialect))
        return schema.types[0]

    async def _plan(self, compiled: Compiled) -> pa.Schema:
        watermark = self._moment(compiled.engine).watermark
        return await self._engine(compiled.engine).dry_run(compiled.sql, compiled.parameters, watermark=watermark)

    async def duplicate_keys(self, *, deadline: Deadline) -> list[DuplicateKey]:
        """The declared keys that the data does not keep: joins over them would count rows twice."""
        found = []
        for key in keys_of(self.app):
            name = self.app.semantics.datasets[key.dataset].engine
            compiled = compile_key_check(self.app, key, self._engine(name).dialect)
            count = int((await self._run(compiled, self._moment(name), deadline)).column(0)[0].as_py())
            if count:
                found.append(DuplicateKey(key, count))
        return found

    def compile(self, query: Query, policy: EffectivePolicy) -> tuple[Moment, Compiled]:
        """Which data to read now, and the statement."""
        moment = self._moment(engine_of(self.app, query))
        return moment, self._statement(query, policy, moment)

    # ── inside ───────────────────────────────────────────────────────────────────────────────────────────────

    async def _start(
        self,
        query: Query,
        policy: EffectivePolicy,
        moment: Moment,
        deadline: Deadline,
        after: Sequence[Scalar] | None = None,
        keys: RowKeys | None = None,
    ) -> OpenQuery:
        compiled = self._statement(query, policy, moment, after)
        engine = self._engine(compiled.engine)
        with span("panel.query", "storage", engine=compiled.engine, streamed=True):
            batches = engine.stream(
                compiled.sql, compiled.parameters, watermark=moment.watermark, deadline=deadline, batch_rows=STREAM_BATCH_ROWS
            )
            return await opened(batches, compiled.columns, keys, moment)

    async def _start_rows(self, asked: Asked, after: Sequence[Scalar] | None, keys: RowKeys) -> OpenQuery:
        return await self._start(asked.query, asked.policy, asked.moment, asked.deadline, after, keys)

    def _statement(self, query: Query, policy: EffectivePolicy, moment: Moment, after: Sequence[Scalar] | None = None) -> Compiled:
        """The statement. Those without a cursor are remembered: compiling takes about a millisecond."""
        name = engine_of(self.app, query)
        key = digest((name, query, policy, moment.as_of)) if after is None else ""
        compiled = self._compiled.get(key)
        if compiled is None:
            sizes = self._sizes(moment)
            compiled = compile_query(self.app, query, policy, dialect=self._dialect(name), as_of=moment.as_of, after=after, sizes=sizes)
            if key:
                self._compiled[key] = compiled
            while len(self._compiled) > COMPILED_MAX:
                self._compiled.popitem(last=False)
        else:
            self._compiled.move_to_end(key)
        return compiled

    def _sizes(self, moment: Moment) -> Mapping[str, int]:
        """Table → rows; of operational tables nothing is known."""
        if not moment.watermark:
            return {}
        return {table: files.rows for table, files in self._generations.current(self.app.name).tables.items()}

    async def _run(self, compiled: Compiled, moment: Moment, deadline: Deadline) -> pa.Table:
        engine = self._engine(compiled.engine)
        with span("panel.query", "storage", engine=compiled.engine):
            batches = [
                batch
                async for batch in engine.stream(
                    compiled.sql, compiled.parameters, watermark=moment.watermark, deadline=deadline, batch_rows=TABLE_BATCH_ROWS
                )
            ]
        return pa.Table.from_batches(batches)

    def _moment(self, engine: str) -> Moment:
        if engine == "warehouse":
            generation = self._generations.current(self.app.name)
            return Moment(generation.id, generation.as_of)
        return Moment("", datetime.fromtimestamp(self._clock.time(), UTC).date())

    def _engine(self, name: str) -> Engine:
        if name not in self._engines:
            raise EngineUnavailable(f"The {name} database is not set up here", fix="See DATABASE_URL in docs/reference/settings.md")
        return self._engines[name]

    def _dialect(self, name: str) -> str:
        """For compiling, also where the engine is not set up: what may not be seen is not there, whether or not it could be read."""
        return self._engines[name].dialect if name in self._engines else "duckdb"

    def _key(self, query: Query, policy: EffectivePolicy, compiled: Compiled, moment: Moment) -> CacheKey:
        subject = digest((FORM, self._bundle.digest, self.app.name, query))
        return CacheKey(subject, (), policy.fingerprint(compiled.datasets), "", moment.watermark)

    def _rows_of(self, query: RowsQuery, policy: EffectivePolicy, moment: Moment) -> int | None:
        """The whole table's rows, when they are the answer for this principal."""
        access = policy.datasets.get(query.dataset)
        if query.where or access is None or access.predicates or not moment.watermark:
            return None
        tables = self._generations.current(self.app.name).tables
        source = self.app.semantics.datasets[query.dataset].source
        return tables[source].rows if source in tables else None
