"""How Mistral calls canonical fields, and what losing its own members weighs."""

from __future__ import annotations

from hortus.canon.loss import weigh_members
from hortus.canon.manifest import Vocabulary

NAME = "mistral"

_NAMES = {
    "Request.parallel_tools": "parallel_tool_calls",
    "Request.output": "response_format",
    "Request.max_output_tokens": "max_tokens",
    "Request.seed": "random_seed",
    "Request.choices": "n",
    "Request.has_logprobs": "logprobs",
    "Request.cache_key": "prompt_cache_key",
    "Request.is_stream": "stream",
    "ReasoningWish.effort": "",
    "ReasoningWish.shows": "",
    "ToolChoice.mode": "",
    "ToolChoice.names": "function.name",
    "OutputFormat.kind": "type",
    "OutputFormat.schema": "json_schema.schema",
    "OutputFormat.name": "json_schema.name",
    "OutputFormat.description": "json_schema.description",
    "OutputFormat.is_strict": "json_schema.strict",
    "Tool.name": "function.name",
    "Tool.description": "function.description",
    "Tool.parameters": "function.parameters",
    "Tool.is_strict": "function.strict",
    "HostTool.raw": "",
    "Text.text": "",
    "Media.source": "",
    "Media.kind": "",
    "Media.detail": "image_url.detail",
    "Media.name": "document_name",
    "ToolCall.name": "function.name",
    "ToolCall.arguments": "function.arguments",
    "ToolResult.name": "name",
    "ToolResult.call_id": "tool_call_id",
    "Reasoning.texts": "thinking",
    "Reasoning.seal": "signature",
    "Opaque.raw": "",
    "Choice.stop": "finish_reason",
    "Response.created_s": "created",
    "EmbeddingsRequest.dimensions": "output_dimension",
    "EmbeddingsRequest.encoding": "encoding_format",
    "EmbeddingsInput.text": "",
    "ModerationRequest.inputs": "input",
    "ModerationTurn.parts": "content",
}

_MEANING: tuple[str, ...] = ("guardrails", "tool_choice", "response_format", "output_dtype")

_TUNING: tuple[str, ...] = (
    "safe_prompt",
    "prompt_mode",
    "min_tokens",
    "messages[].content[].thinking",
    "messages[].content[].closed",
)

_ADVISORY: tuple[str, ...] = (
    "prediction",
    "metadata",
    "choices[].message.content[].thinking",
    "choices[].message.content[].closed",
    "choices[].message.prefix",
    "choices[].message.name",
)

VOCABULARY = Vocabulary(names=_NAMES, weights=weigh_members(meaning=_MEANING, tuning=_TUNING, advisory=_ADVISORY))
