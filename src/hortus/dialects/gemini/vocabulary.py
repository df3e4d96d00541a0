"""How Gemini calls canonical fields, and what losing its own members weighs."""

from __future__ import annotations

from hortus.canon.manifest import Vocabulary
from hortus.dialects.gemini.settings import PLAIN

_CONFIG = "generationConfig"
_CALL, _REPLY = "functionCall", "functionResponse"
_CHOICE = "candidates[]."

VOCABULARY = Vocabulary(
    names={f"Request.{field}": f"{_CONFIG}.{name}" for name, field in PLAIN.items()}
    | {
        "Request.tool_choice": "toolConfig.functionCallingConfig",
        "Request.messages": "contents",
        "Request.output": f"{_CONFIG}.responseMimeType",
        "Request.reasoning": f"{_CONFIG}.thinkingConfig",
        "OutputFormat.kind": "",
        "OutputFormat.schema": "",
        "ToolChoice.names": "allowedFunctionNames",
        "Tool.parameters": "parametersJsonSchema",
        "ReasoningWish.is_on": "thinkingBudget",
        "ReasoningWish.budget_tokens": "thinkingBudget",
        "ReasoningWish.effort": "thinkingLevel",
        "ReasoningWish.shows": "includeThoughts",
        "Text.seal": "thoughtSignature",
        "Media.seal": "thoughtSignature",
        "Media.source": "",
        "Media.name": "displayName",
        "ToolCall.seal": "thoughtSignature",
        "ToolCall.id": f"{_CALL}.id",
        "ToolCall.name": f"{_CALL}.name",
        "ToolCall.arguments": f"{_CALL}.args",
        "ToolResult.call_id": f"{_REPLY}.id",
        "ToolResult.name": f"{_REPLY}.name",
        "ToolResult.parts": f"{_REPLY}.response",
        "ToolResult.is_error": f"{_REPLY}.response.error",
        "Reasoning.summary": "text",
        "Reasoning.seal": "thoughtSignature",
        "HostTool.raw": "",
        "Opaque.raw": "",
        "Response.choices": "candidates",
        "Choice.stop": "finishReason",
        "Choice.logprobs": "logprobsResult",
        "Response.model": "modelVersion",
        "Response.id": "responseId",
        "Response.created_s": "createTime",
        "EmbeddingsRequest.dimensions": "outputDimensionality",
        "EmbeddingsRequest.task": "taskType",
        "EmbeddingsRequest.title": "title",
    },
    weights={
        "cachedContent": "meaning",
        "cached_content": "meaning",
        "modelArmorConfig": "meaning",  # it keeps words from going out
        "labels": "advisory",
        "store": "advisory",
        "serviceTier": "advisory",
        "service_tier": "advisory",
        f"{_CONFIG}.responseModalities": "meaning",
        f"{_CONFIG}.responseMimeType": "meaning",
        f"{_CONFIG}.responseSchema": "meaning",
        f"{_CONFIG}.thinkingConfig.thinkingLevel": "tuning",
        "toolConfig.functionCallingConfig.mode": "tuning",
        "tools[].functionDeclarations[].behavior": "tuning",
        "tools[].functionDeclarations[].response": "tuning",
        "tools[].functionDeclarations[].responseJsonSchema": "tuning",
        "contents[].parts[].mediaResolution": "tuning",
        "contents[].parts[].thought": "tuning",
        f"{_CHOICE}avgLogprobs": "advisory",
        f"{_CHOICE}citationMetadata": "advisory",
        f"{_CHOICE}groundingMetadata": "advisory",
        f"{_CHOICE}logprobsResult": "advisory",
        f"{_CHOICE}safetyRatings": "advisory",
        f"{_CHOICE}urlContextMetadata": "advisory",
        f"{_CHOICE}finishReason": "advisory",
        "promptFeedback": "advisory",
        "modelStatus": "advisory",
    },
)
