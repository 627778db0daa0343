"""Valkey, as far as Seawall relies on it: values that may vanish, and short exclusive claims.

Guarantees that nobody waits long: every operation is bounded (50 ms by default), and after a failure a breaker answers
Unavailable at once until a probe succeeds. What is kept here may be gone at any moment; truth lives in Postgres.
A name and its claim share a cluster slot when they share a `{tag}`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Protocol, TypeVar

from valkey.asyncio import BlockingConnectionPool, Valkey
from valkey.exceptions import ValkeyError

from seawall.core.clock import SYSTEM_CLOCK, Clock
from seawall.core.errors import Unavailable
from seawall.store.breaker import Breaker
from seawall.telemetry.events import event
from seawall.telemetry.spans import span

OPERATION_SECONDS_MAX = 0.05
CONNECTIONS_MAX = 16

Result = TypeVar("Result")

GET_OR_CLAIM = """
local value = redis.call('GET', KEYS[1])
if value then return {value, 0} end
if redis.call('SET', KEYS[2], ARGV[1], 'NX', 'PX', ARGV[2]) then return {false, 1} end
return {false, 0}
"""
RENEW = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end return 0"
RELEASE = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"


class KeyValue(Protocol):
    """The promises. Every method raises Unavailable when the store cannot be reached."""

    async def get(self, name: str) -> bytes | None:
        """The value, or None."""

    async def set(self, values: Mapping[str, bytes], *, ttl_seconds: float) -> None:
        """Write values that expire."""

    async def get_or_claim(self, name: str, claim: str, token: str, *, ttl_seconds: float) -> tuple[bytes | None, bool]:
        """The value; or when there is none, whether `token` now owns `claim`. One atomic step."""

    async def get_or_claim_many(
        self, wanted: Sequence[tuple[str, str]], token: str, *, ttl_seconds: float
    ) -> list[tuple[bytes | None, bool]]:
        """For each (name, claim) the value, and whether `token` now owns the claim. One round trip, each claim a step of its own."""

    async def claim(self, claim: str, token: str, *, ttl_seconds: float) -> bool:
        """Whether `token` now owns `claim`, which nobody owned."""

    async def renew(self, claim: str, token: str, *, ttl_seconds: float) -> bool:
        """Whether `token` still owned `claim`, which now lasts longer."""

    async def release(self, claim: str, token: str) -> None:
        """Give `claim` up if `token` owns it."""

    async def ready(self) -> bool:
        """Whether it answers now."""

    async def close(self) -> None:
        """Let go of the connections."""


class Scripted(Protocol):
    """A store that runs Lua scripts."""

    def script(self, operation: str, source: str) -> Callable[[list[str], list[str | int]], Awaitable[Any]]:
        """A script as an operation: call it with keys, which share a `{tag}`, and arguments. Unavailable, as all operations."""


class ValkeyStore:
    """Keeps the promises of `KeyValue` with Valkey, over `unix://` or `valkey://`."""

    def __init__(self, url: str, *, clock: Clock = SYSTEM_CLOCK, operation_seconds_max: float = OPERATION_SECONDS_MAX) -> None:
        # The pool gets no socket timeouts: they cost a task for each send. One timeout around the operation bounds
        # waiting for a connection, connecting and both directions; the library drops a connection it was cut off on.
        pool: BlockingConnectionPool = BlockingConnectionPool.from_url(
            url, max_connections=CONNECTIONS_MAX, timeout=None, lib_name=None, lib_version=None
        )
        self._client: Valkey = Valkey.from_pool(pool)
        self._operation_seconds_max = operation_seconds_max
        self._breaker = Breaker(clock)
        self._get_or_claim = self._client.register_script(GET_OR_CLAIM)
        self._renew = self._client.register_script(RENEW)
        self._release = self._client.register_script(RELEASE)

    async def get(self, name: str) -> bytes | None:
        """The value, or None."""
        return await self._guarded("get", lambda: self._client.get(name))

    async def set(self, values: Mapping[str, bytes], *, ttl_seconds: float) -> None:
        """Write values that expire, in one round trip."""
        pipeline = self._client.pipeline(transaction=False)
        for name, value in values.items():
            pipeline.set(name, value, px=milliseconds(ttl_seconds))
        await self._guarded("set", pipeline.execute)

    async def get_or_claim(self, name: str, claim: str, token: str, *, ttl_seconds: float) -> tuple[bytes | None, bool]:
        """The value; or when there is none, whether `token` now owns `claim`."""
        arguments: list[str | int] = [token, milliseconds(ttl_seconds)]
        value, claimed = await self._guarded("get_or_claim", lambda: self._get_or_claim(keys=[name, claim], args=arguments))
        return value, bool(claimed)

    async def get_or_claim_many(
        self, wanted: Sequence[tuple[str, str]], token: str, *, ttl_seconds: float
    ) -> list[tuple[bytes | None, bool]]:
        """For each (name, claim) the value, and whether `token` now owns the claim."""
        pipeline = self._client.pipeline(transaction=False)
        for name, claim in wanted:
            pipeline.get(name)
            pipeline.set(claim, token, nx=True, px=milliseconds(ttl_seconds))
        answers = await self._guarded("get_or_claim_many", pipeline.execute)
        return [(value, bool(claimed)) for value, claimed in zip(answers[::2], answers[1::2], strict=True)]

    async def claim(self, claim: str, token: str, *, ttl_seconds: float) -> bool:
        """Whether `token` now owns `claim`."""
        return bool(await self._guarded("claim", lambda: self._client.set(claim, token, nx=True, px=milliseconds(ttl_seconds))))

    async def renew(self, claim: str, token: str, *, ttl_seconds: float) -> bool:
        """Whether `token` still owned `claim`."""
        return bool(await self._guarded("renew", lambda: self._renew(keys=[claim], args=[token, milliseconds(ttl_seconds)])))

    async def release(self, claim: str, token: str) -> None:
        """Give `claim` up."""
        await self._guarded("release", lambda: self._release(keys=[claim], args=[token]))

    def script(self, operation: str, source: str) -> Callable[[list[str], list[str | int]], Awaitable[Any]]:
        """A Lua script as an operation of this store: call it with keys, which share a `{tag}`, and arguments."""
        registered = self._client.register_script(source)

        async def run(keys: list[str], arguments: list[str | int]) -> Any:  # noqa: ANN401 -- what a script returns
            return await self._guarded(operation, lambda: registered(keys=keys, args=arguments))

        return run

    async def ready(self) -> bool:
        """Whether it answers now; asks even while the breaker is open."""
        try:
            async with asyncio.timeout(self._operation_seconds_max * 4):
                await self._client.ping()
        except (ValkeyError, TimeoutError, OSError):
            return False
        self._breaker.succeeded()
        return True

    async def close(self) -> None:
        """Let go of the connections."""
        await self._client.aclose(close_connection_pool=True)

    async def _guarded(self, operation: str, run: Callable[[], Awaitable[Result]]) -> Result:
        if not self._breaker.allow():
            raise unavailable("breaker open")
        try:
            with span(f"valkey.{operation}", "storage", kind="client"):
                async with _live_timeout(self._operation_seconds_max):
                    result = await run()
        except (ValkeyError, TimeoutError, OSError) as error:
            if self._breaker.failed():
                event("valkey.lost", error=type(error).__name__)
            raise unavailable(type(error).__name__) from error
        if self._breaker.succeeded():
            event("valkey.found")
        return result


@asynccontextmanager
async def _live_timeout(seconds: float) -> AsyncIterator[None]:
    """TimeoutError after `seconds` in which this process was running.

    The last fifth starts only when the loop gets round to it: when the process itself was held up, an answer that waits in
    the socket is read first, and Valkey is not taken for dead.
    """
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(None) as limit:
        timer = loop.call_later(seconds * 0.8, lambda: limit.reschedule(loop.time() + seconds * 0.2))
        try:
            yield
        finally:
            timer.cancel()


def milliseconds(seconds: float) -> int:
    """As Valkey takes times; at least one."""
    return max(1, round(seconds * 1000))


def unavailable(got: str) -> Unavailable:
    """What every operation raises when Valkey is away."""
    return Unavailable("Valkey does not answer", got=got, fix="See the event valkey.lost and the valkey service in `seawall status`")
