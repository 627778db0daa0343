"""Asking a running gateway: is it ready, let it drain, what does it count. Over sockets only its owner can open."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import msgspec

from seawall.core.errors import Unavailable

TIMEOUT_SECONDS = 2.0
ANSWER_BYTES_MAX = 8 << 20


class Answer(msgspec.Struct, frozen=True):
    """A status and a body."""

    status: int
    body: bytes


async def ready(run: Path) -> bool:
    """Whether the gateway in `run` listens and every service behind it has a ready replica."""
    with contextlib.suppress(Unavailable):
        return (await ask(run / "gateway-0.sock", "GET", "/readyz")).status == 200
    return False


async def drain(run: Path) -> None:
    """Stop accepting, let requests in flight finish; the caller ends the process after `service.DRAIN_SECONDS`."""
    await ask(run / "gateway-admin.sock", "POST", "/drain_listeners?graceful")


async def reopen_logs(run: Path) -> None:
    """Begin a new access log after the old file was renamed."""
    await ask(run / "gateway-admin.sock", "POST", "/reopen_logs")


async def ask(socket: Path, method: str, path: str) -> Answer:
    """One request of Envoy on a unix socket. Unavailable when nobody answers."""
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            reader, writer = await asyncio.open_unix_connection(str(socket))
            try:
                writer.write(f"{method} {path} HTTP/1.0\r\nhost: gateway\r\ncontent-length: 0\r\n\r\n".encode())
                raw = await reader.read(ANSWER_BYTES_MAX)
                while chunk := await reader.read(ANSWER_BYTES_MAX - len(raw)):
                    raw += chunk
            finally:
                writer.close()
    except (OSError, TimeoutError) as error:
        raise Unavailable(f"The gateway does not answer on {socket}", got=repr(error)) from error
    head, _, body = raw.partition(b"\r\n\r\n")
    parts = head.split(b" ", 2)
    if len(parts) < 2 or not parts[1].isdigit():
        raise Unavailable(f"{socket} did not answer with HTTP", got=repr(head[:40]))
    return Answer(int(parts[1]), body)
