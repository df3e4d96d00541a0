"""Objects of Mistral's API as Mistral documents them; no logic. A member that is not listed here is kept as an extra.

https://docs.mistral.ai/api, read 2026-11.
"""

from __future__ import annotations

from typing import Literal

from msgspec import UNSET, Raw, Struct, UnsetType, json

DECODE_LIST = json.Decoder(list[Raw]).decode


class Request(Struct, forbid_unknown_fields=True):
    """Body of POST /v1/chat/completions."""

    model: str
    messages: list[Raw]
    tools: list[Raw] | UnsetType | None = UNSET
    tool_choice: Raw | UnsetType = UNSET
    parallel_tool_calls: bool | UnsetType | None = UNSET
    response_format: Raw | UnsetType = UNSET
    max_tokens: int | UnsetType | None = UNSET
    stop: str | list[str] | UnsetType | None = UNSET
    temperature: float | UnsetType | None = UNSET
    top_p: float | UnsetType | None = UNSET
    top_k: int | UnsetType | None = UNSET
    frequency_penalty: float | UnsetType | None = UNSET
    presence_penalty: float | UnsetType | None = UNSET
    random_seed: int | UnsetType | None = UNSET
    n: int | UnsetType | None = UNSET
    logprobs: bool | UnsetType | None = UNSET  # not documented, but known: hosts say for which models they have none
    top_logprobs: int | UnsetType | None = UNSET
    reasoning_effort: str | UnsetType | None = UNSET
    metadata: Raw | UnsetType = UNSET
    service_tier: str | UnsetType | None = UNSET
    prompt_cache_key: str | UnsetType | None = UNSET
    safe_prompt: bool | UnsetType | None = UNSET
    stream: bool | UnsetType | None = UNSET


class Message(Struct, forbid_unknown_fields=True):
    """A message of a request or an answer, whatever its role."""

    role: str | UnsetType | None = UNSET
    content: str | list[Raw] | UnsetType | None = UNSET
    name: str | UnsetType | None = UNSET
    tool_call_id: str | UnsetType | None = UNSET
    tool_calls: list[Raw] | UnsetType | None = UNSET
    prefix: bool | UnsetType | None = UNSET


class TextPart(Struct, forbid_unknown_fields=True):
    """Words."""

    type: str
    text: str


class ImageUrl(Struct, forbid_unknown_fields=True):
    """Address of an image, often a `data:` URL."""

    url: str
    detail: str | UnsetType | None = UNSET


class ImagePart(Struct, forbid_unknown_fields=True):
    """An image."""

    type: str
    image_url: ImageUrl | str


class DocumentPart(Struct, forbid_unknown_fields=True):
    """A document by its address, often a `data:` URL."""

    type: str
    document_url: str
    document_name: str | UnsetType | None = UNSET


class FilePart(Struct, forbid_unknown_fields=True):
    """A document that Mistral has."""

    type: str
    file_id: str


class AudioPart(Struct, forbid_unknown_fields=True):
    """Sound: its address, or base64 with or without what it is."""

    type: str
    input_audio: Raw


class ThinkingPart(Struct, forbid_unknown_fields=True):
    """What the model thought."""

    type: str
    thinking: list[Raw]
    signature: str | UnsetType | None = UNSET
    closed: bool | UnsetType | None = UNSET


class CalledFunction(Struct, forbid_unknown_fields=True):
    """Which function, and with what: JSON text, or an object."""

    name: str
    arguments: Raw | UnsetType = UNSET


class ToolCall(Struct, forbid_unknown_fields=True):
    """A call of a function."""

    function: CalledFunction
    id: str | UnsetType | None = UNSET
    type: str | UnsetType | None = UNSET
    index: Raw | UnsetType = UNSET


class Function(Struct, forbid_unknown_fields=True):
    """A function of the client."""

    name: str
    description: str | UnsetType | None = UNSET
    parameters: Raw | UnsetType = UNSET
    strict: bool | UnsetType | None = UNSET


class Tool(Struct, forbid_unknown_fields=True):
    """A tool that is a function."""

    function: Function
    type: str | UnsetType = UNSET


class FunctionName(Struct, forbid_unknown_fields=True):
    """The name alone."""

    name: str


class NamedTool(Struct, forbid_unknown_fields=True):
    """The function that must be called."""

    function: FunctionName
    type: Literal["function"] | UnsetType = UNSET


class JsonSchema(Struct, forbid_unknown_fields=True):
    """The schema of an answer."""

    name: str | UnsetType = UNSET
    description: str | UnsetType | None = UNSET
    schema: Raw | UnsetType = UNSET
    strict: bool | UnsetType | None = UNSET


class ResponseFormat(Struct, forbid_unknown_fields=True):
    """How the answer is written."""

    type: Literal["text", "json_object", "json_schema"]
    json_schema: JsonSchema | UnsetType | None = UNSET


class Choice(Struct, forbid_unknown_fields=True):
    """One answer."""

    message: Raw
    index: int | UnsetType = UNSET
    finish_reason: str | UnsetType | None = UNSET


class Response(Struct, forbid_unknown_fields=True):
    """A whole answer."""

    choices: list[Raw]
    id: str | UnsetType | None = UNSET
    object: Raw | UnsetType = UNSET
    created: int | UnsetType | None = UNSET
    model: str | UnsetType | None = UNSET
    usage: Raw | UnsetType = UNSET


class AddedCall(Struct, forbid_unknown_fields=True):
    """What a chunk adds to a call; mostly it comes whole."""

    index: int | UnsetType | None = UNSET
    id: str | UnsetType | None = UNSET
    type: str | UnsetType | None = UNSET
    function: AddedFunction | UnsetType | None = UNSET


class AddedFunction(Struct, forbid_unknown_fields=True):
    """What a chunk adds to a call."""

    name: str | UnsetType | None = UNSET
    arguments: Raw | UnsetType = UNSET


class Delta(Struct, forbid_unknown_fields=True):
    """What a chunk adds to an answer."""

    role: Raw | UnsetType = UNSET
    content: str | list[Raw] | UnsetType | None = UNSET
    tool_calls: list[Raw] | UnsetType | None = UNSET


class ChunkChoice(Struct, forbid_unknown_fields=True):
    """One answer's part of a chunk."""

    index: int = 0
    delta: Delta | None = None
    finish_reason: str | None = None


class Chunk(Struct, forbid_unknown_fields=True):
    """One event of a stream; `p` is padding that hides how long the words are."""

    choices: list[ChunkChoice] | None = None
    id: str | None = None
    object: Raw | UnsetType = UNSET
    created: int | None = None
    model: str | None = None
    usage: Raw | UnsetType = UNSET
    error: Raw | UnsetType = UNSET
    detail: Raw | UnsetType = UNSET
    p: Raw | UnsetType = UNSET


class EmbeddingsRequest(Struct, forbid_unknown_fields=True):
    """Body of POST /v1/embeddings."""

    model: str
    input: str | list[str]
    output_dimension: int | UnsetType | None = UNSET
    encoding_format: str | UnsetType | None = UNSET


class EmbeddingsResponse(Struct, forbid_unknown_fields=True):
    """Vectors."""

    data: list[Raw]
    id: Raw | UnsetType = UNSET
    object: Raw | UnsetType = UNSET
    model: str | UnsetType | None = UNSET
    usage: Raw | UnsetType = UNSET


class ModerationRequest(Struct, forbid_unknown_fields=True):
    """Body of POST /v1/moderations (texts) and /v1/chat/moderations (messages, or lists of them)."""

    model: str
    input: str | list[Raw]


class ModerationTurn(Struct, forbid_unknown_fields=True):
    """A message that is to be judged, or stands before it."""

    role: str
    content: str | list[Raw] | UnsetType | None = UNSET


class ModerationResult(Struct, forbid_unknown_fields=True):
    """What was found in one input."""

    categories: dict[str, bool | None] | UnsetType | None = UNSET
    category_scores: dict[str, Raw] | UnsetType | None = UNSET


class ModerationResponse(Struct, forbid_unknown_fields=True):
    """The answer to it."""

    results: list[Raw]
    id: str | UnsetType | None = UNSET
    model: str | UnsetType | None = UNSET
    usage: Raw | UnsetType = UNSET
