"""Where a URL leads: scheme, host, port, and what stands in the request line."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

import msgspec

from hortus.base.addresses import is_disguised
from hortus.transport.faults import unsendable

DEFAULT_PORTS = {"http": 80, "https": 443}

_PRINTABLE = re.compile(r"[^\x00-\x20\x7f]+")
_LABEL = r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_NAME = re.compile(rf"(?=.{{1,254}}$){_LABEL}(\.{_LABEL})*\.?")


class Target(msgspec.Struct, frozen=True):
    """A URL taken apart.

    Attributes:
        host: Name in ASCII and lower case, or address without brackets.
        authority: `host` header: with brackets for IPv6, without a default port.
        resource: Path and query, as in the request line.
        origin: Scheme and authority, for messages.
    """

    scheme: str
    host: str
    port: int
    authority: str
    resource: str

    @property
    def origin(self) -> str:
        """Scheme and authority: all that a message may show of a URL."""
        return f"{self.scheme}://{self.authority}"


def read_target(url: str) -> Target:
    """Take an absolute URL apart; a fragment is dropped.

    Raises:
        HostUnavailable: The URL cannot be called; the message never repeats it, for it may hold a secret.
    """
    parts, port = _split(url)
    resource = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if not resource.isascii():
        raise unsendable("its address holds characters outside ASCII", hint="Percent-encode the path.")
    host = ascii_host(parts.hostname or "")
    port = DEFAULT_PORTS[parts.scheme] if port is None else port
    shown = f"[{host}]" if ":" in host else host
    authority = shown if port == DEFAULT_PORTS[parts.scheme] else f"{shown}:{port}"
    return Target(scheme=parts.scheme, host=host, port=port, authority=authority, resource=resource)


def _split(url: str) -> tuple[SplitResult, int | None]:
    if not _PRINTABLE.fullmatch(url):
        raise unsendable("its address holds a space or control character", hint="Correct the endpoint's address.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise unsendable("its address is not a URL", hint="Correct the endpoint's address.") from error
    if parts.scheme not in DEFAULT_PORTS:
        raise unsendable("its address does not start with http:// or https://", hint="Correct it.")
    if "@" in parts.netloc:
        raise unsendable("its address holds a user name", hint="Set the endpoint's credential instead.")
    if "[" in parts.netloc and ":" not in (parts.hostname or ""):  # RFC 3986's addresses of the future
        raise unsendable("its host is not an IPv6 address", hint="Correct the endpoint's address.")
    return parts, port


def ascii_host(host: str) -> str:
    """Return a host's name as DNS knows it, or its address in short form.

    Raises:
        HostUnavailable: It is neither a name nor an address.
    """
    if ":" in host:
        try:
            return str(ipaddress.IPv6Address(host))
        except ValueError as error:
            raise unsendable("its host is not an IPv6 address", hint="Correct the endpoint's address.") from error
    try:
        name = host if host.isascii() else host.encode("idna").decode("ascii")
    except UnicodeError as error:
        raise unsendable("its host is not a name", hint="Correct the endpoint's address.") from error
    if not _NAME.fullmatch(name):
        raise unsendable("its host is not a name", hint="Correct the endpoint's address.")
    if is_disguised(name):
        raise unsendable(
            "its host is neither a name nor an address", hint="Write an address as four numbers, 0 to 255."
        )
    return name.lower()
