"""Sends finished spans as OTLP over HTTP, in the background, and never in the way.

Spans leave in batches from a thread of their own. A collector that is away costs the batch, not the service: there is
no retry, because a trace is a diagnosis, not a record. `otlp.py` writes them.
"""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections import deque
from collections.abc import Iterator
from urllib.parse import urlsplit

from seawall.telemetry import spans
from seawall.telemetry.otlp import write_request, write_span

BATCH_SPANS_MAX = 512
FLUSH_SECONDS = 1.0
TIMEOUT_SECONDS = 2.0
PATH = "/v1/traces"
SLICE = 32
"""Spans written in one go; then the thread lets go of the interpreter for `PAUSE_SECONDS`, so that nobody's request waits for it."""
PAUSE_SECONDS = 0.0005


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
                post(self._endpoint, write_request(b"".join(self._written(batch)), self._service, self._instance))
                self.sent_spans += len(batch)
            except (OSError, http.client.HTTPException):
                self.lost_spans += len(batch)
                return

    def _written(self, batch: list[spans.Span]) -> Iterator[bytes]:
        for at in range(0, len(batch), SLICE):
            if at and not self._stopping.is_set():
                time.sleep(PAUSE_SECONDS)
            yield b"".join([write_span(one) for one in batch[at : at + SLICE]])

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
    """Send one request to `unix:///socket/path` or `http(s)://host:port`. OSError when it did not arrive or was refused."""
    parts = urlsplit(endpoint)
    if parts.scheme == "unix":
        connection: http.client.HTTPConnection = _UnixConnection(parts.path, TIMEOUT_SECONDS)
        path = PATH
    else:
        kind, port = (http.client.HTTPSConnection, 443) if parts.scheme == "https" else (http.client.HTTPConnection, 4318)
        connection = kind(parts.hostname or "localhost", parts.port or port, timeout=TIMEOUT_SECONDS)
        path = parts.path.rstrip("/") + PATH
    try:
        connection.request("POST", path, body, {"content-type": "application/x-protobuf"})
        answer = connection.getresponse()
        answer.read()
        if answer.status >= 300:
            raise OSError(f"The span collector answered {answer.status}")
    finally:
        connection.close()
