"""One client's connection: llhttp parses, strictly; requests are answered one after another in the order they came.

What llhttp lets pass and RFC 9112 or Envoy would not is refused here: HTTP other than 1.1, a missing or second Host, transfer codings
but `chunked`, an upgrade, heads and chunk extensions without end. Trailers are read and dropped. A refusal is the connection's last
answer and waits for the answers before it, so that no answer is ever taken for another's.

A client that keeps its connection sends the same head again and again, but for the length of its body. One that llhttp has read and that
comes again to the letter, with the whole body, is not read anew.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable
from typing import Protocol, cast

import httptools
import msgspec

from seawall.model_proxy.edge_out import Out
from seawall.model_proxy.http import Request, Response, header_name

HEADER_BYTES_MAX = 64 << 10
HEADERS_MAX = 128
CHUNK_WASTE_MAX = 16 << 10
"""Bytes of chunk sizes, extensions and trailers, beyond 16 a chunk."""
PIPELINED_MAX = 16
IDLE_SECONDS = 75.0
"""Longer than the gateway keeps a connection, so that it is the gateway who closes."""
REQUEST_SECONDS = 15.0
"""From a request's first byte to its last."""
STALL_SECONDS = 60.0
"""How long a client may read nothing of an answer that waits for it."""
LINGER_SECONDS = 2.0
"""After a refusal: time for the other side to read it before the connection is reset."""
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"

Handle = Callable[[Request, Out], None]
"""Answers a request now or later; never raises."""
_ONCE = frozenset({"host", "authorization", "content-type", "transfer-encoding", "seawall-timeout-ms"})


class Refusal(msgspec.Struct, frozen=True):
    """Why bytes never became a request."""

    status: int
    sentence: str


class Head(msgspec.Struct, frozen=True):
    """A head that llhttp has read: what stands before and after the digits of the body's length, and what it says."""

    before: bytes
    digits: bytes
    after: bytes
    method: str
    path: str
    query: str
    headers: dict[str, str]


class Owner(Protocol):
    """What a connection needs of its server."""

    handle: Handle
    refuse: Callable[[int, str], Response]
    draining: bool
    body_bytes_max: int

    def joined(self, connection: Connection) -> None:
        """A connection began."""

    def left(self, connection: Connection) -> None:
        """A connection is gone."""


class Connection(asyncio.Protocol):
    """Bytes in, requests to the handler, answers out."""

    __slots__ = (
        "_body", "_chunks", "_continue", "_current", "_data", "_fed", "_head_bytes", "_headers", "_held", "_in_body", "_in_message",
        "_known", "_last", "_lingering", "_loop", "_pairs", "_parser", "_pumping", "_refusal", "_server", "_transport", "_url", "_waiting",
        "due",
    )  # fmt: skip

    def __init__(self, server: Owner) -> None:
        self._server = server
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport | None = None
        self._waiting: deque[tuple[Request, bool] | Refusal] = deque()
        self._current: Out | None = None
        self._refusal: Refusal | None = None
        self._pumping = self._lingering = self._in_message = self._in_body = self._continue = self._held = False
        self._url = b""
        self._headers: dict[str, str] = {}
        self._pairs: list[tuple[bytes, bytes]] = []
        self._data = b""
        """What is being read, where a message may begin with it."""
        self._known: Head | None = None
        self._last = False
        """No other request may come on this connection."""
        self._body: bytes | bytearray = b""
        self._head_bytes = self._fed = self._chunks = 0
        self.due = math.inf
        """When `overdue` wants to be called, on the loop's clock."""

    # ── transport ──

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the loop."""
        self._transport = cast("asyncio.Transport", transport)  # a stream server makes no other, and uvloop's is not a subclass
        self.due = self._loop.time() + IDLE_SECONDS
        self._server.joined(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the loop. Nobody waits for an answer any more."""
        self._transport = None
        self.due = math.inf
        self._waiting.clear()
        self._server.left(self)
        if self._current:
            out, self._current = self._current, None
            out.lost()

    def data_received(self, data: bytes) -> None:
        """Called by the loop."""
        if self._refusal:
            return
        if self._in_message:
            self._fed += len(data)
            self._data = b""
        elif self._known is not None and (request := self._again(self._known, data)) is not None:
            self._answer(request)
            return
        else:
            self._data = data
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._refused(self._refusal or Refusal(400, "The request does not follow HTTP"))
            return
        if self._in_message and self._fed and self._wasteful():
            self._refused(Refusal(431, "Headers or chunk extensions are too large"))
        elif self._waiting:
            self._pump()

    def pause_writing(self) -> None:
        """Called by the loop: the client reads more slowly than we write."""
        self.due = self._loop.time() + STALL_SECONDS
        if self._current:
            self._current.pause(True)

    def resume_writing(self) -> None:
        """Called by the loop."""
        self.due = math.inf
        if self._current:
            self._current.pause(False)
        else:
            self._rest()

    # ── server ──

    def overdue(self) -> None:
        """A limit has passed."""
        if self._in_message and not self._refusal:
            self._refused(Refusal(408, "The request did not arrive in time"))
        else:
            self.abort()

    def close_if_idle(self) -> None:
        """Close unless a request is being read or answered."""
        if self._transport and not self._current and not self._waiting and not self._in_message:
            self._transport.close()

    def abort(self) -> None:
        """Close at once."""
        if self._transport:
            self._transport.abort()

    # ── parser ──

    def on_message_begin(self) -> None:
        """Called by the parser."""
        self._in_message = True
        self._in_body = False
        self._url = self._body = b""
        self._pairs = []
        self._head_bytes = self._fed = self._chunks = 0
        self.due = self._loop.time() + REQUEST_SECONDS

    def on_url(self, url: bytes) -> None:
        """Called by the parser; a long address comes in parts."""
        self._count(len(url))
        self._url = self._url + url if self._url else url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Called by the parser; for a trailer's fields too, which are dropped."""
        if not self._in_body:
            self._pairs.append((name, value))

    def on_headers_complete(self) -> None:
        """Called by the parser: whether the body may come is decided here, before it is read."""
        self._in_body = True
        parser = self._parser
        headers = self._headers = self._read_headers()
        if parser.should_upgrade():
            self._reject(400, "Connections cannot be upgraded here")
        if parser.get_http_version() != "1.1":
            self._reject(426, "Only HTTP/1.1 is spoken here")
        if not headers.get("host"):
            self._reject(400, "The header host is missing")
        if headers.get("transfer-encoding", "chunked").lower() != "chunked":
            self._reject(501, "There is no transfer coding but chunked here")
        if int(headers.get("content-length") or 0) > self._server.body_bytes_max:
            self._reject(413, "The body is too large")
        if "expect" in headers:
            if headers["expect"].lower() != "100-continue":
                self._reject(417, "There is nothing to expect but 100-continue")
            self._continue = True
            self._go_on()

    def on_chunk_header(self) -> None:
        """Called by the parser."""
        self._chunks += 1

    def on_body(self, body: bytes) -> None:
        """Called by the parser."""
        self._continue = False
        if not self._body:
            self._body = body
        else:
            if isinstance(self._body, bytes):
                self._body = bytearray(self._body)
            self._body += body
        if len(self._body) > self._server.body_bytes_max:
            self._body = b""
            self._reject(413, "The body is too large")

    def on_message_complete(self) -> None:
        """Called by the parser: the request goes in line."""
        if len(self._waiting) >= PIPELINED_MAX:
            self._reject(429, "Too many requests at once on one connection")
        self._in_message = self._continue = False
        self.due = math.inf
        path, _, query = self._url.decode("latin-1").partition("?")
        request = Request(self._parser.get_method().decode("latin-1"), path, query, self._headers, bytes(self._body))
        self._body = b""
        keep_alive = self._parser.should_keep_alive()
        self._waiting.append((request, keep_alive))
        self._last = not keep_alive
        self._known = self._learnt(request) if keep_alive and self._data else None
        self._data = b""

    def _read_headers(self) -> dict[str, str]:
        """The header block that has just ended, held to its limits."""
        headers: dict[str, str] = {}
        size = 0
        for name, value in self._pairs:
            size += len(name) + len(value) + 4
            key = header_name(name)
            if key in headers and key in _ONCE:
                self._reject(400, f"The header {key} may stand once")
            headers[key] = value.decode("latin-1").rstrip(" \t")
        self._count(size)
        if len(self._pairs) > HEADERS_MAX:
            self._reject(431, "There are too many headers")
        return headers

    # ── heads that come again ──

    def _learnt(self, request: Request) -> Head | None:
        """What is remembered of a request that came whole and alone; None where it says more than one length can tell."""
        data, headers, body = self._data, request.headers, request.body
        length = headers.get("content-length", "")
        at = len(data) - len(body)
        if not length.isdecimal() or "transfer-encoding" in headers or "expect" in headers or len(self._pairs) != len(headers):
            return None
        if data.find(b"\r\n\r\n") + 4 != at or data[:4].isspace() or data[at:] != body:
            return None
        start = data.lower().find(b"\r\ncontent-length: ", 0, at) + 18
        end = start + len(length)
        if start < 18 or data[start : end + 2] != length.encode() + b"\r\n":
            return None
        return Head(data[:start], data[start:end], data[end:at], request.method, request.path, request.query, headers)

    def _again(self, head: Head, data: bytes) -> Request | None:
        """The request, if it has the head of the one before and is whole and alone."""
        if self._last or self._waiting or not data.startswith(head.before):
            return None
        before = len(head.before)
        end = data.find(b"\r", before, before + 9)
        digits = data[before:end]
        if end < 0 or not digits.isdigit() or not data.startswith(head.after, end):
            return None
        body = data[end + len(head.after) :]
        length, headers = int(digits), head.headers
        if len(body) != length or length > self._server.body_bytes_max:
            return None
        if digits != head.digits:
            headers = {**headers, "content-length": digits.decode()}
        return Request(head.method, head.path, head.query, headers, body)

    # ── answers ──

    @property
    def draining(self) -> bool:
        """Whether this connection ends with the answer in progress."""
        return self._server.draining

    def put(self, data: bytes) -> None:
        """Send bytes of the answer in progress."""
        if self._transport:
            self._transport.write(data)

    def answered(self, keep_alive: bool) -> None:
        """The answer in progress is complete."""
        self._current = None
        if not keep_alive or self._server.draining:
            self._waiting.clear()  # nothing is said after the last answer
            self._close()
        elif self._pumping:
            return
        elif self._waiting or self._continue or self._held:
            self._pump()
        else:
            self._rest()

    def cut(self) -> None:
        """Close at once."""
        self._current = None
        self.abort()

    def _pump(self) -> None:
        """Answer what is in line, one request at a time."""
        self._pumping = True
        while self._waiting and self._current is None and self._transport is not None:
            turn = self._waiting.popleft()
            if isinstance(turn, Refusal):
                self._out(False).send(self._server.refuse(turn.status, turn.sentence))
                continue
            request, keep_alive = turn
            out = self._out(keep_alive, head_only=request.method == "HEAD")
            self._server.handle(request, out)
        self._pumping = False
        if self._current is None:
            self._go_on()
            self._rest()
        self._hold()

    def _answer(self, request: Request) -> None:
        """Answer a request that nothing is in line before, as `_pump` would."""
        self.due = math.inf
        if self._current is not None:
            self._waiting.append((request, True))
            self._hold()
            return
        self._pumping = True
        self._server.handle(request, self._out(True, head_only=request.method == "HEAD"))
        self._pumping = False
        if self._current is None:
            self._rest()

    def _out(self, keep_alive: bool, head_only: bool = False) -> Out:
        self._current = Out(self, keep_alive=keep_alive, head_only=head_only)
        return self._current

    def _go_on(self) -> None:
        """Say that the body may come, once no other answer is in progress."""
        if self._continue and self._current is None and not self._waiting:
            self._continue = False
            self.put(CONTINUE)

    def _hold(self) -> None:
        """Read no further while requests are in line."""
        hold = bool(self._waiting)
        if hold == self._held or self._transport is None or self._transport.is_closing():
            return
        self._held = hold
        if hold:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    def _rest(self) -> None:
        """Nothing is being answered: wait for the next request."""
        if self._transport and not self._in_message and not self._lingering:
            self.due = self._loop.time() + IDLE_SECONDS

    def _close(self) -> None:
        """Close; after a refusal only when the other side had time to read it."""
        if self._transport is None:
            return
        if self._refusal and self._transport.can_write_eof():
            self._lingering = True
            self.due = self._loop.time() + LINGER_SECONDS
            self._transport.write_eof()
        else:
            self._transport.close()

    # ── limits ──

    def _count(self, size: int) -> None:
        """Bytes of this request's head."""
        self._head_bytes += size
        if self._head_bytes > HEADER_BYTES_MAX:
            self._reject(431, "Headers are too large")

    def _wasteful(self) -> bool:
        """Whether what came of this message beside its body is too much, be it one header without an end or chunk extensions."""
        if not self._in_body:
            return self._fed > HEADER_BYTES_MAX
        if "transfer-encoding" not in self._headers:
            return False
        return self._fed - len(self._body) - 16 * self._chunks > HEADER_BYTES_MAX + CHUNK_WASTE_MAX

    def _reject(self, status: int, sentence: str) -> None:
        """Stop the parser."""
        self._refusal = Refusal(status, sentence)
        raise ValueError(sentence)

    def _refused(self, refusal: Refusal) -> None:
        self._refusal = refusal
        self._in_message = self._continue = False
        self._body = b""
        self.due = math.inf
        self._waiting.append(refusal)
        if not self._pumping:
            self._pump()
