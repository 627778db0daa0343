"""Answers in Valkey, sealed, and the claims by which one process asks a model what several were asked.

A sealed answer is bound to the name it is kept under, so whoever can write to Valkey can make answers vanish but cannot give one
caller what was made for another. Look-ups that meet while one is under way go together, and answers are written in batches behind the
readers' backs. Nothing here raises because Valkey is away: then each process asks for itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections import deque
from contextvars import Context

import msgspec

from seawall.core.errors import Unavailable
from seawall.model_proxy.cache.answers import Answer, Kept
from seawall.store.valkey import KeyValue
from seawall.trust.encryption import NotSealedByUs, Sealer

CLAIM_SECONDS = 2.0
"""A claim not renewed for this long is free: its owner has died."""
ANSWER_BYTES_MAX = 1 << 20
BATCH_MAX = 64
WAITING_MAX = 256
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
        self._sealer = sealer
        self._ttl_seconds = ttl_seconds
        self._token = secrets.token_hex(8)
        self._asking: deque[tuple[bytes, asyncio.Future[tuple[Answer | None, bool]]]] = deque()
        self._asker: asyncio.Task[None] | None = None
        self._busy = False
        self._writing: deque[tuple[bytes, Kept]] = deque(maxlen=WAITING_MAX)
        self._writer: asyncio.Task[None] | None = None
        self._claims: set[bytes] = set()
        self._renewer: asyncio.Task[None] | None = None

    async def find_or_claim(self, key: bytes) -> tuple[Answer | None, bool]:
        """The answer; when there is none, whether it is for this process to make (also when Valkey is away)."""
        if not self._busy:
            self._busy = True
            try:
                return (await self._found([key]))[0]
            finally:
                self._busy = False
                self._go_on()
        future: asyncio.Future[tuple[Answer | None, bool]] = asyncio.get_running_loop().create_future()
        self._asking.append((key, future))
        return await future

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
        tasks = [task for task in (self._asker, self._renewer) if task is not None and not task.done()]
        self._claims.clear()
        for task in tasks:
            task.cancel()
        if self._writer is not None and not self._writer.done():
            tasks.append(self._writer)
        if tasks:
            await asyncio.wait(tasks, timeout=2.0)

    def _go_on(self) -> None:
        """Look up what was asked meanwhile, all in one trip."""
        if self._asking and not self._busy:
            self._busy = True
            self._asker = asyncio.create_task(self._ask(), context=Context())

    async def _ask(self) -> None:
        batch: list[tuple[bytes, asyncio.Future[tuple[Answer | None, bool]]]] = []
        try:
            while self._asking:
                batch = [self._asking.popleft() for _ in range(min(BATCH_MAX, len(self._asking)))]
                found = await self._found([key for key, _ in batch])
                for (_, future), one in zip(batch, found, strict=True):
                    if not future.done():
                        future.set_result(one)
        finally:
            self._busy = False
            for _, future in (*batch, *self._asking):
                future.cancel()  # nothing to those that are done; the rest were asked as the service stopped
            self._asking.clear()

    async def _found(self, keys: list[bytes]) -> list[tuple[Answer | None, bool]]:
        """For each key the answer, or whether it is for this process to make."""
        try:
            held = await self._store.get_or_claim_many([(_name(k), _claim(k)) for k in keys], self._token, ttl_seconds=CLAIM_SECONDS)
        except Unavailable:
            return [(None, True)] * len(keys)
        answers = [self._opened(key, sealed) for key, (sealed, _) in zip(keys, held, strict=True)]
        return [(one, one is None and (ours or sealed is not None)) for one, (sealed, ours) in zip(answers, held, strict=True)]

    async def _write(self) -> None:
        while self._writing:
            await asyncio.sleep(FLUSH_SECONDS)
            batch = [self._writing.popleft() for _ in range(min(BATCH_MAX, len(self._writing)))]
            values = {_name(key): self._sealer.seal(_encode(kept), key) for key, kept in batch}
            with contextlib.suppress(Unavailable):
                await self._store.set(values, ttl_seconds=self._ttl_seconds)

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
