"""The JSON of Anthropic's Messages API, as far as it has canonical meaning; unknown members are kept beside it.

https://docs.claude.com/en/api/messages, read 2026-11. Members without meaning for others (`container`, `mcp_servers`,
`context_management`, `caller`, …) are left out on purpose: open reading keeps them as they came.
"""

from __future__ import annotations

from typing import Literal, TypeVar

import msgspec
from msgspec import UNSET, Raw, UnsetType

T = TypeVar("T")

NAME = "anthropic_messages"


class Wire(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """An object of this API."""


def given(value: T | UnsetType | None) -> T | None:
    """Return a member's value, None where it is absent or null."""
    return None if isinstance(value, UnsetType) else value


class Kind(msgspec.Struct, frozen=True):
    """What a block, source, tool or event calls itself."""

    type: str


class OptionalKind(msgspec.Struct, frozen=True):
    """The same where it may be left out."""

    type: str | None = None


class CacheControl(Wire, frozen=True):
    """Keep everything up to here in the cache."""

    type: Literal["ephemeral"]
    ttl: str | UnsetType | None = UNSET


class TextBlock(Wire, frozen=True):
    """Words."""

    type: str
    text: str
    citations: list[Raw] | UnsetType | None = UNSET
    cache_control: CacheControl | UnsetType | None = UNSET


class CitationBlock(Wire, frozen=True):
    """Where words come from; the members that only some types have are kept beside it."""

    type: str
    cited_text: str | UnsetType | None = UNSET
    url: str | UnsetType | None = UNSET
    title: str | UnsetType | None = UNSET
    document_title: str | UnsetType | None = UNSET


class MediaBlock(Wire, frozen=True):
    """An image or document."""

    type: str
    source: Raw
    title: str | UnsetType | None = UNSET
    cache_control: CacheControl | UnsetType | None = UNSET


class DataSource(Wire, frozen=True):
    """Bytes in base64, or the text of a document."""

    type: str
    media_type: str
    data: str


class UrlSource(Wire, frozen=True):
    """An address that Anthropic fetches."""

    type: str
    url: str


class FileSource(Wire, frozen=True):
    """A file that Anthropic has."""

    type: str
    file_id: str


class ToolUseBlock(Wire, frozen=True):
    """The model calls a tool of the client."""

    type: str
    id: str
    name: str
    input: Raw
    cache_control: CacheControl | UnsetType | None = UNSET


class ToolResultBlock(Wire, frozen=True):
    """What the tool gave back; `content` is a string or a list of blocks."""

    type: str
    tool_use_id: str
    content: Raw | UnsetType = UNSET
    is_error: bool | UnsetType | None = UNSET
    cache_control: CacheControl | UnsetType | None = UNSET


class ThinkingBlock(Wire, frozen=True):
    """Thoughts, with what proves that the model had them."""

    type: str
    thinking: str
    signature: str | UnsetType | None = UNSET


class RedactedBlock(Wire, frozen=True):
    """Thoughts that only Anthropic can read."""

    type: str
    data: str


class MessageObject(Wire, frozen=True):
    """One message; `content` is a string or a list of blocks."""

    role: str
    content: Raw


class CustomTool(Wire, frozen=True):
    """A function of the client."""

    name: str
    type: str | UnsetType | None = UNSET
    description: str | UnsetType | None = UNSET
    input_schema: Raw | UnsetType = UNSET
    strict: bool | UnsetType | None = UNSET
    cache_control: CacheControl | UnsetType | None = UNSET


class ToolChoiceObject(Wire, frozen=True):
    """Whether tools are called."""

    type: str
    name: str | UnsetType | None = UNSET
    disable_parallel_tool_use: bool | UnsetType | None = UNSET


class ThinkingConfig(Wire, frozen=True):
    """How much to think."""

    type: str
    budget_tokens: int | UnsetType | None = UNSET
    display: str | UnsetType | None = UNSET


class OutputConfig(Wire, frozen=True):
    """Effort and form of the answer."""

    effort: str | UnsetType | None = UNSET
    format: Raw | UnsetType = UNSET


class FormatObject(Wire, frozen=True):
    """JSON that fits a schema."""

    type: str
    schema: Raw | UnsetType = UNSET


class Metadata(Wire, frozen=True):
    """About the request."""

    user_id: str | UnsetType | None = UNSET


class RequestBody(Wire, frozen=True):
    """POST /v1/messages, and /v1/messages/count_tokens with fewer members."""

    model: str
    messages: list[Raw]
    max_tokens: int | UnsetType | None = UNSET
    system: Raw | UnsetType = UNSET
    stop_sequences: list[str] | UnsetType | None = UNSET
    stream: bool | UnsetType | None = UNSET
    temperature: float | UnsetType | None = UNSET
    top_p: float | UnsetType | None = UNSET
    top_k: int | UnsetType | None = UNSET
    metadata: Metadata | UnsetType | None = UNSET
    service_tier: str | UnsetType | None = UNSET
    thinking: Raw | UnsetType = UNSET
    tools: list[Raw] | UnsetType | None = UNSET
    tool_choice: Raw | UnsetType = UNSET
    output_config: OutputConfig | UnsetType | None = UNSET
    output_format: Raw | UnsetType = UNSET


class OutputDetails(Wire, frozen=True):
    """Of the output tokens."""

    thinking_tokens: int | UnsetType | None = UNSET


class UsageObject(Wire, frozen=True):
    """Tokens; `input_tokens` are those that were neither read from the cache nor written to it."""

    input_tokens: int | UnsetType | None = UNSET
    output_tokens: int | UnsetType | None = UNSET
    cache_creation_input_tokens: int | UnsetType | None = UNSET
    cache_read_input_tokens: int | UnsetType | None = UNSET
    output_tokens_details: OutputDetails | UnsetType | None = UNSET


class AnswerBody(Wire, frozen=True):
    """A whole answer, and the `message` that begins a stream."""

    content: list[Raw]
    id: str | UnsetType | None = UNSET
    type: str | UnsetType | None = UNSET
    role: str | UnsetType | None = UNSET
    model: str | UnsetType | None = UNSET
    stop_reason: str | UnsetType | None = UNSET
    stop_sequence: str | UnsetType | None = UNSET
    usage: Raw | UnsetType = UNSET


class StreamEvent(Wire, frozen=True):
    """Any event of a stream, with the members that some types of it have."""

    type: str
    index: int = -1
    message: Raw | UnsetType = UNSET
    content_block: Raw | UnsetType = UNSET
    delta: Raw | UnsetType = UNSET
    usage: Raw | UnsetType = UNSET
    error: Raw | UnsetType = UNSET


class StopDelta(Wire, frozen=True):
    """How the answer ended."""

    stop_reason: str | UnsetType | None = UNSET
    stop_sequence: str | UnsetType | None = UNSET


class BlockDelta(Wire, frozen=True):
    """More of the open block."""

    type: str
    text: str = ""
    partial_json: str = ""
    thinking: str = ""
    signature: str = ""
    citation: Raw | UnsetType = UNSET


class TokenCountBody(msgspec.Struct, frozen=True):
    """The answer of count_tokens."""

    input_tokens: int
