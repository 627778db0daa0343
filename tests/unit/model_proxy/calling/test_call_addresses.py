"""Which addresses a provider may have."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.model_proxy.addresses import ADDRESSES_MAX, CheckedResolver, PrivateAddress, is_public

INSIDE = [
    "127.0.0.1",
    "127.255.0.1",
    "0.0.0.0",
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "100.100.100.200",
    "192.0.2.1",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "fe80::1",
    "fc00::1",
    "fd00:ec2::254",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "2002:7f00:1::",
    "2002:a00:1::",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "2001:db8::1",
    "2001:0:a00:1::",
]


@pytest.mark.parametrize("address", INSIDE)
def test_addresses_inside_are_known_in_every_disguise(address: str) -> None:
    """Mapped, tunnelled and translated ones too."""
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["93.184.216.34", "8.8.8.8", "172.32.0.1", "2606:4700::1111", "64:ff9b::808:808", "2002:808:808::"])
def test_addresses_outside_are_allowed(address: str) -> None:
    """Also those that carry a public one."""
    assert is_public(ipaddress.ip_address(address))


@given(st.ip_addresses(v=4))
def test_a_mapped_address_is_judged_as_the_one_it_maps(address: ipaddress.IPv4Address) -> None:
    """So a disguise opens nothing; what is refused bare is refused mapped."""
    mapped = ipaddress.IPv6Address(f"::ffff:{address}")
    assert not (is_public(mapped) and not is_public(address))


def resolver(found: Sequence[str], *, allow_private: bool = False) -> CheckedResolver:
    """One that is told what the system says."""

    async def lookup(host: str, port: int) -> Sequence[str]:
        return found

    return CheckedResolver("p", allow_private=allow_private, lookup=lookup)


async def test_one_address_inside_refuses_the_name() -> None:
    """Which of them is dialled is not left to chance."""
    with pytest.raises(PrivateAddress) as raised:
        await resolver(["93.184.216.34", "10.0.0.1"])("x", 443)
    assert "10.0.0.1" not in str(raised.value)


async def test_addresses_inside_are_allowed_where_they_are_meant() -> None:
    """By `allow_private`."""
    assert await resolver(["10.0.0.1"], allow_private=True)("x", 443) == ("10.0.0.1",)


async def test_what_is_no_address_is_refused() -> None:
    """And so many addresses are cut."""
    with pytest.raises(PrivateAddress):
        await resolver(["fe80::1%eth0"])("x", 443)
    with pytest.raises(OSError, match="no address"):
        await resolver([])("x", 443)
    assert len(await resolver(["93.184.216.34"] * 50)("x", 443)) == ADDRESSES_MAX
