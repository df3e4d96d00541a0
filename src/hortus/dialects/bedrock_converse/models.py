"""What the models behind Bedrock take beyond Converse, by their names: for requests that were written for others.

Names are such as `anthropic.claude-sonnet-4-5-20250929-v1:0`, with `us.`, `eu.`, `global.` in front or the ARN of a
profile around them. https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters.html, read 2026-11.
"""

from __future__ import annotations

_CACHING = ("claude", "amazon.nova")
_TOP_K = ("claude", "mistral.", "cohere.")


def is_claude(model: str) -> bool:
    """Tell whether a model is Anthropic's."""
    return "claude" in model


def caches(model: str) -> bool:
    """Tell whether a model takes cache points; others refuse them. In answers there is no model: nothing is refused."""
    return any(name in model for name in _CACHING)


def place_of_top_k(model: str) -> tuple[str, ...]:
    """Return where a model's own fields hold `top_k`, nothing where it takes none.

    >>> place_of_top_k("us.amazon.nova-lite-v1:0"), place_of_top_k("meta.llama3-8b-instruct-v1:0")
    (('inferenceConfig', 'topK'), ())
    """
    if "amazon.nova" in model:
        return ("inferenceConfig", "topK")
    return ("top_k",) if any(name in model for name in _TOP_K) else ()
