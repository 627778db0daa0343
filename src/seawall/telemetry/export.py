"""Sends finished spans as OTLP over HTTP, in the background, and never in the way.

Spans leave in batches from a thread of their own. A collector that is away costs the batch, not the service: there is
no retry, because a trace is a diagnosis, not a record. Wire format: https://opentelemetry.io/docs/specs/otlp/
"""

from __future__ import annotations

import http.client
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Iterator
from functools import lru_cache
from urllib.parse import urlsplit

from seawall.telemetry import spans

BATCH_SPANS_MAX = 512
FLUSH_SECONDS = 1.0
TIMEOUT_SECONDS = 2.0
PATH = "/v1/traces"

_KINDS = {"internal": 1, "server": 2, "client": 3}
_ERROR = 2
CACHED_MAX = 4096
CACHED_CHARACTERS_MAX = 64
SLICE = 32
"""Spans written in one go; then the thread lets go of the interpreter for `PAUSE_SECONDS`, so that nobody's request waits for it."""
PAUSE_SECONDS = 0.0005


def encode(batch: list[spans.Span], service: str, instance: str) -> bytes:
    """An ExportTraceServiceRequest with one resource named `service`, replica `instance`.

    Written by hand, field by field (https://protobuf.dev/programming-guides/encoding/): with message objects a span of a model call
    took 21 µs, which is a sixth of what the whole call may take.
    """
    return _request(b"".join([_field(2, _span(one)) for one in batch]), service, instance)


def _request(scope: bytes, service: str, instance: str) -> bytes:
    resource = _field(1, _attribute("service.name", service)) + _field(1, _attribute("service.instance.id", instance))
    return _field(1, _field(1, resource) + _field(2, scope))


def _span(one: spans.Span) -> bytes:
    start = _started(one.trace_id, one.span_id, one.parent_id) + _named(one.name, one.kind)
    parts = [start, _TIMES.pack(0x39, one.start_ns, 0x41, one.end_ns), _word("seawall.boundary", one.boundary)]
    for key, value in one.attributes.items():
        if isinstance(value, str):
            parts.append(_word(key, value) if len(value) <= CACHED_CHARACTERS_MAX else _field(9, _attribute(key, value)))
        elif isinstance(value, bool):
            parts.append(_word(key, value))
        elif isinstance(value, int):
            digits = _varint(value & 0xFFFF_FFFF_FFFF_FFFF)
            parts.append(_before(key, 0x18, len(digits)) + digits)
        elif isinstance(value, float):
            parts.append(_before(key, 0x21, 8) + _DOUBLE.pack(value))
        else:
            short = len(value) == 1 and len(value[0]) <= CACHED_CHARACTERS_MAX
            parts.append(_word(key, value) if short else _field(9, _attribute(key, value)))
    if one.error:
        parts.append(_field(15, _field(2, one.error.encode()) + b"\x18%c" % _ERROR))
    return b"".join(parts)


_TIMES = struct.Struct("<BQBQ")
_DOUBLE = struct.Struct("<d")


def _started(trace: str, span: str, parent: str) -> bytes:
    """Fields 1, 2 and 4, whose lengths are always the same: 16 and 8 bytes."""
    return bytes.fromhex(f"0a10{trace}1208{span}2208{parent}" if parent else f"0a10{trace}1208{span}")


@lru_cache(CACHED_MAX)
def _named(name: str, kind: str) -> bytes:
    """What all spans of a name have in common."""
    return _field(5, name.encode()) + b"\x30%c" % _KINDS[kind]


def _attribute(key: str, value: spans.Value) -> bytes:
    """A KeyValue."""
    return _field(1, key.encode()) + _field(2, _any(value))


@lru_cache(CACHED_MAX, typed=True)
def _word(key: str, value: spans.Value) -> bytes:
    """An attribute whose value comes again and again."""
    return _field(9, _attribute(key, value))


@lru_cache(CACHED_MAX)
def _before(key: str, kind: int, size: int) -> bytes:
    """An attribute that is a number, up to the `size` bytes of the number; `kind`: the AnyValue's field that holds it."""
    return _field(9, _field(1, key.encode()) + _field(2, bytes([kind]) + bytes(size)))[:-size]


def _any(value: spans.Value) -> bytes:
    """An AnyValue."""
    if isinstance(value, str):
        return _field(1, value.encode("utf-8", "replace"))
    if isinstance(value, bool):
        return b"\x10%c" % value
    if isinstance(value, int):
        return b"\x18" + _varint(value & 0xFFFF_FFFF_FFFF_FFFF)
    if isinstance(value, float):
        return b"\x21" + _DOUBLE.pack(value)
    return _field(5, b"".join([_field(1, _any(one)) for one in value]))


def _field(number: int, content: bytes) -> bytes:
    """A field whose content has a length."""
    size = len(content)
    if size < 0x80:
        return b"%c%c%b" % (number << 3 | 2, size, content)
    return b"%c%b%b" % (number << 3 | 2, _varint(size), content)


def _varint(value: int) -> bytes:
    if value < 0x80:
        return b"%c" % value
    if value < 0x4000:
        return bytes((value & 0x7F | 0x80, value >> 7))
    parts = bytearray()
    while value >= 0x80:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    parts.append(value)
    return bytes(parts)


class Exporter:
    """A daemon thread that empties `spans.finished` into a collector."""

    def __init__(self, endpoint: str, service: str, instance: str, source: deque[spans.Span] = spans.finished) -> None:
        self._endpoint = endpoint
        self._service = service
        self._instance = instance
        self._source = source
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="span-export", daemon=True)
        self.sent_spans = 0
        self.lost_spans = 0

    def start(self) -> None:
        """Begin; does nothing when there is no endpoint."""
        if self._endpoint:
            self._thread.start()

    def close(self) -> None:
        """Send what is left, once, and stop."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(TIMEOUT_SECONDS * 2)

    def _run(self) -> None:
        while not self._stopping.wait(FLUSH_SECONDS):
            self.flush()
        self.flush()

    def flush(self) -> None:
        """Send every span waiting, a batch at a time."""
        while batch := self._take():
            try:
                post(self._endpoint, _request(b"".join(self._written(batch)), self._service, self._instance))
                self.sent_spans += len(batch)
            except (OSError, http.client.HTTPException):
                self.lost_spans += len(batch)
                return

    def _written(self, batch: list[spans.Span]) -> Iterator[bytes]:
        for at in range(0, len(batch), SLICE):
            if at and not self._stopping.is_set():
                time.sleep(PAUSE_SECONDS)
            yield b"".join([_field(2, _span(one)) for one in batch[at : at + SLICE]])

    def _take(self) -> list[spans.Span]:
        batch: list[spans.Span] = []
        while len(batch) < BATCH_SPANS_MAX:
            try:
                batch.append(self._source.popleft())
            except IndexError:
                break
        return batch


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        """Connect to the socket's path instead of a host."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def post(endpoint: str, body: bytes) -> None:
    """Send one request to `unix:///socket/path` or `http://host:port`. OSError when it did not arrive or was refused."""
    parts = urlsplit(endpoint)
    if parts.scheme == "unix":
        connection: http.client.HTTPConnection = _UnixConnection(parts.path, TIMEOUT_SECONDS)
        path = PATH
    else:
        connection = http.client.HTTPConnection(parts.hostname or "localhost", parts.port, timeout=TIMEOUT_SECONDS)
        path = parts.path.rstrip("/") + PATH
    try:
        connection.request("POST", path, body, {"content-type": "application/x-protobuf"})
        answer = connection.getresponse()
        answer.read()
        if answer.status >= 300:
            raise OSError(f"The span collector answered {answer.status}")
    finally:
        connection.close()
