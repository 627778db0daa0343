"""The model proxy as a process: one event loop, one unix socket, drained on SIGTERM."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import sys

import uvloop

from seawall.core.settings import Settings
from seawall.model_proxy.app import refusal
from seawall.model_proxy.edge import Server
from seawall.model_proxy.wiring import wired
from seawall.telemetry.events import event

NOTICE_SECONDS = 0.3
"""How long the socket stays open after readiness said no."""
SWITCH_SECONDS = 0.0001
"""How long a background thread (spans, exchanges) may keep the event loop from running."""
GC_THRESHOLDS = (10_000, 10, 10)
"""A call leaves no cycles, so looking for them at Python's usual pace is a tenth of what a call costs."""
BODY_BYTES_MAX = 8 << 20
"""As the gateway's; images travel in requests."""


def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT, then finish what is in flight."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(settings))


def calm() -> None:
    """Keep what is there from being looked through for cycles again, and look for new ones less often. Call it when all is set up."""
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)


async def serve(settings: Settings) -> None:
    """Serve on this replica's socket until a signal says to stop."""
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    async with contextlib.AsyncExitStack() as stack:
        proxy = await stack.enter_async_context(wired(settings, os.environ))
        server = Server(proxy.handle, refusal, body_bytes_max=BODY_BYTES_MAX)
        await server.listen(settings.socket)
        calm()
        event("service.ready", service=settings.service, replica=settings.replica)
        await stopping.wait()
        proxy.health.draining = True
        await asyncio.sleep(NOTICE_SECONDS)
        await server.drain(settings.drain_seconds)
        gc.unfreeze()
