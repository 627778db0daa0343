"""An app's questions over its whole data with nothing running: no instance, no cache, MiniLM in this process."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path

from harness import DATA, REPOSITORY, progress
from seawall.app.load import load_bundle
from seawall.app.model import Bundle
from seawall.ask.lexicons import KeptLexicons
from seawall.ask.reading import lexicon_of
from seawall.ask.similar import Nearest, Vectors
from seawall.core.deadline import Deadline
from seawall.model_proxy.minilm import Embedder
from seawall.query.duckdb_engine import DuckDBEngine
from seawall.query.generations import Generations
from seawall.query.service import QueryService
from seawall.workers.forecast.job import make_forecast
from seawall.workers.preparation import prepare, registry

WAREHOUSE = DATA.parent / "bench-ask"
WAIT = 120.0


class LocalEmbeds:
    """The model proxy's embeddings without the model proxy."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder

    async def embed(self, model: str, texts: Sequence[str], token: str, *, deadline: Deadline | None = None) -> list[list[float]]:
        """A vector for each text."""
        return [[float(x) for x in row] for row in await self._embedder.embed(list(texts))]


class Stand:
    """One app to ask."""

    def __init__(self, bundle: Bundle, service: QueryService, vectors: Vectors) -> None:
        self.bundle = bundle
        self.service = service
        self.lexicons = KeptLexicons(service, lexicon_of)
        self._vectors = vectors

    @property
    def as_of(self) -> date | None:
        """The date relative periods count back from."""
        return self.service.now().as_of

    def similar(self, token: str, deadline: Deadline) -> Nearest:
        """Words by meaning."""
        return Nearest(self._vectors, token, deadline)


@asynccontextmanager
async def stand(app: str) -> AsyncIterator[Stand]:
    """The app of that folder, its data prepared and forecast when it is not there yet."""
    folder = REPOSITORY / "apps" / app
    bundle = load_bundle(folder)
    generations = Generations(WAREHOUSE)
    await _prepared(folder, bundle, generations)
    engine = DuckDBEngine(generations.locate, directory=WAREHOUSE)
    embedder = Embedder()
    made = Stand(bundle, QueryService(bundle, {"warehouse": engine}, generations), Vectors(LocalEmbeds(embedder)))
    try:
        yield made
    finally:
        await made.lexicons.close()
        embedder.close()
        await engine.close()
        await generations.close()


async def _prepared(folder: Path, bundle: Bundle, generations: Generations) -> None:
    progress(f"data of {bundle.app.name} in {WAREHOUSE.name}")
    await prepare(folder, generations)
    preparation = registry.find(bundle.app.prepare)
    if preparation.series:
        await make_forecast(bundle.app.name, preparation, generations, WAREHOUSE / "cache")
