"""Our proxy alone, on a port of 127.0.0.1 as its peers: python bench/peers/our_proxy.py whole PORT | bare PORT PROVIDERS_PORT

`whole` is the service as it runs in an instance (whose variables it is given), but for where it listens.
"""

from __future__ import annotations

import asyncio
import os
import sys
from typing import cast

import uvloop
from bare_proxy import Nobody

from seawall.core.settings import settings_from
from seawall.model_proxy.app import ModelProxy, refusal
from seawall.model_proxy.bare import Bare, Upstream
from seawall.model_proxy.edge import Server
from seawall.model_proxy.edge_connection import Connection, Handle
from seawall.model_proxy.models import DEFAULT_MODELS
from seawall.model_proxy.pipeline import Pipeline, Stages
from seawall.model_proxy.service import BODY_BYTES_MAX, calm
from seawall.model_proxy.upstream import Origin, Pool
from seawall.model_proxy.wiring import wired


async def listen(handle: Handle, port: int) -> None:
    server = Server(handle, refusal, body_bytes_max=BODY_BYTES_MAX)
    await asyncio.get_running_loop().create_server(lambda: Connection(server), "127.0.0.1", port, backlog=1024)
    calm()
    await asyncio.Event().wait()


async def bare(port: int, provider: int) -> None:
    pool = Pool(Origin("http", host="127.0.0.1", port=provider, base="/v1"), connections_max=2000)
    calls = Bare({"mock": Upstream(pool, ((b"content-type", b"application/json"),))})
    await listen(ModelProxy(Nobody(), DEFAULT_MODELS, calls).handle, port)


async def whole(port: int) -> None:
    async with wired(settings_from(os.environ), os.environ) as proxy:
        print(f"stages on: {', '.join(on(proxy))}", flush=True)
        await listen(proxy.handle, port)


def on(proxy: ModelProxy) -> list[str]:
    """The names of the stages this process was wired with."""
    stages = cast("Pipeline", proxy._calls)._stages
    return [name for name in Stages.__struct_fields__ if name != "semconv" and getattr(stages, name) is not None]


if __name__ == "__main__":
    uvloop.run(whole(int(sys.argv[2])) if sys.argv[1] == "whole" else bare(int(sys.argv[2]), int(sys.argv[3])))
