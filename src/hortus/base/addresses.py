"""Which kind of place does a network address lead to, and may a connection go there? Pure; no name is looked up.

Unknown ranges count as not public. An address that carries an IPv4 address inside is judged by that one too.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from typing import Final, Literal
from urllib.parse import urlsplit

import msgspec

from hortus.base.errors import ConfigurationError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Kind = Literal["public", "loopback", "private", "link-local", "metadata", "reserved", "multicast", "unspecified"]

_DANGER: Final[tuple[Kind, ...]] = (
    *("public", "private", "loopback", "reserved"),
    *("link-local", "metadata", "multicast", "unspecified"),
)

_NEVER: Final = frozenset({"unspecified", "multicast"})
"""Nobody's own address, so nothing opens it: 0.0.0.0 is answered by this machine, whatever else was allowed."""

_BY_PERMISSION: Final = frozenset({"loopback", "private"})

_METADATA = (
    "169.254.169.254/32",  # AWS, Azure, Google Cloud and most others
    "fd00:ec2::/32",  # AWS: metadata, pod identity, time
    "fd20:ce::254/128",  # Google Cloud
    "fd00:c1::a9fe:a9fe/128",  # Oracle Cloud
    "fd00:42::42/128",  # Scaleway
    "100.100.100.200/32",  # Alibaba Cloud
    "168.63.129.16/32",  # Azure's own agent, in a public range
)
"""Where a cloud's machine asks who it is and gets its credentials; from the clouds' documentation, recalled 2026-11."""

_RANGES: tuple[tuple[Kind, tuple[str, ...]], ...] = (
    ("metadata", _METADATA),
    ("unspecified", ("0.0.0.0/8", "::/128")),
    ("loopback", ("127.0.0.0/8", "::1/128")),
    ("link-local", ("169.254.0.0/16", "fe80::/10")),
    ("multicast", ("224.0.0.0/4", "255.255.255.255/32", "ff00::/8")),
    ("private", ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7", "64:ff9b:1::/48")),
    (
        "reserved",
        (
            *("192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24"),
            *("240.0.0.0/4", "2001::/23", "2001:db8::/32", "3fff::/20"),
        ),
    ),
    ("public", ("0.0.0.0/0", "64:ff9b::/96", "2000::/3")),
)
"""First match counts; the rest of IPv6 is not given out yet and counts as reserved.

https://www.iana.org/assignments/iana-ipv4-special-registry and iana-ipv6-special-registry, read 2026-11."""

_TABLE: Final = tuple((kind, tuple(ipaddress.ip_network(text) for text in texts)) for kind, texts in _RANGES)
_NAT64: Final = (ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("64:ff9b:1::/48"))
_SPELLINGS: Final = tuple(  # RFC 4291, 2.5.5, and RFC 2765
    ipaddress.IPv6Network(text) for text in ("::ffff:0:0/96", "::/96", "::ffff:0:0:0/96")
)
_ISATAP: Final = frozenset({0x00005EFE, 0x02005EFE})  # RFC 5214, 6.1
_LOW: Final = 0xFFFF_FFFF
_NUMBER: Final = re.compile(r"[0-9]+|0[xX][0-9A-Fa-f]*")


class Permission(msgspec.Struct, frozen=True):
    """What opens addresses that are not public.

    Attributes:
        may_be_private: Loopback and private networks are open.
        networks: These are open whatever they are; a metadata address only where it is named by itself.
    """

    may_be_private: bool = False
    networks: tuple[Network, ...] = ()


def read_networks(texts: Iterable[str], *, setting: str) -> tuple[Network, ...]:
    """Read addresses and networks (CIDR).

    Raises:
        ConfigurationError: One is neither; the path is the setting's name.
    """
    try:
        return tuple(ipaddress.ip_network(text) for text in texts)
    except ValueError as error:
        hint = 'Write each as an address or network without further bits set, such as "10.20.0.0/16".'
        raise ConfigurationError("it holds something that is no network.", path=setting, hint=hint) from error


def read_address(text: str) -> Address | None:
    """Return the address that a text is (without brackets), None where it is a name."""
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def is_disguised(host: str) -> bool:
    """Tell whether a host looks like a name and is read as an address by many a resolver: `2130706433`, `127.1`."""
    last = host.rstrip(".").rpartition(".")[2]
    return _NUMBER.fullmatch(last) is not None and (read_address(host) is None)


def address_in(url: str) -> Address | None:
    """Return the address that a URL's host is without any look-up, `localhost` among them; None for other names."""
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return None
    name = host.rstrip(".")
    return ipaddress.IPv4Address("127.0.0.1") if f".{name}".endswith(".localhost") else read_address(name)


def kind_of(address: Address) -> Kind:
    """Return the kind of place; of an address and one that it carries inside, the more dangerous one."""
    bare = _bare(address)
    inside = _inside(bare)
    own = _own_kind(bare)
    return own if inside is None else max(own, kind_of(inside), key=_DANGER.index)


def why_not(address: Address, permission: Permission) -> Kind | None:
    """Return the kind of an address to which no connection may go, None where one may."""
    kind = kind_of(address)
    if kind == "public" or (kind in _BY_PERMISSION and permission.may_be_private):
        return None
    return None if kind not in _NEVER and _is_named(_bare(address), kind, permission.networks) else kind


def _is_named(address: Address, kind: Kind, networks: tuple[Network, ...]) -> bool:
    inside = _inside(address)
    forms = (address,) if inside is None else (address, inside)
    return any(
        form in network and (kind != "metadata" or network.num_addresses == 1) for form in forms for network in networks
    )


def _own_kind(address: Address) -> Kind:
    return next((kind for kind, networks in _TABLE if any(address in network for network in networks)), "reserved")


def _bare(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 address is only a spelling of; any other as it is."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    number = int(address)
    is_spelling = any(address in network for network in _SPELLINGS) and number > _LOW >> 16  # not `::` and `::1`
    return ipaddress.IPv4Address(number & _LOW) if is_spelling else address


def _inside(address: Address) -> ipaddress.IPv4Address | None:
    """Return the IPv4 address to which an IPv6 address is handed on, None where it is not."""
    if isinstance(address, ipaddress.IPv4Address):
        return None
    known = address.sixtofour or (address.teredo[1] if address.teredo is not None else None)
    if known is not None:
        return known
    number = int(address)
    is_carried = any(address in network for network in _NAT64) or (number >> 32) & _LOW in _ISATAP
    return ipaddress.IPv4Address(number & _LOW) if is_carried else None
