"""Spans of our own, a few microseconds each, exported as OTLP in the background.

The OpenTelemetry SDK takes 28 µs a span on our machines, which is more than a cached page; the wire format is what
interoperates, so we keep that (`export.py`) and record spans in a bounded buffer. When it is full the oldest go.
W3C trace context: https://www.w3.org/TR/trace-context/
"""

from __future__ import annotations

import random
import re
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar, Token
from typing import Literal

Boundary = Literal["gateway", "ui", "model", "storage", "worker"]
Value = str | int | float | bool | tuple[str, ...]
BUFFER_SPANS_MAX = 20_000

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}")
_random = random.Random()  # noqa: S311 -- identifiers, not secrets; reseeded from the system at start


class Span:
    """One timed piece of work. Times are nanoseconds since 1970."""

    __slots__ = ("attributes", "boundary", "end_ns", "error", "kind", "name", "parent_id", "span_id", "start_ns", "trace_id")

    def __init__(
        self, name: str, boundary: Boundary, kind: str, trace_id: str, parent_id: str, attributes: dict[str, Value], span_id: str = ""
    ) -> None:
        self.name = name
        self.boundary = boundary
        self.kind = kind
        self.trace_id = trace_id
        self.span_id = span_id or _random.getrandbits(64).to_bytes(8, "big").hex()
        self.parent_id = parent_id
        self.attributes = attributes
        self.error = ""
        self.start_ns = time.time_ns()
        self.end_ns = 0

    def set(self, key: str, value: Value) -> None:
        """Add an attribute."""
        self.attributes[key] = value

    def traceparent(self) -> str:
        """The header that makes a callee's span a child of this one."""
        return f"00-{self.trace_id}-{self.span_id}-01"


_current: ContextVar[Span | None] = ContextVar("seawall_span", default=None)
finished: deque[Span] = deque(maxlen=BUFFER_SPANS_MAX)
"""Spans waiting to be exported, oldest first."""


@contextmanager
def span(name: str, boundary: Boundary, *, traceparent: str | None = None, kind: str = "internal", **attributes: Value) -> Iterator[Span]:
    """Time a block as a child of `traceparent` when given and well formed, else of the current span, else as a new trace."""
    trace_id, parent_id = _parent(traceparent)
    made = Span(name, boundary, kind, trace_id, parent_id, attributes)
    token = _current.set(made)
    try:
        yield made
    except BaseException as error:
        made.error = type(error).__name__
        raise
    finally:
        made.end_ns = time.time_ns()
        _current.reset(token)
        finished.append(made)


def begin(name: str, boundary: Boundary, *, traceparent: str | None = None, kind: str = "internal", parent: Span | None = None) -> Span:
    """A span whose work is not one block: a request answered in callbacks. `finish` it; `enter` it in the task that does the work.

    A server's has no parent but `traceparent`: whatever was going on when a request came has nothing to do with it. `parent`: in place
    of the current span.
    """
    if parent is not None:
        return Span(name, boundary, kind, parent.trace_id, parent.span_id, {})
    if traceparent is None and kind == "server":
        ids = _random.getrandbits(192).to_bytes(24, "big").hex()  # both at once, for every call has one
        return Span(name, boundary, kind, ids[:32], "", {}, ids[32:])
    trace_id, parent_id = _parent(traceparent, inherit=kind != "server")
    return Span(name, boundary, kind, trace_id, parent_id, {})


def enter(made: Span) -> Token[Span | None]:
    """What this task and those it starts do from here on belongs to `made`; in a callback until `leave` is given what this returns."""
    return _current.set(made)


def leave(entered: Token[Span | None]) -> None:
    """Undo `enter`."""
    _current.reset(entered)


def finish(made: Span) -> None:
    """The work of a span that was begun with `begin` is done. Once."""
    made.end_ns = time.time_ns()
    finished.append(made)


def current_trace_id() -> str:
    """The trace in progress, or an empty string."""
    current = _current.get()
    return current.trace_id if current else ""


def current_traceparent() -> str:
    """What to send to a callee, or an empty string outside any span."""
    current = _current.get()
    return current.traceparent() if current else ""


def _parent(traceparent: str | None, *, inherit: bool = True) -> tuple[str, str]:
    if traceparent and (match := _TRACEPARENT.match(traceparent)):
        return match[1], match[2]
    current = _current.get() if inherit else None
    if current is not None:
        return current.trace_id, current.span_id
    return _random.getrandbits(128).to_bytes(16, "big").hex(), ""
