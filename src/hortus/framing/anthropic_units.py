"""What may a request use beside the tokens of its text? And the limit that a route sets where the client sets none."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from hortus.canon.dialect import Asked, Operation
from hortus.canon.units import Unit, Units
from hortus.framing.asking import read_limit, write_limit
from hortus.framing.shallow import Members
from hortus.framing.tooling import MCP, tool_kinds, unread
from hortus.framing.weighing import by_type, count_parts, is_set, list_of, marks_of, text_of

_PARTS: Mapping[str, Unit] = {"image": "image", "document": "document", "container_upload": "document"}
_OWN_TOOLS = ("custom", "bash_", "text_editor_", "computer_", "memory_")
"""Tools that the client runs itself. https://docs.claude.com/en/docs/agents-and-tools, read 2026-11."""

_RUN_BY_CLIENT = ("custom", "bash", "text_editor", "memory")
"""Of these, what a policy counts as the client's own functions; whoever drives a computer is told apart."""

_SEARCH = "web_search_"
_MARKS, _JUDGE = marks_of(_PARTS), by_type(_PARTS)
_LIMIT = "max_tokens"


class _Tool(msgspec.Struct):
    type: str | None = None
    max_uses: int | None = None


_FAST = "fast"  # https://platform.claude.com/docs/en/build-with-claude/fast-mode, read 2026-11: at another price
_DECODE_TOOLS = msgspec.json.Decoder(list[_Tool]).decode


def weigh(operation: Operation, asked: Asked, body: bytes) -> Units:
    """Return what the request may use, as far as it says so."""
    return weigh_chat(asked.members, body) if operation.can_stream else Units(output_tokens=0)


def weigh_chat(members: Members, body: bytes) -> Units:
    """Return what a chat may use.

    Args:
        members: Of its body.
        body: As JSON.
    """
    parts = count_parts(body, _MARKS, _JUDGE)
    tools = list_of(members, "tools", _DECODE_TOOLS)
    own = [tool for tool in tools if tool.type and not tool.type.startswith(_OWN_TOOLS)]
    has_servers = is_set(members, "mcp_servers")
    return Units(
        output_tokens=read_limit(members, _LIMIT),
        images=parts["image"],
        documents=parts["document"],
        searches=any(_is_search(tool) for tool in own),
        server_tools=has_servers or any(not _is_search(tool) for tool in own),
        tool_calls=None if has_servers else _most_calls(own),
        service_tier=_FAST if text_of(members, "speed") == _FAST else text_of(members, "service_tier"),
        tools=_kinds(tools, unread(members, "tools", read=tools), has_servers=has_servers),
    )


def cap_output(asked: Asked, most_tokens: int) -> Asked:
    """Return the request with a limit of its output."""
    return write_limit(asked, _LIMIT, most_tokens)


def _kinds(tools: list[_Tool], more: frozenset[str], *, has_servers: bool) -> tuple[str, ...]:
    kinds = tool_kinds((tool.type or "custom" for tool in tools), own=_RUN_BY_CLIENT) | more
    return tuple(sorted(kinds | {MCP} if has_servers else kinds))


def _is_search(tool: _Tool) -> bool:
    return tool.type is not None and tool.type.startswith(_SEARCH)


def _most_calls(tools: list[_Tool]) -> int | None:
    """Return how often tools of the host may be called, None where one of them may be called without end."""
    uses = [tool.max_uses for tool in tools if tool.max_uses is not None]
    return sum(uses) if tools and len(uses) == len(tools) else None
