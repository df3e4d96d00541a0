"""How Cohere calls canonical fields, and what its own members weigh where they are lost."""

from __future__ import annotations

from hortus.canon.loss import Weight
from hortus.canon.manifest import Vocabulary

_WEIGHTS: dict[str, Weight] = {
    "citation_options": "advisory",
    "priority": "advisory",
    "raw_prompting": "meaning",
    "safety_mode": "tuning",
    "tool_choice": "meaning",
    "thinking": "tuning",
    "message.citations": "advisory",
    "messages[].citations": "advisory",
    "messages[].citations[].sources": "advisory",
    "messages[].citations[].type": "advisory",
    "message.citations[].sources": "advisory",
    "message.citations[].type": "advisory",
    # Of embeddings
    "embedding_types": "meaning",
    "images": "meaning",
    "inputs": "meaning",
    "input_type": "tuning",  # demanded of every request; where there is none, one vector serves every use
    "truncate": "tuning",
    "max_tokens": "tuning",
    # Of rankings
    "results[].document": "advisory",
}

VOCABULARY = Vocabulary(
    names={
        "Request.max_output_tokens": "max_tokens",
        "Request.stop": "stop_sequences",
        "Request.top_p": "p",
        "Request.top_k": "k",
        "Request.has_logprobs": "logprobs",
        "Request.is_stream": "stream",
        "ReasoningWish.is_on": "type",
        "ReasoningWish.shows": "",
        "ReasoningWish.budget_tokens": "token_budget",
        "OutputFormat.kind": "type",
        "OutputFormat.schema": "json_schema",
        "ToolChoice.mode": "",
        "Tool.name": "function.name",
        "Tool.description": "function.description",
        "Tool.parameters": "function.parameters",
        "Tool.is_strict": "/strict_tools",
        "Text.text": "",
        "Media.detail": "image_url.detail",
        "Message.parts": "content",
        "ToolCall.name": "function.name",
        "ToolCall.arguments": "function.arguments",
        "ToolResult.call_id": "tool_call_id",
        "ToolResult.parts": "content",
        "Reasoning.texts": "",
        "Choice.stop": "/finish_reason",
        "Choice.logprobs": "/logprobs",
        "EmbeddingsRequest.inputs": "texts",
        "EmbeddingsRequest.dimensions": "output_dimension",
        "EmbeddingsRequest.encoding": "embedding_types",
        "EmbeddingsRequest.task": "input_type",
        "EmbeddingsInput.text": "",
        "RerankRequest.max_document_tokens": "max_tokens_per_doc",
        "RerankDocument.text": "",
        "RerankResult.score": "relevance_score",
    },
    weights=_WEIGHTS,
)
