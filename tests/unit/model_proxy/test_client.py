"""The client that other services use: what it sends and how failures come back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from seawall.core.clock import ManualClock
from seawall.core.deadline import Deadline
from seawall.core.errors import DeadlineExceeded, Unavailable
from seawall.core.principal import Principal
from seawall.model_proxy.app import ModelProxy, refusal
from seawall.model_proxy.client import ModelProxyClient
from seawall.model_proxy.edge import Server, answering
from seawall.model_proxy.http import Request, Response
from seawall.model_proxy.identify import Identifier
from seawall.model_proxy.models import DEFAULT_MODELS
from seawall.trust.errors import NotSignedIn
from seawall.trust.keys import generate
from seawall.trust.tokens import Tokens

TOKENS = Tokens(generate())
TOKEN = TOKENS.mint(Principal(user="mia"), 600)


class Gateway:
    """Stands where the internal listener is and hands on to a proxy."""

    def __init__(self) -> None:
        self.proxy = ModelProxy(Identifier(TOKENS, None), DEFAULT_MODELS)
        self.seen: list[Request] = []
        self.instead: Response | None = None

    async def answer(self, request: Request) -> Response:
        self.seen.append(request)
        return self.instead or await self.proxy.answer(request)


@pytest.fixture
async def stand(tmp_path: Path) -> AsyncIterator[tuple[Gateway, ModelProxyClient]]:
    gateway, client = Gateway(), ModelProxyClient(tmp_path)
    server = Server(answering(gateway.answer), refusal)
    await server.listen(tmp_path / "gateway.sock")
    yield gateway, client
    await client.aclose()
    await server.drain(1)


async def test_models(stand: tuple[Gateway, ModelProxyClient]) -> None:
    """The user's token and the time that is left travel with the call."""
    gateway, client = stand
    assert await client.models(TOKEN) == DEFAULT_MODELS
    assert gateway.seen[0].headers["authorization"] == f"Bearer {TOKEN}"
    assert 0 < int(gateway.seen[0].headers["seawall-timeout-ms"]) <= 900
    assert len(gateway.seen[0].headers["traceparent"]) == 55


async def test_refused(stand: tuple[Gateway, ModelProxyClient]) -> None:
    """A token the proxy refuses is the caller's to renew."""
    with pytest.raises(NotSignedIn):
        await stand[1].models("no token")


@pytest.mark.parametrize("instead", [Response(503), Response(200, b"<html>"), Response(200, b'{"data": 1}')])
async def test_wrong_answers(stand: tuple[Gateway, ModelProxyClient], instead: Response) -> None:
    """Whatever else comes back means: not available."""
    stand[0].instead = instead
    with pytest.raises(Unavailable):
        await stand[1].models(TOKEN)


async def test_nobody_there(tmp_path: Path) -> None:
    """Without a gateway the caller hears so at once."""
    client = ModelProxyClient(tmp_path)
    with pytest.raises(Unavailable):
        await client.models(TOKEN)
    await client.aclose()


async def test_no_time_left(stand: tuple[Gateway, ModelProxyClient]) -> None:
    """A call whose time is over is not made."""
    clock = ManualClock()
    deadline = Deadline.after(1, clock)
    clock.advance(2)
    with pytest.raises(DeadlineExceeded):
        await stand[1].models(TOKEN, deadline=deadline)
    assert not stand[0].seen
