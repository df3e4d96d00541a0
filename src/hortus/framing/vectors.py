"""Vectors in an answer, as OpenAI began to write them and others do too: numbers, or 32-bit floats in base64."""

from __future__ import annotations

from base64 import b64decode, b64encode
from math import isfinite
from struct import error as struct_error
from struct import iter_unpack, pack

import msgspec
from msgspec import UNSET, Raw, UnsetType

from hortus.canon.errors import BrokenStream
from hortus.framing.objects import text_of
from hortus.framing.opening import Notes

BASE64 = "base64"
"""The word for it in requests; noted as a form of an answer whose vectors came so."""

_DECODE_NUMBERS = msgspec.json.Decoder(list[float]).decode
_ENCODE = msgspec.json.Encoder().encode


class Vector(msgspec.Struct, forbid_unknown_fields=True):
    """One vector: numbers, or base64."""

    embedding: Raw
    index: int
    object: Raw | UnsetType = UNSET


def read_vectors(items: list[Raw], notes: Notes) -> tuple[Raw, ...]:
    """Return the vectors of an answer in the order of what they stand for.

    Raises:
        InvalidRequest: One is no object with these members.
        BrokenStream: One is no vector.
    """
    vectors: list[tuple[int, Raw]] = []
    for number, raw in enumerate(items):
        under = f"data[{number}]"
        one = notes.open(raw, Vector, under=under)
        if one.object is UNSET:
            notes.form(f"-{under}.object")
        packed = text_of(one.embedding)
        if packed is not None and number == 0:
            notes.form(BASE64)
        vectors.append((one.index, one.embedding if packed is None else unpack_vector(packed)))
    return tuple(vector for _, vector in sorted(vectors, key=lambda pair: pair[0]))


def unpack_vector(packed: str) -> msgspec.Raw:
    """Return a vector as a JSON array of numbers.

    Raises:
        BrokenStream: It is none.
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
    return msgspec.Raw(_ENCODE(numbers))


def pack_vector(vector: msgspec.Raw) -> str:
    """Return a JSON array of numbers in base64."""
    numbers = _DECODE_NUMBERS(vector)
    return b64encode(pack(f"<{len(numbers)}f", *numbers)).decode()
