"""An index of the rows a panel finds similar, built beside the one that serves.

Guarantees: doing it again goes on where it was interrupted, and changes nothing when the index is whole; each distinct text is embedded
once for an embedder version, however many rows it describes and whatever generation they are of; the old index serves until the new one is
whole. Embedding leaves the machine as much time as it takes.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence

import msgspec

from seawall.app.model import App, Panel, RowsQuery
from seawall.ask.vectors.described import Described, Shown, described, texts_query
from seawall.ask.vectors.embedder import BATCH, Embedder
from seawall.ask.vectors.port import Index, IndexName, Vector, Vectors, digest_of
from seawall.core.deadline import Deadline
from seawall.core.digest import digest
from seawall.core.errors import SeawallError
from seawall.query.generations import Generation
from seawall.query.policy import unrestricted
from seawall.query.service import QueryService

EMBED_SECONDS_MAX = 30.0
PATIENCE = 40
"""How often in a row a batch that the model had no time for is tried again."""
PAUSE_SECONDS = 0.5
PAUSE_SECONDS_MAX = 10.0
KEEP_OLD_SECONDS = 60.0
"""Longer than anybody remembers which index serves."""
FORM = "similar-1"
"""Changes when equal rows should give another index."""


class Progress(msgspec.Struct, frozen=True):
    """How far a build is, in texts."""

    done: int
    total: int


Told = Callable[[Progress], None]


def panels_of(app: App) -> tuple[Panel, ...]:
    """The panels of similar rows."""
    return tuple(panel for page in app.pages.values() for panel in page.panels.values() if panel.similar is not None)


def index_name(app: App, panel: Panel, generation: Generation, embedder: str) -> IndexName:
    """The index a panel should have: named by the files of its rows, not by the generation that shares them with others."""
    query = panel.query
    if not isinstance(query, RowsQuery) or panel.similar is None:
        raise TypeError(panel.name)
    dataset = app.semantics.datasets[query.dataset]
    source = generation.tables.get(dataset.source)
    fields = [dataset.fields[name].expression for name in panel.similar.text]
    named = digest([FORM, source.files if source else generation.id, dataset.primary_key, fields])[:16]
    return IndexName(app.name, panel.name, embedder, named)


async def is_built(vectors: Vectors, name: IndexName) -> bool:
    """Whether the index of this name serves."""
    current = await vectors.current(name.app, name.collection)
    return current is not None and current.name == name


async def build(
    name: IndexName, panel: Panel, questions: QueryService, vectors: Vectors, embedder: Embedder, told: Told = lambda progress: None
) -> Index:
    """Build the index and let it serve. What a query, the store or the model raises; what was embedded until then is kept."""
    if await is_built(vectors, name):
        current = await vectors.current(name.app, name.collection)
        if current is not None:
            return current
    rows, index = await _described(panel, questions), await vectors.open(name)
    texts = {digest_of(text): text for text in rows.texts}
    have = set(await vectors.remembered(index, list(texts)))
    told(Progress(len(have), len(texts)))
    missing = [each for each in texts if each not in have]
    for begin in range(0, len(missing), BATCH):
        some = missing[begin : begin + BATCH]
        began = time.monotonic()
        embedded = await _patiently(embedder, [texts[each] for each in some])
        await vectors.upsert(index, dict(zip(some, embedded, strict=True)), {})
        told(Progress(len(have) + begin + len(some), len(texts)))
        await asyncio.sleep(time.monotonic() - began)
    await vectors.upsert(index, {}, _items(rows))
    return await vectors.finish(index)


def _items(rows: Described) -> Mapping[str, bytes]:
    return {key: name for text, keys in zip(rows.texts, rows.keys, strict=True) for name in [digest_of(text)] for key in keys}


async def _described(panel: Panel, questions: QueryService) -> Described:
    """Every row's text, whoever may see it: the store holds keys and vectors, and rows are read by governed queries."""
    query = panel.query
    if not isinstance(query, RowsQuery) or panel.similar is None:
        raise TypeError(panel.name)
    shown = Shown.of(questions.app, query, panel.similar)
    return await described(questions, texts_query(shown), unrestricted(questions.app), shown)


async def _patiently(embedder: Embedder, texts: Sequence[str]) -> list[Vector]:
    """Embed a batch; others go first when the model has no time."""
    pause = PAUSE_SECONDS
    for _ in range(PATIENCE):
        try:
            return await embedder.embed(texts, deadline=Deadline.after(EMBED_SECONDS_MAX))
        except SeawallError as error:
            if error.status not in (429, 503, 504):
                raise
        await asyncio.sleep(pause)
        pause = min(pause * 2, PAUSE_SECONDS_MAX)
    return await embedder.embed(texts, deadline=Deadline.after(EMBED_SECONDS_MAX))
