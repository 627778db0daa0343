"""How other services speak to the model proxy: through the gateway's internal listener, as the user they serve."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import httpx
import msgspec

from seawall.core.deadline import HEADER, Deadline
from seawall.core.errors import DeadlineExceeded, InvalidInput, NotFound, NotPermitted, SeawallError, Unavailable
from seawall.model_proxy.errors import CallOverLimit, OverBudget, OverLimit
from seawall.model_proxy.minilm import VERSION as EMBEDDING_VERSION
from seawall.model_proxy.models import ModelCard, ModelList
from seawall.telemetry.spans import current_traceparent, span
from seawall.trust.errors import NotSignedIn

__all__ = ["EMBEDDING_VERSION", "ModelProxyClient", "PromptAnswer"]

ACTION = "seawall-action"
CONNECTIONS_MAX = 32
DEFAULT_SECONDS = 0.9
CALL_SECONDS = 15.0
Decoded = TypeVar("Decoded")


class PromptAnswer(msgspec.Struct, frozen=True):
    """What a prompt answers. `cost` in dollars."""

    output: Any
    prompt: str
    version: str
    variant: str
    model: str
    usage: dict[str, int]
    cost: float
    cached: bool
    rounds: int


class _Embedding(msgspec.Struct, frozen=True):
    embedding: list[float]
    index: int = 0


class _Embeddings(msgspec.Struct, frozen=True):
    data: list[_Embedding]


class _Error(msgspec.Struct, frozen=True):
    message: str = ""
    code: str | None = None


class _Errors(msgspec.Struct, frozen=True):
    error: _Error = _Error()


class ModelProxyClient:
    """A pool of connections to `gateway.sock` in the instance's run directory. Close with `aclose()`."""

    def __init__(self, run: Path, *, action: str = "") -> None:
        """`action`: what users do that causes its calls, for the record of each."""
        self._action = action
        limits = httpx.Limits(max_connections=CONNECTIONS_MAX, max_keepalive_connections=CONNECTIONS_MAX)
        transport = httpx.AsyncHTTPTransport(uds=str(run / "gateway.sock"), limits=limits)
        self._client = httpx.AsyncClient(transport=transport, base_url="http://gateway", trust_env=False)

    async def models(self, token: str, *, deadline: Deadline | None = None) -> tuple[ModelCard, ...]:
        """The models the bearer of `token` may use. NotSignedIn, DeadlineExceeded or Unavailable when that fails."""
        deadline = deadline or Deadline.after(DEFAULT_SECONDS)
        with span("model.models", "model", kind="client"):
            answer = await self._get("/v1/models", token, deadline)
        if answer.status_code == 401:
            raise NotSignedIn("The model proxy refused the token")
        if answer.status_code != 200:
            raise Unavailable("The model proxy did not answer as it should", got=f"HTTP {answer.status_code}")
        try:
            return msgspec.json.decode(answer.content, type=ModelList).data
        except msgspec.DecodeError as error:
            raise Unavailable("The model proxy's answer cannot be read") from error

    async def prompt(self, app: str, name: str, given: Mapping[str, Any], token: str, *, deadline: Deadline | None = None) -> PromptAnswer:
        """What a prompt answers. NotSignedIn, OverLimit, InvalidInput (of the input), DeadlineExceeded, Unavailable."""
        content = await self._post(f"/v1/prompts/{app}/{name}", {"input": given}, token, deadline)
        return _decoded(content, PromptAnswer)

    async def chat(self, body: Mapping[str, Any], token: str, *, deadline: Deadline | None = None) -> dict[str, Any]:
        """A chat completion, whole. Errors as of `prompt`."""
        return _decoded(await self._post("/v1/chat/completions", {**body, "stream": False}, token, deadline), dict[str, Any])

    async def embed(self, model: str, texts: Sequence[str], token: str, *, deadline: Deadline | None = None) -> list[list[float]]:
        """A vector for each text, in their order. Errors as of `prompt`."""
        answer = _decoded(await self._post("/v1/embeddings", {"model": model, "input": list(texts)}, token, deadline), _Embeddings)
        return [one.embedding for one in sorted(answer.data, key=lambda one: one.index)]

    async def aclose(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    async def _post(self, path: str, body: Mapping[str, Any], token: str, deadline: Deadline | None) -> bytes:
        deadline = deadline or Deadline.after(CALL_SECONDS)
        with span("model.ask", "model", kind="client", path=path[:100]):
            answer = await self._send("POST", path, token, deadline, msgspec.json.encode(body))
        if answer.status_code != 200:
            raise _failed(answer)
        return answer.content

    async def _get(self, path: str, token: str, deadline: Deadline) -> httpx.Response:
        return await self._send("GET", path, token, deadline)

    async def _send(self, method: str, path: str, token: str, deadline: Deadline, content: bytes | None = None) -> httpx.Response:
        deadline.check()
        headers = {"authorization": f"Bearer {token}", HEADER: deadline.header(), "traceparent": current_traceparent()}
        try:
            if self._action:
                headers[ACTION] = self._action
            if content is not None:
                headers["content-type"] = "application/json"
            return await self._client.request(method, path, headers=headers, content=content, timeout=deadline.remaining())
        except httpx.TimeoutException as error:
            raise DeadlineExceeded("The model proxy took too long") from error
        except httpx.TransportError as error:
            raise Unavailable("The gateway's internal listener does not answer", got=type(error).__name__) from error


def _decoded(content: bytes, type_: type[Decoded]) -> Decoded:
    try:
        return msgspec.json.decode(content, type=type_)
    except msgspec.DecodeError as error:
        raise Unavailable("The model proxy's answer cannot be read") from error


def _failed(answer: httpx.Response) -> SeawallError:
    """An answer that is an error, as the error it was."""
    try:
        told = msgspec.json.decode(answer.content, type=_Errors).error
    except msgspec.DecodeError:
        told = _Error()
    said = told.message[:300]
    if answer.status_code == 429 and told.code == "insufficient_quota":
        return OverBudget(said)
    if answer.status_code == 429:
        wait = answer.headers.get("retry-after", "")
        if answer.headers.get("x-should-retry") == "false":
            return CallOverLimit(said)
        return OverLimit(said, retry_after=float(wait) if wait.isdigit() else 1.0)
    kinds: dict[int, type[SeawallError]] = {
        400: InvalidInput, 401: NotSignedIn, 403: NotPermitted, 404: NotFound, 413: InvalidInput, 504: DeadlineExceeded
    }  # fmt: skip
    return kinds.get(answer.status_code, Unavailable)(said, got=f"HTTP {answer.status_code}")
