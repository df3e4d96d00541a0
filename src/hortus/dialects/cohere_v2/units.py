"""What may a request use beside the tokens of its text? And the limit that a route sets where the client sets none."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from msgspec import Raw

from hortus.canon.dialect import Asked, Operation
from hortus.canon.units import Unit, Units
from hortus.framing.asking import read_limit, write_limit
from hortus.framing.ranking import weigh_ranking
from hortus.framing.tooling import tool_kinds, unread
from hortus.framing.weighing import by_type, count_parts, list_of, marks_of

_PARTS: Mapping[str, Unit] = {"image_url": "image"}
_MARKS, _JUDGE = marks_of(_PARTS), by_type(_PARTS)
_LIMIT = "max_tokens"


class _Tool(msgspec.Struct):
    type: str = "function"


_DECODE_TOOLS = msgspec.json.Decoder(list[_Tool]).decode
_DECODE_RAWS = msgspec.json.Decoder(list[Raw]).decode


def weigh(operation: Operation, asked: Asked, body: bytes) -> Units:
    """Return what the request may use, as far as it says so."""
    members = asked.members
    if operation.name == "rerank":
        return weigh_ranking(members, body)
    images = count_parts(body, _MARKS, _JUDGE)["image"]
    if not operation.can_stream:
        return Units(output_tokens=0, images=images + len(list_of(members, "images", _DECODE_RAWS)))
    tools = list_of(members, "tools", _DECODE_TOOLS)
    kinds = tool_kinds((tool.type for tool in tools), own=("function",))
    return Units(
        output_tokens=read_limit(members, _LIMIT),
        images=images,
        tools=tuple(sorted(kinds | unread(members, "tools", read=tools))),
    )


def cap_output(asked: Asked, most_tokens: int) -> Asked:
    """Return the request with a limit of its output."""
    return write_limit(asked, _LIMIT, most_tokens)
