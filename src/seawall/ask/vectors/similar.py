"""Rows like a chosen one, or like some words: nearest first, read under the policy of whoever asks.

Guarantees: the vector store says only in which order keys come. Rows are read by a governed query, with the panel's conditions and
filters, so one that may not be seen is absent from every page, as is its text. Pages are cut by (distance, key): no row is on two of them.
A row that may not be seen cannot be chosen either. Where a field that describes rows is hidden from somebody, nothing is alike for them.

`open` needs the store, and for words the model; without them it raises Unavailable. `open_by_words` needs neither: it looks for the words
in what describes the rows, of the chosen row its own.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from copy import copy

import msgspec
import pyarrow as pa

from seawall.app.model import App, Filter, Format, Order, Panel, RowsQuery, Scalar, Text
from seawall.ask.vectors.described import Described, Descriptions, Shown, text_of, texts_query
from seawall.ask.vectors.embedder import Embedder
from seawall.ask.vectors.port import START, Index, Near, Position, Vector, Vectors, key_of, value_of
from seawall.core.deadline import Deadline
from seawall.core.errors import NotFound, NotPermitted, Unavailable
from seawall.query.errors import InvalidCursor
from seawall.query.open_query import OpenQuery
from seawall.query.policy import EffectivePolicy
from seawall.query.port import Column
from seawall.query.service import QueryService

INDEX_SECONDS = 2.0
"""How long the index that serves is remembered; old ones are kept for longer than that."""
CHUNK_MAX = 500
SCANNED_MAX = 5_000
"""Keys looked at for one page when most of them are filtered away; the page then ends and the next goes on from there."""
TEXTS_NEAR = 500
"""Texts that take part in a search by words for their meaning; beyond, only those that have the words."""
SIMILARITY = "similarity"
_COLUMN = Column(
    SIMILARITY, "Float", Text({"en": "Similarity", "de": "Ähnlichkeit"}), Format(style="percent", decimals=0), "field", better="up"
)
MEANING, WORDS = "v", "w"
"""How a cursor says by which order its page was cut."""
Found = tuple[Near, pa.Table, int]
"""An item, the table that holds its row, and the row's place there."""
Pager = Callable[[Position, int], Awaitable[tuple[Near, ...]]]


class IndexMissing(Unavailable):
    """The index of similar rows is still being built."""

    slug = "index-missing"


class Alike(msgspec.Struct, frozen=True):
    """What rows shall be similar to: a row by its key, else words."""

    key: int | str | None = None
    words: str = ""


class Wanted(msgspec.Struct, frozen=True):
    """Everything that decides the answer."""

    panel: Panel
    query: RowsQuery
    """With the page's other filters."""
    policy: EffectivePolicy
    alike: Alike


def alike_of(panel: Panel, filters: Mapping[str, tuple[Filter, ...]]) -> Alike | None:
    """What the page's filters choose for a panel of similar rows; None when nothing, or the panel is another."""
    if panel.similar is None:
        return None
    values = [condition.values[0] for condition in filters.get(panel.similar.row, ()) if condition.values]
    if values and isinstance(values[0], int | str):
        return Alike(key=values[0])
    words = [str(condition.values[0]) for condition in filters.get(panel.similar.words, ()) if condition.values]
    return Alike(words=words[0]) if words else None


class SimilarRows:
    """Finds similar rows of one app."""

    def __init__(self, app: App, questions: QueryService, vectors: Vectors | None, embedder: Embedder | None) -> None:
        self._app = app
        self._questions = questions
        self._vectors = vectors
        self._embedder = embedder
        self._descriptions = Descriptions()
        self._indexes: dict[str, tuple[float, Index]] = {}

    def reading(self, questions: QueryService) -> SimilarRows:
        """The same, with the rows that `questions` read; what is remembered is shared."""
        made = copy(self)
        made._questions = questions
        return made

    async def open(self, wanted: Wanted, *, deadline: Deadline, after: tuple[Scalar, ...] | None = None) -> OpenQuery:
        """The page after a row, or the first. Unavailable without the store, or without its index; NotFound without the row."""
        shown = self._shown(wanted)
        if after is not None and after[0] == WORDS:
            return await self.open_by_words(wanted, deadline=deadline, after=after)
        vectors = self._vectors
        if vectors is None:
            raise Unavailable("There is no vector store", fix="See VECTOR_URL in docs/reference/settings.md")
        index = await self._index(vectors, wanted.panel)
        if wanted.alike.key is None:
            pager = await self._by_meaning_of_words(vectors, index, wanted, shown, deadline)
        else:
            pager = await self._by_row(vectors, index, wanted, shown, deadline)
        return await self._page(wanted, shown, pager, deadline, after, MEANING)

    async def open_by_words(self, wanted: Wanted, *, deadline: Deadline, after: tuple[Scalar, ...] | None = None) -> OpenQuery:
        """The same by the words that rows share. A page that was cut by meaning goes on at the first of these."""
        shown = self._shown(wanted)
        described = await self._descriptions.of(self._questions, shown, wanted.policy, deadline=deadline)
        words = wanted.alike.words or text_of(await self._row(wanted, shown, deadline), shown)
        pager = self._in_memory(described, described.likeness(words), wanted)
        return await self._page(wanted, shown, pager, deadline, after if after and after[0] == WORDS else None, WORDS)

    # ── in which order ───────────────────────────────────────────────────────────────────────────────────────

    async def _by_row(self, vectors: Vectors, index: Index, wanted: Wanted, shown: Shown, deadline: Deadline) -> Pager:
        chosen = _key(wanted.alike)
        vector = await vectors.vector(index, chosen)
        if vector is None:  # a row that came after the index was made
            vector = (await self._embed([text_of(await self._row(wanted, shown, deadline), shown)], index, deadline))[0]

        async def page(after: Position, limit: int) -> tuple[Near, ...]:
            return await vectors.nearest(index, vector, limit=limit, after=after, but=chosen)

        return page

    async def _by_meaning_of_words(self, vectors: Vectors, index: Index, wanted: Wanted, shown: Shown, deadline: Deadline) -> Pager:
        """Texts are as like as the better of their meaning and their words says."""
        vector = (await self._embed([wanted.alike.words], index, deadline))[0]
        near = await vectors.nearest_texts(index, vector, limit=TEXTS_NEAR)
        described = await self._descriptions.of(self._questions, shown, wanted.policy, deadline=deadline)
        likeness = described.by_digest({each.digest: each.distance for each in near})
        for place, like in described.likeness(wanted.alike.words).items():
            likeness[place] = max(like, likeness.get(place, 0.0))
        return self._in_memory(described, likeness, wanted)

    def _in_memory(self, described: Described, likeness: Mapping[int, float], wanted: Wanted) -> Pager:
        but = "" if wanted.alike.key is None else _key(wanted.alike)

        async def page(after: Position, limit: int) -> tuple[Near, ...]:
            return described.page(likeness, limit=limit, after=after, but=but)

        return page

    async def _embed(self, texts: Sequence[str], index: Index, deadline: Deadline) -> list[Vector]:
        """Vectors that can be compared with those of `index`."""
        if self._embedder is None or self._embedder.version != index.name.embedder:
            raise Unavailable("The model of this index cannot be asked", expected=index.name.embedder)
        return await self._embedder.embed(texts, deadline=deadline)

    async def _index(self, vectors: Vectors, panel: Panel) -> Index:
        """The index that serves."""
        known, now = self._indexes.get(panel.name), time.monotonic()
        if known is None or now - known[0] > INDEX_SECONDS:
            found = await vectors.current(self._app.name, panel.name)
            if found is None:
                raise IndexMissing("The index of similar rows is still being built", fix="See the jobs in `seawall status`")
            known = self._indexes[panel.name] = (now, found)
        return known[1]

    # ── the rows ─────────────────────────────────────────────────────────────────────────────────────────────

    def _shown(self, wanted: Wanted) -> Shown:
        similar = wanted.panel.similar
        access = wanted.policy.datasets.get(wanted.query.dataset)
        if similar is None or access is None:
            raise NotFound("There are no similar rows here")
        if set(access.masked) & {*similar.text}:
            raise NotPermitted("What describes these rows is hidden from you")
        return Shown.of(self._app, wanted.query, similar)

    async def _row(self, wanted: Wanted, shown: Shown, deadline: Deadline) -> dict[str, object]:
        """What describes the chosen row. NotFound when there is none, or none that may be seen."""
        query = texts_query(shown)
        value = value_of(_key(wanted.alike))
        rows = (await self._questions.rows_by_key(query, wanted.policy, shown.key, [value], deadline=deadline)).to_pylist()
        if not rows:
            raise _absent()
        return dict(rows[0])

    async def _page(
        self, wanted: Wanted, shown: Shown, pager: Pager, deadline: Deadline, after: tuple[Scalar, ...] | None, order: str
    ) -> OpenQuery:
        """A page in the pager's order, of what a governed read of its keys gives."""
        moment, compiled = self._questions.compile(wanted.query, wanted.policy)
        position = START if after is None else _position(after)
        chosen = _key(wanted.alike) if wanted.alike.key is not None and after is None else ""
        found: list[Found] = []
        limit, scanned, more = wanted.query.limit, 0, True
        while more and len(found) <= limit and scanned < SCANNED_MAX:
            size = CHUNK_MAX if scanned else min(CHUNK_MAX, limit + 1)
            near = await pager(position, size)
            more = len(near) == size
            table, places = await self._read(wanted, shown, [*([chosen] if chosen else []), *(each.key for each in near)], deadline)
            if chosen:
                found = await self._first(wanted, shown, (table, places), deadline)
                limit, chosen = limit + len(found), ""
            found += [(each, table, places[each.key]) for each in near if each.key in places]
            scanned, position = scanned + len(near), near[-1].position if near else position
        following = _following(found, limit, more, position, order)
        return OpenQuery(_columns(compiled.columns), moment, None, _given(wanted, found[:limit]), following)

    async def _first(self, wanted: Wanted, shown: Shown, read: tuple[pa.Table, dict[str, int]], deadline: Deadline) -> list[Found]:
        """The chosen row, which stands first; nothing when the page's filters leave it out. NotFound when it may not be seen."""
        key = _key(wanted.alike)
        if key in read[1]:
            return [(Near(key, 0.0), read[0], read[1][key])]
        await self._row(wanted, shown, deadline)
        return []

    async def _read(self, wanted: Wanted, shown: Shown, keys: Sequence[str], deadline: Deadline) -> tuple[pa.Table, dict[str, int]]:
        """The rows of these keys that may be seen and fit the filters, in any order, and which of them is a key's."""
        columns = wanted.query.columns if shown.key in wanted.query.columns else (*wanted.query.columns, shown.key)
        query = msgspec.structs.replace(wanted.query, columns=columns, keyset=(Order(shown.key),))
        if not keys:
            return pa.table({}), {}
        values = [value_of(key) for key in keys]
        table = await self._questions.rows_by_key(query, wanted.policy, shown.key, values, deadline=deadline)
        return table, {key_of(value): place for place, value in enumerate(table.column(shown.key).to_pylist())}


def _columns(columns: Sequence[Column]) -> tuple[Column, ...]:
    """With how similar a row is, behind its first column."""
    return (columns[0], _COLUMN, *columns[1:])


async def _given(wanted: Wanted, found: Sequence[Found]) -> AsyncGenerator[pa.RecordBatch, None]:
    """The rows in order."""
    tables: dict[int, tuple[pa.Table, list[int]]] = {}
    for _, table, place in found:
        tables.setdefault(id(table), (table, []))[1].append(place)
    if tables:
        likeness = pa.array([max(0.0, min(1.0, 1.0 - near.distance)) for near, _, _ in found], pa.float64())
        whole = pa.concat_tables([table.take(places) for table, places in tables.values()])
        for batch in whole.select(list(wanted.query.columns)).add_column(1, SIMILARITY, likeness).combine_chunks().to_batches():
            yield batch


def _following(found: Sequence[Found], limit: int, more: bool, position: Position, order: str) -> tuple[Scalar, ...] | None:
    """Where the next page begins; None when this is the last."""
    if len(found) > limit:
        position = found[limit - 1][0].position
    elif not more:
        return None
    return order, *position


def _position(after: tuple[Scalar, ...]) -> Position:
    if len(after) != 3 or not isinstance(after[1], int | float) or not isinstance(after[2], str):
        raise InvalidCursor
    return float(after[1]), after[2]


def _key(alike: Alike) -> str:
    return key_of(alike.key)


def _absent() -> NotFound:
    return NotFound("There is no such row here, or none that you may see")
