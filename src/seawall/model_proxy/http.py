"""A small HTTP/1.1 server: httptools parses, a coroutine answers, connections are kept alive, everything is bounded.

It stands behind Envoy on a unix socket, so it speaks to one careful client; it still holds its own limits. Requests of one
connection are answered one after another in the order they came. `Server.drain` lets requests in flight finish.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections import deque
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from pathlib import Path
from typing import cast

import httptools
import msgspec

HEADER_BYTES_MAX = 64 << 10
BODY_BYTES_MAX = 1 << 20
PIPELINED_MAX = 16
IDLE_SECONDS = 75.0
"""Longer than the gateway keeps a connection, so that it is the gateway who closes."""
REQUEST_SECONDS = 15.0
"""From a request's first byte to its last."""


_names: dict[bytes, str] = {}
_NAMES_MAX = 512


def header_name(raw: bytes) -> str:
    """A header's name in lower case; those seen before cost one look-up."""
    name = _names.get(raw)
    if name is None:
        name = raw.decode("latin-1").lower()
        if len(_names) < _NAMES_MAX and len(raw) <= 64:
            _names[raw] = name
    return name


class Request(msgspec.Struct, frozen=True):
    """A whole request. Header names are in lower case; of a repeated header the last stands."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes = b""


class Response(msgspec.Struct, frozen=True):
    """A whole answer."""

    status: int
    body: bytes = b""
    media_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()

    def encode(self, *, keep_alive: bool, head: bool = False) -> bytes:
        """The bytes on the wire; `head`: without the body."""
        lines = [
            f"HTTP/1.1 {self.status} {HTTPStatus(self.status).phrase}",
            f"content-type: {self.media_type}",
            f"content-length: {len(self.body)}",
            *(f"{name}: {value}" for name, value in self.headers),
            *([] if keep_alive else ["connection: close"]),
        ]
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + (b"" if head else self.body)


Handler = Callable[[Request], Awaitable[Response]]
Refuse = Callable[[int, str], Response]
"""Makes the answer to a request that never became one, from a status and a sentence."""


class Server:
    """Listens on a unix socket and answers with `handler`."""

    def __init__(self, handler: Handler, refuse: Refuse) -> None:
        self.handler = handler
        self.refuse = refuse
        self.draining = False
        self.connections: set[Connection] = set()
        self._listener: asyncio.Server | None = None
        self._last_one_left = asyncio.Event()

    async def listen(self, path: Path) -> None:
        """Open the socket, for its owner only, in place of one that a predecessor left."""
        self._listener = await asyncio.get_running_loop().create_unix_server(lambda: Connection(self), sock=_bind(path))

    async def drain(self, seconds: float) -> None:
        """Accept nothing more, give requests in flight `seconds`, then cut what is left."""
        self.draining = True
        if self._listener:
            self._listener.close()
        for connection in tuple(self.connections):
            connection.close_if_idle()
        if self.connections:
            self._last_one_left.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._last_one_left.wait(), seconds)
        for connection in tuple(self.connections):
            connection.abort()

    def left(self, connection: Connection) -> None:
        """A connection is gone."""
        self.connections.discard(connection)
        if not self.connections:
            self._last_one_left.set()


def _bind(path: Path) -> socket.socket:
    path.unlink(missing_ok=True)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listening.bind(str(path))
    path.chmod(0o600)
    return listening


class Connection(asyncio.Protocol):
    """One client's requests, in order."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpRequestParser(self)
        self._waiting: deque[tuple[Request, bool]] = deque()
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._transport: asyncio.Transport | None = None
        self._refused = False
        self._begin()

    def _begin(self) -> None:
        self._url = b""
        self._headers: dict[str, str] = {}
        self._body = bytearray()
        self._header_bytes = 0

    # ── transport ──

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the loop."""
        self._transport = cast("asyncio.Transport", transport)  # a stream server makes no other, and uvloop's is not a subclass
        self._server.connections.add(self)
        self._wait(IDLE_SECONDS)

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the loop. Nobody waits for an answer any more."""
        self._server.left(self)
        self._wait(None)
        self._transport = None
        if self._task:
            self._task.cancel()

    def data_received(self, data: bytes) -> None:
        """Called by the loop."""
        if self._refused:
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._refuse(400, "The request does not follow HTTP")
            return
        if self._header_bytes > HEADER_BYTES_MAX:
            self._refuse(431, "Headers are too large")
        elif len(self._body) > BODY_BYTES_MAX:
            self._refuse(413, "The body is too large")
        elif len(self._waiting) > PIPELINED_MAX:
            self._refuse(429, "Too many requests at once on one connection")

    def close_if_idle(self) -> None:
        """Close unless a request is being read or answered."""
        if self._transport and not self._task and not self._waiting and not self._url:
            self._transport.close()

    def abort(self) -> None:
        """Close at once."""
        if self._transport:
            self._transport.abort()

    # ── parser ──

    def on_message_begin(self) -> None:
        """Called by the parser."""
        self._begin()
        self._wait(REQUEST_SECONDS)

    def on_url(self, url: bytes) -> None:
        """Called by the parser; a long address comes in parts."""
        self._url += url
        self._count(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        """Called by the parser."""
        self._count(len(name) + len(value) + 4)
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_body(self, body: bytes) -> None:
        """Called by the parser."""
        if len(self._body) <= BODY_BYTES_MAX:
            self._body += body

    def on_message_complete(self) -> None:
        """Called by the parser: the request goes in line."""
        if self._header_bytes > HEADER_BYTES_MAX or len(self._body) > BODY_BYTES_MAX:
            return
        path, _, query = self._url.decode("latin-1").partition("?")
        method = self._parser.get_method().decode("latin-1")
        request = Request(method, path, query, self._headers, bytes(self._body))
        self._waiting.append((request, self._parser.should_keep_alive()))
        self._url = b""
        self._wait(None)
        if self._task is None:
            self._task = self._loop.create_task(self._answer_all())

    # ── answers ──

    async def _answer_all(self) -> None:
        while self._waiting:
            request, keep_alive = self._waiting.popleft()
            response = await self._server.handler(request)
            if not self._send(response, keep_alive=keep_alive and not self._server.draining, head=request.method == "HEAD"):
                return
        self._task = None
        self._wait(IDLE_SECONDS)

    def _send(self, response: Response, *, keep_alive: bool, head: bool) -> bool:
        """Write an answer; whether the connection goes on."""
        if self._transport is None or self._refused:
            return False
        self._transport.write(response.encode(keep_alive=keep_alive, head=head))
        if not keep_alive:
            self._transport.close()
        return keep_alive

    def _refuse(self, status: int, sentence: str) -> None:
        self._refused = True
        if self._transport:
            self._transport.write(self._server.refuse(status, sentence).encode(keep_alive=False))
            self._transport.close()

    def _count(self, size: int) -> None:
        """Bytes of this request's head; what is beyond the limit is not kept."""
        self._header_bytes += size
        if self._header_bytes > HEADER_BYTES_MAX:
            self._url, self._headers = b"", {}

    def _wait(self, seconds: float | None) -> None:
        """Close unless something happens within `seconds`; None: wait for ever, an answer is being made."""
        if self._timer:
            self._timer.cancel()
        self._timer = self._loop.call_later(seconds, self.abort) if seconds else None
