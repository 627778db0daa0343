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
from binascii import unhexlify
from collections import deque
from collections.abc import Callable, Iterator
from operator import itemgetter
from urllib.parse import urlsplit

from seawall.telemetry import spans

BATCH_SPANS_MAX = 512
FLUSH_SECONDS = 1.0
TIMEOUT_SECONDS = 2.0
PATH = "/v1/traces"

_KINDS = {"internal": 1, "server": 2, "client": 3}
_ERROR = 2
PLANS_MAX = 256
CACHED_MAX = 1024
CACHED_BYTES_MAX = 1024
"""What spans have in common is remembered: of so many shapes, as often, when it is no longer than this."""
SLICE = 32
"""Spans written in one go; then the thread lets go of the interpreter for `PAUSE_SECONDS`, so that nobody's request waits for it."""
PAUSE_SECONDS = 0.0005


def encode(batch: list[spans.Span], service: str, instance: str) -> bytes:
    """An ExportTraceServiceRequest with one resource named `service`, replica `instance`.

    Written by hand, field by field (https://protobuf.dev/programming-guides/encoding/): with message objects a span of a model call
    took 21 µs, which is a sixth of what the whole call may take.
    """
    return _request(b"".join([_span(one) for one in batch]), service, instance)


def _request(scope: bytes, service: str, instance: str) -> bytes:
    resource = _field(1, _attribute("service.name", service)) + _field(1, _attribute("service.instance.id", instance))
    return _field(1, _field(1, resource) + _field(2, scope))


def _span(one: spans.Span) -> bytes:
    """A span, as the field of its scope."""
    told = one.attributes
    shape = (one.name, one.kind, one.boundary, *told)
    plan = _plans.get(shape) or _planned(shape, one)
    values = tuple(told.values())
    words = plan.words(values)
    stretches = plan.stretches.get(words) or plan.stretched(words)
    parts = [_started(one), _TIMES.pack(0x39, one.start_ns, 0x41, one.end_ns)]
    for (at, key, kind), stretch in zip(plan.numbers, stretches, strict=False):
        value = values[at]
        if type(value) is not kind or kind is bool:
            return _plainly(one)
        parts.append(stretch)
        parts.append(_DOUBLE.pack(value) if kind is float else _integers.get((key, value)) or _integer(key, value))
    if one.error or not stretches:
        return _plainly(one)
    parts.append(stretches[-1])
    written = b"".join(parts)
    return (_heads.get(len(written)) or _head(len(written))) + written


def _plainly(one: spans.Span) -> bytes:
    """The same, whatever its attributes are."""
    parts = [_started(one), _TIMES.pack(0x39, one.start_ns, 0x41, one.end_ns), _beginning(one)]
    parts += [_word(key, value) for key, value in one.attributes.items()]
    if one.error:
        parts.append(_field(15, _field(2, one.error.encode()) + b"\x18%c" % _ERROR))
    return _field(2, b"".join(parts))


def _beginning(one: spans.Span) -> bytes:
    return _field(5, one.name.encode()) + b"\x30%c" % _KINDS[one.kind] + _word("seawall.boundary", one.boundary)


_TIMES = struct.Struct("<BQBQ")
_DOUBLE = struct.Struct("<d")


class _Plan:
    """How spans of one shape are written: same name, same attributes, numbers of the same types."""

    __slots__ = ("_beginning", "_told", "numbers", "stretches", "words")

    def __init__(self, one: spans.Span) -> None:
        self._beginning = _beginning(one)
        self._told = [(key, type(value)) for key, value in one.attributes.items()]
        self.stretches: dict[tuple[spans.Value, ...], tuple[bytes, ...]] = {}
        """What spans with these words have in common: what stands before, between and after their numbers. Nothing: these are no words."""
        self.numbers = [(at, key, kind) for at, (key, kind) in enumerate(self._told) if kind not in _WORDS]
        """Their places among the values, names and types."""
        self.words = _getter([at for at, (_, kind) in enumerate(self._told) if kind in _WORDS])

    def stretched(self, words: tuple[spans.Value, ...]) -> tuple[bytes, ...]:
        """The `stretches` of spans with these words, remembered when they are short."""
        if not all(type(word) in _WORDS for word in words):
            return ()
        made, rest = [self._beginning], iter(words)
        for key, kind in self._told:
            if kind in _WORDS:
                made[-1] += _word(key, next(rest))
            else:
                made[-1] += _before(key) if kind is float else b""
                made.append(b"")
        stretches = tuple(made)
        if sum(map(len, made)) <= CACHED_BYTES_MAX:
            if len(self.stretches) >= CACHED_MAX:
                self.stretches.clear()
            self.stretches[words] = stretches
        return stretches


_WORDS = frozenset({str, tuple})
"""Never equal to a value of another type."""


def _before(key: str) -> bytes:
    """An attribute that is a double, up to its eight bytes."""
    return _field(9, _field(1, key.encode()) + _field(2, b"\x21" + bytes(8)))[:-8]


_plans: dict[tuple[object, ...], _Plan] = {}
_integers: dict[tuple[str, spans.Value], bytes] = {}
"""Whole numbers: most come again."""
_heads: dict[int, bytes] = {}
"""What stands before a span, by its length."""


def _planned(shape: tuple[object, ...], one: spans.Span) -> _Plan:
    if len(_plans) >= PLANS_MAX:
        _plans.clear()
    plan = _plans[shape] = _Plan(one)
    return plan


def _getter(places: list[int]) -> Callable[[tuple[spans.Value, ...]], tuple[spans.Value, ...]]:
    if len(places) > 1:
        return itemgetter(*places)
    return lambda values: tuple([values[at] for at in places])


def _integer(key: str, value: spans.Value) -> bytes:
    if len(_integers) >= CACHED_MAX:
        _integers.clear()
    made = _integers[key, value] = _word(key, value)
    return made


def _head(size: int) -> bytes:
    head = _field(2, bytes(size))[:-size]
    if size <= CACHED_BYTES_MAX:
        _heads[size] = head
    return head


def _started(one: spans.Span) -> bytes:
    """Fields 1, 2 and 4, whose lengths are always the same: 16 and 8 bytes."""
    parent = one.parent_id
    return unhexlify(f"0a10{one.trace_id}1208{one.span_id}2208{parent}" if parent else f"0a10{one.trace_id}1208{one.span_id}")


def _attribute(key: str, value: spans.Value) -> bytes:
    """A KeyValue."""
    return _field(1, key.encode()) + _field(2, _any(value))


def _word(key: str, value: spans.Value) -> bytes:
    return _field(9, _attribute(key, value))


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
        return bytes((number << 3 | 2, size)) + content
    if size < 0x4000:
        return bytes((number << 3 | 2, size & 0x7F | 0x80, size >> 7)) + content
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
            yield b"".join([_span(one) for one in batch[at : at + SLICE]])

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
