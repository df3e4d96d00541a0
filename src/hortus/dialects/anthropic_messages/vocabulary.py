"""How Anthropic calls canonical fields, and what its own members weigh where they are lost."""

from __future__ import annotations

from hortus.canon.loss import Weight
from hortus.canon.manifest import Vocabulary

BETA_HEADER = "anthropic-beta"

_CITED = "messages[].content[].citations[]"
_BLOCK = "messages[].content[]"

_WEIGHTS: dict[str, Weight] = {
    BETA_HEADER: "advisory",
    "metadata": "advisory",
    "cache_control": "advisory",
    "inference_geo": "meaning",  # where the request may be worked on: not to be dropped in silence
    "container": "meaning",
    "mcp_servers": "meaning",
    "user_profile_id": "advisory",
    # Said of itself by every call that a model made; clients send it back.
    f"{_BLOCK}.caller": "advisory",
    f"{_BLOCK}.citations": "tuning",
    "tools[].eager_input_streaming": "advisory",
    "tools[].input_examples": "tuning",
    "tools[].defer_loading": "tuning",
    "tools[].allowed_callers": "tuning",
    **{
        f"{_CITED}.{name}": "advisory"
        for name in (
            "document_index",
            "document_title",
            "encrypted_index",
            "end_block_index",
            "end_char_index",
            "end_page_number",
            "file_id",
            "search_result_index",
            "source",
            "start_block_index",
            "start_char_index",
            "start_page_number",
        )
    },
}

VOCABULARY = Vocabulary(
    names={
        "Request.max_output_tokens": "max_tokens",
        "Request.stop": "stop_sequences",
        "Request.user": "metadata.user_id",
        "Request.parallel_tools": "tool_choice.disable_parallel_tool_use",
        "Request.is_stream": "stream",
        "ReasoningWish.is_on": "type",
        "ReasoningWish.shows": "display",
        "ReasoningWish.effort": "/output_config.effort",
        "OutputFormat.kind": "type",
        "ToolChoice.mode": "type",
        "ToolChoice.names": "name",
        "Tool.parameters": "input_schema",
        "Tool.is_strict": "strict",
        "Tool.cache": "cache_control",
        "Text.cache": "cache_control",
        "Media.cache": "cache_control",
        "Media.name": "title",
        "Message.parts": "content",
        "ToolCall.arguments": "input",
        "ToolCall.cache": "cache_control",
        "ToolResult.call_id": "tool_use_id",
        "ToolResult.parts": "content",
        "ToolResult.cache": "cache_control",
        "Reasoning.texts": "thinking",
        "Reasoning.seal": "signature",
        "Citation.quote": "cited_text",
        "Choice.stop": "stop_reason",
        "Usage.input_tokens": "usage.input_tokens",
    },
    weights=_WEIGHTS,
)
