"""Sends finished spans as OTLP over HTTP, in the background, and never in the way.

Spans leave in batches from a thread of their own. A collector that is away costs the batch, not the service: there is
no retry, because a trace is a diagnosis, not a record. Wire format: https://opentelemetry.io/docs/specs/otlp/
"""

from __future__ import annotations

import http.client
import socket
import threading
from collections import deque
from urllib.parse import urlsplit

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1 import trace_pb2

from seawall.telemetry import spans

BATCH_SPANS_MAX = 512
FLUSH_SECONDS = 1.0
TIMEOUT_SECONDS = 2.0
PATH = "/v1/traces"

_KINDS = {
    "internal": trace_pb2.Span.SPAN_KIND_INTERNAL,
    "server": trace_pb2.Span.SPAN_KIND_SERVER,
    "client": trace_pb2.Span.SPAN_KIND_CLIENT,
}


def encode(batch: list[spans.Span], service: str, instance: str) -> bytes:
    """An ExportTraceServiceRequest with one resource named `service`, replica `instance`."""
    request = ExportTraceServiceRequest()
    resource = request.resource_spans.add()
    resource.resource.attributes.extend([_attribute("service.name", service), _attribute("service.instance.id", instance)])
    resource.scope_spans.add().spans.extend(_span(one) for one in batch)
    encoded: bytes = request.SerializeToString()
    return encoded


def _span(one: spans.Span) -> trace_pb2.Span:
    made = trace_pb2.Span(
        trace_id=bytes.fromhex(one.trace_id),
        span_id=bytes.fromhex(one.span_id),
        parent_span_id=bytes.fromhex(one.parent_id),
        name=one.name,
        kind=_KINDS[one.kind],
        start_time_unix_nano=one.start_ns,
        end_time_unix_nano=one.end_ns,
        attributes=[_attribute("seawall.boundary", one.boundary), *(_attribute(key, value) for key, value in one.attributes.items())],
    )
    if one.error:
        made.status.code = trace_pb2.Status.STATUS_CODE_ERROR
        made.status.message = one.error
    return made


def _attribute(key: str, value: spans.Value) -> KeyValue:
    if isinstance(value, bool):
        return KeyValue(key=key, value=AnyValue(bool_value=value))
    if isinstance(value, int):
        return KeyValue(key=key, value=AnyValue(int_value=value))
    if isinstance(value, float):
        return KeyValue(key=key, value=AnyValue(double_value=value))
    return KeyValue(key=key, value=AnyValue(string_value=value))


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
                post(self._endpoint, encode(batch, self._service, self._instance))
                self.sent_spans += len(batch)
            except (OSError, http.client.HTTPException):
                self.lost_spans += len(batch)
                return

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
