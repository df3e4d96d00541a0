"""What may a request use beside the tokens of its text, as far as the families of models that are known say it?

https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters.html, recalled 2026-11; and recordings.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from hortus.canon.dialect import Asked, Operation
from hortus.canon.units import Unit, Units
from hortus.framing.asking import read_limit
from hortus.framing.shallow import Members
from hortus.framing.tooling import FUNCTION, MCP, UNREADABLE, WEB_SEARCH, tool_kinds, unread
from hortus.framing.weighing import count_parts, is_set, list_of, marks_of, number_of

_LIMITS = (
    "max_tokens",  # Anthropic, Mistral, Cohere, DeepSeek, OpenAI's open weights
    "max_completion_tokens",
    "max_tokens_to_sample",  # Anthropic's texts
    "max_gen_len",  # Meta
    "maxTokens",  # AI21
)
_INNER: Mapping[str, tuple[str, ...]] = {
    "inferenceConfig": ("maxTokens", "max_new_tokens"),  # Amazon Nova
    "textGenerationConfig": ("maxTokenCount",),  # Amazon Titan
}
"""Member to the limits in it."""

_PICTURES = ("imageGenerationConfig", "numberOfImages")
_IMAGES = frozenset(("image", "image_url"))
_DOCUMENTS = frozenset(("document", "video"))
_PARTS: Mapping[str, Unit] = {
    **dict.fromkeys(_IMAGES, "image"),
    **dict.fromkeys(_DOCUMENTS, "document"),
    "inputImage": "image",
    "images": "image",
}
_MARKS = marks_of(_PARTS)
_OWN = ("custom", "bash", "text_editor", "memory", FUNCTION)
"""Tools that the client runs itself."""

_TOOLS, _CONFIG, _SPEC = "tools", "toolConfig", "toolSpec"

_DECODE_MEMBERS = msgspec.json.Decoder(Members).decode
_DECODE_TOOLS = msgspec.json.Decoder(list[Members]).decode


class _Named(msgspec.Struct):
    type: str = "custom"


_DECODE_NAMED = msgspec.json.Decoder(list[_Named]).decode


def limit_of(members: Members) -> int | None:
    """Return the limit of output tokens, None where none is said in a way that is known here."""
    found = read_limit(members, *_LIMITS)
    for name, limits in _INNER.items():
        found = read_limit(_inner(members, name), *limits) if found is None else found
    return found


def weigh(operation: Operation, asked: Asked, body: bytes) -> Units:
    """Return what the request may use, as far as it says so."""
    del operation
    members = asked.members
    parts = count_parts(body, _MARKS, _judge)
    kinds = _kinds(members)
    own = kinds - {FUNCTION}
    config, number = _PICTURES
    return Units(
        output_tokens=limit_of(members),
        choices=number_of(members, "num_generations", usual=1),
        images=parts["image"],
        documents=parts["document"],
        searches=WEB_SEARCH in own,
        server_tools=bool(own - {WEB_SEARCH}),
        tools=tuple(sorted(kinds)),
        output_images=number_of(_inner(members, config), number, usual=1) if config in members else 0,
    )


def _judge(part: dict[str, object]) -> Unit | None:
    kind = part.get("type")
    named = _PARTS.get(kind) if isinstance(kind, str) else None
    if named is not None:
        return named
    return next((unit for name, unit in _PARTS.items() if isinstance(part.get(name), dict | str | list)), None)


def _kinds(members: Members) -> frozenset[str]:
    tools = list_of(members, _TOOLS, _DECODE_NAMED)
    kinds = tool_kinds((tool.type for tool in tools), own=_OWN) | unread(members, _TOOLS, read=tools)
    config = _inner(members, _CONFIG)
    specs = list_of(config, _TOOLS, _DECODE_TOOLS)
    kinds |= {FUNCTION if _SPEC in spec else UNREADABLE for spec in specs if "cachePoint" not in spec}
    return kinds | unread(config, _TOOLS, read=specs) | ({MCP} if is_set(members, "mcp_servers") else frozenset())


def _inner(members: Members, name: str) -> Members:
    try:
        return _DECODE_MEMBERS(members.get(name, b"{}"))
    except msgspec.DecodeError:
        return {}
