"""What may a request use beside the tokens of its text? And the limit that a route sets where the client sets none."""

from __future__ import annotations

from collections.abc import Mapping

from hortus.canon.dialect import Asked, Operation
from hortus.canon.units import Unit, Units
from hortus.framing.asking import read_limit, write_limit
from hortus.framing.weighing import by_type, count_parts, is_set, marks_of, number_of, text_of

_PARTS: Mapping[str, Unit] = {"image_url": "image", "file": "document", "video_url": "document"}
"""https://platform.openai.com/docs/api-reference/chat/create, read 2026-11; `video_url` is vLLM's and Alibaba's."""

_SEARCHES = ("web_search_options", "search_parameters", "plugins")
"""OpenAI's, xAI's and OpenRouter's."""

_MARKS, _JUDGE = marks_of(_PARTS), by_type(_PARTS)
_LIMITS = ("max_completion_tokens", "max_tokens")


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
        searches=not members.keys().isdisjoint(_SEARCHES) and any(is_set(members, name) for name in _SEARCHES),
        service_tier=text_of(members, "service_tier"),
    )


def cap_output(asked: Asked, most_tokens: int) -> Asked:
    """Return the request with a limit of its output."""
    return write_limit(asked, _LIMITS[0], most_tokens)
