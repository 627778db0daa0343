"""Questions that say the same share what they were understood as: never an answer, only the query, so every answer is made under its
asker's own rights from the data of the moment.

An entry is found under the app's version, the asker's policy fingerprint, the watermark, the question it follows up, and the
*signature* of what the text says (`said.py`): same entities, numbers, times, comparison, direction and negation, and the same words that
mean nothing here (`shape.py` says what belongs to what). Nothing is decided by likeness. Kept in the process and, sealed, in Valkey.
"""

from __future__ import annotations

import msgspec

from seawall.ask.question import Question
from seawall.ask.said import Said
from seawall.core.clock import SYSTEM_CLOCK, Clock
from seawall.core.digest import digest
from seawall.query.cache import Cache, CacheKey
from seawall.query.cache_shared import Entry

KEEP_SECONDS = 7 * 86_400.0
_FORM = "ask-1"
"""Changes when what an entry means changes."""


class Remembered(msgspec.Struct, frozen=True):
    """What a text was understood as, and by whom."""

    question: Question
    tier: str
    confidence: float


class Scope(msgspec.Struct, frozen=True):
    """Who shares entries: the same version of an app, equal rights, the same data."""

    bundle: str
    fingerprint: str
    watermark: str


class SemanticCache:
    """Looks and keeps. Never raises because Valkey is away."""

    def __init__(self, cache: Cache, clock: Clock = SYSTEM_CLOCK, *, keep_seconds: float = KEEP_SECONDS) -> None:
        self._cache = cache
        self._clock = clock
        self._keep_seconds = keep_seconds

    async def find(self, scope: Scope, said: Said, before: Question | None) -> Remembered | None:
        """What a text that says the same was understood as."""
        entry = await self._cache.find(_key(scope, said, before), fresh_for=self._keep_seconds)
        if entry is None or self._clock.time() - entry.made_at > self._keep_seconds:
            return None
        try:
            return msgspec.json.decode(entry.payload, type=Remembered)
        except msgspec.DecodeError:
            return None

    async def keep(self, scope: Scope, said: Said, before: Question | None, remembered: Remembered) -> None:
        """Keep what a text was understood as."""
        entry = Entry(msgspec.json.encode(remembered), self._clock.time(), scope.watermark)
        await self._cache.put(_key(scope, said, before), entry, fresh_for=self._keep_seconds, keep_for=self._keep_seconds)


def _key(scope: Scope, said: Said, before: Question | None) -> CacheKey:
    followed = before.canonical().decode() if before is not None else ""
    subject = "ask:" + digest((_FORM, scope.bundle, said.signature(), followed))
    return CacheKey(subject, (), scope.fingerprint, "", scope.watermark, is_kept=False)
