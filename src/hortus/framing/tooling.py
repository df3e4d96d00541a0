"""Which kinds of tools does a request bring, in the same words for every maker?

A kind that has no word of ours keeps its maker's own, without the version's date.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping

import msgspec

FUNCTION = "function"
"""The client's own: it runs them itself."""

WEB_SEARCH, MCP = "web_search", "mcp"

UNREADABLE = "unreadable"
"""Stands for tools that cannot be read: no policy can say that they are harmless."""

_KINDS: Mapping[str, str] = {
    "function": FUNCTION,
    "web_search_preview": WEB_SEARCH,
    "live_search": WEB_SEARCH,
    "google_search": WEB_SEARCH,
    "google_search_retrieval": WEB_SEARCH,
    "enterprise_web_search": WEB_SEARCH,
    "code_interpreter": "code_execution",
    "mcp_toolset": MCP,
    "mcp_servers": MCP,
    "computer_use": "computer",
    "computer_use_preview": "computer",
}
"""Makers' names -> our words, where they differ. Their references: see each dialect's `units.py`, read 2026-11."""

_VERSION = re.compile(r"_\d{4}(?:_?\d{2}){2}$")
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")
_EMPTY = frozenset((b"", b"null"))
_OFF = frozenset((b"null", b"false"))


def tool_kinds(names: Iterable[str], *, own: Collection[str]) -> frozenset[str]:
    """Return kinds of tools.

    Args:
        names: Their types as the request spells them; an empty one is unreadable.
        own: Types, without versions, that the client runs itself.
    """
    plain = (_HUMP.sub("_", _VERSION.sub("", name)).lower() for name in names)
    return frozenset(FUNCTION if name in own else _KINDS.get(name, name) or UNREADABLE for name in plain)


def unread(members: Mapping[str, msgspec.Raw], name: str, *, read: Collection[object]) -> frozenset[str]:
    """Return `unreadable` where a list of tools was sent of which nothing was read."""
    value = b"" if read or name not in members else bytes(members[name]).strip(b"[] \t\r\n")
    return frozenset() if value in _EMPTY else frozenset((UNREADABLE,))


def is_on(members: Mapping[str, msgspec.Raw], name: str) -> bool:
    """Tell whether a member that is a switch is there and neither null nor false; an empty object switches on."""
    return name in members and bytes(members[name]) not in _OFF
