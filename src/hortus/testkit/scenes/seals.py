"""Seals that prove themselves: opaque text bound to what it was given with, checked when it comes back.

Like the makers' own, a seal is base64 with `+` and `/`, says nothing to its reader, and fits one thing only: the
dialect that gave it, and the text that it was bound to.
"""

from __future__ import annotations

import base64
import binascii
import hashlib

_MARK = b"\xfb\xef\xff"
_DIGEST_BYTES = 64


def seal(dialect: str, bound: str, *, nonce: str) -> str:
    """Make the seal of one thing."""
    name = nonce.encode()
    return base64.b64encode(_MARK + bytes([len(name)]) + name + _digest(dialect, bound, name)).decode()


def fits(text: object, dialect: str, bound: str) -> bool:
    """Tell whether this is a seal that was given with exactly this thing; both alphabets of base64 count as one."""
    if not isinstance(text, str):
        return False
    try:
        data = base64.b64decode(text.translate(str.maketrans("-_", "+/")), validate=True)
    except (binascii.Error, ValueError):
        return False
    if not data.startswith(_MARK) or len(data) < len(_MARK) + 1:
        return False
    start = len(_MARK) + 1
    name = data[start : start + data[start - 1]]
    return data[start + len(name) :] == _digest(dialect, bound, name)


def _digest(dialect: str, bound: str, name: bytes) -> bytes:
    return hashlib.sha512(dialect.encode() + b"\0" + name + b"\0" + bound.encode()).digest()[:_DIGEST_BYTES]
