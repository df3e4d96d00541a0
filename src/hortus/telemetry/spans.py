"""The table of span attributes: name, unit, where each value comes from, sentence. Spans and their page are its rows.

A trace is drawn from a receipt: one span for the request, one below it for each attempt. Content is never in one.
Tokens stand under OpenTelemetry's names at attempts only, so that a sum over spans counts each of them once.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from typing import Literal

import msgspec

Kind = Literal["string", "int", "double", "boolean", "strings"]

SCHEMA_URL = "https://opentelemetry.io/schemas/1.41.1"
"""Of the names that are not ours; those of `gen_ai` are still in development there."""

REQUEST = "request"
ATTEMPT = "attempt"
SPAN_NAMES: Mapping[str, str] = {
    REQUEST: "`OPERATION ROUTE`, kind SERVER: the whole request, as the caller saw it. `OPERATION` alone if refused.",
    ATTEMPT: "`OPERATION MODEL`, kind CLIENT: one call to a host, below the request's span.",
}
"""How the two kinds of spans are called, and what they show."""

# https://github.com/open-telemetry/semantic-conventions-genai/blob/main/docs/gen-ai/gen-ai-spans.md, read 2026-11
PROVIDERS: Mapping[str, str] = {
    "openai": "openai",
    "openai-eu": "openai",
    "anthropic": "anthropic",
    "google": "gcp.gemini",
    "vertex": "gcp.vertex_ai",
    "vertex-eu": "gcp.vertex_ai",
    "vertex-global": "gcp.vertex_ai",
    "mistral": "mistral_ai",
    "mistral-eu": "mistral_ai",
    "cohere": "cohere",
    "bedrock": "aws.bedrock",
    "azure": "azure.ai.openai",
    "deepseek": "deepseek",
    "xai": "x_ai",
    "groq": "groq",
}
"""What OpenTelemetry calls our hosts; one that has no name there keeps ours."""

_UNCHANGED: Mapping[str, str] = {}


class SpanAttribute(msgspec.Struct, frozen=True):
    """One thing that a span says.

    Attributes:
        source: Where the value stands: a member of `receipt`, of `attempt`, or of the `usage` of either.
        unit: Empty for plain words and counts.
        words: What other values are called, where they have other names.
        is_always: Sent even if it is 0; otherwise nothing, no and 0 are left out.
    """

    name: str
    kind: Kind
    source: str
    unit: str
    sentence: str
    words: Mapping[str, str] = _UNCHANGED
    is_always: bool = False


_ERROR = "The error's code; the status where a fault has none, such as `interrupted`."

REQUEST_ATTRIBUTES = (
    SpanAttribute("gen_ai.operation.name", "string", "receipt.operation", "", "`chat`, `embeddings` …"),
    SpanAttribute("gen_ai.request.model", "string", "receipt.route", "", "What the caller put into `model`: a route."),
    SpanAttribute("gen_ai.request.stream", "boolean", "receipt.is_stream", "", "A stream was asked for."),
    SpanAttribute("http.response.status_code", "int", "receipt.http_status", "", "Status of the answer."),
    SpanAttribute("error.type", "string", "receipt.error_code", "", _ERROR),
    SpanAttribute("hortus.receipt.id", "string", "receipt.receipt_id", "", "Under which the whole record is kept."),
    SpanAttribute("hortus.request.id", "string", "receipt.request_id", "", "As in `x-request-id`."),
    SpanAttribute("hortus.status", "string", "receipt.status", "", "How it ended, as in the receipt."),
    SpanAttribute("hortus.project.id", "string", "receipt.caller.project_id", "", "Whose request it is."),
    SpanAttribute("hortus.key.id", "string", "receipt.caller.key_id", "", "By which key; never the key itself."),
    SpanAttribute("hortus.dialect", "string", "receipt.dialect", "", "Wire format that the caller spoke."),
    SpanAttribute("hortus.route", "string", "receipt.route", "", "The route that was asked for."),
    SpanAttribute("hortus.endpoint", "string", "receipt.endpoint", "", "Endpoint of the last attempt."),
    SpanAttribute("hortus.model", "string", "receipt.model", "", "Model of the last attempt."),
    SpanAttribute("hortus.maker", "string", "receipt.maker", "", "Who trained that model."),
    SpanAttribute(
        "hortus.tokens.input", "int", "usage.input_tokens", "tokens", "Sum over all attempts.", is_always=True
    ),
    SpanAttribute(
        "hortus.tokens.output", "int", "usage.output_tokens", "tokens", "Sum over all attempts.", is_always=True
    ),
    SpanAttribute("hortus.tokens.estimated", "boolean", "usage.is_estimated", "", "Hortus counted: the host did not."),
    SpanAttribute(
        "hortus.cost",
        "double",
        "receipt.cost",
        "currency",
        "Sum over all attempts where known; the receipt holds the exact amount.",
        is_always=True,
    ),
    SpanAttribute("hortus.currency", "string", "receipt.currency", "", "Currency of the cost."),
    SpanAttribute("hortus.snapshot.version", "int", "receipt.snapshot_version", "", "Configuration that was in use."),
    SpanAttribute("hortus.policy", "string", "receipt.policy", "", "Which policy judged it: `NAME~DIGEST`."),
    SpanAttribute("hortus.rulings", "strings", "receipt.rulings", "", "What it says against endpoints."),
    SpanAttribute("hortus.findings", "strings", "receipt.findings", "", "Kinds and numbers of what guards found."),
    SpanAttribute("hortus.cached_from", "string", "receipt.cached_from", "", "Receipt of an answer given again."),
)
"""What the request's span says."""

ATTEMPT_ATTRIBUTES = (
    SpanAttribute("gen_ai.operation.name", "string", "receipt.operation", "", "`chat`, `embeddings` …"),
    SpanAttribute(
        "gen_ai.provider.name",
        "string",
        "attempt.host",
        "",
        "The host, by OpenTelemetry's name for it where it has one.",
        words=PROVIDERS,
    ),
    SpanAttribute("gen_ai.request.model", "string", "attempt.model", "", "The model that was asked."),
    SpanAttribute(
        "gen_ai.response.model", "string", "attempt.served_model", "", "The model that the host says it was."
    ),
    SpanAttribute("gen_ai.request.stream", "boolean", "receipt.is_stream", "", "A stream was asked for."),
    SpanAttribute(
        "gen_ai.usage.input_tokens", "int", "usage.input_tokens", "tokens", "All input, cached too.", is_always=True
    ),
    SpanAttribute(
        "gen_ai.usage.output_tokens",
        "int",
        "usage.output_tokens",
        "tokens",
        "All output, reasoning too.",
        is_always=True,
    ),
    SpanAttribute(
        "gen_ai.usage.cache_read.input_tokens", "int", "usage.cached_input_tokens", "tokens", "Part of the input."
    ),
    SpanAttribute(
        "gen_ai.usage.cache_creation.input_tokens", "int", "usage.cache_write_tokens", "tokens", "Part of the input."
    ),
    SpanAttribute(
        "gen_ai.usage.reasoning.output_tokens", "int", "usage.reasoning_tokens", "tokens", "Part of the output."
    ),
    SpanAttribute("gen_ai.usage.audio.input_tokens", "int", "usage.input_audio_tokens", "tokens", "Part of the input."),
    SpanAttribute(
        "gen_ai.usage.audio.output_tokens", "int", "usage.output_audio_tokens", "tokens", "Part of the output."
    ),
    SpanAttribute("gen_ai.usage.image.input_tokens", "int", "usage.input_image_tokens", "tokens", "Part of the input."),
    SpanAttribute("hortus.usage.searches", "int", "usage.searches", "", "Searches of the web that the host made."),
    SpanAttribute("hortus.usage.images", "int", "usage.images", "", "Pictures that were made."),
    SpanAttribute("hortus.usage.sound", "int", "usage.seconds", "seconds", "Sound that was read or made."),
    SpanAttribute("hortus.usage.pages", "int", "usage.pages", "", "Pages of documents that were read."),
    SpanAttribute("hortus.usage.characters", "int", "usage.characters", "", "Characters of text that were spoken."),
    SpanAttribute(
        "hortus.usage.search_units", "int", "usage.search_units", "", "Portions by which a ranking is charged."
    ),
    SpanAttribute("hortus.usage.estimated", "boolean", "usage.is_estimated", "", "Hortus counted: the host did not."),
    SpanAttribute("hortus.usage.service_tier", "string", "usage.service_tier", "", "As the host says it served it."),
    SpanAttribute("http.response.status_code", "int", "attempt.http_status", "", "Status of the host's answer."),
    SpanAttribute("error.type", "string", "attempt.error_code", "", _ERROR),
    SpanAttribute("hortus.receipt.id", "string", "receipt.receipt_id", "", "Under which the whole record is kept."),
    SpanAttribute("hortus.attempt.number", "int", "attempt.number", "", "1 for the first endpoint that was tried."),
    SpanAttribute("hortus.attempt.status", "string", "attempt.status", "", "How it ended, as in the receipt."),
    SpanAttribute("hortus.endpoint", "string", "attempt.endpoint", "", "Name of the endpoint."),
    SpanAttribute("hortus.host", "string", "attempt.host", "", "Who ran the model, by our name."),
    SpanAttribute("hortus.host.dialect", "string", "attempt.host_dialect", "", "If it was not the caller's."),
    SpanAttribute("hortus.host.request_id", "string", "attempt.host_request_id", "", "The host's own id of the call."),
    SpanAttribute("hortus.region", "string", "attempt.region", "", "Where it ran, as far as the endpoint says."),
    SpanAttribute("hortus.maker", "string", "attempt.maker", "", "Who trained the model."),
    SpanAttribute("hortus.model.version", "string", "attempt.model_version", "", "Version of the model."),
    SpanAttribute("hortus.first_byte", "int", "attempt.first_byte_ms", "ms", "From opening to the host's first byte."),
    SpanAttribute("hortus.attempt.input_size", "int", "attempt.input_bytes", "bytes", "Size of the body sent."),
    SpanAttribute("hortus.attempt.output_size", "int", "attempt.output_bytes", "bytes", "Size of the answer."),
    SpanAttribute(
        "hortus.attempt.cost", "double", "attempt.cost", "currency", "Of this attempt, where known.", is_always=True
    ),
    SpanAttribute("hortus.attempt.reserved", "double", "attempt.reserved", "currency", "Upper bound of the cost."),
    SpanAttribute("hortus.currency", "string", "attempt.currency", "", "Currency of both."),
    SpanAttribute("hortus.price.id", "string", "attempt.price_id", "", "The price row behind the cost."),
    SpanAttribute("hortus.adaptations", "strings", "attempt.adaptations", "", "What was changed, by name."),
    SpanAttribute("hortus.losses", "strings", "attempt.losses", "", "What the host did not get, as `weight:path`."),
    SpanAttribute("hortus.losses.answer", "strings", "attempt.answer_losses", "", "What the caller did not get."),
)
"""What the span of an attempt says."""

RESOURCE_ATTRIBUTES = {
    "service.name": "Always `hortus`.",
    "service.version": "Version that runs.",
}
"""What is said once for all spans."""


def new_trace_id(receipt_id: str) -> str:
    """Return the trace of a request whose caller sent none: always the same one, so that sending twice makes one."""
    return blake2b(receipt_id.encode(), digest_size=16, person=b"hortus-trace").hexdigest()


def new_span_id(receipt_id: str, number: int) -> str:
    """Return the span of an attempt; 0 stands for the request as a whole."""
    return blake2b(f"{receipt_id}/{number}".encode(), digest_size=8, person=b"hortus-span").hexdigest()
