"""Is it ready? One question to each kind of process, asked over its own socket, with no client library.

Guarantees: a probe answers within its timeout, never raises for a process that is absent, slow or broken, and leaves no
connection behind.
"""

from __future__ import annotations

import asyncio
import re
import struct
from pathlib import Path

import msgspec

TIMEOUT_S = 2.0
_ANSWER_BYTES_MAX = 64 * 1024
_CONTENT_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]{1,9})[ \t]*(?=\r\n|$)", re.IGNORECASE)


class Health(msgspec.Struct, frozen=True):
    """What a probe found; `detail` is empty when ready."""

    ready: bool
    detail: str = ""
    answered: bool = True
    """Whether the process said anything at all."""


class HttpProbe(msgspec.Struct, frozen=True):
    """`GET /readyz` answers 200."""

    socket: Path


class PostgresProbe(msgspec.Struct, frozen=True):
    """The server asks for a password instead of saying that it is starting."""

    socket: Path


class ValkeyProbe(msgspec.Struct, frozen=True):
    """The server answers PING, or asks who is there."""

    socket: Path


Probe = HttpProbe | PostgresProbe | ValkeyProbe


async def check(probe: Probe, timeout_s: float = TIMEOUT_S) -> Health:
    """Ask once."""
    try:
        async with asyncio.timeout(timeout_s):
            if isinstance(probe, HttpProbe):
                return await _http(probe)
            if isinstance(probe, PostgresProbe):
                return await _postgres(probe)
            return await _valkey(probe)
    except TimeoutError:
        return Health(ready=False, detail=f"no answer within {timeout_s:g} s", answered=False)
    except (OSError, ValueError, EOFError) as error:
        return Health(ready=False, detail=f"{type(error).__name__}: {error}", answered=False)


async def _exchange(probe: Probe, message: bytes, limit: int) -> bytes:
    reader, writer = await asyncio.open_unix_connection(probe.socket)
    try:
        writer.write(message)
        await writer.drain()
        return await _read(reader, limit)
    finally:
        writer.close()


async def _read(reader: asyncio.StreamReader, limit: int) -> bytes:
    """One burst for the engines, which wait for more; a whole HTTP answer, within reason, when `limit` is 0."""
    if limit:
        return await reader.read(limit)
    answer = b""
    while len(answer) < _ANSWER_BYTES_MAX and not _is_whole(answer) and (part := await reader.read(_ANSWER_BYTES_MAX)):
        answer += part
    return answer


def _is_whole(answer: bytes) -> bool:
    """Whether as much has come as the head announces. Envoy would keep the connection for another second after that."""
    head, ended, body = answer.partition(b"\r\n\r\n")
    length = _CONTENT_LENGTH.search(head)
    return bool(ended) and length is not None and len(body) >= int(length[1])


async def _http(probe: HttpProbe) -> Health:
    request = b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nUser-Agent: seawall-supervisor\r\nConnection: close\r\n\r\n"
    head, _, body = (await _exchange(probe, request, 0)).partition(b"\r\n\r\n")
    status = head.split(b" ", 2)[1:2]
    if status == [b"200"]:
        return Health(ready=True)
    return Health(ready=False, detail=_failing_checks(body) or f"HTTP {b''.join(status).decode('latin-1') or 'nothing'}")


def _failing_checks(body: bytes) -> str:
    """The names and details of the checks that fail, from a `/readyz` body; empty when it is not one."""
    try:
        answer = msgspec.json.decode(body.strip()[body.strip().find(b"{") : body.strip().rfind(b"}") + 1], type=_Readiness)
    except msgspec.DecodeError:
        return ""
    return "; ".join(f"{name}: {check.detail}" for name, check in answer.checks.items() if not check.ok)


class _Check(msgspec.Struct, frozen=True):
    ok: bool
    detail: str = ""


class _Readiness(msgspec.Struct, frozen=True):
    checks: dict[str, _Check] = {}


async def _postgres(probe: PostgresProbe) -> Health:
    """A startup message of protocol 3.0; `R` asks for authentication, `E` with 57P03 says it is still starting."""
    body = struct.pack("!i", 196608) + b"user\0postgres\0database\0postgres\0\0"
    answer = await _exchange(probe, struct.pack("!i", len(body) + 4) + body, 512)
    if answer[:1] == b"R":
        return Health(ready=True)
    return Health(ready=False, detail="starting" if b"57P03" in answer else answer[5:].replace(b"\0", b" ").decode("utf-8", "replace"))


async def _valkey(probe: ValkeyProbe) -> Health:
    answer = await _exchange(probe, b"PING\r\n", 512)
    ready = answer.startswith((b"+PONG", b"-NOAUTH"))
    return Health(ready=ready, detail="" if ready else answer.decode("utf-8", "replace").strip())
