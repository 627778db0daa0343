"""Which of some texts are nearest in meaning to others: MiniLM through the model proxy, batched, remembered.

A hint, never a decision: who asks checks what it gets. Words that were embedded once cost nothing again.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from seawall.core.deadline import Deadline

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ROUTE = "embed"
REMEMBERED_MAX = 20_000
BATCH = 64
SECONDS_MAX = 1.0
NEAREST = 5


class Embeds(Protocol):
    """The part of `ModelProxyClient` that is used."""

    async def embed(self, model: str, texts: Sequence[str], token: str, *, deadline: Deadline | None = None) -> list[list[float]]:
        """A vector for each text."""


class Vectors:
    """Embeds texts, in the name of whoever asks, and remembers the ones used last."""

    def __init__(self, client: Embeds, *, route: str = ROUTE, remembered_max: int = REMEMBERED_MAX) -> None:
        self._client = client
        self._route = route
        self._remembered_max = remembered_max
        self._known: OrderedDict[str, NDArray[np.float32]] = OrderedDict()

    async def of(self, texts: Sequence[str], token: str, deadline: Deadline) -> NDArray[np.float32]:
        """A row of unit length for each text. Unavailable, OverLimit or DeadlineExceeded when the model proxy says so."""
        import numpy as np

        found = {text: self._known[text] for text in texts if text in self._known}  # others may push them out meanwhile
        unknown = list(dict.fromkeys(text for text in texts if text not in found))
        for at in range(0, len(unknown), BATCH):
            batch = unknown[at : at + BATCH]
            made = await self._client.embed(self._route, batch, token, deadline=deadline)
            for text, vector in zip(batch, made, strict=True):
                row = np.asarray(vector, dtype=np.float32)
                found[text] = row / max(float(np.linalg.norm(row)), 1e-9)
        for text in texts:
            self._remember(text, found[text])
        return np.stack([found[text] for text in texts])

    def _remember(self, text: str, row: NDArray[np.float32]) -> None:
        self._known[text] = row
        self._known.move_to_end(text)
        while len(self._known) > self._remembered_max:
            self._known.popitem(last=False)


class Nearest:
    """`Similar` for one request: what the parser and the cascade ask."""

    def __init__(self, vectors: Vectors, token: str, deadline: Deadline) -> None:
        self._vectors = vectors
        self._token = token
        self._deadline = deadline

    async def nearest(self, words: Sequence[str], among: Sequence[str]) -> list[list[tuple[int, float]]]:
        """For each word the places of the nearest texts among some, nearest first, with their cosine."""
        if not words or not among:
            return [[] for _ in words]
        limit = Deadline.after(min(self._deadline.remaining(), SECONDS_MAX), self._deadline.clock)
        rows = await self._vectors.of([*words, *among], self._token, limit)
        likeness = rows[: len(words)] @ rows[len(words) :].T
        found = []
        for line in likeness:
            places = sorted(range(len(among)), key=lambda place, line=line: -float(line[place]))[:NEAREST]  # type: ignore[misc]
            found.append([(place, float(line[place])) for place in places])
        return found
