"""What the model proxy answers: the models there are, its health, and errors in OpenAI's shape, which its SDKs read.

Only a bearer token identifies a caller here: no cookie, so no other site can make a browser ask. The gateway has verified
the token already; it is verified again, because a socket is no identity.
"""

from __future__ import annotations

import msgspec

from seawall.core.errors import SeawallError
from seawall.core.principal import Principal
from seawall.model_proxy.http import Request, Response
from seawall.model_proxy.models import ModelCard, ModelList
from seawall.telemetry.events import event
from seawall.telemetry.spans import span
from seawall.trust.errors import NotSignedIn
from seawall.trust.tokens import Tokens

_MODEL_PREFIX = "/v1/models/"


class OpenAIError(msgspec.Struct, frozen=True):
    """The inside of an error answer. https://platform.openai.com/docs/guides/error-codes"""

    message: str
    type: str
    code: str
    param: str | None = None


def error_response(status: int, message: str, code: str) -> Response:
    """An answer that OpenAI's SDKs turn into the right exception."""
    kind = "invalid_request_error" if status < 500 else "server_error"
    return Response(status, msgspec.json.encode({"error": OpenAIError(message, kind, code)}), headers=(("cache-control", "no-store"),))


def refusal(status: int, sentence: str) -> Response:
    """The answer to what never became a request."""
    return error_response(status, sentence + ".", "bad_request")


class ModelProxy:
    """Answers requests. `models` is the table to tell of."""

    def __init__(self, tokens: Tokens, models: tuple[ModelCard, ...]) -> None:
        self._tokens = tokens
        self._models = {model.id: model for model in models}
        self._list = msgspec.json.encode(ModelList(data=models))
        self.draining = False

    async def answer(self, request: Request) -> Response:
        """One answer for any request; what goes wrong unforeseen is recorded and said to be ours."""
        if request.path in ("/healthz", "/readyz"):
            return self._health(request.path)
        with span("model.request", "model", traceparent=request.headers.get("traceparent"), kind="server", path=request.path[:100]) as made:
            try:
                response = self._route(request)
            except NotSignedIn as error:
                response = error_response(401, error.sentence(), "invalid_api_key")
            except SeawallError as error:
                response = error_response(error.status, error.sentence(), error.slug.replace("-", "_"))
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
        return error_response(404, f"Unknown request URL: {request.method} {request.path[:200]}.", "unknown_url")

    def _one(self, name: str) -> Response:
        model = self._models.get(name)
        if model is None:
            return error_response(404, f"The model '{name[:100]}' does not exist or you do not have access to it.", "model_not_found")
        return Response(200, msgspec.json.encode(model))

    def _reading(self, request: Request) -> Response | None:
        if request.method in ("GET", "HEAD"):
            return None
        refused = error_response(405, f"Not allowed to {request.method} on {request.path[:200]}.", "method_not_allowed")
        return msgspec.structs.replace(refused, headers=(*refused.headers, ("allow", "GET, HEAD")))

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
