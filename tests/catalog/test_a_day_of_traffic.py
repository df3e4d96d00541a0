"""A day of mixed traffic: every usage in the recordings, charged, against sums made another way.

The other way starts from the bytes of the host's own usage objects, knows each maker's arithmetic by heart and adds up
fractions; it shares no line with what it checks.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import cache

import msgspec
import pytest
from botocore.eventstream import EventStreamBuffer

from hortus.catalog.costs import Exposure, bound_of, cost_of
from hortus.catalog.loading import load_catalog
from hortus.catalog.lookup import Catalog
from hortus.catalog.pricerows import PriceRow, Variant
from hortus.catalog.prices import price_of
from recorded_usages import Recorded, recorded

TODAY = date(2026, 11, 23)
RECORDED = list(recorded())
FEWEST_SHARED = 250

Said = Mapping[str, object]

DEAR = {
    "input_per_million": Decimal("3.17"),
    "output_per_million": Decimal("15.13"),
    "cached_input_per_million": Decimal("0.31"),
    "cache_write_per_million": Decimal("3.97"),
    "input_audio_per_million": Decimal("7.77"),
    "cached_audio_per_million": Decimal("0.71"),
    "per_thousand_searches": Decimal("10.01"),
}
LONG = {name: amount * 2 for name, amount in DEAR.items() if name != "per_thousand_searches"}
PRICE = PriceRow(
    id="made up",
    currency="USD",
    source="made up",
    as_of="2026-11-23",
    variants=(Variant(above_input_tokens=10_000, **LONG, per_thousand_searches=DEAR["per_thousand_searches"]),),
    **DEAR,
)
"""Prime figures, so that no two mistakes cancel out."""


def number(said: object, *path: str) -> int:
    for name in path:
        said = said.get(name) if isinstance(said, dict) else None
    if isinstance(said, list):
        return sum(number(one, "tokenCount") for one in said if one.get("modality") == "AUDIO")
    return int(said) if isinstance(said, int | float) else 0


def openai_chat(said: Said) -> tuple[int, ...]:
    given, output = number(said, "prompt_tokens"), number(said, "completion_tokens")
    audio = number(said, "prompt_tokens_details", "audio_tokens")
    beside = number(said, "total_tokens") - given - output
    if beside > 0 and beside == audio:
        given += audio
    elif beside > 0:
        output += beside
    hits = [number(said, name) for name in ("prompt_cache_hit_tokens", "num_cached_tokens", "cached_tokens")]
    cached = max(number(said, "prompt_tokens_details", "cached_tokens"), *hits)
    return given, output, min(cached, given), number(said, "prompt_tokens_details", "cache_write_tokens"), audio, 0


def openai_responses(said: Said) -> tuple[int, ...]:
    details = said.get("input_tokens_details")
    cached, written = number(details, "cached_tokens"), number(details, "cache_write_tokens")
    return number(said, "input_tokens"), number(said, "output_tokens"), cached, written, 0, 0


def anthropic_messages(said: Said) -> tuple[int, ...]:
    cached, written = number(said, "cache_read_input_tokens"), number(said, "cache_creation_input_tokens")
    return number(said, "input_tokens") + cached + written, number(said, "output_tokens"), cached, written, 0, 0


def gemini(said: Said) -> tuple[int, ...]:
    given = number(said, "promptTokenCount") + number(said, "toolUsePromptTokenCount")
    output = number(said, "candidatesTokenCount") + number(said, "thoughtsTokenCount")
    audio, cached_audio = number(said, "promptTokensDetails"), number(said, "cacheTokensDetails")
    return given, output, number(said, "cachedContentTokenCount"), 0, audio, cached_audio


def bedrock_converse(said: Said) -> tuple[int, ...]:
    cached, written = number(said, "cacheReadInputTokens"), number(said, "cacheWriteInputTokens")
    return number(said, "inputTokens") + cached + written, number(said, "outputTokens"), cached, written, 0, 0


def cohere_v2(said: Said) -> tuple[int, ...]:
    billed, seen = said.get("billed_units"), said.get("tokens")
    given = number(billed, "input_tokens") + number(billed, "image_tokens")
    is_whole = given == number(seen, "input_tokens")  # else the cached ones may be of the template, which is free
    cached = number(said, "cached_tokens") if is_whole else 0
    return given, number(billed, "output_tokens"), min(cached, given), 0, 0, 0


READERS: dict[str, Callable[[Said], tuple[int, ...]]] = {
    "openai_chat": openai_chat,
    "openai_responses": openai_responses,
    "anthropic_messages": anthropic_messages,
    "gemini": gemini,
    "bedrock_converse": bedrock_converse,
    "mistral": openai_chat,
    "cohere_v2": cohere_v2,
}


def objects_in(value: object) -> Iterator[object]:
    if isinstance(value, dict):
        yield from (value[name] for name in ("usage", "usageMetadata", "meta") if isinstance(value.get(name), dict))
        for name in ("response", "message", "delta"):
            yield from objects_in(value.get(name))
    elif isinstance(value, list):
        for one in value:
            yield from objects_in(one)


def pieces_of(stream: bytes) -> list[bytes]:
    if b":message-type" not in stream:
        return re.findall(rb"^data:(.*)$", stream, re.MULTILINE)
    buffer = EventStreamBuffer()
    buffer.add_data(stream)
    return [event.payload for event in buffer]


def said_by(one: Recorded) -> Said:
    """Return the last word on each member of the usage objects in an answer."""
    said: dict[str, object] = {}
    lines = pieces_of(one.exchange.answer) if one.exchange.is_framed else []
    for text in lines or [one.exchange.answer]:
        try:
            found = list(objects_in(msgspec.json.decode(text)))
        except msgspec.DecodeError:
            continue
        for usage in found:
            assert isinstance(usage, dict)
            told = {name: value for name, value in usage.items() if value is not None}
            said = said | told if one.exchange.dialect == "anthropic_messages" else told
    return said


def by_fractions(one: Recorded, prices: Mapping[str, Decimal]) -> Fraction:
    given, output, cached, written, audio, cached_audio = READERS[one.exchange.dialect](said_by(one))
    of = {name: Fraction(amount) for name, amount in prices.items()}
    cached_text = min(cached - cached_audio, given - audio)
    fresh = given - audio - cached_text - written
    total = fresh * of["input_per_million"] + output * of["output_per_million"]
    total += cached_text * of["cached_input_per_million"] + written * of["cache_write_per_million"]
    total += (audio - cached_audio) * of["input_audio_per_million"] + cached_audio * of["cached_audio_per_million"]
    return total / 1_000_000 + one.usage.searches * of["per_thousand_searches"] / 1000


@pytest.mark.parametrize("one", RECORDED, ids=[one.exchange.id for one in RECORDED])
def test_an_answer_costs_what_fractions_say(one: Recorded) -> None:
    given = READERS[one.exchange.dialect](said_by(one))[0]
    figures = LONG | {"per_thousand_searches": DEAR["per_thousand_searches"]} if given > 10_000 else DEAR
    assert Fraction(cost_of(one.usage, PRICE)) == by_fractions(one, figures)


def test_the_day_s_sum_is_exact() -> None:
    total = sum((cost_of(one.usage, PRICE) for one in RECORDED), Decimal(0))
    days = sum(
        by_fractions(one, LONG | {"per_thousand_searches": DEAR["per_thousand_searches"]} if is_long(one) else DEAR)
        for one in RECORDED
    )
    assert Fraction(total) == days


def is_long(one: Recorded) -> bool:
    return one.usage.input_tokens > 10_000


@pytest.mark.skipif(all(one.exchange.is_own for one in RECORDED), reason="no recordings here: set HORTUS_TRAFFIC")
def test_the_day_has_traffic_of_many_makers() -> None:
    shared = [one for one in RECORDED if not one.exchange.is_own]
    assert len(shared) >= FEWEST_SHARED
    assert len({one.exchange.id.split("-")[0] for one in shared}) >= 15
    for name in ("cached_input_tokens", "cache_write_tokens", "reasoning_tokens", "input_audio_tokens", "searches"):
        assert any(getattr(one.usage, name) for one in shared), name


HOSTS = {"openai", "anthropic", "mistral", "deepseek", "xai", "groq", "together", "gemini", "vertex"}
RENAMED = {"gemini": "google", "vertex": "vertex"}


@cache
def catalog() -> Catalog:
    return load_catalog()


def row_of(one: Recorded, name: str) -> PriceRow | None:
    maker = one.exchange.id.split("-")[0]
    if maker not in HOSTS or not name:
        return None
    known = catalog().model_named(name)
    host = RENAMED.get(maker, maker)
    model = known.id if known is not None else name
    return price_of(catalog(), model, host=host, at=TODAY, upstream_model=name)


PRICED = [(one, row) for one in RECORDED if (row := row_of(one, one.exchange.model)) is not None]


@pytest.mark.parametrize(("one", "row"), PRICED, ids=[one.exchange.id for one, _ in PRICED])
def test_an_answer_costs_no_more_than_its_usage_s_own_bound(one: Recorded, row: PriceRow) -> None:
    usage = one.usage
    tier = usage.service_tier
    found = bound_of(row, Exposure(usage.input_tokens, usage.output_tokens, service_tier=tier, seconds=usage.seconds))
    if isinstance(found, Decimal):
        searched = (row.per_thousand_searches or Decimal(0)) * usage.searches / 1000
        assert cost_of(usage, row) <= found + searched


class Bill(msgspec.Struct):
    """What a host itself says that an answer cost."""

    cost_in_usd_ticks: int = 0


BILLED = [one for one, _ in PRICED if "cost_in_usd_ticks" in said_by(one)]


@pytest.mark.parametrize("one", BILLED, ids=[one.exchange.id for one in BILLED])
def test_a_host_s_own_bill_is_what_we_reckon(one: Recorded) -> None:
    served = re.search(rb'"model": ?"([^"]+)"', one.exchange.answer)  # an old name may lead to a new model
    assert served is not None
    row = row_of(one, served[1].decode())
    assert row is not None
    bill = msgspec.convert(said_by(one), Bill)
    assert cost_of(one.usage, row) == Decimal(bill.cost_in_usd_ticks) / 10**10  # https://docs.x.ai, read 2026-11
