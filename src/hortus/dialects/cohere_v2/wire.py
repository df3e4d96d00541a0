"""The JSON of Cohere's API v2, as far as it has canonical meaning; unknown members are kept beside it.

https://docs.cohere.com/reference/chat and /embed, recalled 2026-11, and recordings. Members without meaning for others
(`safety_mode`, `citation_options`, `raw_prompting`, `priority`, …) are left out on purpose: open reading keeps them as
they came.
"""

from __future__ import annotations

from typing import TypeVar

import msgspec
from msgspec import UNSET, Raw, UnsetType

T = TypeVar("T")

NAME = "cohere_v2"


class Wire(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """An object of this API."""


def given(value: T | UnsetType | None) -> T | None:
    """Return a member's value, None where it is absent or null."""
    return None if isinstance(value, UnsetType) else value


class OptionalKind(msgspec.Struct, frozen=True):
    """What a block or tool calls itself, where it does."""

    type: str | None = None


class TextBlock(Wire, frozen=True):
    """Words."""

    type: str
    text: str


class ThinkingBlock(Wire, frozen=True):
    """Thoughts."""

    type: str
    thinking: str


class ImageUrl(Wire, frozen=True):
    """A picture by its address, or in a data URL."""

    url: str
    detail: str | UnsetType | None = UNSET


class ImageBlock(Wire, frozen=True):
    """A picture."""

    type: str
    image_url: ImageUrl


class DocumentObject(Wire, frozen=True):
    """A document of the request, or what a tool gave back: an object of whatever members."""

    data: Raw
    id: str | UnsetType | None = UNSET


class DocumentBlock(Wire, frozen=True):
    """The same among the blocks of a tool's result."""

    type: str
    document: DocumentObject


class Function(Wire, frozen=True):
    """What is called, and with what."""

    name: str
    arguments: str | UnsetType | None = UNSET


class CallObject(Wire, frozen=True):
    """The model calls a function of the client."""

    function: Function
    id: str
    type: str | UnsetType | None = UNSET


class CitationObject(Wire, frozen=True):
    """Which stretch of the answer rests on which sources."""

    start: int | UnsetType | None = UNSET
    end: int | UnsetType | None = UNSET
    type: str | UnsetType | None = UNSET
    content_index: int | UnsetType | None = UNSET
    text: Raw | UnsetType = UNSET
    sources: Raw | UnsetType = UNSET


class MessageObject(Wire, frozen=True):
    """One message, of whatever role, or the answer; `content` is a string or a list of blocks."""

    role: str | UnsetType | None = UNSET
    content: str | list[Raw] | UnsetType | None = UNSET
    tool_plan: str | UnsetType | None = UNSET
    tool_calls: list[Raw] | UnsetType | None = UNSET
    tool_call_id: str | UnsetType | None = UNSET
    citations: list[Raw] | UnsetType | None = UNSET


class FunctionObject(Wire, frozen=True):
    """A function that may be called."""

    name: str
    description: str | UnsetType | None = UNSET
    parameters: Raw | UnsetType = UNSET


class FunctionTool(Wire, frozen=True):
    """A tool of the client."""

    function: FunctionObject
    type: str | UnsetType | None = UNSET


class FormatObject(Wire, frozen=True):
    """The form of the answer; `schema` is what `json_schema` was called before."""

    type: str
    json_schema: Raw | UnsetType = UNSET
    schema: Raw | UnsetType = UNSET


class ThinkingConfig(Wire, frozen=True):
    """How much to think."""

    type: str
    token_budget: int | UnsetType | None = UNSET


class RequestBody(Wire, frozen=True):
    """POST /v2/chat."""

    model: str
    messages: list[Raw]
    stream: bool | UnsetType | None = UNSET
    tools: list[Raw] | UnsetType | None = UNSET
    strict_tools: bool | UnsetType | None = UNSET
    tool_choice: str | UnsetType | None = UNSET
    documents: list[Raw] | UnsetType | None = UNSET
    response_format: FormatObject | UnsetType | None = UNSET
    thinking: ThinkingConfig | UnsetType | None = UNSET
    max_tokens: int | UnsetType | None = UNSET
    stop_sequences: list[str] | UnsetType | None = UNSET
    temperature: float | UnsetType | None = UNSET
    p: float | UnsetType | None = UNSET
    k: int | UnsetType | None = UNSET
    frequency_penalty: float | UnsetType | None = UNSET
    presence_penalty: float | UnsetType | None = UNSET
    seed: int | UnsetType | None = UNSET
    logprobs: bool | UnsetType | None = UNSET


class AnswerBody(Wire, frozen=True):
    """A whole answer."""

    message: Raw
    id: str | UnsetType | None = UNSET
    finish_reason: str | UnsetType | None = UNSET
    usage: Raw | UnsetType = UNSET
    logprobs: Raw | UnsetType = UNSET


class StreamEvent(Wire, frozen=True):
    """Any event of a stream."""

    type: str = ""
    id: str | UnsetType | None = UNSET
    index: int | UnsetType | None = UNSET
    delta: Raw | UnsetType = UNSET
    logprobs: Raw | UnsetType = UNSET


class DeltaContent(msgspec.Struct, frozen=True):
    """More of the open block."""

    text: str | None = None
    thinking: str | None = None


class DeltaFunction(msgspec.Struct, frozen=True):
    """More of a call's arguments."""

    arguments: str | None = None


class DeltaCall(msgspec.Struct, frozen=True):
    """The same."""

    function: DeltaFunction = DeltaFunction()


class GrowMessage(msgspec.Struct, frozen=True):
    """What a delta adds, by the type of its event."""

    content: DeltaContent | None = None
    tool_calls: DeltaCall | None = None
    tool_plan: str | None = None


class Grow(msgspec.Struct, frozen=True):
    """The `delta` of an event that adds words."""

    message: GrowMessage | None = None


class BeginMessage(msgspec.Struct, frozen=True):
    """What begins: a block of content, a call or a citation."""

    content: Raw = Raw(b"null")
    tool_calls: Raw = Raw(b"null")
    citations: Raw = Raw(b"null")


class Begin(msgspec.Struct, frozen=True):
    """The `delta` of an event with which something begins."""

    message: BeginMessage | None = None


class EndDelta(Wire, frozen=True):
    """How the answer ended."""

    finish_reason: str | UnsetType | None = UNSET
    usage: Raw | UnsetType = UNSET
    error: Raw | UnsetType = UNSET


class EmbedBody(Wire, frozen=True):
    """POST /v2/embed; pictures and `inputs` are kept beside it."""

    model: str
    texts: list[str] | UnsetType | None = UNSET
    input_type: str | UnsetType | None = UNSET
    embedding_types: list[str] | UnsetType | None = UNSET
    output_dimension: int | UnsetType | None = UNSET


class Vectors(Wire, frozen=True):
    """Vectors by how their numbers are written; those that are no floats are kept beside it."""

    float: list[Raw] | UnsetType | None = UNSET
    base64: list[str] | UnsetType | None = UNSET


class EmbedAnswer(Wire, frozen=True):
    """The answer to it; before there were types, `embeddings` was a list."""

    embeddings: Vectors | list[Raw]
    meta: Raw | UnsetType = UNSET
    id: Raw | UnsetType = UNSET
    texts: Raw | UnsetType = UNSET
    response_type: Raw | UnsetType = UNSET


class RerankBody(Wire, frozen=True):
    """POST /v2/rerank."""

    model: str
    query: str
    documents: list[str]
    top_n: int | UnsetType | None = UNSET
    max_tokens_per_doc: int | UnsetType | None = UNSET


class Ranked(Wire, frozen=True):
    """One document's place; `document` came with answers of the first version."""

    index: int
    relevance_score: Raw
    document: Raw | UnsetType = UNSET


class RerankAnswer(Wire, frozen=True):
    """The answer to it."""

    results: list[Raw]
    id: str | UnsetType | None = UNSET
    meta: Raw | UnsetType = UNSET
