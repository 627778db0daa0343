"""Model proxies as processes of their own in front of a simulated provider, with Postgres away."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import httpx

from seawall.core.principal import Principal
from seawall.lab.provider import ProviderSimulator
from seawall.trust.keys import load_or_create
from seawall.trust.tokens import Tokens

MIA = Principal(user="mia")


class ProxyHouse:
    """Proxies that share a folder and a provider; each has a client that is signed in."""

    def __init__(self, folder: Path, models: str, who: Principal) -> None:
        self.folder = folder
        self.who = who
        for name in ("data", "data/keys", "run"):
            (folder / name).mkdir(mode=0o700)
        self.provider = ProviderSimulator()
        self.provider_socket = folder / "sim.sock"
        (folder / "models.yaml").write_text(models.format(socket=self.provider_socket))
        self.processes: list[subprocess.Popen[bytes]] = []
        self.clients: list[httpx.AsyncClient] = []
        self.environment = {
            "SEAWALL_DATA": str(folder / "data"),
            "SEAWALL_RUN": str(folder / "run"),
            "SEAWALL_APPS": str(folder),
            "SEAWALL_MODELS": str(folder / "models.yaml"),
            "DATABASE_URL": f"postgresql://nobody@/none?host={folder}",
        }

    def client(self, socket: Path) -> httpx.AsyncClient:
        """Of whatever listens on the socket."""
        return client_of(socket, Tokens(load_or_create(self.folder / "data" / "keys")).mint(self.who, 600))

    async def start(self) -> None:
        """One more process, until it is ready, and its client."""
        number = len(self.processes)
        environment = {**os.environ, **self.environment, "SEAWALL_REPLICA": str(number)}
        self.processes.append(subprocess.Popen([sys.executable, "-m", "seawall.cli.main", "model-proxy"], env=environment))
        self.clients.append(self.client(self.folder / "run" / f"model-proxy-{number}.sock"))
        await until_ready(self.clients[-1])

    def stop(self, number: int, how: signal.Signals) -> None:
        self.processes[number].send_signal(how)
        self.processes[number].wait(60)

    async def close(self) -> None:
        for client in self.clients:
            await client.aclose()
        for process in self.processes:
            process.kill()
            process.wait(60)
        await self.provider.close()


@contextlib.asynccontextmanager
async def proxy_house(models: str, who: Principal = MIA, **environment: str) -> AsyncIterator[ProxyHouse]:
    """A house whose provider listens; `{socket}` in `models` is where. No proxy runs yet."""
    with tempfile.TemporaryDirectory(prefix="mp", ignore_cleanup_errors=True) as folder:
        house = ProxyHouse(Path(folder), models, who)
        house.environment |= environment
        await house.provider.listen(socket=house.provider_socket)
        try:
            yield house
        finally:
            await house.close()


def client_of(socket: Path, token: str) -> httpx.AsyncClient:
    """Of a server on a unix socket, with a token."""
    headers = {"authorization": f"Bearer {token}"}
    return httpx.AsyncClient(transport=httpx.AsyncHTTPTransport(uds=str(socket)), base_url="http://proxy", headers=headers, timeout=60)


async def until_ready(client: httpx.AsyncClient) -> None:
    for _ in range(2400):
        with contextlib.suppress(httpx.TransportError):
            if (await client.get("/readyz")).status_code == 200:
                return
        await asyncio.sleep(0.05)
    raise AssertionError("the model proxy never became ready")
