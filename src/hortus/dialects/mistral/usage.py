"""What an answer that is no chat says that it used."""

from __future__ import annotations

from hortus.canon.usage import Usage
from hortus.framing.objects import Body


def write_usage(usage: Usage) -> Body:
    """Return the usage of vectors and judgements."""
    return {
        "prompt_tokens": usage.input_tokens,
        "total_tokens": usage.input_tokens + usage.output_tokens,
        "completion_tokens": usage.output_tokens,
    }
