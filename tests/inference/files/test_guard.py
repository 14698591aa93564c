"""Tests of `tzproxy.inference.files.guard`: which addresses may be connected to."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tzproxy.inference.files.guard import AddressForbiddenError, checked_addresses, forbidden, resolve

FORBIDDEN = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "127.9.9.9",
    "168.63.129.16",
    "169.254.1.1",
    "169.254.169.254",
    "172.16.0.1",
    "192.0.0.192",
    "192.168.1.1",
    "198.18.0.1",
    "224.0.0.1",
    "239.1.1.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::10.0.0.1",
    "64:ff9b:1::1",
    "2001::1",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::",
    "2001:db8::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fec0::1",
    "ff02::1",
]
ALLOWED = [
    "1.1.1.1",
    "93.184.216.34",
    "2606:4700::1111",
    "::ffff:1.1.1.1",
    "64:ff9b::1.1.1.1",
    "2002:101:101::",
]


@pytest.mark.parametrize("address", FORBIDDEN)
def test_addresses_of_machines_networks_and_clouds(address: str) -> None:
    """Nothing is fetched from what only the gateway can reach, in whatever form it is written."""
    assert forbidden(ipaddress.ip_address(address)) is not None


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("::ffff:127.0.0.1", "is loopback"),
        ("2002:a9fe:a9fe::", "is a metadata service"),
        ("168.63.129.16", "is a metadata service"),
        ("fe80::1", "is link-local"),
        ("10.0.0.1", "is private"),
    ],
)
def test_reasons(address: str, reason: str) -> None:
    """The reason names the kind of the address that would have been reached."""
    assert forbidden(ipaddress.ip_address(address)) == reason


@pytest.mark.parametrize("address", ALLOWED)
def test_public_addresses(address: str) -> None:
    """Public addresses, also those inside others, may be fetched from."""
    assert forbidden(ipaddress.ip_address(address)) is None


@given(st.ip_addresses(v=4))
def test_what_is_inside_decides(address: ipaddress.IPv4Address) -> None:
    """An IPv4 address is judged the same, mapped, behind NAT64 or behind 6to4."""
    number = int(address)
    reason = forbidden(address)
    for outer in (0xFFFF << 32 | number, 0x64FF9B << 96 | number, 0x2002 << 112 | number << 80):
        assert forbidden(ipaddress.IPv6Address(outer)) == reason


@given(st.ip_addresses(v=6))
def test_only_global_addresses_pass(address: ipaddress.IPv6Address) -> None:
    """What passes is a global unicast address."""
    if forbidden(address) is None:
        assert not address.is_multicast
        assert address.is_global or address.ipv4_mapped is not None or int(address) >> 32 == 0


@pytest.mark.parametrize("host", ["127.0.0.1", "0x7f.1", "2130706433", "localhost"])
async def test_notations_of_this_machine(host: str) -> None:
    """However this machine is written, it is what the system makes of it that counts."""
    with pytest.raises(AddressForbiddenError, match="is loopback"):
        await checked_addresses(host, 80)


async def test_one_bad_address_is_enough() -> None:
    """A name with a public and a private address is refused, so that no second try reaches the latter."""

    async def look_up(host: str, port: int) -> Sequence[str]:
        return ["1.1.1.1", "fe80::1%eth0"]

    with pytest.raises(AddressForbiddenError, match="the address fe80::1%eth0 of h is link-local"):
        await checked_addresses("h", 80, look_up=look_up)


async def test_addresses_come_once_each() -> None:
    """Resolving gives every address once."""
    assert list(await resolve("127.0.0.1", 80)) == ["127.0.0.1"]
