"""Which addresses a file may be fetched from: none of this machine, its network or its cloud. Cold.

A client names the address, so without this check anybody who may ask for an inference could make the
gateway read what only the gateway can reach. Checked is what a name resolves to, and the connection is
made to that very address: a second look-up could answer something else.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Sequence

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]

NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
V4_COMPATIBLE = ipaddress.IPv6Network("::/96")
NEVER_V6 = (
    ipaddress.IPv6Network("64:ff9b:1::/48"),  # NAT64 inside one network
    ipaddress.IPv6Network("2001::/23"),  # Teredo and other protocol assignments
    ipaddress.IPv6Network("fec0::/10"),  # site-local, given up but still routed
    ipaddress.IPv6Network("5f00::/16"),  # segment routing
)
METADATA = frozenset(
    ipaddress.ip_address(text)
    for text in (
        "169.254.169.254",
        "169.254.170.2",
        "168.63.129.16",  # Azure, the one among public addresses
        "100.100.100.200",  # Alibaba
        "192.0.0.192",  # Oracle
        "fd00:ec2::254",
        "fd20:ce::254",
    )
)


def forbidden(address: Address) -> str | None:
    """Tell why nothing may be fetched from an address; None: it is an ordinary public one."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = embedded_v4(address)
        if inner is not None:
            return forbidden(inner)
        if any(address in network for network in NEVER_V6):
            return "is reserved"
    if address in METADATA:
        return "is a metadata service"
    for is_kind, name in (
        (address.is_unspecified, "unspecified"),
        (address.is_loopback, "loopback"),
        (address.is_link_local, "link-local"),
        (address.is_multicast, "multicast"),
        (address.is_private, "private"),
        (address.is_reserved, "reserved"),
    ):
        if is_kind:
            return f"is {name}"
    return None if address.is_global else "is not public"


def embedded_v4(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """Return the IPv4 address that is reached through a mapped, compatible, NAT64 or 6to4 address."""
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address in NAT64 or (address in V4_COMPATIBLE and int(address) > 1):
        return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return None


class AddressForbiddenError(Exception):
    """A name leads to an address that nothing may be fetched from."""


async def resolve(host: str, port: int) -> Sequence[str]:
    """Resolve a name, or an address in any notation, as the system does.

    Raises:
        OSError: when there is no such name.
    """
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


async def checked_addresses(host: str, port: int, *, look_up: Resolve = resolve) -> Sequence[str]:
    """Resolve a name to addresses, all of which may be connected to.

    Raises:
        OSError: when it does not resolve.
        AddressForbiddenError: when any of its addresses is forbidden.
    """
    found = await look_up(host, port)
    for text in found:
        reason = forbidden(ipaddress.ip_address(text.partition("%")[0]))
        if reason is not None:
            raise AddressForbiddenError(f"the address {text} of {host} {reason}")
    return found
