"""How much of a model a request used, in tokens and whatever else is charged, whatever the maker calls it."""

from __future__ import annotations

import msgspec


class Usage(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """Counts of one attempt.

    Attributes:
        input_tokens: All input tokens, the cached ones included.
        output_tokens: All output tokens, the reasoning ones included.
        cached_input_tokens: Part of the input that was read from the maker's cache.
        reasoning_tokens: Part of the output that was reasoning.
        cache_write_tokens: Part of the input that was written to the maker's cache.
        is_estimated: Counted by Hortus, because the host did not say.
        cache_write_long_tokens: Part of `cache_write_tokens` that is kept for longer than usual, at a higher price.
        input_audio_tokens: Part of the input, priced apart where the price row says so; likewise the other three.
        cached_audio_tokens: Part of both the cached and the audio input.
        searches: Searches of the web that the host made.
        images: Pictures that were made.
        seconds: Seconds of sound that were read or made.
        pages: Pages of documents that were read.
        characters: Characters of text that were spoken.
        search_units: Rankings of documents, in the portions by which they are charged (a query with so many documents).
        service_tier: What the host says it was served as (`priority`, `flex`, `batch`, `fast`), None for the usual.
        region: Where the host says it computed (Anthropic's `inference_geo`), which some price apart.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    cached_input_tokens: int = 0
    reasoning_tokens: int = 0
    is_estimated: bool = False
    cache_write_tokens: int = 0
    cache_write_long_tokens: int = 0
    input_audio_tokens: int = 0
    cached_audio_tokens: int = 0
    output_audio_tokens: int = 0
    input_image_tokens: int = 0
    output_image_tokens: int = 0
    searches: int = 0
    images: int = 0
    seconds: int = 0
    pages: int = 0
    characters: int = 0
    search_units: int = 0
    service_tier: str | None = None
    region: str | None = None


COUNTS = tuple(name for name in Usage.__struct_fields__ if name not in {"is_estimated", "service_tier", "region"})
"""The members that add up."""
