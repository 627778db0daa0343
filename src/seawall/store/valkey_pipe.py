"""Valkey for hot paths: the promises of `KeyValue`, at a few microseconds an operation.

Operations of one turn of the event loop are written together and are one round trip and one span, named after the first of them.
Two connections, one for values on their way in, so that no look-up waits behind them; both are opened when first needed and again after
a loss. Failures are told as by `ValkeyStore`: Unavailable at once while the breaker is open. An operation that its connection has not
answered within its time ends the connection; one timer a connection watches for that. What waits for an answer is bounded.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import lru_cache, partial
from typing import Any

from libvalkey import ReplyError, pack_command

from seawall.core.clock import SYSTEM_CLOCK, Clock
from seawall.core.errors import Unavailable
from seawall.store.breaker import Breaker
from seawall.store.valkey import GET_OR_CLAIM, OPERATION_SECONDS_MAX, RELEASE, RENEW, milliseconds, unavailable
from seawall.store.valkey_link import COMMANDS_MAX, Address, Link, Lost, address_of
from seawall.telemetry.events import event
from seawall.telemetry.spans import Span


class PipedValkey:
    """Keeps the promises of `KeyValue` over `unix://`, `valkey://` or `valkeys://`. Belongs to the event loop that first uses it."""

    def __init__(
        self,
        url: str,
        *,
        clock: Clock = SYSTEM_CLOCK,
        operation_seconds_max: float = OPERATION_SECONDS_MAX,
        commands_max: int = COMMANDS_MAX,
    ) -> None:
        self._address: Address = address_of(url)
        self._seconds_max = operation_seconds_max
        self._commands_max = commands_max
        self._breaker = Breaker(clock)
        self._asks: Link | None = None
        self._writes: Link | None = None
        self._closed = False
        self._get_or_claim = self.script("get_or_claim", GET_OR_CLAIM)
        self._renew = self.script("renew", RENEW)
        self._release = self.script("release", RELEASE)

    async def get(self, name: str) -> bytes | None:
        """The value, or None."""
        value: bytes | None = (await self._ask("get", pack_command(("GET", name))))[0]
        return value

    async def set(self, values: Mapping[str, bytes], *, ttl_seconds: float) -> None:
        """Write values that expire, in one round trip."""
        if values:
            ttl = milliseconds(ttl_seconds)
            end = f"\r\n$2\r\nPX\r\n${len(str(ttl))}\r\n{ttl}\r\n".encode()
            packed: list[bytes] = []
            for name, value in values.items():
                packed += (f"*5\r\n$3\r\nSET\r\n{_bulk(name)}${len(value)}\r\n".encode(), value, end)
            await self._ask("set", b"".join(packed), len(values), writes=True)

    async def get_or_claim(self, name: str, claim: str, token: str, *, ttl_seconds: float) -> tuple[bytes | None, bool]:
        """The value; or when there is none, whether `token` now owns `claim`."""
        value, claimed = await self._get_or_claim([name, claim], [token, milliseconds(ttl_seconds)])
        return value, bool(claimed)

    async def get_or_claim_many(
        self, wanted: Sequence[tuple[str, str]], token: str, *, ttl_seconds: float
    ) -> list[tuple[bytes | None, bool]]:
        """For each (name, claim) the value, and whether `token` now owns the claim."""
        if not wanted:
            return []
        ttl = milliseconds(ttl_seconds)
        packed = [pack_command(("GET", name)) + pack_command(("SET", claim, token, "NX", "PX", ttl)) for name, claim in wanted]
        replies = await self._ask("get_or_claim_many", b"".join(packed), 2 * len(packed))
        return [(value, claimed is not None) for value, claimed in zip(replies[::2], replies[1::2], strict=True)]

    def get_or_claim_then(
        self,
        name: str,
        claim: str,
        token: str,
        told: Callable[[bytes | None, bool | None], None],
        *,
        ttl_seconds: float,
        parent: Span | None = None,
    ) -> None:
        """`get_or_claim_many` of one, without a task: `told` is called with the value and whether `token` owns `claim`; with None for
        the latter when Valkey is away. It never raises. `parent`: whose work it is, in place of the current span's."""
        try:
            if not self._breaker.allow():
                raise unavailable("breaker open")
            link = self._link(writes=False)
        except Unavailable:
            told(None, None)
            return
        asked = f"*2\r\n$3\r\nGET\r\n{_bulk(name)}*6\r\n$3\r\nSET\r\n{_bulk(claim)}{_ours(token, ttl_seconds)}"
        link.tell("get_or_claim_many", asked.encode(), 2, partial(self._claimed, told), parent)

    def _claimed(self, told: Callable[[bytes | None, bool | None], None], replies: list[Any] | Exception) -> None:
        if not isinstance(replies, Exception):
            told(replies[0], replies[1] is not None)
            return
        if isinstance(replies, ReplyError):
            self._failed(type(replies).__name__)
        told(None, None)

    async def claim(self, claim: str, token: str, *, ttl_seconds: float) -> bool:
        """Whether `token` now owns `claim`."""
        packed = pack_command(("SET", claim, token, "NX", "PX", milliseconds(ttl_seconds)))
        return (await self._ask("claim", packed))[0] is not None

    async def renew(self, claim: str, token: str, *, ttl_seconds: float) -> bool:
        """Whether `token` still owned `claim`."""
        return bool(await self._renew([claim], [token, milliseconds(ttl_seconds)]))

    async def release(self, claim: str, token: str) -> None:
        """Give `claim` up."""
        await self._release([claim], [token])

    def script(self, operation: str, source: str) -> Callable[[list[str], list[str | int]], Awaitable[Any]]:
        """A Lua script as an operation of this store: call it with keys, which share a `{tag}`, and arguments."""
        digest = hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest()

        async def run(keys: list[str], arguments: list[str | int]) -> Any:  # noqa: ANN401 -- what a script returns
            rest = (len(keys), *keys, *arguments)
            packed = pack_command(("EVALSHA", digest, *rest))
            return (await self._ask(operation, packed, unknown=lambda: pack_command(("EVAL", source, *rest))))[0]

        return run

    async def ready(self) -> bool:
        """Whether it answers now; asks even while the breaker is open."""
        try:
            await self._link(writes=False).ask("", pack_command(("PING",)), 1)
        except (Lost, ReplyError, Unavailable):
            return False
        return True

    async def close(self) -> None:
        """Let go of the connections; what waits for an answer gets Unavailable, as do all who ask from now on."""
        self._closed = True
        for link in (self._asks, self._writes):
            if link is not None:
                await link.close()

    async def _ask(
        self, operation: str, packed: bytes, count: int = 1, *, writes: bool = False, unknown: Callable[[], bytes] | None = None
    ) -> list[Any]:
        """The replies to `count` commands. `unknown`: what to send in their place when Valkey does not know the script."""
        if not self._breaker.allow():
            raise unavailable("breaker open")
        link = self._link(writes=writes)
        try:
            return await link.ask(operation, packed, count)
        except Lost as lost:
            raise unavailable(str(lost)) from lost
        except ReplyError as error:
            if unknown is not None and str(error).startswith("NOSCRIPT"):
                return await self._ask(operation, unknown(), count, writes=writes)
            self._failed(type(error).__name__)
            raise unavailable(type(error).__name__) from error

    def _link(self, *, writes: bool) -> Link:
        link = self._writes if writes else self._asks
        if link is None or link.lost:
            if self._closed:
                raise unavailable("closed")
            link = Link(self._address, self._seconds_max, self._commands_max, self._answered, self._failed)
            if writes:
                self._writes = link
            else:
                self._asks = link
        return link

    def _answered(self) -> None:
        if self._breaker.open and self._breaker.succeeded():
            event("valkey.found")

    def _failed(self, error: str) -> None:
        if self._breaker.failed():
            event("valkey.lost", error=error)


@lru_cache(64)
def _ours(token: str, ttl_seconds: float) -> str:
    """The end of a claim."""
    return f"{_bulk(token)}$2\r\nNX\r\n$2\r\nPX\r\n{_bulk(str(milliseconds(ttl_seconds)))}"


def _bulk(text: str) -> str:
    """A word of a command, written here where that is a hot path: `pack_command` takes eight times as long."""
    return f"${len(text) if text.isascii() else len(text.encode())}\r\n{text}\r\n"
