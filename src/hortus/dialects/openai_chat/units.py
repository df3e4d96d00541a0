"""What may a request use beside the tokens of its text? And the limit that a route sets where the client sets none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from hortus.canon.dialect import Asked, Operation
from hortus.canon.units import Unit, Units
from hortus.framing.asking import read_limit, write_limit
from hortus.framing.tooling import FUNCTION, WEB_SEARCH, is_on, tool_kinds, unread
from hortus.framing.weighing import Members, by_type, count_parts, is_set, list_of, marks_of, number_of, text_of

_PARTS: Mapping[str, Unit] = {"image_url": "image", "file": "document", "video_url": "document"}
"""https://platform.openai.com/docs/api-reference/chat/create, read 2026-11; `video_url` is vLLM's and Alibaba's."""

_SEARCHES = ("web_search_options", "search_parameters")
"""OpenAI's, for which an empty object is enough, and xAI's."""

_SWITCHES = (*_SEARCHES, "enable_search")
"""Members that bring a search by themselves; the last is Alibaba's."""

_PLUGINS = "plugins"
_PLUGIN_KINDS = {"web": WEB_SEARCH}
"""OpenRouter's. https://openrouter.ai/docs/guides/features/plugins, read 2026-11."""

_CALLABLE = "functions"
"""What `tools` were called before. https://platform.openai.com/docs/api-reference/chat/create, read 2026-11."""

_MARKS, _JUDGE = marks_of(_PARTS), by_type(_PARTS)
_RUN_BY_CLIENT = ("function", "custom")
_LIMITS = ("max_completion_tokens", "max_tokens")


class _Tool(msgspec.Struct):
    type: str = ""


class _Plugin(msgspec.Struct):
    id: str = ""


_DECODE_TOOLS = msgspec.json.Decoder(list[_Tool]).decode
_DECODE_PLUGINS = msgspec.json.Decoder(list[_Plugin]).decode


def weigh(operation: Operation, asked: Asked, body: bytes) -> Units:
    """Return what the request may use, as far as it says so."""
    if operation.name != "chat":
        return Units(output_tokens=0)
    members = asked.members
    parts = count_parts(body, _MARKS, _JUDGE)
    limits = [limit for name in _LIMITS if name in members and (limit := read_limit(members, name)) is not None]
    return Units(
        output_tokens=max(limits) if limits else None,  # hosts differ in which of them they heed
        choices=number_of(members, "n", usual=1),
        images=parts["image"],
        documents=parts["document"],
        searches=is_set(members, _PLUGINS) or any(is_on(members, name) for name in _SEARCHES),
        service_tier=text_of(members, "service_tier"),
        tools=tuple(sorted(set(_tools_of(members)))),
    )


def cap_output(asked: Asked, most_tokens: int) -> Asked:
    """Return the request with a limit of its output."""
    return write_limit(asked, _LIMITS[0], most_tokens)


def _tools_of(members: Members) -> Iterator[str]:
    tools = list_of(members, "tools", _DECODE_TOOLS)
    yield from tool_kinds((tool.type for tool in tools), own=_RUN_BY_CLIENT)
    yield from unread(members, "tools", read=tools)
    plugins = list_of(members, _PLUGINS, _DECODE_PLUGINS)
    yield from tool_kinds((_PLUGIN_KINDS.get(one.id, one.id) for one in plugins), own=())
    yield from unread(members, _PLUGINS, read=plugins)
    if any(is_on(members, name) for name in _SWITCHES):
        yield WEB_SEARCH
    if is_set(members, _CALLABLE):
        yield FUNCTION
