"""Through which proxy a host is called, if any: pure rules over the settings."""

from __future__ import annotations

import base64
import ipaddress
from urllib.parse import unquote, urlsplit

import msgspec

from hortus.base.addresses import Address, Network, kind_of
from hortus.base.errors import ConfigurationError
from hortus.transport.settings import TransportSettings
from hortus.transport.target import DEFAULT_PORTS, Target

_OWN_KINDS = frozenset({"loopback", "link-local", "metadata"})
"""Addresses that mean another machine at the proxy's end: what opens this one must not be asked for there."""


class Proxy(msgspec.Struct, frozen=True):
    """A forward proxy.

    Attributes:
        authorization: Value of `proxy-authorization`, None where the proxy asks for nothing.
    """

    scheme: str
    host: str
    port: int
    authorization: bytes | None = None


class Exemptions(msgspec.Struct, frozen=True):
    """What `NO_PROXY` exempts.

    Attributes:
        names: (name, port): the name itself and every name below it; no port means any.
        networks: (range of addresses, port).
    """

    everything: bool = False
    names: tuple[tuple[str, int | None], ...] = ()
    networks: tuple[tuple[Network, int | None], ...] = ()


class ProxyRules(msgspec.Struct, frozen=True):
    """The proxies of an installation and what they are not for."""

    by_scheme: dict[str, Proxy]
    exemptions: Exemptions = Exemptions()


def read_rules(settings: TransportSettings) -> ProxyRules:
    """Read the proxy settings.

    Raises:
        ConfigurationError: A proxy's address is not one.
    """
    given = {"http": settings.http_proxy, "https": settings.https_proxy}
    proxies = {scheme: read_proxy(url, f"{scheme}_proxy") for scheme, url in given.items() if url}
    return ProxyRules(by_scheme=proxies, exemptions=read_exemptions(settings.no_proxy))


def read_proxy(url: str, setting: str) -> Proxy:
    """Read the address of a proxy; without a scheme, `http://` is meant.

    Raises:
        ConfigurationError: It is not an address; the message names the setting, not the value (it may hold a password).
    """
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        port = parts.port
    except ValueError as error:
        raise _not_a_proxy(setting) from error
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname:
        raise _not_a_proxy(setting)
    authorization = None
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
        authorization = b"Basic " + base64.b64encode(pair)
    return Proxy(
        scheme=parts.scheme,
        host=parts.hostname,
        port=DEFAULT_PORTS[parts.scheme] if port is None else port,
        authorization=authorization,
    )


def _not_a_proxy(setting: str) -> ConfigurationError:
    return ConfigurationError(
        "the proxy's address is not understood.",
        path=setting,
        hint="Write it as http://host:port or http://user:password@host:port; SOCKS is not supported.",
    )


def read_exemptions(no_proxy: str) -> Exemptions:
    """Read a `NO_PROXY` list: names, `.suffix`, `*.suffix`, addresses, CIDR ranges, each with or without port, or `*`.

    An entry that is none of these is taken as a name that nothing is called.
    """
    names: list[tuple[str, int | None]] = []
    networks: list[tuple[Network, int | None]] = []
    for entry in no_proxy.replace(",", " ").split():
        if entry == "*":
            return Exemptions(everything=True)
        host, port = _split_port(entry)
        network = _read_network(host)
        if network is not None:
            networks.append((network, port))
        else:
            names.append((host.lower().removeprefix("*").strip("."), port))
    return Exemptions(names=tuple(names), networks=tuple(networks))


def _split_port(entry: str) -> tuple[str, int | None]:
    if entry.startswith("["):
        host, _, rest = entry[1:].partition("]")
        port = rest.removeprefix(":")
        return host, int(port) if port.isdecimal() else None
    host, _, port = entry.rpartition(":")
    if ":" not in host and port.isdecimal() and host:
        return host, int(port)
    return entry, None


def _read_network(text: str) -> Network | None:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


def choose_proxy(target: Target, rules: ProxyRules) -> Proxy | None:
    """Return the proxy for a target, or None where it is called directly."""
    proxy = rules.by_scheme.get(target.scheme)
    if proxy is None or _is_exempt(target.host.rstrip("."), rules.exemptions, port=target.port):
        return None
    return proxy


def _is_exempt(host: str, exemptions: Exemptions, *, port: int) -> bool:
    if exemptions.everything:
        return True
    address = _read_address(host)
    if address is not None:
        ranges = [network for network, given in exemptions.networks if given in {None, port}]
        return kind_of(address) in _OWN_KINDS or any(address in network for network in ranges)
    if _is_below(host, "localhost"):
        return True
    return any(_is_below(host, name) and given in {None, port} for name, given in exemptions.names)


def _is_below(host: str, name: str) -> bool:
    return bool(name) and (host == name or host.endswith(f".{name}"))


def _read_address(host: str) -> Address | None:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address
