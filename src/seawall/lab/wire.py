"""HTTP/1.1 for simulators: requests in, and a transport that can misbehave on purpose."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import cast

import httptools
import msgspec

BODY_BYTES_MAX = 64 << 20


class Request(msgspec.Struct, frozen=True):
    """What came. Header names are in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Reply:
    """Writes one answer; chunked when it is a stream."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport

    def head(self, status: int, headers: dict[str, str], *, length: int | None = None) -> None:
        """Status line and headers; without a length the body is chunked."""
        phrase = HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else "Overloaded"
        framing = {"transfer-encoding": "chunked"} if length is None else {"content-length": str(length)}
        lines = [f"HTTP/1.1 {status} {phrase}", *(f"{name}: {value}" for name, value in (headers | framing).items()), "", ""]
        self._transport.write("\r\n".join(lines).encode("latin-1"))

    def raw(self, data: bytes) -> None:
        """Bytes as they are."""
        self._transport.write(data)

    def chunk(self, data: bytes) -> None:
        """One chunk of the body."""
        self._transport.write(b"%x\r\n%b\r\n" % (len(data), data))

    def end(self) -> None:
        """The end of a chunked body."""
        self._transport.write(b"0\r\n\r\n")

    def cut(self) -> None:
        """Close in the middle, after what was written."""
        self._transport.close()

    def reset(self) -> None:
        """Reset (RST) the connection."""
        sock = self._transport.get_extra_info("socket")
        if sock is not None and sock.family != socket.AF_UNIX:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()


Handler = Callable[[Request, Reply], Awaitable[None]]


class Connection(asyncio.Protocol):
    """Requests of one client, one after another. The handler is cancelled when the client vanishes."""

    def __init__(self, handler: Handler, connections: set[Connection]) -> None:
        self._handler = handler
        self._connections = connections
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport | None = None
        self._waiting: list[Request] = []
        self._task: asyncio.Task[None] | None = None
        self._url, self._headers, self._body = b"", dict[str, str](), bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the loop."""
        self._transport = cast("asyncio.Transport", transport)
        self._connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the loop."""
        self._connections.discard(self)
        self._transport = None
        if self._task is not None:
            self._task.cancel()

    def data_received(self, data: bytes) -> None:
        """Called by the loop."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self.close()

    def close(self) -> None:
        """End it."""
        if self._transport is not None:
            self._transport.abort()

    def on_message_begin(self) -> None:
        """Called by the parser."""
        self._url, self._headers, self._body = b"", {}, bytearray()

    def on_url(self, url: bytes) -> None:
        """Called by the parser."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Called by the parser."""
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_body(self, body: bytes) -> None:
        """Called by the parser."""
        self._body += body
        if len(self._body) > BODY_BYTES_MAX:
            self.close()

    def on_message_complete(self) -> None:
        """Called by the parser."""
        method = self._parser.get_method().decode("latin-1")
        self._waiting.append(Request(method, self._url.decode("latin-1"), self._headers, bytes(self._body)))
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._answer())
            self._task.add_done_callback(self._answered)

    def _answered(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception() is not None:
            self.close()  # what it does not understand is hung up on

    async def _answer(self) -> None:
        while self._waiting and self._transport is not None:
            await self._handler(self._waiting.pop(0), Reply(self._transport))
        self._task = None
