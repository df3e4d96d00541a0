"""A JSON Web Token (RFC 7519) as text: header, claims, signature."""

from __future__ import annotations

import base64
from collections.abc import Callable

import msgspec


def write_jwt(header: msgspec.Struct, claims: msgspec.Struct, *, sign: Callable[[bytes], bytes]) -> str:
    """Return the token; `sign` makes the signature of what stands before it."""
    signed = f"{to_text(msgspec.json.encode(header))}.{to_text(msgspec.json.encode(claims))}"
    return f"{signed}.{to_text(sign(signed.encode('ascii')))}"


def to_text(data: bytes) -> str:
    """Return bytes in base64 for addresses, without padding (RFC 7515, 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")
