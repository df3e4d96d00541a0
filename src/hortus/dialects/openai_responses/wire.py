"""The JSON of OpenAI's Responses API, as far as it has canonical meaning; unknown members are kept beside it.

https://platform.openai.com/docs/api-reference/responses, read 2026-11. Members without meaning for others
(`conversation`, `max_tool_calls`, `namespace`, …) are left out on purpose: open reading keeps them as they came.
"""

from __future__ import annotations

from typing import Literal, TypeVar

import msgspec
from msgspec import UNSET, Raw, UnsetType

T = TypeVar("T")

NAME = "openai_responses"


class Wire(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """An object of this API."""


def given(value: T | UnsetType | None) -> T | None:
    """Return a member's value, None where it is absent or null."""
    return None if isinstance(value, UnsetType) else value


class Head(msgspec.Struct, frozen=True):
    """What tells which kind of item, part, tool or choice an object is."""

    type: str | None = None
    role: str | None = None


class InputText(Wire, frozen=True):
    """Words of the client."""

    type: str
    text: str


class OutputText(Wire, frozen=True):
    """Words of the model."""

    type: str
    text: str
    annotations: list[Raw] | UnsetType | None = UNSET
    logprobs: Raw | UnsetType = UNSET


class RefusalPart(Wire, frozen=True):
    """The model's words for not answering."""

    type: str
    refusal: str


class InputImage(Wire, frozen=True):
    """A picture, by its address (perhaps a `data:` one) or a file's id."""

    type: str
    image_url: str | UnsetType | None = UNSET
    file_id: str | UnsetType | None = UNSET
    detail: str | UnsetType | None = UNSET


class InputFile(Wire, frozen=True):
    """A file: its bytes as a `data:` address, its address, or its id."""

    type: str
    file_data: str | UnsetType | None = UNSET
    file_url: str | UnsetType | None = UNSET
    file_id: str | UnsetType | None = UNSET
    filename: str | UnsetType | None = UNSET
    detail: str | UnsetType | None = UNSET


class UrlCitation(Wire, frozen=True):
    """Where a stretch of words comes from."""

    type: str
    url: str
    title: str | UnsetType | None = UNSET
    start_index: int | UnsetType | None = UNSET
    end_index: int | UnsetType | None = UNSET


class Item(Wire, frozen=True):
    """What hosts note on each item that they keep; nobody else can miss it."""

    type: str | UnsetType = UNSET
    id: str | UnsetType | None = UNSET
    status: str | UnsetType | None = UNSET


class MessageItem(Item, frozen=True, kw_only=True):
    """A message of a request; `type` may be left out."""

    role: Literal["system", "developer", "user", "assistant"]
    content: Raw


class FunctionCall(Item, frozen=True, kw_only=True):
    """The model asks for a function."""

    call_id: str
    name: str
    arguments: str


class FunctionCallOutput(Item, frozen=True, kw_only=True):
    """What a function gave back: a string, or a list of parts."""

    call_id: str
    output: Raw


class Thought(Wire, frozen=True):
    """A piece of reasoning or of its summary."""

    type: str
    text: str


class ReasoningItem(Item, frozen=True, kw_only=True):
    """What the model thought."""

    summary: list[Thought] | UnsetType | None = UNSET
    content: list[Thought] | UnsetType | None = UNSET
    encrypted_content: str | UnsetType | None = UNSET


class FunctionTool(Wire, frozen=True):
    """A function of the client."""

    type: str
    name: str
    description: str | UnsetType | None = UNSET
    parameters: Raw | UnsetType = UNSET
    strict: bool | UnsetType | None = UNSET


class AllowedTools(Wire, frozen=True):
    """A choice among some of the tools."""

    type: str
    mode: Literal["auto", "required"]
    tools: list[NamedTool]


class NamedTool(Wire, frozen=True):
    """A function by its name."""

    type: Literal["function"]
    name: str


class TextOptions(Wire, frozen=True):
    """How the answer is written."""

    format: Raw | UnsetType = UNSET
    verbosity: str | UnsetType | None = UNSET


class Format(Wire, frozen=True):
    """The format of the answer: `text`, `json_object`, or `json_schema` with the rest."""

    type: Literal["text", "json_object", "json_schema"]
    name: str | UnsetType | None = UNSET
    schema: Raw | UnsetType = UNSET
    description: str | UnsetType | None = UNSET
    strict: bool | UnsetType | None = UNSET


class ReasoningOptions(Wire, frozen=True):
    """How much to think, and whether the client sees a summary of it."""

    effort: str | UnsetType | None = UNSET
    summary: str | UnsetType | None = UNSET


class Create(Wire, frozen=True):
    """A request for an answer; a stored prompt may name the model in its place."""

    model: str | UnsetType = UNSET
    prompt: Raw | UnsetType = UNSET
    input: Raw | UnsetType = UNSET
    instructions: str | UnsetType | None = UNSET
    tools: list[Raw] | UnsetType | None = UNSET
    tool_choice: Raw | UnsetType = UNSET
    parallel_tool_calls: bool | UnsetType | None = UNSET
    text: Raw | UnsetType = UNSET
    reasoning: Raw | UnsetType = UNSET
    max_output_tokens: int | UnsetType | None = UNSET
    temperature: float | UnsetType | None = UNSET
    top_p: float | UnsetType | None = UNSET
    top_logprobs: int | UnsetType | None = UNSET
    include: Raw | UnsetType = UNSET
    background: Raw | UnsetType = UNSET
    truncation: Raw | UnsetType = UNSET
    stream_options: Raw | UnsetType = UNSET
    metadata: Raw | UnsetType = UNSET
    user: str | UnsetType | None = UNSET
    safety_identifier: str | UnsetType | None = UNSET
    service_tier: str | UnsetType | None = UNSET
    prompt_cache_key: str | UnsetType | None = UNSET
    store: bool | UnsetType | None = UNSET
    previous_response_id: str | UnsetType | None = UNSET
    stream: bool | UnsetType | None = UNSET


class InputDetails(Wire, frozen=True):
    """Parts of the input tokens."""

    cached_tokens: int | UnsetType | None = UNSET
    cache_write_tokens: int | UnsetType | None = UNSET


class OutputDetails(Wire, frozen=True):
    """Parts of the output tokens."""

    reasoning_tokens: int | UnsetType | None = UNSET


class UsageObject(Wire, frozen=True):
    """What was used."""

    input_tokens: int
    output_tokens: int
    total_tokens: int | UnsetType | None = UNSET
    input_tokens_details: InputDetails | UnsetType | None = UNSET
    output_tokens_details: OutputDetails | UnsetType | None = UNSET
