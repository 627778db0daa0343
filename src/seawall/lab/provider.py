"""A provider of models that speaks OpenAI's API over real HTTP, and misbehaves when it is asked to.

`POST /v1/chat/completions` (plain, streamed, tools, JSON Schema, several choices), `POST /v1/embeddings`, `GET /v1/models`; for whoever
tests: `GET /_sim/calls` (what was received and how each request ended), `DELETE /_sim/calls`, `PUT /_sim/script` (a JSON list of steps).
Behaviours are in `behaviours.py`. Deterministic by seed; nothing it says came from a model.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

import msgspec

from seawall.core.errors import InvalidInput
from seawall.lab.answers import CHOICES_MAX, completion, countable, embeddable, embeddings, error, pieces, say
from seawall.lab.behaviours import HEADER, Behaviour, Chooser, Script, Step
from seawall.lab.wire import Connection, Reply, Request

CALLS_MAX = 1_000
MODELS = ("sim-small", "sim-large", "sim-embed")
Outcome = Literal["under way", "answered", "cut", "reset", "vanished"]


class Received(msgspec.Struct):
    """One request, as `GET /_sim/calls` tells it."""

    method: str
    path: str
    headers: dict[str, str]
    """Of `authorization` only the last four characters."""
    body: Any
    outcome: Outcome = "under way"
    """`vanished`: the client left before the end."""
    pieces: int = 0
    """Of a stream, how many were sent."""


class ProviderSimulator:
    """Listens on a port or a unix socket. `calls` holds the newest requests."""

    def __init__(self, *, seed: int = 0, script: tuple[Step, ...] = ()) -> None:
        self.calls: deque[Received] = deque(maxlen=CALLS_MAX)
        self._seed = seed
        self._chooser = Chooser(Script(script))
        self._connections: set[Connection] = set()
        self._server: asyncio.Server | None = None

    async def listen(self, *, host: str = "127.0.0.1", port: int = 0, socket: Path | None = None) -> str:
        """Open; where it is: `http://127.0.0.1:PORT/v1`, or `unix://PATH`."""
        loop = asyncio.get_running_loop()
        if socket is not None:
            await asyncio.to_thread(socket.unlink, missing_ok=True)
            self._server = await loop.create_unix_server(self._connection, str(socket))
            return f"unix://{socket}"
        self._server = await loop.create_server(self._connection, host, port)
        return f"http://{host}:{self._server.sockets[0].getsockname()[1]}/v1"

    def follow(self, steps: Iterable[Step]) -> None:
        """Another script from now on."""
        self._chooser.script = Script(tuple(steps))

    async def close(self) -> None:
        """Cut every connection and close."""
        if self._server is not None:
            self._server.close()
        for connection in tuple(self._connections):
            connection.close()
        await asyncio.sleep(0)

    def _connection(self) -> Connection:
        return Connection(self._answer, self._connections)

    async def _answer(self, request: Request, reply: Reply) -> None:
        if request.path.startswith("/_sim/"):
            self._control(request, reply)
            return
        received = Received(request.method, request.path, _shown(request.headers), _decoded(request.body))
        self.calls.append(received)
        try:
            received.outcome = await self._behave(request, received, reply)
        except asyncio.CancelledError:
            received.outcome = "vanished"
            raise

    def _control(self, request: Request, reply: Reply) -> None:
        if request.path == "/_sim/calls" and request.method == "GET":
            _json(reply, 200, list(self.calls))
        elif request.path == "/_sim/calls" and request.method == "DELETE":
            self.calls.clear()
            _json(reply, 200, [])
        elif request.path == "/_sim/script" and request.method == "PUT":
            try:
                self.follow(msgspec.json.decode(request.body, type=tuple[Step, ...]))
                _json(reply, 200, {})
            except (msgspec.DecodeError, InvalidInput) as fault:
                _json(reply, 400, error(400, str(fault)))
        else:
            _json(reply, 404, error(404, "There is no such page in the simulator"))

    async def _behave(self, request: Request, received: Received, reply: Reply) -> Outcome:
        body = received.body if isinstance(received.body, dict) else {}
        try:
            behaviour = self._chooser.choose(str(body.get("model", "")), request.headers.get(HEADER, ""))
        except InvalidInput as fault:
            return _json(reply, 400, error(400, fault.sentence()))
        if behaviour.silent:
            await asyncio.Event().wait()
        await asyncio.sleep(behaviour.first_byte_ms / 1000)
        if behaviour.reset:
            reply.reset()
            return "reset"
        if behaviour.status != 200:
            return _refuse(reply, behaviour)
        return await self._succeed(request, body, behaviour, received, reply)

    async def _succeed(self, request: Request, body: dict[str, Any], behaviour: Behaviour, received: Received, reply: Reply) -> Outcome:
        path = request.path.partition("?")[0].removeprefix("/v1")
        if path == "/models":
            data = [{"id": name, "object": "model", "created": 0, "owned_by": "simulator"} for name in MODELS]
            return _json(reply, 200, {"object": "list", "data": data})
        if path == "/embeddings":
            if behaviour.refuse and behaviour.refuse in msgspec.json.encode(body.get("input")).decode():
                return _json(reply, 400, error(400, "The input holds what this model does not take"))
            if not embeddable(body.get("input")):
                return _json(reply, 400, error(400, "'input' must be a text, a list of texts, or lists of tokens"))
            return _whole(reply, embeddings(body, behaviour), behaviour)
        if path != "/chat/completions" or not isinstance(body.get("messages"), list) or not body["messages"]:
            return _json(reply, 404 if path != "/chat/completions" else 400, error(400, "There is no such endpoint, or no messages"))
        if not countable(body.get("n")):
            return _json(reply, 400, error(400, f"'n' must be a whole number from 1 to {CHOICES_MAX}"))
        said = say(body, behaviour, self._seed)
        if not body.get("stream"):
            return _whole(reply, completion(said, usage=bool(behaviour.usage)), behaviour)
        asked = bool((body.get("stream_options") or {}).get("include_usage")) and bool(behaviour.usage)
        return await _stream(
            reply, [msgspec.json.encode(one) for one in pieces(said, usage=asked, role=bool(behaviour.role))], behaviour, received
        )


async def _stream(reply: Reply, events: list[bytes], behaviour: Behaviour, received: Received) -> Outcome:
    reply.head(200, {"content-type": "text/event-stream; charset=utf-8"})
    for at, data in enumerate(events):
        if behaviour.token_ms:
            await asyncio.sleep(behaviour.token_ms / 1000)
        if at == behaviour.stall_after:
            await asyncio.Event().wait()
        if at == behaviour.cut_after:
            reply.cut()
            return "cut"
        reply.chunk(b"data: " + (_spoilt(data, behaviour) if at >= 2 else data) + b"\n\n")
        received.pieces += 1
    reply.chunk(b"data: [DONE]\n\n")
    reply.end()
    return "answered"


def _whole(reply: Reply, answer: dict[str, Any], behaviour: Behaviour) -> Outcome:
    data = _spoilt(msgspec.json.encode(answer), behaviour)
    reply.head(200, {"content-type": "application/json"}, length=len(data))
    if behaviour.cut_after >= 0:
        reply.raw(data[: len(data) // 2])
        reply.cut()
        return "cut"
    reply.raw(data)
    return "answered"


def _spoilt(data: bytes, behaviour: Behaviour) -> bytes:
    """JSON that is broken in the way asked for."""
    if behaviour.malformed:
        return data[: len(data) // 2]
    if behaviour.duplicate_keys:
        return b'{"model":"first","model":"second",' + data[1:]
    if behaviour.invalid_utf8:
        return data.replace(b'"model":"', b'"model":"\xff\xfe', 1)
    return data


def _refuse(reply: Reply, behaviour: Behaviour) -> Outcome:
    message = behaviour.message or f"The simulator was asked to answer {behaviour.status}"
    return _json(reply, behaviour.status, error(behaviour.status, message), {"retry-after": behaviour.retry_after})


def _json(reply: Reply, status: int, value: object, headers: dict[str, str] | None = None) -> Outcome:
    data = msgspec.json.encode(value)
    shown = {name: text for name, text in (headers or {}).items() if text}
    reply.head(status, {"content-type": "application/json"} | shown, length=len(data))
    reply.raw(data)
    return "answered"


def _decoded(body: bytes) -> object:
    with contextlib.suppress(msgspec.DecodeError, UnicodeDecodeError):
        return msgspec.json.decode(body)
    return body.decode("utf-8", "replace")


def _shown(headers: dict[str, str]) -> dict[str, str]:
    key = headers.get("authorization", "")
    return headers | ({"authorization": f"…{key[-4:]}"} if key else {})
