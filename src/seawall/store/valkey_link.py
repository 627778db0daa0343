"""One connection to Valkey: commands go out together once a turn of the event loop, replies come back in their order.

Guarantees: every asker hears, by its replies or by `Lost`; nobody waits longer than the time an operation may take, connecting included;
what waits is bounded in commands and in bytes not yet taken by the socket. A connection that is lost stays lost: make another.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import Callable
from contextvars import Context
from functools import partial
from typing import Any, cast

import msgspec
from libvalkey import ProtocolError, Reader, ReplyError, pack_command
from valkey.asyncio.connection import SSLConnection, parse_url

from seawall.core.errors import ConfigurationError
from seawall.telemetry import spans

COMMANDS_MAX = 8192
"""Waiting for replies, on one connection."""
UNSENT_BYTES_MAX = 32 << 20
LAST_FIFTH = 0.2


class Lost(Exception):
    """The connection ended, or could not be opened, before the replies came; or it takes no more. Says why in a word."""


class Address(msgspec.Struct, frozen=True):
    """Where a Valkey is, and as whom to speak to it."""

    path: str = ""
    """Of a unix socket; empty: `host` and `port`."""
    host: str = "localhost"
    port: int = 6379
    user: str = ""
    password: str = ""
    database: int = 0
    tls: bool = False
    authorities: str = ""
    """A PEM file with whom to trust in place of the system's."""

    def __repr__(self) -> str:
        return f"Address({self.path or f'{self.host}:{self.port}'})"

    def greeting(self) -> list[bytes]:
        """The commands a connection begins with."""
        commands = []
        if self.password:
            commands.append(pack_command(("AUTH", self.user, self.password) if self.user else ("AUTH", self.password)))
        if self.database:
            commands.append(pack_command(("SELECT", self.database)))
        return commands


def address_of(url: str) -> Address:
    """Read `unix://user:password@/path?db=1`, `valkey://user:password@host:port/1` or `valkeys://…`. ConfigurationError."""
    try:
        given = parse_url(url)
    except ValueError as error:
        raise ConfigurationError("VALKEY_URL cannot be read", expected="unix://…, valkey://… or valkeys://…") from error
    options: dict[str, Any] = dict(given)
    if unknown := [name for name in options if name.startswith("ssl_") and name != "ssl_ca_certs"]:
        raise ConfigurationError("VALKEY_URL has options this service does not take", expected="ssl_ca_certs", got=", ".join(unknown))
    return Address(
        path=options.get("path") or "",
        host=options.get("host") or "localhost",
        port=options.get("port") or 6379,
        user=options.get("username") or "",
        password=options.get("password") or "",
        database=int(options.get("db") or 0),
        tls=options.get("connection_class") is SSLConnection,
        authorities=options.get("ssl_ca_certs") or "",
    )


Told = Callable[[list[Any] | Exception], None]
"""Takes replies, or what went wrong: Lost, ReplyError. Never raises."""


class _Ask:
    """Commands that one asker wants the replies of."""

    __slots__ = ("asked_at", "count", "replies", "span", "tell")

    def __init__(self, tell: Told, count: int, asked_at: float) -> None:
        self.tell = tell
        self.count = count
        self.asked_at = asked_at
        self.replies: list[Any] = []
        self.span: spans.Span | None = None
        """Of the round trip that ends with this."""


class Link(asyncio.Protocol):
    """Opens itself. `answered` is told whenever replies came, `failed` once if it is lost while somebody waits."""

    def __init__(
        self, address: Address, seconds_max: float, commands_max: int, answered: Callable[[], None], failed: Callable[[str], None]
    ) -> None:
        self.lost = False
        self._loop = asyncio.get_running_loop()
        self._seconds_max = seconds_max
        self._commands_max = commands_max
        self._answered = answered
        self._failed = failed
        self._reader = Reader()
        self._transport: asyncio.Transport | None = None
        self._out: list[bytes] = []
        self._flushing = True
        self._full = False
        self._span: spans.Span | None = None
        self._waiting: deque[_Ask] = deque()
        self._commands = 0
        self._watch: asyncio.TimerHandle | None = None
        self._context = Context()  # what the connection does by itself belongs to no request
        self._ended = self._loop.create_future()
        if greeting := address.greeting():
            self._queue(self._greeted, b"".join(greeting), len(greeting))
        self._opening = self._loop.create_task(self._open(address), context=Context())
        self._opening.add_done_callback(self._opened)

    def ask(self, operation: str, packed: bytes, count: int) -> asyncio.Future[list[Any]]:
        """The replies to `count` commands, `packed`; an empty `operation` makes no span. Lost, or the first of the replies that is an
        error (ReplyError)."""
        future: asyncio.Future[list[Any]] = self._loop.create_future()
        self.tell(operation, packed, count, partial(_settle, future))
        return future

    def tell(self, operation: str, packed: bytes, count: int, told: Told, parent: spans.Span | None = None) -> None:
        """`ask` without a future: `told` is called, in this connection's context; at once where it takes no more. `parent`: whose work it
        is, in place of the current span's."""
        if self.lost or self._full or self._commands + count > self._commands_max:
            told(Lost("ConnectionError" if self.lost else "full"))
            return
        if self._span is None and operation:
            self._span = spans.begin(f"valkey.{operation}", "storage", kind="client", parent=parent)
        self._queue(told, packed, count)
        if not self._flushing:
            self._flushing = True
            self._loop.call_soon(self._flush, context=self._context)

    async def close(self) -> None:
        """End it; who waits gets Lost."""
        self._lose("closed", ours=True)
        await self._ended

    # ── asyncio.Protocol ──

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send what has been asked for meanwhile."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is not a subclass
        if self.lost:
            self._transport.abort()
            return
        self._transport.set_write_buffer_limits(high=UNSENT_BYTES_MAX)
        self._flush()

    def data_received(self, data: bytes) -> None:
        """Replies, given to those who wait for them."""
        reader, waiting = self._reader, self._waiting
        reader.feed(data)
        try:
            while (reply := reader.gets()) is not False:
                one = waiting[0]
                one.replies.append(reply)
                if len(one.replies) == one.count:
                    waiting.popleft()
                    self._commands -= one.count
                    _give(one)
                    if self.lost:
                        return
        except (ProtocolError, IndexError) as error:
            self._lose(type(error).__name__)
            return
        self._answered()

    def pause_writing(self) -> None:
        """More is unsent than may be."""
        self._full = True

    def resume_writing(self) -> None:
        """Valkey reads on."""
        self._full = False

    def connection_lost(self, error: Exception | None) -> None:
        """The other side has gone, or this one."""
        self._lose(type(error).__name__ if error else "ConnectionError")
        if not self._ended.done():
            self._ended.set_result(None)

    # ── within ──

    async def _open(self, address: Address) -> None:
        try:
            if address.path:
                await self._loop.create_unix_connection(lambda: self, address.path)
            else:
                tls = ssl.create_default_context(cafile=address.authorities or None) if address.tls else None
                await self._loop.create_connection(lambda: self, address.host, address.port, ssl=tls)
        except OSError as error:
            self._lose(type(error).__name__)

    def _opened(self, opening: asyncio.Task[None]) -> None:
        if self._transport is None and not self._ended.done():
            self._ended.set_result(None)

    def _queue(self, told: Told, packed: bytes, count: int) -> None:
        self._out.append(packed)
        self._waiting.append(_Ask(told, count, self._loop.time()))
        self._commands += count
        if self._watch is None:
            self._watch = self._loop.call_later(self._seconds_max * (1 - LAST_FIFTH), self._look, None, context=self._context)

    def _greeted(self, welcome: list[Any] | Exception) -> None:
        if isinstance(welcome, ReplyError):
            self._lose("AuthenticationError")

    def _flush(self) -> None:
        """Send what was asked for in this turn of the loop."""
        self._flushing = False
        if self._transport is not None and self._out and not self.lost:
            self._waiting[-1].span, self._span = self._span, None
            packed, self._out = self._out, []
            self._transport.write(b"".join(packed) if len(packed) > 1 else packed[0])

    def _look(self, warned: _Ask | None) -> None:
        """Whether the first in line has waited for too long.

        The last fifth of its time starts only when the loop gets round to this: when the process itself was held up, an answer that
        waits in the socket is read first, and Valkey is not taken for dead.
        """
        self._watch = None
        if not self._waiting:
            return
        first, last_fifth = self._waiting[0], self._seconds_max * LAST_FIFTH
        left = first.asked_at + self._seconds_max - self._loop.time()
        if first is warned:
            self._lose("TimeoutError")
        elif left <= last_fifth:
            self._watch = self._loop.call_later(last_fifth, self._look, first, context=self._context)
        else:
            self._watch = self._loop.call_later(left - last_fifth, self._look, None, context=self._context)

    def _lose(self, error: str, *, ours: bool = False) -> None:
        if self.lost:
            return
        self.lost = True
        if self._watch is not None:
            self._watch.cancel()
        if self._transport is not None:
            self._transport.abort()
        else:
            self._opening.cancel()
        waiting, self._waiting, self._out = self._waiting, deque(), []
        if waiting and self._span is not None:
            waiting[-1].span = waiting[-1].span or self._span
        if waiting and not ours:
            self._failed(error)
        for one in waiting:
            _end_span(one, error)
            one.tell(Lost(error))


def _give(one: _Ask) -> None:
    for reply in one.replies:
        if isinstance(reply, ReplyError):
            _end_span(one, type(reply).__name__)
            one.tell(reply)
            return
    _end_span(one, "")
    one.tell(one.replies)


def _settle(future: asyncio.Future[list[Any]], replies: list[Any] | Exception) -> None:
    if future.done():
        return
    if isinstance(replies, Exception):
        future.set_exception(replies)
    else:
        future.set_result(replies)


def _end_span(one: _Ask, error: str) -> None:
    if one.span is not None:
        one.span.error = error
        spans.finish(one.span)
