"""A file of requests for a batch, line by line (JSONL): what each line asks, of whom, and where its body stands.

https://github.com/openai/openai-python (`types/batch_create_params.py`), read 2026-11; the members of a line recalled.
"""

from __future__ import annotations

from typing import Final

import msgspec

from hortus.canon.errors import InvalidRequest
from hortus.framing.places import places_in
from hortus.framing.shallow import Members, read_members

LONGEST_LINE_BYTES: Final = 4 * 1024 * 1024
MOST_LINES: Final = 50_000
"""https://github.com/openai/openai-python (`resources/batches.py`), read 2026-11."""

_MEMBERS: Final = ("custom_id", "method", "url", "body")
_SPELT: Final = {name.replace("_", ""): name for name in _MEMBERS}
_SEPARATORS: Final = (b"\r", b"\xe2\x80\xa8", b"\xe2\x80\xa9", b"\xc2\x85")
"""Where some readers of lines end one: carriage return, U+2028, U+2029 and U+0085."""

_DECODE_TEXT = msgspec.json.Decoder(str).decode


class Line(msgspec.Struct, frozen=True):
    """One request.

    Attributes:
        body: Its body.
        at: Where that begins in the line.
    """

    custom_id: str
    url: str
    body: bytes
    at: int


def read_line(line: bytes) -> Line:
    """Return what a line asks for.

    Raises:
        CallerFault: It is none, or none that everybody reads alike.
    """
    _check_ends(line)
    members = read_members(line)
    for name in members:
        meant = _SPELT.get(name.replace("_", "").lower(), name)
        if meant != name:
            raise InvalidRequest(f"Some hosts take `{name}` for `{meant}`.", path=name, hint=f"Write `{meant}`.")
    places = places_in(line, members)
    if _text(members, "method", usual="POST") != "POST":
        raise InvalidRequest("`method` must be POST.", path="method")
    custom_id, url = _text(members, "custom_id"), _text(members, "url")
    body = members.get("body")
    if body is None:
        raise InvalidRequest("`body` is missing.", path="body", hint="Put the request there, as an object.")
    return Line(custom_id, url, bytes(body), places["body"])


def _check_ends(line: bytes) -> None:
    inner = line.removesuffix(b"\r")
    if any(one in inner for one in _SEPARATORS):
        raise InvalidRequest(
            "A line end of another kind stands within it.",
            hint=r"End lines with a line feed; write others within texts as \r, \u2028, \u2029 or \u0085.",
        )


def _text(members: Members, name: str, *, usual: str = "") -> str:
    value = members.get(name)
    try:
        said = usual if value is None else _DECODE_TEXT(value)
    except msgspec.ValidationError as error:
        raise InvalidRequest(f"`{name}` must be a text.", path=name) from error
    if not said:
        raise InvalidRequest(f"`{name}` is missing.", path=name)
    return said
