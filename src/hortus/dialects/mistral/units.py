"""What may a request use beside the tokens of its text? And the limit that a route sets where the client sets none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from hortus.canon.dialect import Asked, Operation
from hortus.canon.units import Unit, Units
from hortus.framing.asking import read_limit, write_limit
from hortus.framing.tooling import WEB_SEARCH, tool_kinds, unread
from hortus.framing.weighing import Members, by_type, count_parts, list_of, marks_of, number_of, text_of

_PARTS: Mapping[str, Unit] = {"image_url": "image", "document_url": "document", "file": "document"}
"""https://docs.mistral.ai/api, read 2026-11."""

_MARKS, _JUDGE = marks_of(_PARTS), by_type(_PARTS)
_RUN_BY_CLIENT = ("function",)
_PREMIUM = "web_search_premium"
_WRITING = ("chat", "fim")
_READING = ("ocr",)
_LIMIT = "max_tokens"


class _Tool(msgspec.Struct):
    type: str = "function"


_DECODE_TOOLS = msgspec.json.Decoder(list[_Tool]).decode


def weigh(operation: Operation, asked: Asked, body: bytes) -> Units:
    """Return what the request may use, as far as it says so."""
    if operation.name not in _WRITING:
        parts = count_parts(body, _MARKS, _JUDGE) if operation.name in _READING else {"image": 0, "document": 0}
        return Units(output_tokens=0, images=parts["image"], documents=parts["document"])
    members = asked.members
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


def cap_output(asked: Asked, most_tokens: int) -> Asked:
    """Return the request with a limit of its output."""
    return write_limit(asked, _LIMIT, most_tokens)


def _tools_of(members: Members) -> Iterator[str]:
    tools = list_of(members, "tools", _DECODE_TOOLS)
    names = (WEB_SEARCH if tool.type == _PREMIUM else tool.type for tool in tools)
    yield from tool_kinds(names, own=_RUN_BY_CLIENT)
    yield from unread(members, "tools", read=tools)
