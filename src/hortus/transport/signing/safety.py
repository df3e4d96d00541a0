"""May what proves who we are be sent to this address? Pure."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit


def is_safe(address: str) -> bool:
    """Tell whether a proof may be sent there: encrypted, or to this machine."""
    try:
        parts = urlsplit(address)
        if parts.scheme == "http":
            return ipaddress.ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return False
    return parts.scheme == "https" and bool(parts.hostname) and parts.username is None
