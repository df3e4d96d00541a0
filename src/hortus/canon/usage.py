"""How much of a model a request used, in tokens, whatever the maker calls it."""

from __future__ import annotations

import msgspec


class Usage(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """Token counts of one attempt.

    Attributes:
        input_tokens: All input tokens, the cached ones included.
        output_tokens: All output tokens, the reasoning ones included.
        cached_input_tokens: Part of the input that was read from the maker's cache.
        reasoning_tokens: Part of the output that was reasoning.
        cache_write_tokens: Part of the input that was written to the maker's cache.
        is_estimated: Counted by Hortus, because the host did not say.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    cached_input_tokens: int = 0
    reasoning_tokens: int = 0
    is_estimated: bool = False
    cache_write_tokens: int = 0
