"""The JSON of Amazon Bedrock's Converse, as far as it has canonical meaning; unknown members are kept beside it.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html, read 2026-11. Bytes are base64 in
JSON. A block, source, tool or choice is an object with one member, whose name says what it is.
"""

from __future__ import annotations

from typing import TypeVar

import msgspec
from msgspec import UNSET, Raw, UnsetType, field

T = TypeVar("T")

NAME = "bedrock_converse"


class Wire(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, rename="camel"):
    """An object of this API."""


def given(value: T | UnsetType | None) -> T | None:
    """Return a member's value, None where it is absent or null."""
    return None if isinstance(value, UnsetType) else value


class Nothing(Wire, frozen=True):
    """An object whose presence says everything."""


class TextItem(Wire, frozen=True):
    """Words in a list of words."""

    text: str


class S3Location(Wire, frozen=True):
    """A file in a bucket."""

    uri: str


class MediaSource(Wire, frozen=True):
    """Where an image, film, sound or document comes from: one of these."""

    data: str | UnsetType = field(default=UNSET, name="bytes")
    s3_location: S3Location | UnsetType = UNSET
    text: str | UnsetType = UNSET
    content: list[TextItem] | UnsetType = UNSET


class MediaBlock(Wire, frozen=True):
    """An image, film, sound or document."""

    source: MediaSource
    format: str | UnsetType = UNSET
    name: str | UnsetType = UNSET


class GuardText(Wire, frozen=True):
    """Words that the guardrail looks at."""

    text: str


class ToolUse(Wire, frozen=True):
    """The model calls a tool; `type` names those that the host runs."""

    tool_use_id: str
    name: str
    input: Raw
    type: str | UnsetType | None = UNSET


class ToolOutcome(Wire, frozen=True):
    """What a tool gave back; only results of tools that the host ran have a `type`."""

    tool_use_id: str
    content: list[Raw]
    status: str | UnsetType | None = UNSET
    type: str | UnsetType | None = UNSET


class ReasoningText(Wire, frozen=True):
    """Thoughts, with what proves that the model had them."""

    text: str
    signature: str | UnsetType | None = UNSET


class ReasoningContent(Wire, frozen=True):
    """Thoughts: one of these."""

    reasoning_text: ReasoningText | UnsetType = UNSET
    redacted_content: str | UnsetType = UNSET


class CitationsContent(Wire, frozen=True):
    """Words with where they come from."""

    content: list[TextItem] | UnsetType | None = UNSET
    citations: list[Raw] | UnsetType | None = UNSET


class CitationObject(Wire, frozen=True):
    """Where words come from."""

    title: str | UnsetType | None = UNSET
    source_content: list[TextItem] | UnsetType | None = UNSET
    location: Raw | UnsetType = UNSET


class MessageObject(Wire, frozen=True):
    """One message."""

    role: str
    content: list[Raw]


class InputSchema(Wire, frozen=True):
    """What a function takes."""

    json: Raw | UnsetType = UNSET


class ToolSpec(Wire, frozen=True):
    """A function of the client."""

    name: str
    input_schema: InputSchema | UnsetType | None = UNSET
    description: str | UnsetType | None = UNSET
    strict: bool | UnsetType | None = UNSET


class NamedTool(Wire, frozen=True):
    """The one tool that must be called."""

    name: str


class ToolChoiceObject(Wire, frozen=True):
    """Whether tools are called: one of these."""

    auto: Nothing | UnsetType = UNSET
    any: Nothing | UnsetType = UNSET
    tool: NamedTool | UnsetType = UNSET


class ToolConfig(Wire, frozen=True):
    """The tools, and the choice among them."""

    tools: list[Raw] | UnsetType | None = UNSET
    tool_choice: Raw | UnsetType = UNSET


class InferenceConfig(Wire, frozen=True):
    """How the answer is drawn."""

    max_tokens: int | UnsetType | None = UNSET
    temperature: float | UnsetType | None = UNSET
    top_p: float | UnsetType | None = UNSET
    stop_sequences: list[str] | UnsetType | None = UNSET


class JsonSchema(Wire, frozen=True):
    """A schema; `schema` is its JSON as a string."""

    schema: str
    name: str | UnsetType | None = UNSET
    description: str | UnsetType | None = UNSET


class FormatStructure(Wire, frozen=True):
    """What the answer's form is made of."""

    json_schema: JsonSchema


class TextFormat(Wire, frozen=True):
    """The form of the answer."""

    type: str
    structure: FormatStructure


class OutputConfig(Wire, frozen=True):
    """Form and effort of the answer."""

    text_format: Raw | UnsetType = UNSET
    effort: str | UnsetType | None = UNSET


class ServiceTier(Wire, frozen=True):
    """What to be served as."""

    type: str


class RequestBody(Wire, frozen=True):
    """POST /model/{modelId}/converse and /converse-stream."""

    messages: list[Raw] | UnsetType = UNSET
    prompt_variables: Raw | UnsetType = UNSET
    system: list[Raw] | UnsetType | None = UNSET
    inference_config: InferenceConfig | UnsetType | None = UNSET
    tool_config: ToolConfig | UnsetType | None = UNSET
    additional_model_request_fields: Raw | UnsetType = UNSET
    request_metadata: Raw | UnsetType = UNSET
    service_tier: ServiceTier | UnsetType | None = UNSET
    output_config: OutputConfig | UnsetType | None = UNSET


class CountInput(Wire, frozen=True):
    """What is counted; an `invokeModel` is one model's own body."""

    converse: Raw | UnsetType = UNSET


class CountBody(Wire, frozen=True):
    """POST /model/{modelId}/count-tokens."""

    input: CountInput


class TokenCountBody(msgspec.Struct, frozen=True, rename="camel"):
    """Its answer."""

    input_tokens: int


class Output(Wire, frozen=True):
    """What the model said."""

    message: MessageObject


class AnswerBody(Wire, frozen=True):
    """A whole answer."""

    output: Output
    stop_reason: str | UnsetType | None = UNSET
    usage: Raw | UnsetType = UNSET
    metrics: Raw | UnsetType = UNSET
    performance_config: Raw | UnsetType = UNSET
    service_tier: Raw | UnsetType = UNSET
    additional_model_response_fields: Raw | UnsetType = UNSET


class StreamEvent(Wire, frozen=True):
    """The payload of any event of a stream, with the members that some of them have; `p` pads them to odd lengths."""

    content_block_index: int = -1
    role: str | UnsetType | None = UNSET
    start: dict[str, Raw] | UnsetType = UNSET
    delta: dict[str, Raw] | UnsetType = UNSET
    stop_reason: str | UnsetType | None = UNSET
    usage: Raw | UnsetType = UNSET
    metrics: Raw | UnsetType = UNSET
    performance_config: Raw | UnsetType = UNSET
    service_tier: Raw | UnsetType = UNSET
    additional_model_response_fields: Raw | UnsetType = UNSET
    p: Raw | UnsetType = UNSET


class InputDelta(Wire, frozen=True):
    """More of a call's input."""

    input: str


class ReasoningDelta(Wire, frozen=True):
    """More thoughts: one of these."""

    text: str = ""
    signature: str = ""
    redacted_content: str = ""
