"""What may a request use beside the tokens of its text? And the limit that a route sets where the client sets none.

Google takes members in both spellings. https://ai.google.dev/api/generate-content, read 2026-11.
"""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from hortus.canon.dialect import Asked, Operation
from hortus.canon.units import Unit, Units
from hortus.framing.asking import read_limit
from hortus.framing.shallow import Members, write_members
from hortus.framing.tooling import tool_kinds, unread
from hortus.framing.weighing import count_parts, is_set, list_of, number_of, text_of

_INLINE, _BY_NAME = ("inlineData", "inline_data"), ("fileData", "file_data")
_MIME = ("mimeType", "mime_type")
_OWN_TOOLS = frozenset({"functiondeclarations", "computeruse"})
"""Tools that the client runs itself; likewise the next ones, in either spelling."""

_SEARCHES = frozenset({"googlesearch", "googlesearchretrieval", "googlemaps", "enterprisewebsearch"})
_CONFIG = ("generationConfig", "generation_config")
_LIMITS = ("maxOutputTokens", "max_output_tokens")
_MARKS = tuple(f'"{name}"'.encode() for name in (*_INLINE, *_BY_NAME))
_DECODE_MEMBERS = msgspec.json.Decoder(Members).decode
_DECODE_TOOLS = msgspec.json.Decoder(list[Members]).decode


def weigh(operation: Operation, asked: Asked, body: bytes) -> Units:
    """Return what the request may use, as far as it says so."""
    if operation.name != "chat":
        return Units(output_tokens=0)
    members = asked.members
    config = _config(members)
    parts = count_parts(body, _MARKS, _judge)
    tools = list_of(members, "tools", _DECODE_TOOLS)
    kinds = tool_kinds((name for tool in tools for name in tool), own=("function_declarations",))
    own = {name.replace("_", "").lower() for tool in tools for name in tool} - _OWN_TOOLS
    return Units(
        output_tokens=read_limit(config, *_LIMITS),
        choices=number_of(config, "candidateCount", usual=number_of(config, "candidate_count", usual=1)),
        images=parts["image"],
        documents=parts["document"],
        kept=is_set(members, "cachedContent") + is_set(members, "cached_content"),
        searches=bool(own & _SEARCHES),
        server_tools=bool(own - _SEARCHES),
        service_tier=text_of(members, "serviceTier") or text_of(members, "service_tier"),
        tools=tuple(sorted(kinds | unread(members, "tools", read=tools))),
    )


def cap_output(asked: Asked, most_tokens: int) -> Asked:
    """Return the request with a limit of its output."""
    name = _CONFIG[1] if _CONFIG[1] in asked.members and _CONFIG[0] not in asked.members else _CONFIG[0]
    config = _config(asked.members) | {_LIMITS[0]: msgspec.Raw(b"%d" % most_tokens)}
    members = asked.members | {name: msgspec.Raw(write_members(config))}
    return replace(asked, output_limit=most_tokens, members=members)


def _judge(part: dict[str, object]) -> Unit | None:
    inline = next((part[name] for name in _INLINE if name in part), None)
    if isinstance(inline, dict):
        mime = str(next((inline[name] for name in _MIME if name in inline), ""))
        if mime.startswith("image/"):
            return "image"
        return "document" if mime.startswith(("application/pdf", "video/")) else None  # sound and text: by their bytes
    return "document" if any(name in part for name in _BY_NAME) else None


def _config(members: Members) -> Members:
    value = next((members[name] for name in _CONFIG if name in members), None)
    try:
        return _DECODE_MEMBERS(value) if value is not None else {}
    except msgspec.DecodeError:
        return {}  # null, or of a wrong type that is the host's to judge
