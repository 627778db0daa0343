"""The model proxy as a process: one event loop, one unix socket, drained on SIGTERM."""

from __future__ import annotations

import asyncio
import signal

import uvloop

from seawall.core.settings import Settings
from seawall.model_proxy.app import ModelProxy, refusal
from seawall.model_proxy.edge import Server
from seawall.model_proxy.models import DEFAULT_MODELS
from seawall.telemetry.events import event
from seawall.telemetry.export import Exporter
from seawall.trust.keys import load_or_create
from seawall.trust.tokens import Tokens

DRAIN_SECONDS = 5.0


def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT, then finish what is in flight."""
    exporter = Exporter(settings.otlp_endpoint, "seawall-model-proxy", str(settings.replica))
    exporter.start()
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve(settings))
    finally:
        exporter.close()


async def serve(settings: Settings) -> None:
    """Serve on this replica's socket until a signal says to stop."""
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    proxy = ModelProxy(Tokens(load_or_create(settings.keys)), DEFAULT_MODELS)
    server = Server(proxy.handle, refusal)
    await server.listen(settings.socket)
    event("service.ready", service=settings.service, replica=settings.replica)
    await stopping.wait()
    proxy.draining = True
    await server.drain(DRAIN_SECONDS)
