"""Texts to vectors, by the model proxy: batched, and each text once.

Guarantees: equal texts of one embedder version have equal vectors, embedded once while the memo remembers them, also when several ask at
the same moment; a batch is at most `BATCH` texts, so that somebody who waits for one waits for little.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from typing import Protocol

from seawall.ask.vectors.port import Vector
from seawall.core.clock import SYSTEM_CLOCK, Clock
from seawall.core.deadline import Deadline
from seawall.core.errors import DeadlineExceeded, Unavailable
from seawall.core.principal import Principal
from seawall.model_proxy.client import EMBEDDING_VERSION, ModelProxyClient
from seawall.trust.tokens import Tokens

MODEL = "minilm"
BATCH = 32
MEMO_MAX = 4_096
CHARACTERS_MAX = 2_000
"""Of a text; MiniLM reads about a thousand."""
TOKEN_SECONDS = 600.0


class Embedder(Protocol):
    """Makes vectors."""

    @property
    def version(self) -> str:
        """The model with its version: vectors of two versions are not to be compared."""

    async def embed(self, texts: Sequence[str], *, deadline: Deadline) -> list[Vector]:
        """A vector of length one for each text, in their order. Unavailable or DeadlineExceeded when the model cannot be asked."""


class ProxyEmbedder:
    """MiniLM through the model proxy, asked as the service `name`."""

    def __init__(self, client: ModelProxyClient, tokens: Tokens, name: str, clock: Clock = SYSTEM_CLOCK) -> None:
        self._client = client
        self._tokens = tokens
        self._principal = Principal(user=name, scopes=("embeddings",))
        self._clock = clock
        self._token = ""
        self._token_until = 0.0

    @property
    def version(self) -> str:
        """See the protocol."""
        return EMBEDDING_VERSION

    async def embed(self, texts: Sequence[str], *, deadline: Deadline) -> list[Vector]:
        """See the protocol."""
        vectors: list[Vector] = []
        for begin in range(0, len(texts), BATCH):
            part = [text[:CHARACTERS_MAX] for text in texts[begin : begin + BATCH]]
            vectors += await self._client.embed(MODEL, part, self._bearer(), deadline=deadline)
        return vectors

    def _bearer(self) -> str:
        now = self._clock.monotonic()
        if now > self._token_until:
            self._token, self._token_until = self._tokens.mint(self._principal, TOKEN_SECONDS), now + TOKEN_SECONDS / 2
        return self._token


class MemoEmbedder:
    """Remembers the texts used last, by the embedder's version."""

    def __init__(self, embedder: Embedder, count_max: int = MEMO_MAX) -> None:
        self._embedder = embedder
        self._count_max = count_max
        self._known: OrderedDict[tuple[str, str], asyncio.Future[Vector]] = OrderedDict()

    @property
    def version(self) -> str:
        """Of the embedder."""
        return self._embedder.version

    async def embed(self, texts: Sequence[str], *, deadline: Deadline) -> list[Vector]:
        """See the protocol. What somebody asks for already is waited for, not asked again."""
        keys = [(self.version, text) for text in texts]
        new = [key for key in dict.fromkeys(keys) if key not in self._known]
        waiting = {key: self._known[key] for key in keys if key in self._known}
        if new:
            waiting |= await self._asked(new, deadline)
        try:
            async with asyncio.timeout(deadline.remaining()):
                return [await asyncio.shield(waiting[key]) for key in keys]
        except TimeoutError as error:
            raise DeadlineExceeded("The model proxy took too long") from error

    async def _asked(self, new: Sequence[tuple[str, str]], deadline: Deadline) -> dict[tuple[str, str], asyncio.Future[Vector]]:
        loop = asyncio.get_running_loop()
        made = {key: loop.create_future() for key in new}
        self._known.update(made)
        try:
            vectors = await self._embedder.embed([text for _, text in new], deadline=deadline)
        except BaseException as error:
            for key, future in made.items():
                self._known.pop(key, None)
                future.set_exception(error if isinstance(error, Exception) else Unavailable("Whoever asked for this text gave up"))
                future.exception()  # nobody else may have waited
            raise
        for key, vector in zip(new, vectors, strict=True):
            made[key].set_result(tuple(vector))
        while len(self._known) > self._count_max:
            self._known.popitem(last=False)
        return made
