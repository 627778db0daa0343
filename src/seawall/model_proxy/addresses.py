"""Where a provider may be: a URL never leads into our own network, unless models.yaml says that it may (`allow_private`).

The address that was checked is the one connected to: the pool dials what this resolver returned and asks again at every connect, so a
name that changes its mind between check and use gains nothing. One private address among several refuses the name.
Ranges: https://www.iana.org/assignments/iana-ipv4-special-registry/ and its IPv6 counterpart, as `ipaddress` knows them.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Sequence

from seawall.model_proxy.errors import NoProvider

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Lookup = Callable[[str, int], Awaitable[Sequence[str]]]
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
ADDRESSES_MAX = 8
_INSIDE = tuple(ipaddress.ip_network(text) for text in ("168.63.129.16/32", "192.88.99.0/24", "fec0::/10", "3fff::/20"))
"""What `ipaddress` calls global and is not: a cloud's own machine (Azure), anycast relays, site-local and documentation addresses."""


class PrivateAddress(NoProvider):
    """A provider's URL leads into our own network."""

    slug = "private-address"
    lasting = True


def is_public(address: Address) -> bool:
    """Whether an address is on the public internet; one that carries another within it (mapped, 6to4, Teredo, NAT64) needs both to be."""
    if any(address in network for network in _INSIDE):
        return False
    if not address.is_global or address.is_multicast or address.is_reserved or address.is_unspecified:
        return isinstance(address, ipaddress.IPv6Address) and address in _NAT64 and is_public(_last32(address))
    if isinstance(address, ipaddress.IPv6Address):
        inner = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
        if address in _NAT64:
            inner.append(_last32(address))
        return all(one is None or is_public(one) for one in inner)
    return True


def _last32(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address:
    return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)


async def look_up(host: str, port: int) -> Sequence[str]:
    """What the system's resolver says. OSError when it knows no such host."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(one[4][0]) for one in found))


class CheckedResolver:
    """Resolves the host of one provider; a callable for `upstream.Pool`."""

    def __init__(self, provider: str, *, allow_private: bool, lookup: Lookup = look_up) -> None:
        self._provider = provider
        self._allow_private = allow_private
        self._lookup = lookup

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        """The addresses to try in turn. PrivateAddress, or OSError when there are none."""
        found = tuple(await self._lookup(host.strip("[]"), port))[:ADDRESSES_MAX]
        if not found:
            raise OSError(f"{host} has no address")
        if not self._allow_private:
            for text in found:
                self._check(text)
        return found

    def _check(self, text: str) -> None:
        try:
            public = is_public(ipaddress.ip_address(text.partition("%")[0]))
        except ValueError:
            public = False
        if not public:
            raise PrivateAddress(
                f"The address of the provider {self._provider} is not on the public internet, so it is not called",
                fix="Correct its `url`, or set `allow_private: true` beside it in models.yaml if it is meant to be inside",
            )
