"""The model proxy with every stage off, as a process: python bench/peers/bare_proxy.py SOCKET PROVIDERS_SOCKET"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import uvloop

from seawall.core.errors import NotPermitted
from seawall.model_proxy.app import ModelProxy, refusal
from seawall.model_proxy.bare import Bare, Upstream
from seawall.model_proxy.call import Caller
from seawall.model_proxy.edge import Server
from seawall.model_proxy.http import Request
from seawall.model_proxy.models import DEFAULT_MODELS
from seawall.model_proxy.service import calm
from seawall.model_proxy.upstream import Origin, Pool


class Nobody:
    """Nobody is asked who they are, and nobody is told which models there are."""

    def known(self, request: Request) -> Caller | None:
        raise NotPermitted

    async def find(self, request: Request) -> Caller:
        raise NotPermitted


async def serve(socket: Path, provider: str) -> None:
    pool = Pool(Origin("unix", path=provider, base="/v1"), connections_max=2000)
    calls = Bare({"small": Upstream(pool, ((b"content-type", b"application/json"),))})
    server = Server(ModelProxy(Nobody(), DEFAULT_MODELS, calls).handle, refusal)
    await server.listen(socket)
    calm()
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(serve(Path(sys.argv[1]), sys.argv[2]))
