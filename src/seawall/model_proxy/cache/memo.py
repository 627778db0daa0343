"""What is a pure function of its input and is asked for again: embeddings of texts, and rendered templates.

A text's vector is kept for each tenant by itself: else the time an answer takes would tell one tenant what another has embedded.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import msgspec

from seawall.core.clock import SYSTEM_CLOCK, Clock
from seawall.model_proxy.cache.bounded import BoundedCache

EMBEDDINGS_BYTES_MAX = 32 << 20
TEMPLATES_BYTES_MAX = 8 << 20
_encode = msgspec.json.Encoder(order="deterministic").encode

Rendered = TypeVar("Rendered")


class EmbeddingMemo:
    """Vectors, packed as who keeps them likes, by whose they are, model, its version (and what else was asked for) and text."""

    def __init__(self, bytes_max: int = EMBEDDINGS_BYTES_MAX, clock: Clock = SYSTEM_CLOCK) -> None:
        self._vectors: BoundedCache[bytes] = BoundedCache(bytes_max, clock)

    def find(self, tenant: str, model: str, version: str, texts: Sequence[str]) -> list[bytes | None]:
        """The vector of each text, or None."""
        start = _start(tenant, model, version)
        return [self._vectors.get(_key(start, text)) for text in texts]

    def keep(self, tenant: str, model: str, version: str, texts: Sequence[str], vectors: Sequence[bytes]) -> None:
        """Remember them. As many vectors as texts."""
        start = _start(tenant, model, version)
        for text, vector in zip(texts, vectors, strict=True):
            self._vectors.put(_key(start, text), vector, len(vector))

    @property
    def kept_bytes(self) -> int:
        """Now."""
        return self._vectors.bytes


class TemplateMemo(Generic[Rendered]):
    """Rendered templates by the prompt's digest and the input. Long inputs are rendered in a thread beside the event loop."""

    def __init__(self, bytes_max: int = TEMPLATES_BYTES_MAX, clock: Clock = SYSTEM_CLOCK) -> None:
        self._rendered: BoundedCache[Rendered] = BoundedCache(bytes_max, clock)
        self._lock = threading.Lock()

    def render(self, version: str, given: object, make: Callable[[], Rendered]) -> Rendered:
        """What `make` gives for this version of a prompt and this (JSON-like) input, made once. Never change it in place."""
        encoded = _encode((version, given))
        key = hashlib.sha256(encoded).digest()
        with self._lock:
            found = self._rendered.get(key)
        if found is None:
            found = make()
            size = 2 * len(encoded) + len(_encode(found))
            with self._lock:
                self._rendered.put(key, found, size)
        return found


def _start(tenant: str, model: str, version: str) -> bytes:
    return _encode((tenant, model, version))


def _key(start: bytes, text: str) -> bytes:
    return hashlib.sha256(start + text.encode("utf-8", "surrogatepass")).digest()
