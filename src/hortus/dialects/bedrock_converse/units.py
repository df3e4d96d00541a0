"""What may a request use beside the tokens of its text? And the limit that a route sets where the client sets none.

https://docs.aws.amazon.com/bedrock/latest/userguide/conversation-inference.html, read 2026-11.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from msgspec.structs import replace

from hortus.canon.dialect import Asked, Operation
from hortus.canon.units import Unit, Units
from hortus.dialects.bedrock_converse.relay import CONFIG, LIMIT, config_of
from hortus.dialects.bedrock_converse.vocabulary import ADDITIONAL
from hortus.framing.asking import read_limit
from hortus.framing.shallow import Members, write_members
from hortus.framing.tooling import FUNCTION, UNREADABLE, WEB_SEARCH, tool_kinds
from hortus.framing.weighing import count_parts, list_of, marks_of, text_of

_PARTS: Mapping[str, Unit] = {"image": "image", "document": "document", "video": "document"}
_MARKS = marks_of(_PARTS)
_SPEC, _SYSTEM, _CACHE = "toolSpec", "systemTool", "cachePoint"
_KINDS: Mapping[str, str] = {"nova_grounding": WEB_SEARCH, "nova_code_interpreter": "code_execution"}
_OWN = ("custom", "bash", "text_editor", "memory")
"""Tools among a model's own fields that the client runs itself: Anthropic's."""

_OPTIMIZED = "optimized"

_DECODE_MEMBERS = msgspec.json.Decoder(Members).decode
_DECODE_TOOLS = msgspec.json.Decoder(list[Members]).decode


class _Named(msgspec.Struct):
    type: str = "custom"


_DECODE_NAMED = msgspec.json.Decoder(list[_Named]).decode


def weigh(operation: Operation, asked: Asked, body: bytes) -> Units:
    """Return what the request may use, as far as it says so."""
    if operation.name != "chat":
        return Units(output_tokens=0)
    parts = count_parts(body, _MARKS, _judge)
    kinds = _kinds(asked.members)
    own = kinds - {FUNCTION}
    latency = text_of(_inner(asked.members, "performanceConfig"), "latency")
    tier = text_of(_inner(asked.members, "serviceTier"), "type")
    return Units(
        output_tokens=read_limit(config_of(asked.members), LIMIT),
        images=parts["image"],
        documents=parts["document"],
        searches=WEB_SEARCH in own,
        server_tools=bool(own - {WEB_SEARCH}),
        service_tier=_OPTIMIZED if latency == _OPTIMIZED else tier,
        tools=tuple(sorted(kinds)),
    )


def cap_output(asked: Asked, most_tokens: int) -> Asked:
    """Return the request with a limit of its output."""
    config = config_of(asked.members) | {LIMIT: msgspec.Raw(b"%d" % most_tokens)}
    members = asked.members | {CONFIG: msgspec.Raw(write_members(config))}
    return replace(asked, output_limit=most_tokens, members=members)


def _judge(part: dict[str, object]) -> Unit | None:
    found = next((name for name in _PARTS if isinstance(part.get(name), dict)), None)
    return None if found is None else _PARTS[found]


def _kinds(members: Members) -> frozenset[str]:
    config = _inner(members, "toolConfig")
    tools = list_of(config, "tools", _DECODE_TOOLS)
    names = {_kind(tool) for tool in tools if _CACHE not in tool}
    if not tools and bytes(config.get("tools", b"[]")).strip(b"[] \t\r\n") not in {b"", b"null"}:
        names.add(UNREADABLE)
    more = list_of(_inner(members, ADDITIONAL), "tools", _DECODE_NAMED)
    return frozenset(names) | tool_kinds((tool.type for tool in more), own=_OWN)


def _kind(tool: Members) -> str:
    if _SPEC in tool:
        return FUNCTION
    name = text_of(_inner(tool, _SYSTEM), "name")
    return UNREADABLE if name is None else _KINDS.get(name, name)


def _inner(members: Members, name: str) -> Members:
    try:
        return _DECODE_MEMBERS(members.get(name, b"{}"))
    except msgspec.DecodeError:
        return {}
