"""The engine as a process: one event loop, one unix socket, llama.cpp's threads beside it."""

from __future__ import annotations

import asyncio
import os
import signal

import uvloop

from seawall.core.settings import Settings
from seawall.model_proxy.config_load import load, models_file
from seawall.model_proxy.edge import Server
from seawall.model_proxy.embedded.engine import Engine, refusal
from seawall.telemetry.events import event

BODY_BYTES_MAX = 8 << 20
DRAIN_SECONDS = 3.0


def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(settings))


async def serve(settings: Settings) -> None:
    """Serve on this replica's socket until a signal says to stop."""
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    engine = Engine(settings.run / "llama.sock")
    server = Server(engine.handle, refusal, body_bytes_max=BODY_BYTES_MAX)
    await server.listen(settings.socket)
    if any(provider.kind == "embedded" for provider in load(models_file(os.environ)).providers.values()):
        engine.load_soon()
    event("service.ready", service=settings.service, replica=settings.replica)
    await stopping.wait()
    await server.drain(DRAIN_SECONDS)
    engine.close()
