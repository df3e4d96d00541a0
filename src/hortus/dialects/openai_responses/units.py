"""What may a request use beside the tokens of its text? And the limit that a route sets where the client sets none."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from hortus.canon.dialect import Asked, Operation
from hortus.canon.units import Unit, Units
from hortus.framing.asking import read_limit, write_limit
from hortus.framing.tooling import tool_kinds, unread
from hortus.framing.weighing import by_type, count_parts, is_set, list_of, marks_of, number_of, text_of

_PARTS: Mapping[str, Unit] = {"input_image": "image", "computer_screenshot": "image", "input_file": "document"}
_KEPT = ("previous_response_id", "conversation", "prompt")
_OWN_TOOLS = frozenset({"function", "custom", "local_shell", "apply_patch", "computer", "computer_use_preview"})
"""Tools that the client runs itself. https://platform.openai.com/docs/api-reference/responses, read 2026-11."""

_RUN_BY_CLIENT = _OWN_TOOLS - {"computer", "computer_use_preview"}
_SEARCHES = ("web_search", "file_search")
_MARKS, _JUDGE = marks_of(_PARTS), by_type(_PARTS)
_LIMIT = "max_output_tokens"


class _Tool(msgspec.Struct):
    type: str = ""


_DECODE_TOOLS = msgspec.json.Decoder(list[_Tool]).decode


def weigh(operation: Operation, asked: Asked, body: bytes) -> Units:
    """Return what the request may use, as far as it says so."""
    if not operation.can_stream:
        return Units(output_tokens=0)
    members = asked.members
    parts = count_parts(body, _MARKS, _JUDGE)
    tools = list_of(members, "tools", _DECODE_TOOLS)
    kinds = tool_kinds((tool.type for tool in tools), own=_RUN_BY_CLIENT)
    own = [tool.type for tool in tools if tool.type not in _OWN_TOOLS]
    return Units(
        output_tokens=read_limit(members, _LIMIT),
        images=parts["image"],
        documents=parts["document"],
        kept=sum(is_set(members, name) for name in _KEPT) + body.count(b'"item_reference"'),
        searches=any(kind.startswith(_SEARCHES) for kind in own),
        server_tools=any(not kind.startswith(_SEARCHES) for kind in own),
        tool_calls=number_of(members, "max_tool_calls", usual=0) or None,
        service_tier=text_of(members, "service_tier"),
        tools=tuple(sorted(kinds | unread(members, "tools", read=tools))),
    )


def cap_output(asked: Asked, most_tokens: int) -> Asked:
    """Return the request with a limit of its output."""
    return write_limit(asked, _LIMIT, most_tokens)
