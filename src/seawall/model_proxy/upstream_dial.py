"""Where a provider answers, and how a connection to it is made: the address that was checked is the one that is dialled."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from typing import Literal, TypeVar

import msgspec

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""The numeric addresses of a host, best first; raises to refuse it. Asked at every connect, so that what was checked is what is used."""
Made = TypeVar("Made", bound=asyncio.Protocol)


class Origin(msgspec.Struct, frozen=True):
    """Where a provider answers."""

    scheme: Literal["http", "https", "unix"]
    host: str = ""
    port: int = 0
    path: str = ""
    """The unix socket."""
    base: str = ""
    """What comes before the API's own paths: `/v1`."""

    @property
    def authority(self) -> str:
        """The Host header."""
        if self.scheme == "unix":
            return self.host or "localhost"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port in (0, 443 if self.scheme == "https" else 80) else f"{host}:{self.port}"


async def any_address(host: str, port: int) -> Sequence[str]:
    """Whatever the system's resolver says; the proxy itself gives a checked one."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(one[4][0]) for one in found))


async def connected(origin: Origin, make: Callable[[], Made], resolve: Resolve, tls: ssl.SSLContext | None) -> Made:
    """A new connection to the first address that answers. OSError, or what `resolve` raised."""
    loop = asyncio.get_running_loop()
    if origin.scheme == "unix":
        return (await loop.create_unix_connection(make, origin.path))[1]
    secure = origin.scheme == "https"
    context = (tls or _default_tls()) if secure else None
    failed: OSError = ConnectionError("the host has no address")
    for address in await resolve(origin.host, origin.port):
        try:
            _, made = await loop.create_connection(make, address, origin.port, ssl=context, server_hostname=origin.host if secure else None)
        except OSError as error:
            failed = error
        else:
            return made
    raise failed


_contexts: list[ssl.SSLContext] = []


def _default_tls() -> ssl.SSLContext:
    """One context for all pools: loading the system's certificates takes milliseconds."""
    if not _contexts:
        _contexts.append(ssl.create_default_context())
    return _contexts[0]
