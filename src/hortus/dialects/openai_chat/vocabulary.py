"""How OpenAI's Chat Completions call canonical fields, and what losing their own members weighs."""

from __future__ import annotations

from hortus.canon.loss import weigh_members
from hortus.canon.manifest import Vocabulary

NAME = "openai_chat"

_NAMES = {
    "Request.parallel_tools": "parallel_tool_calls",
    "Request.max_output_tokens": "max_completion_tokens",
    "Request.choices": "n",
    "Request.has_logprobs": "logprobs",
    "Request.cache_key": "prompt_cache_key",
    "Request.is_stored": "store",
    "Request.is_stream": "stream",
    "Request.wants_usage": "stream_options.include_usage",
    "ReasoningWish.effort": "",
    "ToolChoice.mode": "",
    "ToolChoice.names": "allowed_tools.tools",
    "OutputFormat.kind": "type",
    "OutputFormat.schema": "json_schema.schema",
    "OutputFormat.name": "json_schema.name",
    "OutputFormat.description": "json_schema.description",
    "OutputFormat.is_strict": "json_schema.strict",
    "Tool.name": "function.name",
    "Tool.description": "function.description",
    "Tool.parameters": "function.parameters",
    "Tool.is_strict": "function.strict",
    "Tool.cache": "cache_control",
    "HostTool.raw": "",
    "Text.text": "",
    "Text.cache": "cache_control",
    "Media.source": "",
    "Media.kind": "",
    "Media.detail": "image_url.detail",
    "Media.name": "file.filename",
    "Media.cache": "cache_control",
    "ToolCall.name": "function.name",
    "ToolCall.arguments": "function.arguments",
    "ToolCall.seal": "extra_content.google.thought_signature",
    "ToolResult.name": "name",
    "ToolResult.call_id": "tool_call_id",
    "Reasoning.texts": "",
    "Reasoning.seal": "",
    "Opaque.raw": "",
    "Citation.url": "url_citation.url",
    "Citation.title": "url_citation.title",
    "Citation.start": "url_citation.start_index",
    "Citation.end": "url_citation.end_index",
    "Choice.stop": "finish_reason",
    "Response.created_s": "created",
    "EmbeddingsRequest.encoding": "encoding_format",
    "EmbeddingsInput.text": "",
    "EmbeddingsInput.tokens": "",
}

_MEANING: tuple[str, ...] = (
    "functions",
    "function_call",
    "modalities",
    "audio",
    "web_search_options",
    "tool_choice",
    "response_format",
    # What engines and hosts call a schema, a grammar or a search of their own.
    "json_schema",
    "grammar",
    "guided_json",
    "guided_choice",
    "guided_regex",
    "guided_grammar",
    "structured_outputs",
    "plugins",
)

_TUNING: tuple[str, ...] = (
    "messages[].reasoning_details",
    "messages[].extra_content",
    "messages[].thought_signature",
)

_ADVISORY: tuple[str, ...] = (
    "prediction",
    "safety_identifier",
    "prompt_cache_retention",
    "moderation",
    "stream_options.include_obfuscation",
    "max_tokens",  # sent beside `max_completion_tokens`, which is carried
    "provider",
    "service_tier",
    "messages[].annotations",
    "messages[].cache_control",
    "choices[].message.annotations",
    "choices[].content_filter_results",
    "choices[].content_filter_offsets",
    "choices[].native_finish_reason",
    "prompt_filter_results",
    "time_info",
    "timings",
    "x_groq",
    "usage_breakdown",
    "citations",
    "search_results",
)

VOCABULARY = Vocabulary(names=_NAMES, weights=weigh_members(meaning=_MEANING, tuning=_TUNING, advisory=_ADVISORY))
