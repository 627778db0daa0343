"""The service's own HTTP/1.1 server: callbacks from socket to handler and back, everything bounded, drained at the end.

It stands behind Envoy on a unix socket, so it speaks to one careful client; it still holds its own limits.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path

from seawall.model_proxy.edge_connection import Connection, Handle
from seawall.model_proxy.edge_out import Out
from seawall.model_proxy.http import Request, Response

BODY_BYTES_MAX = 1 << 20
CHECK_SECONDS = 0.5
"""How finely limits of time are held."""

Refuse = Callable[[int, str], Response]
"""Makes the answer to a request that never became one, from a status and a sentence."""


class Server:
    """Listens on a unix socket and hands requests to `handle`."""

    def __init__(self, handle: Handle, refuse: Refuse, *, body_bytes_max: int = BODY_BYTES_MAX) -> None:
        self.handle = handle
        self.refuse = refuse
        self.draining = False
        self.body_bytes_max = body_bytes_max
        self.connections: set[Connection] = set()
        self._listener: asyncio.Server | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._last_one_left = asyncio.Event()

    async def listen(self, path: Path) -> None:
        """Open the socket, for its owner only, in place of one that a predecessor left."""
        self._listener = await asyncio.get_running_loop().create_unix_server(lambda: Connection(self), sock=_bind(path), backlog=1024)

    async def drain(self, seconds: float) -> None:
        """Accept nothing more, give requests in flight `seconds`, then cut what is left."""
        self.draining = True
        if self._listener:
            self._listener.close()
        for connection in tuple(self.connections):
            connection.close_if_idle()
        if self.connections:
            self._last_one_left.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._last_one_left.wait(), seconds)
        for connection in tuple(self.connections):
            connection.abort()
        if self._timer:
            self._timer.cancel()

    # ── for connections ──

    def joined(self, connection: Connection) -> None:
        """A connection began."""
        self.connections.add(connection)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(CHECK_SECONDS, self._check)

    def left(self, connection: Connection) -> None:
        """A connection is gone."""
        self.connections.discard(connection)
        if not self.connections:
            self._last_one_left.set()

    def _check(self) -> None:
        """One timer for all connections; it rests when there are none."""
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(CHECK_SECONDS, self._check) if self.connections else None
        now = loop.time()
        for connection in [one for one in self.connections if one.due <= now]:
            connection.overdue()


def answering(handler: Callable[[Request], Awaitable[Response]]) -> Handle:
    """A handler from a coroutine function that gives whole answers and does not raise."""
    tasks: set[asyncio.Task[None]] = set()

    async def answer(request: Request, out: Out) -> None:
        out.send(await handler(request))

    def handle(request: Request, out: Out) -> None:
        task = asyncio.get_running_loop().create_task(answer(request, out))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        out.on_gone = lambda: None if task.done() else _cancel(task)

    return handle


def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()


def _bind(path: Path) -> socket.socket:
    path.unlink(missing_ok=True)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listening.bind(str(path))
    path.chmod(0o600)
    return listening
