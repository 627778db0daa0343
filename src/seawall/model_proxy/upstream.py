"""Connections to one provider: kept alive, bounded in number, answers handed on as they come.

Guarantees: an answer reaches its receiver in callbacks, without a task or a copy; cancelling or a receiver that raises closes the
connection; a connection that its other side closed while idle costs one silent second try, of a request nobody has begun to answer,
on a fresh connection. Whether to try again after anything else, and where, is the caller's to decide.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import Sequence

from seawall.model_proxy.upstream_connection import CHECK_SECONDS, Connection
from seawall.model_proxy.upstream_dial import Origin, Resolve, any_address, connected
from seawall.model_proxy.upstream_errors import ConnectFailed, ConnectionLost, TimedOut, unreachable
from seawall.model_proxy.upstream_exchange import Awaited, Lost, Receiver
from seawall.model_proxy.upstream_started import STALE_SECONDS, Done, Started, broke_off

CONNECTIONS_MAX = 64
WAITING_MAX = 1024
CONNECT_SECONDS = 2.0
KEEP_SECONDS = 45.0
"""How long an idle connection is kept: less than servers do, so that it is rarely they who close."""
HEADS_MAX = 64
"""Beginnings of requests that are kept: most differ in their length alone."""


class Pool:
    """The connections to one origin. Close with `close()`."""

    def __init__(
        self,
        origin: Origin,
        *,
        connections_max: int = CONNECTIONS_MAX,
        connect_seconds: float = CONNECT_SECONDS,
        keep_seconds: float = KEEP_SECONDS,
        resolve: Resolve = any_address,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.origin = origin
        self._connections_max = connections_max
        self._connect_seconds = connect_seconds
        self._keep_seconds = keep_seconds
        self._resolve = resolve
        self._tls = tls
        self._idle: list[Connection] = []
        self._open: set[Connection] = set()
        self._connecting = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._heads: dict[tuple[str, str, tuple[tuple[bytes, bytes], ...]], bytes] = {}
        self._closed = False

    @property
    def open_connections(self) -> int:
        """Connections there are, busy and idle."""
        return len(self._open)

    async def send(
        self,
        method: str,
        path: str,
        headers: Sequence[tuple[bytes, bytes]],
        body: bytes,
        receiver: Receiver,
        *,
        first_byte_seconds: float,
        idle_seconds: float,
        total_seconds: float,
    ) -> None:
        """Send a request and return at the end of its answer, which goes to `receiver` as it comes.

        ConnectFailed (nothing was sent), ConnectionLost, TimedOut, BadAnswer, or what the receiver raised. `receiver.control` is set
        before its first call: its `pause()` and `resume()` hold the provider back. Cancelling closes the connection.
        """
        request = self._head(method, path, headers, len(body)) + body
        started = asyncio.get_running_loop().time()
        times = (first_byte_seconds, idle_seconds, started + total_seconds)
        await self._exchanged(self._take(), request, receiver, times, started)

    def start(
        self,
        method: str,
        path: str,
        headers: Sequence[tuple[bytes, bytes]],
        body: bytes,
        receiver: Receiver,
        done: Done,
        *,
        first_byte_seconds: float,
        idle_seconds: float,
        total_seconds: float,
    ) -> Started | None:
        """`send` without a task: the request goes out before this returns, and `done` is told the end, with what `send` would raise.

        None: no connection is free now, nothing was done.
        """
        connection = self._take()
        if connection is None:
            return None
        request = self._head(method, path, headers, len(body)) + body
        exchange = Started(self, request, receiver, done, first_byte_seconds, idle_seconds, total_seconds)
        connection.begin(exchange, request)
        if self._timer is None:
            self._watch()
        return exchange

    def close(self) -> None:
        """Close every connection; exchanges in progress are lost."""
        self._closed = True
        if self._timer:
            self._timer.cancel()
            self._timer = None
        for connection in tuple(self._open):
            connection.abort()
        while self._waiting:
            self._waiting.popleft().cancel()

    # ── for connections ──

    def free(self, connection: Connection) -> None:
        """A connection's exchange ended well: it may serve another."""
        if self._closed:
            connection.abort()
            return
        self._idle.append(connection)
        self._wake()

    def lost(self, connection: Connection) -> None:
        """A connection is gone."""
        self._open.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)
        self._wake()

    # ── for exchanges ──

    async def exchanged(self, request: bytes, receiver: Receiver, times: tuple[float, float, float], started: float) -> None:
        """An exchange on a connection that was not kept. What `send` raises."""
        await self._exchanged(None, request, receiver, times, started)

    # ── inside ──

    async def _exchanged(
        self, connection: Connection | None, request: bytes, receiver: Receiver, times: tuple[float, float, float], started: float
    ) -> None:
        """An exchange on a kept connection, if there is one; on another where that one had been closed before. What `send` raises."""
        loop = asyncio.get_running_loop()
        while True:
            kept = connection is not None
            if connection is None:
                connection = await self._connected(min(self._connect_seconds, times[2] - loop.time()))
            exchange = Awaited(receiver, *times, loop.create_future())
            connection.begin(exchange, request)
            self._watch()
            try:
                await exchange.future
            except asyncio.CancelledError:
                if exchange.connection is not None:  # else it has ended in this very turn, and its connection may serve another
                    connection.abort()
                raise
            except Lost as lost:
                if kept and not lost.any_byte and loop.time() - started < STALE_SECONDS:
                    connection = None
                    continue
                raise broke_off(lost) from lost
            return

    def _head(self, method: str, path: str, headers: Sequence[tuple[bytes, bytes]], length: int) -> bytes:
        key = (method, path, tuple(headers))
        start = self._heads.get(key)
        if start is None:
            target = self.origin.base + path
            start = f"{method} {target} HTTP/1.1\r\nhost: {self.origin.authority}\r\n".encode("ascii")
            if not target.isprintable() or " " in target or start.count(b"\n") != 2:
                raise ValueError("The path of a request may hold neither spaces nor control characters")
            lines = b"".join([b"%b: %b\r\n" % pair for pair in headers])
            if lines.count(b"\n") != len(headers) or lines.count(b"\r") != len(headers) or b"\0" in lines:
                raise ValueError("A header may not hold a line break")
            start += lines
            if len(self._heads) < HEADS_MAX:
                self._heads[key] = start
        return b"%bcontent-length: %d\r\n\r\n" % (start, length)

    def _take(self) -> Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if connection.usable:
                return connection
        return None

    async def _connected(self, seconds: float) -> Connection:
        """A free connection or a new one. ConnectFailed."""
        try:
            async with asyncio.timeout(seconds):
                while len(self._open) + self._connecting >= self._connections_max:
                    await self._turn()
                    if (connection := self._take()) is not None:
                        return connection
                self._connecting += 1
                try:
                    connection = await connected(self.origin, lambda: Connection(self), self._resolve, self._tls)
                    self._open.add(connection)
                    return connection
                finally:
                    self._connecting -= 1
                    self._wake()
        except TimeoutError as error:
            raise ConnectFailed("The provider could not be reached in time", got=f"nothing within {seconds:g} s") from error
        except OSError as error:
            raise unreachable(error) from error

    async def _turn(self) -> None:
        """Wait until a connection is free or gone."""
        if len(self._waiting) >= WAITING_MAX:
            raise ConnectFailed("Too many calls wait for a connection to this provider", expected=f"at most {WAITING_MAX}")
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._wake()
            raise

    def _wake(self) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return

    def _watch(self) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(CHECK_SECONDS, self._check)

    def _check(self) -> None:
        """Time out what is due. One timer serves all connections; it rests when there are none."""
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(CHECK_SECONDS if len(self._idle) < len(self._open) else 1.0, self._check) if self._open else None
        now = loop.time()
        for connection in tuple(self._open):
            if connection.due <= now:
                connection.overdue(now)

    @property
    def keep_seconds(self) -> float:
        """How long a connection may be idle."""
        return self._keep_seconds


__all__ = ["ConnectFailed", "ConnectionLost", "Done", "Origin", "Pool", "Receiver", "Resolve", "Started", "TimedOut", "any_address"]
