"""One client's connection: requests are answered one after another in the order they came.

How bytes become requests is told in `edge_reading.py`. A refusal is the connection's last answer and waits for the answers before it, so
that no answer is ever taken for another's.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from typing import Protocol, cast

import httptools

from seawall.model_proxy.edge_heads import again
from seawall.model_proxy.edge_out import Out
from seawall.model_proxy.edge_reading import Reading, Refusal
from seawall.model_proxy.http import Request, Response

IDLE_SECONDS = 75.0
"""Longer than the gateway keeps a connection, so that it is the gateway who closes."""
STALL_SECONDS = 60.0
"""How long a client may read nothing of an answer that waits for it."""
LINGER_SECONDS = 2.0
"""After a refusal: time for the other side to read it before the connection is reset."""
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"

Handle = Callable[[Request, Out], None]
"""Answers a request now or later; never raises."""


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


class Connection(Reading, asyncio.Protocol):
    """Bytes in, requests to the handler, answers out."""

    __slots__ = ("_current", "_held", "_lingering", "_pumping", "_server", "_transport")

    def __init__(self, server: Owner) -> None:
        Reading.__init__(self, server.body_bytes_max)
        self._server = server
        self._transport: asyncio.Transport | None = None
        self._current: Out | None = None
        self._pumping = self._lingering = self._held = False

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
        elif (
            self._known is not None
            and not self._last
            and not self._waiting
            and (request := again(self._known, data, self._body_bytes_max)) is not None
        ):
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

    def _refused(self, refusal: Refusal) -> None:
        self._refusal = refusal
        self._in_message = self._continue = False
        self._body = b""
        self.due = math.inf
        self._waiting.append(refusal)
        if not self._pumping:
            self._pump()
