"""One client's bytes become requests: llhttp parses, strictly, and everything about them is bounded.

What llhttp lets pass and RFC 9112 or Envoy would not is refused here: HTTP other than 1.1, a missing or second Host, transfer codings
but `chunked`, an upgrade, heads and chunk extensions without end. Trailers are read and dropped. What becomes of requests and refusals,
which stand in line as they came, is the connection's part (`edge_connection.py`).
"""

from __future__ import annotations

import asyncio
import math
from abc import ABC, abstractmethod
from collections import deque

import httptools
import msgspec

from seawall.model_proxy.edge_heads import Head, learnt
from seawall.model_proxy.http import Request, header_name

HEADER_BYTES_MAX = 64 << 10
HEADERS_MAX = 128
CHUNK_WASTE_MAX = 16 << 10
"""Bytes of chunk sizes, extensions and trailers, beyond 16 a chunk."""
PIPELINED_MAX = 16
REQUEST_SECONDS = 15.0
"""From a request's first byte to its last."""
_ONCE = frozenset({"host", "authorization", "content-type", "transfer-encoding", "seawall-timeout-ms"})


class Refusal(msgspec.Struct, frozen=True):
    """Why bytes never became a request."""

    status: int
    sentence: str


class Reading(ABC):
    """What llhttp calls while it reads. Requests go into `_waiting`, each with whether the connection may be kept after it."""

    __slots__ = (
        "_body", "_body_bytes_max", "_chunks", "_continue", "_data", "_fed", "_head_bytes", "_headers", "_in_body", "_in_message", "_known",
        "_last", "_loop", "_pairs", "_parser", "_refusal", "_url", "_waiting", "due",
    )  # fmt: skip

    def __init__(self, body_bytes_max: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpRequestParser(self)
        self._body_bytes_max = body_bytes_max
        self._waiting: deque[tuple[Request, bool] | Refusal] = deque()
        self._refusal: Refusal | None = None
        self._in_message = self._in_body = self._continue = False
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

    @abstractmethod
    def _go_on(self) -> None:
        """Say that the body may come, once no other answer is in progress."""

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
        if int(headers.get("content-length") or 0) > self._body_bytes_max:
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
        if len(self._body) > self._body_bytes_max:
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
        self._known = learnt(self._data, request, len(self._pairs)) if keep_alive and self._data else None
        self._data = b""

    # ── limits ──

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
