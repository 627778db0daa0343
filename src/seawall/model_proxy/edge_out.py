"""Where a handler writes its answer: whole, or in parts as they come.

Each request gets one `Out`, and each `Out` one answer: a second one is a fault of ours and raises. What is written after the client
vanished goes nowhere.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from seawall.model_proxy.http import Response, status_line

Notice = Callable[[], None]


class Line(Protocol):
    """What an answer needs of its connection."""

    @property
    def draining(self) -> bool:
        """Whether the connection ends with this answer."""

    def put(self, data: bytes) -> None:
        """Send bytes."""

    def answered(self, keep_alive: bool) -> None:
        """The answer in progress is complete."""

    def cut(self) -> None:
        """Close at once, so that the other side sees an answer that is not whole."""


class Out:
    """One request's answer."""

    __slots__ = ("_head_only", "_line", "ended", "gone", "keep_alive", "on_gone", "on_pause", "on_resume", "paused", "started")

    def __init__(self, line: Line, *, keep_alive: bool, head_only: bool) -> None:
        self._line: Line | None = line
        self._head_only = head_only
        self.keep_alive = keep_alive
        self.started = False
        self.ended = False
        self.gone = False
        """The client vanished before the end."""
        self.paused = False
        """The client reads more slowly than we write."""
        self.on_gone: Notice | None = None
        self.on_pause: Notice | None = None
        self.on_resume: Notice | None = None

    def send(self, response: Response) -> None:
        """A whole answer."""
        self.whole(response.status, response.lines(), response.body)

    def whole(self, status: int, lines: bytes, body: bytes) -> None:
        """A whole answer, its headers as they go on the wire, without a length."""
        line = self._begin()
        self.ended = True
        if line is None:
            return
        close = b"" if self.keep_alive else b"connection: close\r\n"
        sent = b"" if self._head_only else body
        line.put(b"%b%bcontent-length: %d\r\n%b\r\n%b" % (status_line(status), lines, len(body), close, sent))
        self._finish(line)

    def start(self, status: int, lines: bytes) -> None:
        """Begin an answer whose length is not known."""
        line = self._begin()
        if line is not None:
            close = b"" if self.keep_alive else b"connection: close\r\n"
            line.put(b"%b%btransfer-encoding: chunked\r\n%b\r\n" % (status_line(status), lines, close))

    def write(self, data: bytes) -> None:
        """A part of it."""
        if self._line is not None and data and not self._head_only:
            self._line.put(b"%x\r\n%b\r\n" % (len(data), data))

    def end(self) -> None:
        """Its end."""
        if self.ended:
            return
        self.ended = True
        if self._line is not None:
            if not self._head_only:
                self._line.put(b"0\r\n\r\n")
            self._finish(self._line)

    def cut(self) -> None:
        """End an answer that has begun in a way that nobody takes for its end."""
        if self._line is not None and not self.ended:
            self.ended = True
            self._line.cut()

    # ── for the connection ──

    def lost(self) -> None:
        """The client is gone."""
        self._line = None
        if not self.ended:
            self.gone = True
            if self.on_gone:
                self.on_gone()

    def pause(self, on: bool) -> None:
        """The client's buffer is full, or has room again."""
        self.paused = on
        notice = self.on_pause if on else self.on_resume
        if notice and not self.ended:
            notice()

    def _begin(self) -> Line | None:
        if self.started:
            raise RuntimeError("This request has been answered")
        self.started = True
        if self._line is not None and self._line.draining:
            self.keep_alive = False
        return self._line

    def _finish(self, line: Line) -> None:
        self._line = self.on_gone = self.on_pause = self.on_resume = None
        line.answered(self.keep_alive)
