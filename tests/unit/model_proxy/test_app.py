"""The model proxy's answers, in the shapes OpenAI's SDKs expect."""

from __future__ import annotations

import json

import pytest

from seawall.core.clock import ManualClock
from seawall.core.errors import Unavailable
from seawall.core.principal import Principal
from seawall.model_proxy.app import ModelProxy
from seawall.model_proxy.health import Health, Ping
from seawall.model_proxy.http import Request, Response
from seawall.model_proxy.identify import Identifier
from seawall.model_proxy.models import DEFAULT_MODELS
from seawall.telemetry import spans
from seawall.trust.keys import generate
from seawall.trust.tokens import Tokens

CLOCK = ManualClock()
TOKENS = Tokens(generate(), CLOCK)
TOKEN = TOKENS.mint(Principal(user="mia"), 600)
PROXY = ModelProxy(Identifier(TOKENS, None), DEFAULT_MODELS)


async def ask(path: str, method: str = "GET", token: str | None = TOKEN, **headers: str) -> tuple[Response, dict]:
    if token is not None:
        headers["authorization"] = f"Bearer {token}"
    answer = await PROXY.answer(Request(method, path, "", headers))
    return answer, json.loads(answer.body)


async def test_models() -> None:
    """The list is OpenAI's list object."""
    answer, body = await ask("/v1/models")
    assert (answer.status, body["object"]) == (200, "list")
    assert [model["id"] for model in body["data"]] == ["small", "large"]
    assert set(body["data"][0]) == {"id", "object", "created", "owned_by"}


async def test_one_model() -> None:
    """One model by name, and OpenAI's error for a name that is none."""
    assert (await ask("/v1/models/small"))[1]["id"] == "small"
    answer, body = await ask("/v1/models/nothing")
    assert (answer.status, body["error"]["code"], body["error"]["param"]) == (404, "model_not_found", None)


async def test_a_span_tells_the_path_without_what_is_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody may have put a key there."""
    ended: list[spans.Span] = []
    monkeypatch.setattr(spans, "finish", ended.append)
    await ask(f"/v1/{'x' * 80}/sk-proj-aB3dE5fG7hI9jK1lM3nO5")
    assert ended[0].attributes["path"] == f"/v1/{'x' * 80}/[secret.openai-"


@pytest.mark.parametrize("token", [None, "", "sk-123", TOKEN[:-2]])
async def test_401(token: str | None) -> None:
    """Without a valid token the SDK raises AuthenticationError."""
    answer, body = await ask("/v1/models", token=token)
    assert (answer.status, body["error"]["type"], body["error"]["code"]) == (401, "invalid_request_error", "invalid_api_key")


async def test_cookies_identify_nobody() -> None:
    """A browser's cookie is no key here, so no other site can use it."""
    assert (await ask("/v1/models", token=None, cookie=f"seawall_token={TOKEN}"))[0].status == 401


@pytest.mark.parametrize("path", ["/v1/nothing", "/v1/", "/v1/chat/completions", "/nothing", "/"])
async def test_404(path: str) -> None:
    """An unknown address is told in OpenAI's shape."""
    answer, body = await ask(path)
    assert (answer.status, body["error"]["type"]) == (404, "invalid_request_error")


async def test_405() -> None:
    """The list cannot be changed."""
    answer, _ = await ask("/v1/models", "DELETE")
    assert (answer.status, dict(answer.headers)["allow"]) == (405, "GET, HEAD")


async def test_health() -> None:
    """Readiness says what is wired, goes on without what is soft, and ends with draining."""

    async def away() -> bool:
        raise Unavailable

    async def there() -> bool:
        return True

    health = Health((Ping("models", there, detail="2 routes"), Ping("postgres", away, hard=False)))
    answer = await health.ready()
    assert (answer.status, json.loads(answer.body)["checks"]["postgres"]) == (200, {"ok": False, "hard": False, "detail": "Unavailable"})
    health.draining = True
    assert (await health.ready()).status == 503
    assert (await Health((Ping("models", away),)).ready()).status == 503


async def test_unforeseen(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    """A fault of ours is one failed request, recorded without its content."""
    monkeypatch.setattr(PROXY, "_route", lambda request: 1 / 0)
    answer, body = await ask("/v1/models")
    assert (answer.status, body["error"]["type"]) == (500, "server_error")
    assert "ZeroDivisionError" in capfd.readouterr().err
