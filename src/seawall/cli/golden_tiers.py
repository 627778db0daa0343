"""The tiers that golden questions are put to: those of a running instance; without one the parser, with MiniLM in this process."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from seawall.app.model import Bundle
from seawall.ask.cascade import Cascade
from seawall.ask.opening import open_cascade
from seawall.cli import ask
from seawall.cli.engines import reached
from seawall.cli.instance import reach
from seawall.core.deadline import Deadline
from seawall.core.errors import Unavailable
from seawall.model_proxy.minilm import Embedder
from seawall.query.service import QueryService


class LocalModels:
    """MiniLM here, and no large model."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder

    async def embed(self, model: str, texts: Sequence[str], token: str, *, deadline: Deadline | None = None) -> list[list[float]]:
        """A vector for each text, however long that takes."""
        return [[float(x) for x in row] for row in await self._embedder.embed(list(texts))]

    async def chat(self, body: Mapping[str, Any], token: str, *, deadline: Deadline | None = None) -> dict[str, Any]:
        """Unavailable."""
        raise Unavailable("No instance is running", fix="Start one with `seawall up`")


@asynccontextmanager
async def opened(bundle: Bundle, folder: Path, data: Path, *, large: bool) -> AsyncIterator[tuple[Cascade, QueryService]]:
    """A cascade over the prepared data, without a semantic cache: each question is understood anew."""
    if (reach(data, os.environ).run / "gateway.sock").exists():
        async with ask.opened(bundle, folder, data, large=large) as made:
            yield made
        return
    embedder = Embedder()
    async with reached(bundle.app, data) as there:
        service = QueryService(bundle, there.engines, there.generations)
        cascade, lexicons = open_cascade(bundle, folder, service, client=LocalModels(embedder), large=False)
        try:
            yield cascade, service
        finally:
            await lexicons.close()
            embedder.close()
