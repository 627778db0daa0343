"""Providers that do not speak OpenAI's API, through any-llm-sdk (`pip install seawall[any-llm]`): Anthropic, Gemini, Bedrock and others.

Imported when it is first used, in a thread. Only parameters of OpenAI's API are handed on: a body can set neither address nor key. The
provider's SDK makes the connection, so a configured `url` is checked when a call begins but cannot be pinned. What an SDK raises is judged
like an HTTP answer of the same status. https://github.com/mozilla-ai/any-llm
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from typing import Any, Protocol, cast
from urllib.parse import urlsplit

import msgspec

from seawall.core.errors import SeawallError
from seawall.model_proxy.addresses import CheckedResolver
from seawall.model_proxy.answering import Answering
from seawall.model_proxy.config import Provider, Timeouts
from seawall.model_proxy.errors import ProviderFailed, ProviderRefusedKey
from seawall.model_proxy.failures import AttemptFailed, refused
from seawall.model_proxy.sse import piece_of
from seawall.model_proxy.upstream import Done
from seawall.model_proxy.upstream_errors import TimedOut, unreachable

_CHAT = (
    "model messages tools tool_choice temperature top_p max_tokens max_completion_tokens response_format stream stream_options n stop seed "
    "presence_penalty frequency_penalty user parallel_tool_calls logprobs top_logprobs logit_bias reasoning_effort service_tier"
)
CHAT_PARAMETERS = frozenset(_CHAT.split())
EMBEDDING_PARAMETERS = frozenset({"model", "input", "dimensions", "encoding_format", "user"})
_STATUSES = {
    "RateLimitError": 429,
    "AuthenticationError": 401,
    "MissingApiKeyError": 401,
    "InsufficientFundsError": 402,
    "InvalidRequestError": 400,
    "ContextLengthExceededError": 400,
    "ContentFilterError": 400,
    "UnsupportedParameterError": 400,
    "ModelNotFoundError": 404,
    "UnsupportedProviderError": 404,
}
"""any-llm's exceptions that carry no status of their own."""


class Model(Protocol):
    """What is used of any-llm's `AnyLLM`: answers are pydantic models of OpenAI's types."""

    async def acompletion(self, **parameters: Any) -> Any:  # noqa: ANN401 -- a ChatCompletion or an iterator of chunks
        """One chat completion."""

    async def aembedding(self, **parameters: Any) -> Any:  # noqa: ANN401 -- a CreateEmbeddingResponse
        """Embeddings."""


class AnyLlm:
    """Keeps the promise of `lanes.Transport`. `module`: stands in for `any_llm`."""

    def __init__(self, provider: Provider, key: str, module: Any = None) -> None:  # noqa: ANN401 -- a module
        self._provider = provider
        self._key = key
        self._module = module
        self._model: Model | None = None
        self._closing: asyncio.Future[None] | None = None
        self._resolver = CheckedResolver(provider.id, allow_private=provider.allow_private)

    async def exchange(self, path: str, body: bytes, receiver: Answering, timeouts: Timeouts, seconds: float) -> None:
        """See Transport."""
        asked: dict[str, Any] = msgspec.json.decode(body)
        try:
            async with asyncio.timeout(min(timeouts.total, seconds)):
                model = await self._ready()
                if path == "/embeddings":
                    await self._embed(model, asked, receiver, timeouts)
                else:
                    await self._complete(model, asked, receiver, timeouts)
        except TimeoutError:
            raise TimedOut("The provider's answer took too long", phase="total") from None

    def start(self, path: str, body: bytes, receiver: Answering, timeouts: Timeouts, seconds: float, done: Done) -> None:
        """See Transport."""

    def close(self) -> None:
        """See Transport; not every SDK can."""
        closing = getattr(self._model, "aclose", None)
        if closing is not None:
            self._closing = asyncio.ensure_future(closing())

    async def _ready(self) -> Model:
        if self._provider.url:
            parts = urlsplit(self._provider.url)
            try:
                await self._resolver(parts.hostname or "", parts.port or 443)
            except OSError as error:
                raise unreachable(error) from error
        if self._model is None:
            self._model = await asyncio.to_thread(self._made)
        return self._model

    def _made(self) -> Model:
        try:
            module = self._module or importlib.import_module("any_llm")
        except ImportError as error:
            fix = "Install it with `pip install seawall[any-llm]`"
            raise ProviderRefusedKey(f"The provider {self._provider.id} needs the package any-llm-sdk", fix=fix) from error
        given: dict[str, Any] = {"api_key": self._key or None, "api_base": self._provider.url or None, "unified_exceptions": True}
        try:
            return cast("Model", module.AnyLLM.create(self._provider.provider, max_retries=0, **given))
        except Exception as first:  # noqa: BLE001 -- sixty SDKs behind one door raise what they like
            if type(first).__name__ != "UnsupportedParameterError":
                raise self._judged(first) from None
        try:
            return cast("Model", module.AnyLLM.create(self._provider.provider, **given))  # its SDK has no retries to turn off
        except Exception as error:  # noqa: BLE001 -- as above
            raise self._judged(error) from None

    async def _complete(self, model: Model, asked: Mapping[str, Any], receiver: Answering, timeouts: Timeouts) -> None:
        given = {name: value for name, value in asked.items() if name in CHAT_PARAMETERS}
        answer = await self._first(model.acompletion(**given), timeouts)
        _begin(receiver)
        if not asked.get("stream"):
            receiver.body(_plain(answer, receiver))
            return
        async with (
            contextlib.aclosing(cast("AsyncGenerator[Any, None]", answer)) if hasattr(answer, "aclose") else contextlib.nullcontext()
        ):
            chunks = cast("AsyncIterator[Any]", answer.__aiter__())
            while (chunk := await self._next(chunks, timeouts)) is not None:
                data = chunk.model_dump_json(exclude_none=True).encode()
                receiver.took(len(data))
                receiver.pieces([piece_of(data)])
        receiver.ended()

    async def _embed(self, model: Model, asked: Mapping[str, Any], receiver: Answering, timeouts: Timeouts) -> None:
        given = {name: value for name, value in asked.items() if name in EMBEDDING_PARAMETERS}
        given["inputs"] = given.pop("input", "")
        answer = await self._first(model.aembedding(**given), timeouts)
        _begin(receiver)
        receiver.body(_plain(answer, receiver))

    async def _first(self, coming: Any, timeouts: Timeouts) -> Any:  # noqa: ANN401 -- what the SDK gives
        try:
            async with asyncio.timeout(timeouts.first_byte) as limit:
                return await coming
        except TimeoutError as error:
            if limit.expired():
                raise TimedOut("The provider did not begin to answer", phase="first_byte", seconds=timeouts.first_byte) from None
            raise self._judged(error) from None
        except Exception as error:  # noqa: BLE001 -- as above
            raise self._judged(error) from None

    async def _next(self, chunks: AsyncIterator[Any], timeouts: Timeouts) -> Any:  # noqa: ANN401 -- a chunk, or None at the end
        try:
            async with asyncio.timeout(timeouts.idle) as limit:
                return await anext(chunks)
        except StopAsyncIteration:
            return None
        except TimeoutError as error:
            if limit.expired():
                raise TimedOut("The provider fell silent in its answer", phase="idle", seconds=timeouts.idle) from None
            raise self._judged(error) from None
        except Exception as error:  # noqa: BLE001 -- as above
            raise self._judged(error) from None

    def _judged(self, error: Exception) -> Exception:
        """What an SDK raised, as the answer it stands for. Its words are cleaned as those of an HTTP answer are."""
        if isinstance(error, SeawallError | AttemptFailed):
            return error
        status = getattr(error, "status_code", None) or _STATUSES.get(type(error).__name__)
        if not isinstance(status, int) or status < 300:
            return ProviderFailed(f"The provider {self._provider.id} failed", got=type(error).__name__, fix="Try again")
        told = {"message": str(getattr(error, "message", "")), "code": getattr(error, "code", None), "param": getattr(error, "param", None)}
        words = {name: value for name, value in told.items() if isinstance(value, str)}
        wait = getattr(error, "retry_after", None)
        headers = {"retry-after": str(wait)} if wait is not None else {}
        return AttemptFailed(refused(self._provider.id, status, headers, msgspec.json.encode({"error": words}), self._key))


def _begin(receiver: Answering) -> None:
    receiver.status = 200
    receiver.first_ns = time.monotonic_ns()


def _plain(answer: Any, receiver: Answering) -> dict[str, Any]:  # noqa: ANN401 -- a pydantic model
    data = answer.model_dump_json(exclude_none=True).encode()
    receiver.took(len(data))
    return cast("dict[str, Any]", msgspec.json.decode(data))
