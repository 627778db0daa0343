"""What the engine answers: chat completions, handed to llama.cpp and back as they come, and embeddings.

The models load behind the first answers, not before them: the process is ready in a fraction of a second, a call that comes while its
model loads waits for it. Whoever vanishes is no longer computed for.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from seawall.core.errors import SeawallError
from seawall.model_proxy.edge_out import Out
from seawall.model_proxy.embedded import llama
from seawall.model_proxy.http import Request, Response, header_line
from seawall.model_proxy.minilm import DIMENSIONS, Embedder
from seawall.model_proxy.upstream import Origin, Pool
from seawall.model_proxy.upstream_exchange import Control
from seawall.telemetry.events import event

EMBEDDING_MODEL = "minilm"
LOAD_AFTER_SECONDS = 3.0
"""The rest of the instance starts first."""
TEXTS_MAX = 512
TEXT_CHARACTERS_MAX = 32_000
TOKENS_MAX = 512
"""Of an answer, when the caller names no limit."""
FIRST_BYTE_SECONDS = 60.0


class _Wanted(msgspec.Struct, frozen=True):
    input: str | list[str]
    encoding_format: str = "float"
    dimensions: int | None = None


class _Relay:
    """Hands llama.cpp's answer on as it comes."""

    def __init__(self, out: Out) -> None:
        self._out = out
        self.control: Control | None = None

    def head(self, status: int, headers: dict[str, str]) -> None:
        """The answer begins."""
        out, control = self._out, self.control
        if control is not None:
            out.on_pause, out.on_resume = control.pause, control.resume
        out.start(status, header_line("content-type", headers.get("content-type", "application/json")))

    def data(self, chunk: bytes) -> None:
        """A part of it."""
        self._out.write(chunk)


class Engine:
    """Answers requests; `handle` is what the edge calls."""

    def __init__(self, socket: Path, *, serve: Callable[[Path], Any] = llama.serve, embedder: Embedder | None = None) -> None:
        self._pool = Pool(Origin("unix", path=str(socket), base="/v1"), connections_max=llama.SLOTS * 8)
        self._socket = socket
        self._serve = serve
        self._embedder = embedder or Embedder()
        self._server: Any = None
        self._loading: asyncio.Future[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def load_soon(self) -> None:
        """Load the chat model once the rest of the instance has had time to start."""
        asyncio.get_running_loop().call_later(LOAD_AFTER_SECONDS, lambda: self._start(self._loaded()))

    def handle(self, request: Request, out: Out) -> None:
        """Answer one request."""
        task = self._start(self._answer(request, out))
        out.on_gone = lambda: None if task.done() else _cancel(task)

    def close(self) -> None:
        """Let go of llama.cpp's connections and the embedder's thread."""
        self._pool.close()
        self._embedder.close()

    def _start(self, work: Any) -> asyncio.Task[None]:  # noqa: ANN401 -- a coroutine
        task: asyncio.Task[None] = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            event("models.failed", error=type(error).__name__)

    async def _answer(self, request: Request, out: Out) -> None:
        try:
            if request.path == "/v1/chat/completions" and request.method == "POST":
                await self._chat(request, out)
            elif request.path == "/v1/embeddings" and request.method == "POST":
                out.send(await self._embeddings(request))
            elif request.path in ("/healthz", "/readyz"):
                out.send(Response(200, msgspec.json.encode({"ready": True, "chat": "loaded" if self._server else "not loaded yet"})))
            else:
                out.send(refusal(404, "There is nothing here"))
        except SeawallError as error:
            if out.started:
                out.cut()
            else:
                out.send(refusal(error.status, error.sentence()))

    async def _chat(self, request: Request, out: Out) -> None:
        try:
            body = msgspec.json.decode(request.body, type=dict[str, Any])
        except msgspec.MsgspecError:
            out.send(refusal(400, "The body is not a JSON object"))
            return
        most = body.pop("max_completion_tokens", None) or body.get("max_tokens") or TOKENS_MAX
        body["max_tokens"] = min(int(most), llama.CONTEXT_TOKENS)
        body.pop("n_predict", None)  # llama.cpp's own name for it, which would count for more than what was reserved
        await self._loaded()
        await self._pool.send(
            "POST",
            "/chat/completions",
            [(b"content-type", b"application/json")],
            msgspec.json.encode(body),
            _Relay(out),
            first_byte_seconds=FIRST_BYTE_SECONDS,
            idle_seconds=FIRST_BYTE_SECONDS,
            total_seconds=FIRST_BYTE_SECONDS * 5,
        )
        out.end()

    async def _embeddings(self, request: Request) -> Response:
        try:
            wanted = msgspec.json.decode(request.body, type=_Wanted)
        except msgspec.MsgspecError as error:
            return refusal(400, f"The request is not one for embeddings: {error}")
        texts = [wanted.input] if isinstance(wanted.input, str) else wanted.input
        if not 0 < len(texts) <= TEXTS_MAX or any(not text or len(text) > TEXT_CHARACTERS_MAX for text in texts):
            return refusal(400, f"Expected 1 to {TEXTS_MAX} texts of 1 to {TEXT_CHARACTERS_MAX} characters")
        if wanted.dimensions not in (None, DIMENSIONS):
            return refusal(400, f"The vectors of {EMBEDDING_MODEL} have {DIMENSIONS} numbers and cannot be shortened", "dimensions")
        vectors = await self._embedder.embed(texts)
        tokens = sum(len(self._embedder.model.ids(text)) for text in texts)
        data = [
            {"object": "embedding", "index": index, "embedding": _written(row, wanted.encoding_format)} for index, row in enumerate(vectors)
        ]
        usage = {"prompt_tokens": tokens, "total_tokens": tokens}
        return Response(200, msgspec.json.encode({"object": "list", "data": data, "model": EMBEDDING_MODEL, "usage": usage}))

    async def _loaded(self) -> None:
        if self._server is not None:
            return
        if self._loading is None:
            self._loading = asyncio.ensure_future(self._load())
        await asyncio.shield(self._loading)

    async def _load(self) -> None:
        try:
            self._server = await asyncio.to_thread(self._serve, self._socket)
        finally:
            self._loading = None
        event("models.loaded", model=llama.MODEL)


def _written(row: Any, form: str) -> object:  # noqa: ANN401 -- a numpy row
    """A vector as numbers, or as OpenAI's clients ask for by default: little-endian float32 in base64."""
    if form == "base64":
        return base64.b64encode(row.astype("<f4").tobytes()).decode()
    return row.tolist()


def refusal(status: int, sentence: str, param: str | None = None) -> Response:
    """An error in OpenAI's shape."""
    kind = "invalid_request_error" if status < 500 else "server_error"
    return Response(
        status, msgspec.json.encode({"error": {"message": sentence.rstrip(".") + ".", "type": kind, "code": None, "param": param}})
    )


def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
