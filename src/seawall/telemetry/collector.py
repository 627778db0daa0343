"""A small collector for one machine: OTLP in, one JSON object a span out, a file an hour or 32 MB, oldest removed.

Where `OTEL_EXPORTER_OTLP_ENDPOINT` names a real collector, spans go there instead and this one stays empty.
"""

from __future__ import annotations

import asyncio
import errno
import os
import threading
import time
import zlib
from io import FileIO
from pathlib import Path

import msgspec
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest, ExportTraceServiceResponse
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

BODY_BYTES_MAX = 8 << 20
FILES_MAX = 24
FILE_BYTES_MAX = 32 << 20
GATEWAY_SERVICE = "seawall-gateway"


class SpanRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """A span as kept: ids in hexadecimal, times in nanoseconds since 1970."""

    trace_id: str
    span_id: str
    name: str
    service: str
    boundary: str
    start_ns: int
    end_ns: int
    parent_id: str = ""
    instance: str = ""
    error: str = ""
    attributes: dict[str, str | int | float | bool] = {}


_records = msgspec.json.Decoder(SpanRecord)


def decode(body: bytes) -> list[SpanRecord]:
    """The spans of an ExportTraceServiceRequest. DecodeError when it is none."""
    request = ExportTraceServiceRequest.FromString(body)
    records = []
    for resource in request.resource_spans:
        about = {one.key: _plain(one.value) for one in resource.resource.attributes}
        service = str(about.get("service.name", ""))
        for scope in resource.scope_spans:
            for one in scope.spans:
                attributes = {item.key: _plain(item.value) for item in one.attributes}
                boundary = attributes.pop("seawall.boundary", "gateway" if service == GATEWAY_SERVICE else "")
                records.append(
                    SpanRecord(
                        trace_id=one.trace_id.hex(),
                        span_id=one.span_id.hex(),
                        parent_id=one.parent_span_id.hex(),
                        name=one.name,
                        service=service,
                        instance=str(about.get("service.instance.id", "")),
                        boundary=str(boundary),
                        start_ns=one.start_time_unix_nano,
                        end_ns=one.end_time_unix_nano,
                        error=one.status.message or ("error" if one.status.code == 2 else ""),
                        attributes=attributes,
                    )
                )
    return records


def _plain(value: AnyValue) -> str | int | float | bool:
    kind = value.WhichOneof("value")
    if kind in ("bool_value", "int_value", "double_value", "string_value"):
        plain: str | int | float | bool = getattr(value, kind)
        return plain
    if kind == "array_value":
        return ",".join(str(_plain(one)) for one in value.array_value.values)
    return str(value)


def unpacked(body: bytes) -> bytes:
    """What a gzip body holds. OverflowError when it is more than we take, zlib.error when it is no gzip or breaks off."""
    reader = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    plain = reader.decompress(body, BODY_BYTES_MAX + 1)
    if len(plain) > BODY_BYTES_MAX:
        raise OverflowError
    if not reader.eof:
        raise zlib.error("the body breaks off")
    return plain


class SpanFiles:
    """Appends spans to `spans-<hour>.ndjson` in a directory, keeping the newest files. A full one becomes `spans-<hour>-001.ndjson`."""

    def __init__(self, directory: Path, file_bytes_max: int = FILE_BYTES_MAX) -> None:
        self._directory = directory
        self._file_bytes_max = file_bytes_max
        self._lock = threading.Lock()
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)

    def append(self, records: list[SpanRecord]) -> None:
        """Write a batch with one system call, so that readers never see half a batch's order disturbed."""
        if not records:
            return
        lines = b"".join(msgspec.json.encode(record) + b"\n" for record in records)
        path = self._directory / time.strftime("spans-%Y%m%dT%H.ndjson", time.gmtime())
        with self._lock:
            if path.exists() and path.stat().st_size + len(lines) > self._file_bytes_max:
                self._set_aside(path)
            fresh = not path.exists()
            with path.open("a+b", buffering=0) as file:
                _append_whole(file, lines)
            if fresh:
                self._prune()

    def _set_aside(self, path: Path) -> None:
        """Under a name that sorts before its own, after those of the same hour that were full before."""
        last = max((int(full.stem[-3:]) for full in self._directory.glob(f"{path.stem}-[0-9][0-9][0-9].ndjson")), default=0)
        path.rename(path.with_name(f"{path.stem}-{min(last + 1, 999):03}.ndjson"))

    def _prune(self) -> None:
        for old in sorted(self._directory.glob("spans-*.ndjson"))[:-FILES_MAX]:
            old.unlink(missing_ok=True)


def _append_whole(file: FileIO, lines: bytes) -> None:
    """All of it or nothing, on a line of its own: half a line, which a full disk or a killed writer left, would spoil the next one."""
    size = file.seek(0, os.SEEK_END)
    if size:
        file.seek(size - 1)
        lines = lines if file.read(1) == b"\n" else b"\n" + lines
    try:
        if file.write(lines) != len(lines):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    except OSError:
        file.truncate(size)
        raise


def read_spans(directory: Path, *, since_ns: int = 0) -> list[SpanRecord]:
    """Every kept span that started at or after `since_ns`. A torn line is none."""
    records: list[SpanRecord] = []
    for path in sorted(directory.glob("spans-*.ndjson")):
        with path.open("rb") as file:
            records.extend(record for line in file if (record := _record(line)) is not None and record.start_ns >= since_ns)
    return records


def _record(line: bytes) -> SpanRecord | None:
    """A kept span; None for half a line: it is being written, or its writer was killed."""
    if not line.endswith(b"\n"):
        return None
    try:
        return _records.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def routes(directory: Path) -> list[Route]:
    """`POST /v1/traces`, writing into `directory`."""
    files = SpanFiles(directory)

    async def receive(request: Request) -> Response:
        body = await request.body()
        if len(body) > BODY_BYTES_MAX:
            return Response(status_code=413)
        try:
            if request.headers.get("content-encoding") == "gzip":
                body = await asyncio.to_thread(unpacked, body)
            records = decode(body)
        except OverflowError:
            return Response(status_code=413)
        except (DecodeError, zlib.error):
            return Response("not an OTLP trace request", status_code=400)
        await asyncio.to_thread(files.append, records)
        return Response(ExportTraceServiceResponse().SerializeToString(), media_type="application/x-protobuf")

    return [Route("/v1/traces", receive, methods=["POST"])]
