"""Asking a running gateway: is it ready, let it drain, what does it count. Over sockets only its owner can open."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path

import httptools
import msgspec

from seawall.core.errors import Unavailable

TIMEOUT_SECONDS = 2.0
ANSWER_BYTES_MAX = 8 << 20
LOG_BYTES_MAX = 64 << 20
POLL_SECONDS = 0.05
_PUBLIC = "http.public.downstream_"
_IN_FLIGHT = "^http.public.downstream_(rq_active|cx_tx_bytes_buffered)$"


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
    """Take no more connections, and say on those there are that they end with their answer; what is in flight goes on.

    The sockets of services and of health stay open: what is in flight may need them. `in_flight` tells when the process can be ended.
    """
    admin = run / "gateway-admin.sock"
    await ask(admin, "POST", "/drain_listeners?graceful&inboundonly&skip_exit")
    await ask(admin, "POST", "/drain_listeners?inboundonly")


async def in_flight(run: Path) -> int:
    """How many requests of users are not answered whole; one more while bytes of answers wait for slow readers."""
    said = (await ask(run / "gateway-admin.sock", "GET", f"/stats?filter={_IN_FLIGHT}")).body.decode()
    counts = {name: int(value) for name, _, value in (line.partition(": ") for line in said.splitlines()) if value.isdecimal()}
    return counts.get(f"{_PUBLIC}rq_active", 0) + bool(counts.get(f"{_PUBLIC}cx_tx_bytes_buffered", 0))


async def let_end(run: Path, seconds: float, waiting: Callable[[int], None] = lambda count: None) -> None:
    """`drain`, then return when nothing is in flight or after `seconds`; `waiting` is told once, with how much there is to wait for.

    A gateway that does not answer has nothing in flight.
    """
    told = False
    with contextlib.suppress(Unavailable, TimeoutError):
        async with asyncio.timeout(seconds):
            await drain(run)
            while count := await in_flight(run):
                if not told:
                    waiting(count)
                    told = True
                await asyncio.sleep(POLL_SECONDS)


async def reopen_logs(run: Path) -> None:
    """Begin a new access log after the old file was renamed."""
    await ask(run / "gateway-admin.sock", "POST", "/reopen_logs")


async def bound_log(run: Path, log: Path, bytes_max: int = LOG_BYTES_MAX) -> bool:
    """Begin a new access log when `log` has outgrown `bytes_max`, keeping one older; whether it did. Call it now and then."""
    if not turn_over(log, bytes_max):
        return False
    await reopen_logs(run)
    return True


def turn_over(log: Path, bytes_max: int = LOG_BYTES_MAX) -> bool:
    """Rename `log` to `*.log.1` when it has outgrown `bytes_max`; whether it had."""
    try:
        if log.stat().st_size <= bytes_max:
            return False
        log.replace(log.with_suffix(".log.1"))
    except FileNotFoundError:
        return False
    return True


async def ask(socket: Path, method: str, path: str) -> Answer:
    """One request of Envoy on a unix socket. Unavailable when nobody answers."""
    answer = _Answer()
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            reader, writer = await asyncio.open_unix_connection(str(socket))
            try:
                writer.write(f"{method} {path} HTTP/1.1\r\nhost: gateway\r\nconnection: close\r\ncontent-length: 0\r\n\r\n".encode())
                while not answer.complete and (chunk := await reader.read(65536)):
                    answer.feed(chunk)
            finally:
                writer.close()
    except (OSError, TimeoutError, httptools.HttpParserError) as error:
        raise Unavailable(f"The gateway does not answer on {socket}", got=repr(error)) from error
    if not answer.complete:
        raise Unavailable(f"The gateway broke off on {socket}")
    return Answer(answer.status, bytes(answer.body))


class _Answer:
    """Collects an answer; called by the parser."""

    def __init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self.status = 0
        self.body = bytearray()
        self.complete = False

    def feed(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_headers_complete(self) -> None:
        self.status = self._parser.get_status_code()

    def on_body(self, body: bytes) -> None:
        if len(self.body) < ANSWER_BYTES_MAX:
            self.body += body

    def on_message_complete(self) -> None:
        self.complete = True
