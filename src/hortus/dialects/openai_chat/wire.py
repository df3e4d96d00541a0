"""Objects of Chat Completions as OpenAI documents them, with the members that many hosts add; no logic.

https://platform.openai.com/docs/api-reference/chat, https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html,
https://openrouter.ai/docs/api-reference/overview, https://ai.google.dev/gemini-api/docs/openai, all read 2026-11.
A member that is not listed here is kept as an extra.
"""

from __future__ import annotations

from typing import Literal

from msgspec import UNSET, Raw, Struct, UnsetType


class StreamOptions(Struct, forbid_unknown_fields=True):
    """What a stream carries beside the answer."""

    include_usage: bool | UnsetType | None = UNSET


class Request(Struct, forbid_unknown_fields=True):
    """Body of POST /chat/completions."""

    model: str
    messages: list[Raw]
    tools: list[Raw] | UnsetType | None = UNSET
    tool_choice: Raw | UnsetType = UNSET
    parallel_tool_calls: bool | UnsetType | None = UNSET
    response_format: Raw | UnsetType = UNSET
    max_completion_tokens: int | UnsetType | None = UNSET
    max_tokens: int | UnsetType | None = UNSET
    stop: str | list[str] | UnsetType | None = UNSET
    temperature: float | UnsetType | None = UNSET
    top_p: float | UnsetType | None = UNSET
    top_k: int | UnsetType | None = UNSET  # of vLLM, llama.cpp, OpenRouter, Together; not of OpenAI
    frequency_penalty: float | UnsetType | None = UNSET
    presence_penalty: float | UnsetType | None = UNSET
    seed: int | UnsetType | None = UNSET
    logit_bias: Raw | UnsetType = UNSET
    n: int | UnsetType | None = UNSET
    logprobs: bool | UnsetType | None = UNSET
    top_logprobs: int | UnsetType | None = UNSET
    reasoning_effort: str | UnsetType | None = UNSET
    verbosity: str | UnsetType | None = UNSET
    user: str | UnsetType | None = UNSET
    safety_identifier: str | UnsetType | None = UNSET
    metadata: Raw | UnsetType = UNSET
    service_tier: str | UnsetType | None = UNSET
    prompt_cache_key: str | UnsetType | None = UNSET
    store: bool | UnsetType | None = UNSET
    stream: bool | UnsetType | None = UNSET
    stream_options: StreamOptions | UnsetType | None = UNSET


class Message(Struct, forbid_unknown_fields=True):
    """A message of a request or an answer, whatever its role."""

    role: str | UnsetType | None = UNSET
    content: str | list[Raw] | UnsetType | None = UNSET
    name: str | UnsetType | None = UNSET
    tool_call_id: str | UnsetType | None = UNSET
    tool_calls: list[Raw] | UnsetType | None = UNSET
    refusal: str | UnsetType | None = UNSET
    annotations: list[Raw] | UnsetType | None = UNSET
    reasoning_content: Raw | UnsetType = UNSET  # of DeepSeek, vLLM, llama.cpp and others
    reasoning: Raw | UnsetType = UNSET  # of OpenRouter, Groq, Ollama, Cerebras
    reasoning_details: Raw | UnsetType = UNSET  # of OpenRouter


class CacheControl(Struct, forbid_unknown_fields=True):
    """Anthropic's cache hint, which OpenRouter takes in this dialect too."""

    type: Literal["ephemeral"]
    ttl: str | UnsetType = UNSET


class TextPart(Struct, forbid_unknown_fields=True):
    """Words."""

    type: str
    text: str
    cache_control: CacheControl | UnsetType | None = UNSET


class RefusalPart(Struct, forbid_unknown_fields=True):
    """Words of an assistant that declined."""

    type: str
    refusal: str


class ImageUrl(Struct, forbid_unknown_fields=True):
    """Address of an image, often a `data:` URL."""

    url: str
    detail: str | UnsetType | None = UNSET


class ImagePart(Struct, forbid_unknown_fields=True):
    """An image; the bare address is Mistral's notation."""

    type: str
    image_url: ImageUrl | str
    cache_control: CacheControl | UnsetType | None = UNSET


class InputAudio(Struct, forbid_unknown_fields=True):
    """Sound in base64."""

    data: str
    format: str


class AudioPart(Struct, forbid_unknown_fields=True):
    """Sound; the bare string is Mistral's notation."""

    type: str
    input_audio: InputAudio | str
    cache_control: CacheControl | UnsetType | None = UNSET


class File(Struct, forbid_unknown_fields=True):
    """A document, by its bytes or by its id."""

    file_data: str | UnsetType | None = UNSET
    file_id: str | UnsetType | None = UNSET
    filename: str | UnsetType | None = UNSET


class FilePart(Struct, forbid_unknown_fields=True):
    """A document."""

    type: str
    file: File
    cache_control: CacheControl | UnsetType | None = UNSET


class CalledFunction(Struct, forbid_unknown_fields=True):
    """Which function, and with what; some hosts send the arguments as an object."""

    name: str
    arguments: Raw | UnsetType = UNSET


class GoogleContent(Struct, forbid_unknown_fields=True):
    """What Gemini adds to a call."""

    thought_signature: str | UnsetType = UNSET


class ExtraContent(Struct, forbid_unknown_fields=True):
    """What makers add to a call; official SDKs send it back as it came."""

    google: GoogleContent | UnsetType | None = UNSET


class ToolCall(Struct, forbid_unknown_fields=True):
    """A call of a function."""

    function: CalledFunction
    id: str | UnsetType | None = UNSET
    type: str | UnsetType | None = UNSET
    index: Raw | UnsetType = UNSET
    extra_content: ExtraContent | UnsetType | None = UNSET


class UrlCitation(Struct, forbid_unknown_fields=True):
    """A page, and the stretch of the message that stands on it."""

    url: str
    title: str | UnsetType | None = UNSET
    start_index: int | UnsetType | None = UNSET
    end_index: int | UnsetType | None = UNSET


class Annotation(Struct, forbid_unknown_fields=True):
    """A citation of a page."""

    type: str
    url_citation: UrlCitation


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
    cache_control: CacheControl | UnsetType | None = UNSET


class FunctionName(Struct, forbid_unknown_fields=True):
    """The name alone."""

    name: str


class NamedTool(Struct, forbid_unknown_fields=True):
    """A function that must, or may, be called."""

    type: Literal["function"]
    function: FunctionName


class AllowedTools(Struct, forbid_unknown_fields=True):
    """The functions that may be called."""

    mode: Literal["auto", "required"]
    tools: list[NamedTool]


class AllowedChoice(Struct, forbid_unknown_fields=True):
    """A choice among some of the tools."""

    type: Literal["allowed_tools"]
    allowed_tools: AllowedTools


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
    logprobs: Raw | UnsetType = UNSET


class Response(Struct, forbid_unknown_fields=True):
    """A whole answer."""

    choices: list[Raw]
    id: str | UnsetType | None = UNSET
    object: Raw | UnsetType = UNSET
    created: int | float | UnsetType | None = UNSET
    model: str | UnsetType | None = UNSET
    usage: Raw | UnsetType = UNSET
    system_fingerprint: Raw | UnsetType = UNSET
    service_tier: Raw | UnsetType = UNSET


class Delta(Struct, forbid_unknown_fields=True):
    """What a chunk adds to an answer."""

    role: Raw | UnsetType = UNSET
    content: str | list[Raw] | UnsetType | None = UNSET
    refusal: str | UnsetType | None = UNSET
    reasoning_content: str | UnsetType | None = UNSET
    reasoning: str | UnsetType | None = UNSET
    reasoning_details: list[Raw] | UnsetType | None = UNSET
    tool_calls: list[Raw] | UnsetType | None = UNSET
    annotations: list[Raw] | UnsetType | None = UNSET


class AddedFunction(Struct, forbid_unknown_fields=True):
    """What a chunk adds to a call; the name comes first, once."""

    name: str | UnsetType | None = UNSET
    arguments: str | UnsetType | None = UNSET


class AddedCall(Struct, forbid_unknown_fields=True):
    """What a chunk adds to a call."""

    index: int | UnsetType | None = UNSET
    id: str | UnsetType | None = UNSET
    type: str | UnsetType | None = UNSET
    function: AddedFunction | UnsetType | None = UNSET
    extra_content: ExtraContent | UnsetType | None = UNSET


class ChunkChoice(Struct, forbid_unknown_fields=True):
    """One answer's part of a chunk."""

    index: int = 0
    delta: Delta | None = None
    finish_reason: str | None = None
    logprobs: Raw | UnsetType = UNSET


class Chunk(Struct, forbid_unknown_fields=True):
    """One event of a stream."""

    choices: list[ChunkChoice] | None = None
    id: str | None = None
    object: Raw | UnsetType = UNSET
    created: int | float | None = None
    model: str | None = None
    usage: Raw | UnsetType = UNSET
    error: Raw | UnsetType = UNSET
    system_fingerprint: Raw | UnsetType = UNSET
    service_tier: Raw | UnsetType = UNSET
    obfuscation: Raw | UnsetType = UNSET


class Unframed(Struct):
    """What comes in place of a stream."""

    choices: Raw | UnsetType = UNSET
    error: Raw | UnsetType = UNSET


class Logprobs(Struct, forbid_unknown_fields=True):
    """Probabilities of tokens."""

    content: list[Raw] | UnsetType | None = UNSET
    refusal: list[Raw] | UnsetType | None = UNSET


class EmbeddingsRequest(Struct, forbid_unknown_fields=True):
    """Body of POST /embeddings."""

    model: str
    input: str | list[str | int | list[int]]
    dimensions: int | UnsetType | None = UNSET
    encoding_format: str | UnsetType | None = UNSET
    user: str | UnsetType | None = UNSET


class EmbeddingsResponse(Struct, forbid_unknown_fields=True):
    """Vectors."""

    data: list[Raw]
    object: Raw | UnsetType = UNSET
    model: str | UnsetType | None = UNSET
    usage: Raw | UnsetType = UNSET
