"""Answers in Valkey, sealed, and the claims by which one process asks a model what several were asked.

A sealed answer is bound to the name it is kept under, so whoever can write to Valkey can make answers vanish but cannot give one
caller what was made for another. A look-up is one round trip, which the store shares with those of the same turn of the event loop;
answers are written in batches behind the readers' backs. Nothing here raises because Valkey is away: then each process asks for itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections import deque
from collections.abc import Callable
from contextvars import Context
from functools import partial

import msgspec

from seawall.core.errors import Unavailable
from seawall.model_proxy.cache.answers import Answer, Kept
from seawall.store.valkey import KeyValue
from seawall.store.valkey_pipe import PipedValkey
from seawall.telemetry.spans import Span
from seawall.trust.encryption import NotSealedByUs, Sealer

CLAIM_SECONDS = 2.0
"""A claim not renewed for this long is free: its owner has died."""
ANSWER_BYTES_MAX = 1 << 20
BATCH_MAX = 64
SLICE = 8
"""Answers sealed in one go: less than a tenth of a millisecond of the event loop."""
BATCH_BYTES_MAX = 4 << 20
WAITING_MAX = 1024
"""Answers waiting to be written; when there are more, the oldest are not written."""
FLUSH_SECONDS = 0.05
POLL_SECONDS_FIRST = 0.01
POLL_SECONDS_LONGEST = 0.1
CLAIMS_MAX = 4096

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Kept).decode


class SharedAnswers:
    """Answers in a `KeyValue` store. `token` names this process in its claims."""

    def __init__(self, store: KeyValue, sealer: Sealer, *, ttl_seconds: float) -> None:
        self._store = store
        self._then = store.get_or_claim_then if isinstance(store, PipedValkey) else None
        self._sealer = sealer
        self._ttl_seconds = ttl_seconds
        self._token = secrets.token_hex(8)
        self._writing: deque[tuple[bytes, Kept]] = deque(maxlen=WAITING_MAX)
        self._writer: asyncio.Task[None] | None = None
        self._claims: set[bytes] = set()
        self._renewer: asyncio.Task[None] | None = None

    async def find_or_claim(self, key: bytes) -> tuple[Answer | None, bool]:
        """The answer; when there is none, whether it is for this process to make (also when Valkey is away)."""
        try:
            [(sealed, ours)] = await self._store.get_or_claim_many([(_name(key), _claim(key))], self._token, ttl_seconds=CLAIM_SECONDS)
        except Unavailable:
            return None, True
        answer = self._opened(key, sealed)
        return answer, answer is None and (ours or sealed is not None)

    def ask(self, key: bytes, told: Callable[[Answer | None, bool], None], span: Span | None = None) -> bool:
        """`find_or_claim` without a task: `told` is called with what that gives. False, where the store cannot: nothing was done. `span`:
        whose work it is."""
        if self._then is None:
            return False
        hexed = key.hex()
        name, claim = f"seawall:{{{hexed}}}:answer", f"seawall:{{{hexed}}}:asking"
        self._then(name, claim, self._token, partial(self._found, key, told), ttl_seconds=CLAIM_SECONDS, parent=span)
        return True

    def _found(self, key: bytes, told: Callable[[Answer | None, bool], None], sealed: bytes | None, ours: bool | None) -> None:
        answer = self._opened(key, sealed)
        told(answer, answer is None and (ours is not False or sealed is not None))

    async def wait(self, key: bytes, seconds: float) -> Answer | None:
        """The answer another process is making, or None when it is for this one to make, at the latest after `seconds`."""
        loop = asyncio.get_running_loop()
        until, pause = loop.time() + seconds, POLL_SECONDS_FIRST
        while loop.time() + pause < until:
            await asyncio.sleep(pause)
            answer, ours = await self.find_or_claim(key)
            if answer is not None or ours:
                return answer
            pause = min(pause * 1.5, POLL_SECONDS_LONGEST)
        return None

    def hold(self, key: bytes) -> None:
        """Renew our claim until `put` or `release`."""
        if len(self._claims) < CLAIMS_MAX:
            self._claims.add(key)
            if self._renewer is None or self._renewer.done():
                self._renewer = asyncio.create_task(self._renew(), context=Context())

    def put(self, key: bytes, answer: Answer) -> None:
        """Write an answer soon. Its claim runs out by itself: whoever looks finds the answer first."""
        self._claims.discard(key)
        if answer.size <= 2 * ANSWER_BYTES_MAX:
            self._writing.append((key, answer.kept))
            if self._writer is None or self._writer.done():
                self._writer = asyncio.create_task(self._write(), context=Context())

    def release(self, key: bytes) -> None:
        """There will be no answer: another process may try at once."""
        if key in self._claims:
            self._claims.discard(key)
            releasing = asyncio.create_task(self._release(key), context=Context())
            releasing.add_done_callback(lambda _: None)

    async def close(self) -> None:
        """Write what waits, then stop. The store stays open: it is not ours."""
        self._claims.clear()
        if self._renewer is not None:
            self._renewer.cancel()
        if tasks := [task for task in (self._renewer, self._writer) if task is not None and not task.done()]:
            await asyncio.wait(tasks, timeout=2.0)

    async def _write(self) -> None:
        while self._writing:
            await asyncio.sleep(FLUSH_SECONDS)
            while batch := await self._batch():
                with contextlib.suppress(Unavailable):
                    await self._store.set(batch, ttl_seconds=self._ttl_seconds)

    async def _batch(self) -> dict[str, bytes]:
        """What goes in one trip; sealed a few at a time, so that nobody waits for it."""
        values: dict[str, bytes] = {}
        size = 0
        while self._writing and len(values) < BATCH_MAX and size < BATCH_BYTES_MAX:
            if values and len(values) % SLICE == 0:
                await asyncio.sleep(0)
                if not self._writing:
                    break
            key, kept = self._writing.popleft()
            values[_name(key)] = sealed = self._sealer.seal(_encode(kept), key)
            size += len(sealed)
        return values

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(CLAIM_SECONDS / 4)
            if not self._claims:
                return
            for key in tuple(self._claims):
                with contextlib.suppress(Unavailable):
                    await self._store.renew(_claim(key), self._token, ttl_seconds=CLAIM_SECONDS)

    async def _release(self, key: bytes) -> None:
        with contextlib.suppress(Unavailable):
            await self._store.release(_claim(key), self._token)

    def _opened(self, key: bytes, sealed: bytes | None) -> Answer | None:
        if sealed is None:
            return None
        try:
            return Answer(_decode(self._sealer.open(sealed, key)))
        except (NotSealedByUs, msgspec.MsgspecError):
            return None


def _name(key: bytes) -> str:
    return f"seawall:{{{key.hex()}}}:answer"


def _claim(key: bytes) -> str:
    return f"seawall:{{{key.hex()}}}:asking"
