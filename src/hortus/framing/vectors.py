"""Vectors as little-endian 32-bit floats in base64, and as the numbers that these are."""

from __future__ import annotations

from base64 import b64decode, b64encode
from math import isfinite
from struct import error as struct_error
from struct import iter_unpack, pack

import msgspec
from msgspec import Raw

from hortus.canon.errors import BrokenStream

_DECODE_NUMBERS = msgspec.json.Decoder(list[float]).decode
_ENCODE = msgspec.json.Encoder().encode


def unpack_vector(packed: str) -> Raw:
    """Return the numbers of a host's vector.

    >>> bytes(unpack_vector("AACAPwAAAMA="))
    b'[1.0,-2.0]'

    Raises:
        BrokenStream: It is no base64, is cut off, or holds what is no number.
    """
    try:
        data = b64decode(packed, validate=True)
        numbers = [number for (number,) in iter_unpack("<f", data)]
    except ValueError as error:
        raise BrokenStream("The host's answer cannot be read: a vector is no base64.") from error
    except struct_error as error:
        raise BrokenStream("The host's answer cannot be read: a vector is cut off.") from error
    if not all(map(isfinite, numbers)):
        raise BrokenStream("The host's answer cannot be read: a vector holds what is no number.")
    return Raw(_ENCODE(numbers))


def pack_vector(vector: Raw) -> str:
    """Return a vector's numbers in base64."""
    numbers = _DECODE_NUMBERS(vector)
    return b64encode(pack(f"<{len(numbers)}f", *numbers)).decode()
