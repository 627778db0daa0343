"""What the model proxy answers: the models there are, its health, and errors in OpenAI's shape, which its SDKs read.

Only a bearer token identifies a caller here: no cookie, so no other site can make a browser ask. The gateway has verified
the token already; it is verified again, because a socket is no identity.
"""

from __future__ import annotations

from typing import Protocol

import msgspec

from seawall.core.errors import SeawallError
from seawall.core.principal import Principal
from seawall.model_proxy.edge_out import Out
from seawall.model_proxy.http import Request, Response
from seawall.model_proxy.models import ModelCard, ModelList
from seawall.model_proxy.replies import error_response, failure, refusal
from seawall.model_proxy.wire import SURFACES
from seawall.telemetry.events import event
from seawall.telemetry.spans import span
from seawall.trust.errors import NotSignedIn
from seawall.trust.tokens import Tokens

__all__ = ["Calls", "ModelProxy", "error_response", "refusal"]
_MODEL_PREFIX = "/v1/models/"


class Calls(Protocol):
    """Answers model calls: the pipeline, or the bare relay."""

    def handle(self, request: Request, out: Out) -> None:
        """Answer, now or later; never raises."""


class ModelProxy:
    """Answers requests. `models` is the table to tell of; `calls` answers those to `wire.SURFACES`."""

    def __init__(self, tokens: Tokens, models: tuple[ModelCard, ...], calls: Calls | None = None) -> None:
        self._calls = calls
        self._tokens = tokens
        self._models = {model.id: model for model in models}
        self._list = msgspec.json.encode(ModelList(data=models))
        self.draining = False

    def handle(self, request: Request, out: Out) -> None:
        """One answer for any request."""
        if self._calls is not None and request.method == "POST" and request.path in SURFACES:
            self._calls.handle(request, out)
        else:
            out.send(self.answer(request))

    def answer(self, request: Request) -> Response:
        """The answer to what is not a model call; what goes wrong unforeseen is recorded and said to be ours."""
        if request.path in ("/healthz", "/readyz"):
            return self._health(request.path)
        with span("model.request", "model", traceparent=request.headers.get("traceparent"), kind="server", path=request.path[:100]) as made:
            try:
                response = self._route(request)
            except SeawallError as error:
                response = failure(error)
            except Exception as error:  # noqa: BLE001 -- the edge of the process: one request fails, not the service
                event("model.failed", error=type(error).__name__)
                response = error_response(500, "Something went wrong on our side.", "internal_error")
            made.set("status", response.status)
            return response

    def _route(self, request: Request) -> Response:
        if not request.path.startswith("/v1/"):
            return error_response(404, f"There is nothing at {request.path[:200]}.", "not_found")
        self._principal(request)
        if request.path == "/v1/models":
            return self._reading(request) or Response(200, self._list, headers=(("cache-control", "private, no-cache"),))
        if request.path.startswith(_MODEL_PREFIX):
            return self._reading(request) or self._one(request.path.removeprefix(_MODEL_PREFIX))
        if request.path in SURFACES and self._calls is not None:
            return self._refused_method(request, "POST")
        return error_response(404, f"Unknown request URL: {request.method} {request.path[:200]}.", "unknown_url")

    def _one(self, name: str) -> Response:
        model = self._models.get(name)
        if model is None:
            return error_response(404, f"The model '{name[:100]}' does not exist or you do not have access to it.", "model_not_found")
        return Response(200, msgspec.json.encode(model))

    def _reading(self, request: Request) -> Response | None:
        if request.method in ("GET", "HEAD"):
            return None
        return self._refused_method(request, "GET, HEAD")

    def _refused_method(self, request: Request, allowed: str) -> Response:
        refused = error_response(405, f"Not allowed to {request.method} on {request.path[:200]}.", "method_not_allowed")
        return msgspec.structs.replace(refused, headers=(*refused.headers, ("allow", allowed)))

    def _principal(self, request: Request) -> Principal:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise NotSignedIn("You didn't provide an API key", fix="Send `Authorization: Bearer <token>`")
        return self._tokens.verify(token.strip())

    def _health(self, path: str) -> Response:
        if path == "/healthz":
            return Response(200, b'{"healthy":true}')
        checks = {"models": {"ok": bool(self._models), "detail": f"{len(self._models)} in the table"}}
        if self.draining:
            checks["process"] = {"ok": False, "detail": "shutting down"}
        ready = all(check["ok"] for check in checks.values())
        return Response(200 if ready else 503, msgspec.json.encode({"ready": ready, "checks": checks}))
