"""How Bedrock calls canonical fields, and what its own members weigh where they are lost."""

from __future__ import annotations

from hortus.canon.loss import Weight
from hortus.canon.manifest import Vocabulary

ADDITIONAL = "additionalModelRequestFields"

_BLOCK = "messages[].content[]"
_CITED = f"{_BLOCK}.citationsContent.citations[]"

_WEIGHTS: dict[str, Weight] = {
    "guardrailConfig": "meaning",
    "promptVariables": "meaning",
    "additionalModelResponseFieldPaths": "advisory",
    "performanceConfig": "advisory",
    "requestMetadata": "advisory",
    "serviceTier": "advisory",
    "trace": "advisory",
    f"{_BLOCK}.guardContent.text.qualifiers": "advisory",
    "system[].guardContent.text.qualifiers": "advisory",
    f"{_BLOCK}.document.citations": "tuning",
    f"{_BLOCK}.document.context": "tuning",
    f"{_CITED}.location": "advisory",
    f"{_CITED}.source": "advisory",
}

VOCABULARY = Vocabulary(
    names={
        "Request.max_output_tokens": "inferenceConfig.maxTokens",
        "Request.temperature": "inferenceConfig.temperature",
        "Request.top_p": "inferenceConfig.topP",
        "Request.top_k": f"{ADDITIONAL}.top_k",
        "Request.stop": "inferenceConfig.stopSequences",
        "Request.tools": "toolConfig.tools",
        "Request.metadata": "requestMetadata",
        "Request.service_tier": "serviceTier.type",
        "Request.model": "modelId",
        "ReasoningWish.is_on": "type",
        "ReasoningWish.shows": "display",
        "ReasoningWish.effort": "/outputConfig.effort",
        "OutputFormat.kind": "type",
        "OutputFormat.schema": "structure.jsonSchema.schema",
        "OutputFormat.name": "structure.jsonSchema.name",
        "OutputFormat.description": "structure.jsonSchema.description",
        "ToolChoice.names": "tool.name",
        "Tool.name": "toolSpec.name",
        "Tool.description": "toolSpec.description",
        "Tool.parameters": "toolSpec.inputSchema.json",
        "Tool.is_strict": "toolSpec.strict",
        "Message.parts": "content",
        "ToolCall.name": "toolUse.name",
        "ToolCall.arguments": "toolUse.input",
        "ToolResult.parts": "toolResult.content",
        "ToolResult.is_error": "toolResult.status",
        "Reasoning.texts": "reasoningContent.reasoningText.text",
        "Reasoning.seal": "reasoningContent.reasoningText.signature",
        "Citation.url": "location.web.url",
        "Citation.quote": "sourceContent",
        "Choice.stop": "stopReason",
        "Choice.stop_sequence": "/additionalModelResponseFields.stop_sequence",
        "Response.choices": "output",
    },
    weights=_WEIGHTS,
)
