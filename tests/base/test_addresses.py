"""Which addresses are public, which are opened by what, and which never."""

from __future__ import annotations

import ipaddress

import pytest

from hortus.base.addresses import (
    Kind,
    Permission,
    address_in,
    is_disguised,
    kind_of,
    read_address,
    read_networks,
    why_not,
)
from hortus.base.errors import ConfigurationError

KINDS: dict[Kind, tuple[str, ...]] = {
    "public": (
        *("8.8.8.8", "1.1.1.1", "172.15.255.255", "172.32.0.0", "100.63.255.255", "100.128.0.0", "223.255.255.255"),
        *("2606:4700::1111", "2a00:1450::1", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1", "::8.8.8.8"),
    ),
    "loopback": (
        *("127.0.0.1", "127.255.255.254", "::1", "::ffff:127.0.0.1", "::127.0.0.1", "::ffff:0:127.0.0.1"),
        *("64:ff9b::127.0.0.1", "2002:7f00:1::", "64:ff9b:1::127.0.0.1", "2a00::5efe:127.0.0.1"),
    ),
    "private": (
        *("10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.0.1", "100.64.0.1", "100.127.255.255", "fd12::1"),
        *("fc00::1", "::ffff:10.0.0.1", "64:ff9b::10.0.0.1", "64:ff9b:1::8.8.8.8", "2002:c0a8:1::", "2a00::5efe:a00:1"),
    ),
    "link-local": ("169.254.0.1", "169.254.170.2", "fe80::1", "fe80::1%2", "::ffff:169.254.1.1", "fe80::5efe:8.8.8.8"),
    "metadata": (
        *("169.254.169.254", "100.100.100.200", "168.63.129.16", "fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254"),
        *("fd00:c1::a9fe:a9fe", "fd00:42::42", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::"),
        *("::169.254.169.254", "64:ff9b:1::a9fe:a9fe", "2002:a83f:8110::1"),
    ),
    "multicast": ("224.0.0.1", "239.255.255.255", "255.255.255.255", "ff02::1", "ff0e::1", "::ffff:224.0.0.1"),
    "unspecified": ("0.0.0.0", "0.1.2.3", "::", "::ffff:0.0.0.0", "64:ff9b::", "2002::1"),
    "reserved": (
        *("192.0.0.1", "192.0.2.1", "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1", "240.0.0.1"),
        *(
            "192.88.99.1",
            "2001:db8::1",
            "2001::808:808",
            "2001:10::1",
            "5f00::1",
            "fec0::1",
            "100::1",
            "3fff::1",
            "4000::",
        ),
    ),
}
ALL = tuple((address, kind) for kind, addresses in KINDS.items() for address in addresses)


def address_of(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    address = read_address(text)
    assert address is not None
    return address


@pytest.mark.parametrize(("text", "kind"), ALL)
def test_an_address_is_of_the_kind_that_it_or_what_it_carries_is(text: str, kind: Kind) -> None:
    assert kind_of(address_of(text)) == kind


@pytest.mark.parametrize(("text", "kind"), ALL)
def test_without_permission_only_public_addresses_are_open(text: str, kind: Kind) -> None:
    assert (why_not(address_of(text), Permission()) is None) == (kind == "public")


@pytest.mark.parametrize(("text", "kind"), ALL)
def test_an_endpoints_own_permission_opens_this_machine_and_private_networks_only(text: str, kind: Kind) -> None:
    is_open = why_not(address_of(text), Permission(may_be_private=True)) is None
    assert is_open == (kind in {"public", "loopback", "private"})


@pytest.mark.parametrize(
    ("text", "network", "is_open"),
    [
        ("10.1.2.3", "10.1.0.0/16", True),
        ("10.2.2.3", "10.1.0.0/16", False),
        ("::ffff:10.1.2.3", "10.1.0.0/16", True),
        ("64:ff9b::10.1.2.3", "10.1.0.0/16", True),
        ("64:ff9b::10.1.2.3", "64:ff9b::/96", True),
        ("169.254.1.1", "169.254.0.0/16", True),
        ("fe80::1%2", "fe80::/10", True),
        ("198.18.0.1", "198.18.0.0/15", True),
        ("169.254.169.254", "169.254.0.0/16", False),
        ("169.254.169.254", "0.0.0.0/0", False),
        ("100.100.100.200", "100.64.0.0/10", False),
        ("fd00:ec2::254", "fc00::/7", False),
        ("169.254.169.254", "169.254.169.254/32", True),
        ("fd00:ec2::254", "fd00:ec2::254/128", True),
        ("0.0.0.0", "0.0.0.0/0", False),
        ("::", "::/0", False),
        ("224.0.0.1", "224.0.0.0/4", False),
        ("ff02::1", "ff00::/8", False),
    ],
)
def test_a_named_network_opens_what_lies_in_it_but_metadata_only_by_its_own_address(
    text: str, network: str, *, is_open: bool
) -> None:
    permission = Permission(networks=read_networks([network], setting="private_networks"))
    assert (why_not(address_of(text), permission) is None) == is_open


@pytest.mark.parametrize("text", ["10.0.0.0/33", "10.0.0.1/8", "here", "", "10.0.0.0/8, 10.1.0.0/16"])
def test_what_is_no_network_is_refused_by_the_settings_name(text: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_networks([text], setting="private_networks")
    assert caught.value.path == "private_networks"


@pytest.mark.parametrize(
    "host",
    [
        *("2130706433", "0x7f000001", "0x7f.1", "127.1", "127.0.1", "0177.0.0.1", "017700000001", "127.0.0.1."),
        *("127.0.0.0x1", "0x", "1", "a.1", "00", "256.256.256.256", "1.2.3.4.5"),
    ],
)
def test_a_number_that_is_no_plain_address_is_a_disguise(host: str) -> None:
    assert is_disguised(host)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "::1", "host1", "a.b", "1.example", "api.x0", "example.", "0x7f.example"]
)
def test_names_and_plain_addresses_are_no_disguise(host: str) -> None:
    assert not is_disguised(host)


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("http://127.0.0.1:9/v1", "127.0.0.1"),
        ("http://[::ffff:127.0.0.1]/", "::ffff:127.0.0.1"),
        ("http://localhost/v1", "127.0.0.1"),
        ("http://LOCALHOST.:80/v1", "127.0.0.1"),
        ("http://api.localhost", "127.0.0.1"),
        ("https://models.example/127.0.0.1", None),
        ("http://notlocalhost/", None),
        ("http://[::1", None),
        ("not a url", None),
    ],
)
def test_a_url_says_its_address_where_no_look_up_is_needed(url: str, address: str | None) -> None:
    assert address_in(url) == (None if address is None else address_of(address))
