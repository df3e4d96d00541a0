"""What can be set about the client towards hosts; `app/settings.py` fills it."""

from __future__ import annotations

import msgspec
from typing_extensions import override


class TransportSettings(msgspec.Struct, frozen=True):
    """Limits, trust and proxies of the client.

    Attributes:
        private_networks: Networks (CIDR) that may be called though they are not public.
        ca_bundle: PEM file with CAs that are trusted besides the system's own.
        https_proxy: Proxy for `https` hosts, such as `http://user:password@proxy.example:3128`.
        http_proxy: Proxy for `http` hosts.
        no_proxy: Hosts reached directly: names (with all names below), addresses, CIDR ranges, `*`; separated by
            commas. Loopback is never proxied.
        unix_socket: Socket that every request goes to, whatever its URL says; for the admin API.
        max_idle_per_host: Connections kept open without work, for each host.
        max_idle: The same for all hosts together.
        idle_lifetime_s: How long a connection is kept without work; a host's `keep-alive` header shortens it.
        tick_s: How often deadlines are looked at: a timeout may fire this much late.
        buffer_bytes: How much of an answer is held while its reader is slow, before the host is slowed down.
        max_head_bytes: Largest head of an answer.
        max_headers: Most headers in an answer.
        user_agent: Sent where a request has none.
    """

    private_networks: tuple[str, ...] = ()
    ca_bundle: str | None = None
    https_proxy: str | None = None
    http_proxy: str | None = None
    no_proxy: str = ""
    unix_socket: str | None = None
    max_idle_per_host: int = 64
    max_idle: int = 512
    idle_lifetime_s: float = 30.0
    tick_s: float = 0.25
    buffer_bytes: int = 262_144
    max_head_bytes: int = 65_536
    max_headers: int = 128
    user_agent: str = "hortus"

    @override
    def __repr__(self) -> str:
        return "TransportSettings(<proxies may hold passwords>)"
