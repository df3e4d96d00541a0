"""The top level of a JSON object, its values left as they came; and such an object written again from its members.

Nothing below the top level is decoded. A doubled key collapses to its last value, the one that is judged.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import accumulate, count
from operator import sub

import msgspec

from hortus.canon.errors import CallerFault, InvalidRequest, NotJson

Members = dict[str, msgspec.Raw]
"""Members of one object in their order; values byte for byte as sent."""

DEPTH_LIMIT = 128
"""Deepest nesting that is passed on: hosts and SDKs break at depths not far above."""

_DECODER = msgspec.json.Decoder(Members)
_ENCODER = msgspec.json.Encoder()
_DECODE_ANY = msgspec.json.Decoder().decode

_STEPS = bytes.maketrans(b"[]{}", b"\x02\x00\x02\x00")
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))

_ESCAPED_BACKSLASH = re.compile(rb"\\\\")
_SURROGATE_PAIR = re.compile(rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}")
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")


def read_members(data: bytes) -> Members:
    """Return the members of the JSON object in `data`.

    >>> {name: bytes(value) for name, value in read_members(b'{"a": [1.0], "b": 2, "a": 1e2}').items()}
    {'a': b'1e2', 'b': b'2'}

    Raises:
        NotJson: Not JSON, not an object, or not UTF-8.
        InvalidRequest: Nested deeper than `DEPTH_LIMIT`, or half a surrogate pair in a text.
    """
    if not data.isascii():
        check_utf8(data)
    try:
        members = _DECODER.decode(data)
    except RecursionError as error:
        raise too_deep() from error
    except msgspec.ValidationError as error:
        raise not_an_object() from error
    except msgspec.DecodeError as error:
        raise why_broken(data, error) from error
    if is_deeper_than(data, DEPTH_LIMIT):
        raise too_deep()
    return members


def read_value(data: bytes | msgspec.Raw) -> object:
    """Return all that a JSON value of a request says, for those few of which that has to be known.

    >>> read_value(b'{"a": [1e400]}')
    Traceback (most recent call last):
    hortus.canon.errors.InvalidRequest: A number in the body is out of range. Send one that fits 64 bits.

    Raises:
        InvalidRequest: A number in it is larger than any that hosts read.
    """
    try:
        return _DECODE_ANY(data)
    except msgspec.ValidationError as error:
        raise InvalidRequest("A number in the body is out of range.", hint="Send one that fits 64 bits.") from error


def check_text(data: bytes) -> None:
    """Refuse a body that is not UTF-8 or nests too deep; once for a whole body, before it is read by types.

    Half a surrogate pair is found by whoever decodes the body.

    Raises:
        NotJson: Not UTF-8.
        InvalidRequest: Nested deeper than `DEPTH_LIMIT`.
    """
    if not data.isascii():
        check_utf8(data)
    if is_deeper_than(data, DEPTH_LIMIT):
        raise too_deep()


def write_members(members: Mapping[str, msgspec.Raw]) -> bytes:
    """Return the object that holds `members`, every value byte for byte.

    >>> write_members(read_members(b'{"model": "a", "t": 1.50}') | {"model": msgspec.Raw(b'"b"')})
    b'{"model":"b","t":1.50}'
    """
    return _ENCODER.encode(members)


def is_deeper_than(data: bytes, limit: int) -> bool:
    """Tell whether valid JSON in `data` nests arrays and objects deeper than `limit`."""
    if data.count(b"[") + data.count(b"{") <= limit:
        return False
    if b"\\" in data:
        data = data.replace(b"\\\\", b"").replace(b'\\"', b"")
    steps = b"".join(data.split(b'"')[::2]).translate(_STEPS, _NO_BRACKETS)
    # Each opening bracket is a 2, each closing one a 0: the sum less the count is the depth.
    return max(map(sub, accumulate(steps), count(1)), default=0) > limit


def check_utf8(data: bytes) -> None:
    """Refuse what is not UTF-8, with the place where it is not.

    Raises:
        NotJson: Not UTF-8.
    """
    try:
        data.decode()
    except UnicodeDecodeError as error:
        raise NotJson(
            f"The body is not UTF-8: byte {error.start} is wrong.", hint="Encode the JSON text as UTF-8."
        ) from error


def not_an_object() -> NotJson:
    """Return the error for JSON that is something else than an object."""
    return NotJson("The body is JSON, but not an object.", hint="Send one JSON object, {…}.")


def has_half_a_pair(data: bytes) -> bool:
    """Tell whether JSON text escapes half of a surrogate pair, which is not a character."""
    return _SURROGATE.search(_SURROGATE_PAIR.sub(b"", _ESCAPED_BACKSLASH.sub(b"", data))) is not None


def why_broken(data: bytes, error: msgspec.DecodeError) -> CallerFault:
    """Return the error for `data` that msgspec could not decode, with the place where that stopped."""
    if has_half_a_pair(data):
        return InvalidRequest(
            "A text holds half of a surrogate pair (\\ud800 to \\udfff), which is not a character.",
            hint="Cut texts between characters, not between UTF-16 units.",
        )
    if data.startswith(b"\xef\xbb\xbf"):
        return NotJson("The body starts with a byte order mark.", hint="Send UTF-8 without it.")
    reason = str(error).removeprefix("JSON is malformed: ")
    if reason == "Input data was truncated":
        reason = f"it ends too early (byte {len(data)})"
    return NotJson(f"The body is not valid JSON: {reason}.", hint="Send one JSON object, {…}.")


def too_deep() -> InvalidRequest:
    """Return the error for JSON that nests deeper than `DEPTH_LIMIT`."""
    return InvalidRequest(
        f"The body nests deeper than {DEPTH_LIMIT} levels.", hint="Flatten the innermost arrays and objects."
    )
