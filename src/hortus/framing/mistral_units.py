"""What may a request use beside the tokens of its text? And the limit that a route sets where the client sets none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from hortus.canon.dialect import Asked, Operation
from hortus.canon.units import Unit, Units
from hortus.framing.asking import read_limit, write_limit
from hortus.framing.counting import UNREADABLE
from hortus.framing.sound import weigh_sound
from hortus.framing.tooling import WEB_SEARCH, tool_kinds, unread
from hortus.framing.weighing import Members, by_type, count_parts, list_of, marks_of, number_of, text_of

_PARTS: Mapping[str, Unit] = {"image_url": "image", "document_url": "document", "file": "document"}
"""https://docs.mistral.ai/api, read 2026-11."""

_MARKS, _JUDGE = marks_of(_PARTS), by_type(_PARTS)
_RUN_BY_CLIENT = ("function",)
_PREMIUM = "web_search_premium"
_WRITING = ("chat", "fim")
_READING = "ocr"
_ELSEWHERE = frozenset(("file_url", "file_id"))
_LIMIT = "max_tokens"


class _Tool(msgspec.Struct):
    type: str = "function"


_DECODE_TOOLS = msgspec.json.Decoder(list[_Tool]).decode
_DECODE_PAGES = msgspec.json.Decoder(list[int] | str | None).decode


def weigh(operation: Operation, asked: Asked, body: bytes) -> Units:
    """Return what the request may use, as far as it says so."""
    members = asked.members
    if asked.form is not None:
        return weigh_sound(asked.form, seconds=None if _ELSEWHERE & members.keys() else 0)
    if operation.name == _READING:
        return _weigh_pages(members, body)
    if operation.name not in _WRITING:
        return Units(output_tokens=0)
    parts = count_parts(body, _MARKS, _JUDGE)
    kinds = frozenset(_tools_of(members))
    return Units(
        output_tokens=read_limit(members, _LIMIT),
        choices=number_of(members, "n", usual=1),
        images=parts["image"],
        documents=parts["document"],
        searches=WEB_SEARCH in kinds,
        server_tools=bool(kinds - {"function", WEB_SEARCH}),
        service_tier=text_of(members, "service_tier"),
        tools=tuple(sorted(kinds)),
    )


def _weigh_pages(members: Members, body: bytes) -> Units:
    """Return what reading a document may use: the pages that are named, one of a picture, else nobody knows."""
    parts = count_parts(body, _MARKS, _JUDGE)
    pages = 1 if parts["image"] and not parts["document"] else _pages_named(members)
    return Units(output_tokens=0, images=parts["image"], documents=parts["document"], pages=pages)


def _pages_named(members: Members) -> int | None:
    """Return how many pages are asked for; None where it does not say, or as a text of ranges."""
    raw = members.get("pages")
    try:
        named = None if raw is None else _DECODE_PAGES(raw)
    except UNREADABLE:
        return None
    return len(named) if isinstance(named, list) else None


def cap_output(asked: Asked, most_tokens: int) -> Asked:
    """Return the request with a limit of its output."""
    return write_limit(asked, _LIMIT, most_tokens)


def _tools_of(members: Members) -> Iterator[str]:
    tools = list_of(members, "tools", _DECODE_TOOLS)
    names = (WEB_SEARCH if tool.type == _PREMIUM else tool.type for tool in tools)
    yield from tool_kinds(names, own=_RUN_BY_CLIENT)
    yield from unread(members, "tools", read=tools)
