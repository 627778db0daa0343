"""The proxy with every stage off: bytes in, bytes out, to the provider of the model that is named.

For measuring what the stages cost, and for whoever wants nothing but one address for several providers. The request's body is sent as
it came; of it only `model` is read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import msgspec

from seawall.core.deadline import HEADER, MODEL_TIMEOUT_MS_MAX, Deadline
from seawall.core.errors import DeadlineExceeded, SeawallError
from seawall.model_proxy.edge_out import Out
from seawall.model_proxy.errors import BadCall, UnknownModel
from seawall.model_proxy.http import Request, header_line
from seawall.model_proxy.replies import failure
from seawall.model_proxy.upstream import Pool
from seawall.model_proxy.upstream_exchange import Control
from seawall.model_proxy.wire import SURFACES

_RELAYED = ("retry-after", "retry-after-ms", "x-request-id")


class _Asked(msgspec.Struct, frozen=True):
    model: str


_asked = msgspec.json.Decoder(_Asked)


class Upstream(msgspec.Struct, frozen=True):
    """Where a model is."""

    pool: Pool
    headers: Sequence[tuple[bytes, bytes]] = ()
    first_byte_seconds: float = 20.0
    idle_seconds: float = 10.0


class Relay:
    """Hands an answer on as it comes: streamed where the provider streams, else whole."""

    __slots__ = ("_lines", "_out", "_parts", "_status", "_stream", "control")

    def __init__(self, out: Out) -> None:
        self._out = out
        self._parts: list[bytes] = []
        self._lines = b""
        self._status = 0
        self._stream = False
        self.control: Control | None = None

    def head(self, status: int, headers: dict[str, str]) -> None:
        """The answer begins."""
        media_type = headers.get("content-type", "application/json")
        self._status = status
        self._lines = header_line("content-type", media_type)
        for name in _RELAYED:
            if name in headers:
                self._lines += header_line(name, headers[name])
        if media_type.startswith("text/event-stream"):
            self._stream = True
            self._out.start(status, self._lines)
            if self.control is not None:
                self._out.on_pause, self._out.on_resume = self.control.pause, self.control.resume

    def data(self, chunk: bytes) -> None:
        """Some of its body."""
        if self._stream:
            self._out.write(chunk)
        else:
            self._parts.append(chunk)

    def finish(self) -> None:
        """Its end."""
        if self._stream:
            self._out.end()
        else:
            self._out.whole(self._status, self._lines, self._parts[0] if len(self._parts) == 1 else b"".join(self._parts))


class Bare:
    """Answers model calls by relaying them. `table`: model → where it is."""

    def __init__(self, table: Mapping[str, Upstream]) -> None:
        self._table = table
        self._tasks: set[asyncio.Task[None]] = set()

    def takes(self, request: Request) -> bool:
        """Whether a path is that of a surface."""
        return request.path in SURFACES

    def handle(self, request: Request, out: Out) -> None:
        """Answer a request to one of the API's surfaces. Never raises."""
        try:
            model = _asked.decode(request.body).model
            upstream = self._table.get(model)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            out.send(failure(BadCall("The body is not a JSON object that names a model", param="model")))
            return
        if upstream is None:
            out.send(failure(UnknownModel(f"The model '{model[:100]}' does not exist or you do not have access to it")))
            return
        task = asyncio.get_running_loop().create_task(self._relay(request, out, upstream))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        out.on_gone = task.cancel  # type: ignore[assignment]  # whether it was cancelled is nothing to the edge

    async def _relay(self, request: Request, out: Out, upstream: Upstream) -> None:
        relay = Relay(out)
        deadline = Deadline.from_header(request.headers.get(HEADER), default_ms=MODEL_TIMEOUT_MS_MAX, most_ms=MODEL_TIMEOUT_MS_MAX)
        try:
            await upstream.pool.send(
                "POST",
                request.path.removeprefix("/v1"),
                upstream.headers,
                request.body,
                relay,
                first_byte_seconds=upstream.first_byte_seconds,
                idle_seconds=upstream.idle_seconds,
                total_seconds=deadline.remaining(),
            )
            relay.finish()
        except SeawallError as error:
            self._failed(out, error)
        except asyncio.CancelledError:
            self._failed(out, DeadlineExceeded("The service is stopping"))
            raise

    def _failed(self, out: Out, error: SeawallError) -> None:
        if not out.started:
            out.send(failure(error))
        else:
            out.cut()
