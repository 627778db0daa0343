"""How other services speak to the model proxy: through the gateway's internal listener, as the user they serve."""

from __future__ import annotations

from pathlib import Path

import httpx
import msgspec

from seawall.core.deadline import HEADER, Deadline
from seawall.core.errors import DeadlineExceeded, Unavailable
from seawall.model_proxy.models import ModelCard, ModelList
from seawall.telemetry.spans import current_traceparent, span
from seawall.trust.errors import NotSignedIn

CONNECTIONS_MAX = 32
DEFAULT_SECONDS = 0.9


class ModelProxyClient:
    """A pool of connections to `gateway.sock` in the instance's run directory. Close with `aclose()`."""

    def __init__(self, run: Path) -> None:
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

    async def aclose(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    async def _get(self, path: str, token: str, deadline: Deadline) -> httpx.Response:
        deadline.check()
        headers = {"authorization": f"Bearer {token}", HEADER: deadline.header(), "traceparent": current_traceparent()}
        try:
            return await self._client.get(path, headers=headers, timeout=deadline.remaining())
        except httpx.TimeoutException as error:
            raise DeadlineExceeded("The model proxy took too long") from error
        except httpx.TransportError as error:
            raise Unavailable("The gateway's internal listener does not answer", got=type(error).__name__) from error
