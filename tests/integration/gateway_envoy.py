"""Envoy itself, started on a free port as the service starts it, and how tests speak to it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
from tests.waiting import until

from seawall.core.errors import Unavailable
from seawall.gateway.admin import ask


def port_of(admin_socket: Path) -> int:
    """The port the public listener got from the system."""
    with httpx.Client(transport=httpx.HTTPTransport(uds=str(admin_socket))) as client:
        listening = client.get("http://admin/listeners?format=json").json()["listener_statuses"]
    return next(int(one["local_address"]["socket_address"]["port_value"]) for one in listening if one["name"] == "public")


@contextlib.contextmanager
def envoy(command: list[str], socket_of_health: Path, log: Path, *, wait: bool = True) -> Iterator[subprocess.Popen[bytes]]:
    """Envoy as the service starts it, ended with the block."""
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        if wait:
            until(lambda: process.poll() is not None or status(socket_of_health, "/readyz") == 200)
            assert process.poll() is None, log.read_text()
        yield process
    finally:
        process.kill()
        process.wait(60)


def status(uds: Path, path: str) -> int:
    """The status of a GET on a unix socket, or 0 when nobody listens."""
    try:
        return asyncio.run(ask(uds, "GET", path)).status
    except Unavailable:
        return 0


def raw(port: int, data: bytes, seconds: float = 20.0) -> bytes:
    """What comes back for bytes that no client library would send."""
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as connection:
        answer = b""
        with contextlib.suppress(ConnectionError, TimeoutError):
            connection.sendall(data)
        with contextlib.suppress(ConnectionError, TimeoutError):
            while chunk := connection.recv(65536):
                answer += chunk
                if complete(answer):
                    break
        return answer


def complete(answer: bytes) -> bool:
    head, separator, body = answer.partition(b"\r\n\r\n")
    lengths = [line.partition(b":")[2] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    return bool(separator) and bool(lengths) and len(body) >= int(lengths[0])
