"""What may a file of requests cost at most, and what has it cost? Its requests together, at one price row."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from hortus.canon.usage import Usage
from hortus.canon.work import Work
from hortus.catalog.costs import OUTPUT_TOKENS_ASSUMED, Exposure, Unbounded, most_tokens_of
from hortus.catalog.pricerows import Cap, Figures, PriceRow, Variant

BATCH = "batch"
"""The service tier as which hosts work through files of requests."""

_PER_REQUEST: tuple[Cap, ...] = ("searches", "server_tool_calls")
_FILLS_THE_WINDOW: tuple[Cap, ...] = ("image_tokens", "document_tokens", "kept_tokens")


def price_of_work(price: PriceRow, work: Work | None) -> PriceRow:
    """Return a price row as it holds for all requests of a file together, and for nothing else.

    The figures are those of batches where the row has such; of lengths, only those count that one request can have.

    Args:
        work: The requests; None where nothing is known of them: they count as of the usual length.
    """
    tier = BATCH if any(variant.service_tier == BATCH for variant in price.variants) else None
    sets = [variant for variant in price.variants if variant.service_tier == tier]
    figures: Figures = next((one for one in sets if not one.above_input_tokens), price)
    longer = [one for one in sets if _is_reached(one, price, work)]
    requests = work.requests if work is not None else 1
    row = replace(
        price,
        **{name: getattr(figures, name) for name in Figures.__struct_fields__},
        variants=tuple([replace(one, service_tier=None) for one in longer]),
        auto_tiers=(),
        caps=dict(_caps_of_work(price, requests)),
        fixed_input_tokens=price.fixed_input_tokens * requests,
        is_search_per_request=False,
    )
    return row if row.per_request is None else replace(row, per_request=row.per_request * requests)


def exposure_of_work(work: Work, output_limit: int | None) -> Exposure:
    """Return the most that all requests of a file can use.

    Args:
        output_limit: Of one answer, where a request names none; None: nothing limits those.
    """
    output_tokens: int | None = work.output_tokens
    if work.unlimited:
        output_tokens = None if output_limit is None else work.output_tokens + work.unlimited * output_limit
    return Exposure(
        input_bytes=work.input_bytes,
        output_tokens=output_tokens,
        images=work.images,
        documents=work.documents,
        kept=work.kept,
        searches=work.searches,
        server_tools=work.server_tools,
        service_tier=BATCH,
    )


def likely_exposure(work: Work, output_limit: int | None) -> Exposure:
    """Return the same, with a usual length where nothing limits an answer."""
    return exposure_of_work(work, OUTPUT_TOKENS_ASSUMED if output_limit is None else output_limit)


def usage_beforehand(price: PriceRow | None, work: Work, *, output_limit: int | None) -> Usage:
    """Return what the requests of a file count as having used before anybody knows: the most that they can.

    Args:
        price: Their row (`price_of_work`), None where there is none.
        output_limit: As for `exposure_of_work`.
    """
    exposure = likely_exposure(work, output_limit)
    input_tokens = most_tokens_of(price, replace(exposure, output_tokens=0))
    if isinstance(input_tokens, Unbounded):
        input_tokens = exposure.input_bytes
    return Usage(
        input_tokens=input_tokens,
        output_tokens=exposure.output_tokens or 0,
        is_estimated=True,
        service_tier=BATCH,
    )


def _is_reached(variant: Variant, price: PriceRow, work: Work | None) -> bool:
    """Tell whether figures are those of long requests, and one of the requests can be so long."""
    if work is None or not variant.above_input_tokens:
        return False
    tokens = variant.above_input_tokens - price.fixed_input_tokens
    if work.images or work.documents or work.kept or work.searches or work.server_tools:
        return True
    return (work.longest_bytes or work.input_bytes) > tokens


def _caps_of_work(price: PriceRow, requests: int) -> Iterator[tuple[Cap, int]]:
    """Return what caps units of all requests: no window holds them together, but each has its own."""
    window = price.caps.get("context_tokens")
    for name, cap in price.caps.items():
        if name != "context_tokens":
            yield name, cap * requests if name in _PER_REQUEST else cap
    if window is not None:
        for name in _FILLS_THE_WINDOW:
            if name not in price.caps:
                yield name, window
