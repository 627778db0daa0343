"""What is asked of a vector store: indexes of vectors by app and collection, searched in order of (distance, key).

An *index* is named by app, collection, embedder (with its version) and generation of the data. One index of a collection serves; the
next is built beside it and takes its place in one step. Rows with equal texts share one vector, so an index has *texts* (by digest) and
*items* (keys, each with its text's digest). A store holds no text.

`pgvector.PgVectors` keeps this with Postgres, `memory.MemoryVectors` in dictionaries; one conformance suite
(`tests/contract/test_vector_stores.py`) holds both to it. Every method raises Unavailable when the store cannot be reached.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Literal, Protocol

import msgspec

from seawall.core.errors import InvalidInput

DIMENSIONS = 384
PAGE_MAX = 1_000
Vector = Sequence[float]
"""`DIMENSIONS` numbers, of length one."""
Position = tuple[float, str]
"""(distance, key) of the last item given; the next page begins behind it."""
START: Position = (-1.0, "")
State = Literal["building", "current", "old"]


class IndexName(msgspec.Struct, frozen=True):
    """What an index is of."""

    app: str
    collection: str
    embedder: str
    generation: str = ""
    """Of the data; empty for a collection that grows as it goes."""


class Index(msgspec.Struct, frozen=True):
    """An index there is."""

    id: int
    name: IndexName
    state: State
    items: int = 0
    """When it was finished, like `texts`."""
    texts: int = 0


class Counts(msgspec.Struct, frozen=True):
    """What an index holds now."""

    items: int
    texts: int


class Near(msgspec.Struct, frozen=True):
    """An item found."""

    key: str
    distance: float
    """Cosine distance, 0 (the same direction) to 2."""

    @property
    def position(self) -> Position:
        """Where a page that ends here goes on."""
        return self.distance, self.key


class NearText(msgspec.Struct, frozen=True):
    """A text found, whatever it describes."""

    digest: bytes
    distance: float


class Vectors(Protocol):
    """A store of vectors."""

    async def open(self, name: IndexName, *, live: bool = False) -> Index:
        """The index of this name, made when it is missing. `live`: it serves at once and can be added to while it does."""

    async def remembered(self, index: Index, digests: Sequence[bytes]) -> frozenset[bytes]:
        """Which of these texts need no embedding: `index` has them now, taken over from others of its embedder where it had them not."""

    async def upsert(self, index: Index, texts: Mapping[bytes, Vector], items: Mapping[str, bytes]) -> None:
        """Add texts by digest, then say which text describes each key. A text that is there stays as it is."""

    async def forget(self, index: Index, keys: Sequence[str]) -> None:
        """Let go of items."""

    async def finish(self, index: Index) -> Index:
        """Let `index` serve from now on instead of the one that does. Again: nothing."""

    async def drop_old(self, app: str, collection: str, *, older_seconds: float) -> int:
        """Drop indexes that stopped serving so long ago, and those overtaken before they were finished; how many."""

    async def current(self, app: str, collection: str) -> Index | None:
        """The index that serves."""

    async def versions(self, app: str, collection: str) -> tuple[Index, ...]:
        """Every index of a collection, newest first."""

    async def count(self, index: Index) -> Counts:
        """What it holds now."""

    async def vector(self, index: Index, key: str) -> Vector | None:
        """The vector of an item; None when there is no such item."""

    async def nearest(self, index: Index, vector: Vector, *, limit: int, after: Position = START, but: str = "") -> tuple[Near, ...]:
        """The next `limit` items by (distance, key), without the item `but`; fewer than that: there are no more.

        No item is on two pages. How many of the truly nearest are found is measured (`bench/peers/similar.py`).
        """

    async def nearest_texts(self, index: Index, vector: Vector, *, limit: int) -> tuple[NearText, ...]:
        """The `limit` nearest texts."""


def digest_of(text: str) -> bytes:
    """Names a text: 16 bytes of SHA-256."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:16]


def key_of(value: object) -> str:
    """A row's key as a store sorts it: whole numbers by size, texts by code point. InvalidInput for what is neither.

    `i` and twenty digits, or `s` and the text.
    """
    if isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63:
        return f"i{value + 2**63:020d}"
    if isinstance(value, str):
        return f"s{value}"
    raise InvalidInput("A row's key is a whole number or a text", expected="an integer of 64 bits, or text", got=type(value).__name__)


def value_of(key: str) -> int | str:
    """The value that `key_of` wrote."""
    return int(key[1:]) - 2**63 if key.startswith("i") else key[1:]


def check_page(limit: int) -> None:
    """InvalidInput when a page is empty or too long."""
    if not 1 <= limit <= PAGE_MAX:
        raise InvalidInput("The page is out of bounds", expected=f"1 to {PAGE_MAX} items", got=str(limit))
