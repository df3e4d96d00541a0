"""How this dialect calls canonical fields, and what its own members weigh where they are lost."""

from __future__ import annotations

from types import MappingProxyType

from hortus.canon.manifest import Vocabulary

VOCABULARY = Vocabulary(
    names=MappingProxyType(
        {
            "Request.messages": "input",
            "Request.parallel_tools": "parallel_tool_calls",
            "Request.has_logprobs": "include",
            "Request.verbosity": "text.verbosity",
            "Request.cache_key": "prompt_cache_key",
            "Request.is_stored": "store",
            "Request.continues": "previous_response_id",
            "Message.parts": "content",
            "ToolCall.id": "call_id",
            "ToolResult.parts": "output",
            "Reasoning.texts": "content",
            "Reasoning.seal": "encrypted_content",
            "Refusal.text": "refusal",
            "Tool.is_strict": "strict",
            "ToolChoice.names": "tools",
            "OutputFormat.kind": "type",
            "OutputFormat.is_strict": "strict",
            "ReasoningWish.shows": "summary",
            "Media.name": "filename",
            "Text.citations": "annotations",
            "Citation.start": "start_index",
            "Citation.end": "end_index",
            "Response.created_s": "created_at",
        }
    ),
    weights=MappingProxyType(
        {
            "background": "meaning",
            "conversation": "meaning",
            "prompt": "meaning",
            "tool_choice": "meaning",
            "truncation": "tuning",
            "safety_identifier": "advisory",
            "prompt_cache_retention": "advisory",
            "prompt_cache_options": "advisory",
            "input[].phase": "advisory",
            "input[].content[].logprobs": "advisory",
            "input[].content[].prompt_cache_breakpoint": "advisory",
            "input[].output[].prompt_cache_breakpoint": "advisory",
            "input[].format": "advisory",
            "text.format.strict": "tuning",
            "reasoning.context": "tuning",
            "reasoning.mode": "tuning",
            "reasoning.generate_summary": "tuning",
            "service_tier": "advisory",
            "billing": "advisory",
            "content_filters": "advisory",
            "moderation": "advisory",
            "tool_usage": "advisory",
            "output[].content[].logprobs": "tuning",
            "output[].format": "advisory",
        }
    ),
)
