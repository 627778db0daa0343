"""What the model proxy answers: model calls, which models there are, its health; errors in OpenAI's shape, which its SDKs read.

Only a bearer token or a machine key identifies a caller here: no cookie, so no other site can make a browser ask. The gateway has
verified a token already; it is verified again, because a socket is no identity.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Protocol

import msgspec

from seawall.core.errors import SeawallError
from seawall.model_proxy.edge_out import Out
from seawall.model_proxy.exchanges.redact import redact_text
from seawall.model_proxy.health import Health, healthy
from seawall.model_proxy.http import Request, Response
from seawall.model_proxy.models import ModelCard, ModelList
from seawall.model_proxy.prompts.service import Prompts
from seawall.model_proxy.replies import error_response, failure, refusal
from seawall.model_proxy.scopes import require
from seawall.model_proxy.stages import Identify
from seawall.telemetry import spans
from seawall.telemetry.events import event

__all__ = ["Calls", "ModelProxy", "refusal"]
_MODEL_PREFIX = "/v1/models/"


class Calls(Protocol):
    """Answers model calls: the pipeline, or the bare relay."""

    def takes(self, request: Request) -> bool:
        """Whether the path is one of its own."""

    def handle(self, request: Request, out: Out) -> None:
        """Answer, now or later; never raises."""


class ModelProxy:
    """Answers requests. `models` is the table to tell of; `calls` answers model calls."""

    def __init__(
        self,
        identify: Identify,
        models: tuple[ModelCard, ...],
        calls: Calls | None = None,
        health: Health | None = None,
        prompts: Prompts | None = None,
    ) -> None:
        self._identify = identify
        self._calls = calls
        self._prompts = prompts
        self._models = {model.id: model for model in models}
        self._list = msgspec.json.encode(ModelList(data=models))
        self._tasks: set[asyncio.Task[None]] = set()
        self.health = health or Health()

    def handle(self, request: Request, out: Out) -> None:
        """One answer for any request. Never raises."""
        calls: Calls | None = self._calls
        if calls is None or not calls.takes(request):
            calls = self._prompts if self._prompts is not None and self._prompts.takes(request) else None
        if calls is not None:
            if request.method == "POST":
                calls.handle(request, out)
            else:
                out.send(_refused_method(request, "POST"))
        elif request.path == "/healthz":
            out.send(healthy())
        elif request.path == "/readyz":
            self._later(out, self.health.ready())
        else:
            self._later(out, self.answer(request))

    async def answer(self, request: Request) -> Response:
        """The answer to what is no model call; what goes wrong unforeseen is recorded and said to be ours."""
        made = spans.begin("model.request", "model", traceparent=request.headers.get("traceparent"), kind="server")
        made.set("path", redact_text(request.path)[:100])
        spans.enter(made)
        try:
            response = await self._route(request)
        except SeawallError as error:
            response = failure(error)
        except Exception as error:  # noqa: BLE001 -- the edge of the process: one request fails, not the service
            event("model.failed", error=type(error).__name__)
            response = error_response(500, "Something went wrong on our side.", "internal_error")
        made.set("status", response.status)
        spans.finish(made)
        return response

    async def _route(self, request: Request) -> Response:
        if not request.path.startswith("/v1/"):
            return error_response(404, f"There is nothing at {request.path[:200]}.", "not_found")
        caller = self._identify.known(request) or await self._identify.find(request)
        for path, find in ((request.path == "/v1/models", self._all), (request.path.startswith(_MODEL_PREFIX), self._one)):
            if path:
                require(caller.principal.scopes, "models")
                return find(request) if request.method in ("GET", "HEAD") else _refused_method(request, "GET, HEAD")
        if request.path == "/v1/prompts" and self._prompts is not None:
            if request.method not in ("GET", "HEAD"):
                return _refused_method(request, "GET, HEAD")
            return Response(200, self._prompts.listing(caller.principal), headers=(("cache-control", "private, no-cache"),))
        return error_response(404, f"Unknown request URL: {request.method} {request.path[:200]}.", "unknown_url")

    def _all(self, request: Request) -> Response:
        return Response(200, self._list, headers=(("cache-control", "private, no-cache"),))

    def _one(self, request: Request) -> Response:
        name = request.path.removeprefix(_MODEL_PREFIX)
        model = self._models.get(name)
        if model is None:
            return error_response(404, f"The model '{name[:100]}' does not exist or you do not have access to it.", "model_not_found")
        return Response(200, msgspec.json.encode(model))

    def _later(self, out: Out, work: Coroutine[object, object, Response]) -> None:
        async def answered() -> None:
            out.send(await work)

        task = asyncio.get_running_loop().create_task(answered())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _refused_method(request: Request, allowed: str) -> Response:
    refused = error_response(405, f"Not allowed to {request.method} on {request.path[:200]}.", "method_not_allowed")
    return msgspec.structs.replace(refused, headers=(*refused.headers, ("allow", allowed)))
