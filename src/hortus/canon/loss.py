"""What does it weigh when a target cannot carry something? A loss, its weight, and the tables that decide both."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

import msgspec
from typing_extensions import override

Weight = Literal["meaning", "tuning", "advisory"]
"""Meaning: content, tools, schema, stop, output limit. Tuning: how the answer is drawn. Advisory: everything beside."""

WEIGHTS: tuple[Weight, ...] = ("meaning", "tuning", "advisory")
"""Heaviest first."""

Strictness = Literal["standard", "strict", "lenient"]
"""Which losses of a request refuse it: those of meaning, all, none."""

_REFUSES: Mapping[Strictness, frozenset[Weight]] = {
    "standard": frozenset(("meaning",)),
    "strict": frozenset(WEIGHTS),
    "lenient": frozenset(),
}


class Loss(msgspec.Struct, frozen=True):
    """One thing that is not carried.

    Attributes:
        path: Where it stands in the source's own wire format.
        reason: Why, in words for people, and what to do about it where something can be done.
    """

    path: str
    weight: Weight
    reason: str

    @override
    def __str__(self) -> str:
        return f"{self.weight}:{self.path}"


def refusing(losses: tuple[Loss, ...], strictness: Strictness) -> tuple[Loss, ...]:
    """Return those losses that refuse the request."""
    weights = _REFUSES[strictness]
    return tuple(loss for loss in losses if loss.weight in weights)


def stricter(first: Strictness, second: Strictness) -> Strictness:
    """Return the one that refuses more."""
    return first if len(_REFUSES[first]) >= len(_REFUSES[second]) else second


FIELD_WEIGHTS: Mapping[str, Weight] = {
    "Request.temperature": "tuning",
    "Request.top_p": "tuning",
    "Request.top_k": "tuning",
    "Request.frequency_penalty": "tuning",
    "Request.presence_penalty": "tuning",
    "Request.seed": "tuning",
    "Request.logit_bias": "tuning",
    "Request.parallel_tools": "tuning",
    "Request.verbosity": "tuning",
    "ReasoningWish.is_on": "tuning",
    "ReasoningWish.effort": "tuning",
    "ReasoningWish.budget_tokens": "tuning",
    "ReasoningWish.shows": "tuning",
    "Reasoning.texts": "tuning",
    "Reasoning.summary": "tuning",
    "Reasoning.seal": "tuning",
    "Reasoning.is_redacted": "tuning",
    "Media.detail": "tuning",
    "Tool.is_strict": "tuning",
    "Text.seal": "tuning",
    "Media.seal": "tuning",
    "ToolCall.seal": "tuning",
    "Message.name": "tuning",
    "ToolResult.is_error": "tuning",
    "Request.user": "advisory",
    "EmbeddingsRequest.user": "advisory",
    "RerankRequest.max_document_tokens": "tuning",
    "RerankRequest.returns_documents": "advisory",
    "ModerationTurn.role": "tuning",
    "Request.metadata": "advisory",
    "Request.service_tier": "advisory",
    "Request.cache_key": "advisory",
    "Request.is_stored": "advisory",
    "OutputFormat.name": "advisory",
    "OutputFormat.description": "tuning",
    "OutputFormat.is_strict": "tuning",
    "Media.name": "advisory",
    "Text.cache": "advisory",
    "Media.cache": "advisory",
    "ToolCall.cache": "advisory",
    "ToolResult.cache": "advisory",
    "Tool.cache": "advisory",
    "Text.citations": "advisory",
    "Citation.url": "advisory",
    "Citation.title": "advisory",
    "Citation.quote": "advisory",
    "Citation.start": "advisory",
    "Citation.end": "advisory",
    "Response.id": "advisory",
    "Response.created_s": "advisory",
    "Response.model": "advisory",
}
"""Weight of a canonical field that is lost; every other field is meaning. `Type` alone: a node lost as a whole."""

NODE_WEIGHTS: Mapping[str, Weight] = {"Reasoning": "tuning", "ReasoningWish": "tuning", "Citation": "advisory"}
"""Weight of a node that is lost as a whole; every other one is meaning. Reasoning of earlier turns is another maker's
where it is lost, and refusing it would bar every conversation from changing its model."""

IMPLIED = frozenset(
    (
        "Request.model",
        "EmbeddingsRequest.model",
        "RerankRequest.model",
        "ModerationRequest.model",
        "EmbeddingsRequest.encoding",
        "Request.is_stream",
        "Request.wants_usage",
        "Message.role",
        "ToolCall.id",
        "ToolResult.call_id",
        "ToolResult.name",
        "Choice.index",
        "Opaque.dialect",
        "Opaque.kind",
        "HostTool.dialect",
        "HostTool.kind",
    )
)
"""Fields that are carried by where the node is written, or by the call itself."""

NEUTRAL: Mapping[str, tuple[object, ...]] = {
    "Request.choices": (1,),
    "Request.frequency_penalty": (0,),
    "Request.presence_penalty": (0,),
    "Request.has_logprobs": (False,),
    "Request.top_logprobs": (0,),
    "Request.is_stored": (False,),
    "Request.parallel_tools": (True,),
    "Request.service_tier": ("auto", "default"),
    "Request.verbosity": ("medium",),
    "OutputFormat.kind": ("text",),
    "ToolChoice.mode": ("auto",),
    "Tool.is_strict": (False,),
    "OutputFormat.is_strict": (False,),
    "Media.detail": ("auto",),
    "ReasoningWish.budget_tokens": (-1,),
    "ReasoningWish.shows": ("none",),
    "Reasoning.is_redacted": (False,),
}
"""Values that ask for what every target does by itself: carried by leaving them out, as a named adaptation."""


def weigh_members(*, meaning: Iterable[str], tuning: Iterable[str], advisory: Iterable[str]) -> dict[str, Weight]:
    """Return what losing each of a dialect's own members weighs."""
    weights: dict[str, Weight] = dict.fromkeys(meaning, "meaning")
    weights |= dict.fromkeys(tuning, "tuning")
    return weights | dict.fromkeys(advisory, "advisory")
