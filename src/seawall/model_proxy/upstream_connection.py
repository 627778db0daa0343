"""One connection to a provider, which carries one exchange after another: bytes in, callbacks out, limits held.

llhttp parses, strictly. An answer's length must be given by the protocol or by the connection's end; anything that comes unasked
closes the connection.
"""

from __future__ import annotations

import asyncio
import math
from typing import Protocol, cast

import httptools

from seawall.model_proxy.http import header_name
from seawall.model_proxy.upstream_errors import BadAnswer, TimedOut
from seawall.model_proxy.upstream_exchange import Exchange, Lost

CHECK_SECONDS = 0.025
"""How finely time-outs are held while exchanges are in progress."""
HEAD_BYTES_MAX = 64 << 10
ANSWER_BYTES_MAX = 64 << 20
"""The most that any answer may have; models.yaml allows less."""


class Owner(Protocol):
    """What a connection needs of its pool."""

    @property
    def keep_seconds(self) -> float:
        """How long it may be idle."""

    def free(self, connection: Connection) -> None:
        """It may serve another exchange."""

    def lost(self, connection: Connection) -> None:
        """It is gone."""


class Connection(asyncio.Protocol):
    """A socket that carries one exchange after another."""

    def __init__(self, pool: Owner) -> None:
        self._pool = pool
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None
        self._exchange: Exchange | None = None
        self._headers: dict[str, str] = {}
        self._in_head = False
        self._any_byte = self._any_body = False
        self._head_bytes = self._body_bytes = 0
        self._complete = self._keep = False
        self._failure: Exception | None = None
        self.due = math.inf
        """When `overdue` wants to be called, on the loop's clock."""

    @property
    def usable(self) -> bool:
        """Whether another exchange may begin."""
        return self._transport is not None and not self._transport.is_closing()

    def begin(self, exchange: Exchange, request: bytes) -> None:
        """Send a request; the end of its answer settles the exchange."""
        self._exchange = exchange
        exchange.connection = self
        exchange.receiver.control = exchange
        self._any_byte = self._any_body = self._complete = False
        self._headers = {}
        self._head_bytes = self._body_bytes = 0
        self._in_head = True
        due = self._loop.time() + exchange.first_byte_seconds
        self.due = due if due < exchange.total_due else exchange.total_due
        if self._transport is None:
            self._settle(Lost(any_byte=False))
        else:
            self._transport.write(request)

    def abort(self) -> None:
        """Close at once; an exchange in progress is lost."""
        if self._transport:
            self._transport.abort()

    def hold(self, on: bool) -> None:
        """Stop or go on reading."""
        if self._transport is None or self._transport.is_closing():
            return
        if on:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()
        self._touch()

    def overdue(self, now: float) -> None:
        """A limit may have passed: fail the exchange, or close what has been idle."""
        exchange = self._exchange
        if exchange is None:
            self.abort()
        elif now >= exchange.total_due:
            self._fail(TimedOut("The provider's answer took too long", phase="total"))
        elif not self._any_body:  # a head alone is no answer: many send it before the model has begun
            self._fail(TimedOut("The provider did not begin to answer", phase="first_byte", seconds=exchange.first_byte_seconds))
        else:
            self._fail(TimedOut("The provider fell silent in its answer", phase="idle", seconds=exchange.idle_seconds))

    # ── transport ──

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the loop."""
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the loop."""
        self._transport = None
        self.due = math.inf
        if self._exchange is not None:
            if exc is None and self._ends_with_connection():
                self._settle(None)
            else:
                self._settle(Lost(self._any_byte))
        self._pool.lost(self)

    def data_received(self, data: bytes) -> None:
        """Called by the loop."""
        exchange = self._exchange
        if exchange is None:
            self.abort()
            return
        self._any_byte = True
        if self._in_head:
            self._head_bytes += len(data)
        else:
            self._body_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._fail(self._failure or BadAnswer("What the provider sent is not an HTTP answer", got=str(error)[:80]))
            return
        if self._complete:
            self._finish()
        elif (self._in_head and self._head_bytes > HEAD_BYTES_MAX) or self._body_bytes > ANSWER_BYTES_MAX + HEAD_BYTES_MAX:
            self._fail(BadAnswer("The provider's answer is too large"))
        else:
            self._touch()

    # ── parser ──

    def on_message_begin(self) -> None:
        """Called by the parser."""
        if self._complete:
            self._reject(BadAnswer("The provider sent more than one answer"))

    def on_header(self, name: bytes, value: bytes) -> None:
        """Called by the parser; a trailer's field too, which nobody reads."""
        if self._in_head:
            self._headers[header_name(name)] = value.decode("latin-1").strip(" \t")

    def on_headers_complete(self) -> None:
        """Called by the parser."""
        status = self._parser.get_status_code()
        if status < 200:
            if status == 101:
                self._reject(BadAnswer("The provider changed to another protocol"))
            return
        self._in_head = False
        self._hand(status, None)

    def on_body(self, chunk: bytes) -> None:
        """Called by the parser."""
        self._any_body = True
        self._hand(0, chunk)

    def on_message_complete(self) -> None:
        """Called by the parser."""
        if self._in_head:  # an interim answer, such as 100 or 103
            self._headers = {}
        else:
            self._complete = True
            self._keep = self._parser.should_keep_alive()

    # ── inside ──

    def _hand(self, status: int, chunk: bytes | None) -> None:
        """Give a part to the receiver, whose refusal is remembered as the failure."""
        exchange = self._exchange
        if exchange is None:
            return
        try:
            if chunk is None:
                exchange.receiver.head(status, self._headers)
            else:
                exchange.receiver.data(chunk)
        except Exception as error:
            self._failure = error
            raise

    def _reject(self, error: Exception) -> None:
        self._failure = error
        raise error

    def _ends_with_connection(self) -> bool:
        """Whether the connection's end is this answer's end (RFC 9112, 6.3, rule 8)."""
        return self._any_byte and not self._in_head and not ({"content-length", "transfer-encoding"} & self._headers.keys())

    def _finish(self) -> None:
        exchange = self._exchange
        if exchange is None:
            return
        if exchange.paused:
            exchange.resume()
        self._exchange = exchange.connection = exchange.receiver.control = None
        if self._keep and self.usable:
            self.due = self._loop.time() + self._pool.keep_seconds
            self._pool.free(self)  # before the end is told: whoever hears of it may need a connection at once
        elif self._transport:
            self._transport.close()
        exchange.settle(None)

    def _fail(self, error: Exception) -> None:
        self._settle(error)
        self.abort()

    def _settle(self, error: Exception | None) -> None:
        exchange, self._exchange = self._exchange, None
        self.due = math.inf
        if exchange is None:
            return
        exchange.connection = exchange.receiver.control = None
        exchange.settle(error)

    def _touch(self) -> None:
        """Something happened: the idle limit begins anew, and rests while we ourselves hold the provider back."""
        exchange = self._exchange
        if exchange is not None and self._any_body:
            self.due = exchange.total_due if exchange.paused else min(self._loop.time() + exchange.idle_seconds, exchange.total_due)
