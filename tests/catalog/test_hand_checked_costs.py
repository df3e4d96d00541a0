"""Twenty-odd costs reckoned by hand: what a maker reports, its prices on 23 November 2026, and the sum written out.

Each case goes the whole way: the maker's own usage object, the catalog's price row, the exact cost.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from functools import cache
from typing import NamedTuple

import pytest

from hortus.canon.usage import Usage
from hortus.catalog.costs import cost_of
from hortus.catalog.loading import load_catalog
from hortus.catalog.lookup import Catalog
from hortus.catalog.pricerows import Figures, PriceRow
from hortus.catalog.prices import price_of
from hortus.framing.counting import estimate
from hortus.framing.metering import usage_of

TODAY = date(2026, 11, 23)


class Case(NamedTuple):
    """One answer of a host.

    Attributes:
        prices: Figures of the row that the sum below uses, so that a change of prices fails here and not in the sum.
        usage: The maker's usage object, or what was estimated.
        cost: In the row's currency.
    """

    name: str
    dialect: str
    model: str
    host: str
    prices: dict[str, str]
    usage: dict[str, object] | Usage
    cost: str
    tier: str | None = None
    searches: int = 0


CASES = (
    Case(
        "OpenAI: cached tokens inside the input",
        "openai_responses",
        "gpt-6.1-sol",
        "openai",
        {"input_per_million": "2", "cached_input_per_million": "0.1", "output_per_million": "10"},
        {
            "input_tokens": 4614,
            "input_tokens_details": {"cached_tokens": 1792},
            "output_tokens": 1844,
            "output_tokens_details": {"reasoning_tokens": 1024},
        },
        # (4614 - 1792) x 2 = 5644; 1792 x 0.1 = 179.2; 1844 x 10 = 18440; together 24263.2 millionths
        "0.0242632",
    ),
    Case(
        "OpenAI: reasoning is part of the output, not charged twice",
        "openai_chat",
        "o3",
        "openai",
        {"input_per_million": "2", "output_per_million": "8"},
        {
            "prompt_tokens": 100,
            "completion_tokens": 1000,
            "completion_tokens_details": {"reasoning_tokens": 900},
        },
        # 100 x 2 = 200; 1000 x 8 = 8000
        "0.0082",
    ),
    Case(
        "OpenAI: cache writes inside the input",
        "openai_responses",
        "gpt-6-astra",
        "openai",
        {"input_per_million": "10", "cache_write_per_million": "12.5", "cached_input_per_million": "1"},
        {
            "input_tokens": 5000,
            "input_tokens_details": {"cached_tokens": 1000, "cache_write_tokens": 3000},
            "output_tokens": 200,
        },
        # fresh 1000 x 10 = 10000; cached 1000 x 1 = 1000; written 3000 x 12.5 = 37500; 200 x 50 = 10000
        "0.0585",
    ),
    Case(
        "OpenAI: the last token of a short input",
        "openai_responses",
        "gpt-6-astra",
        "openai",
        {"input_per_million": "10", "output_per_million": "50"},
        {"input_tokens": 272_000, "output_tokens": 1000},
        # 272000 x 10 = 2720000; 1000 x 50 = 50000
        "2.77",
    ),
    Case(
        "OpenAI: one token more, and the whole request costs the long price",
        "openai_responses",
        "gpt-6-astra",
        "openai",
        {"input_per_million": "10"},
        {"input_tokens": 272_001, "output_tokens": 1000},
        # 272001 x 20 = 5440020; 1000 x 75 = 75000
        "5.51502",
    ),
    Case(
        "OpenAI: served with priority",
        "openai_chat",
        "gpt-6-astra",
        "openai",
        {"input_per_million": "10"},
        {"prompt_tokens": 1000, "completion_tokens": 100, "prompt_tokens_details": {"cached_tokens": 400}},
        # fresh 600 x 20 = 12000; cached 400 x 2 = 800; 100 x 100 = 10000
        "0.0228",
        tier="priority",
    ),
    Case(
        "OpenAI: flex",
        "openai_chat",
        "gpt-6-astra",
        "openai",
        {"input_per_million": "10"},
        {"prompt_tokens": 1000, "completion_tokens": 100},
        # 1000 x 5 = 5000; 100 x 25 = 2500
        "0.0075",
        tier="flex",
    ),
    Case(
        "OpenAI in Europe: a tenth more on tokens, none on searches",
        "openai_responses",
        "gpt-6-astra",
        "openai-eu",
        {"input_per_million": "11", "output_per_million": "55", "per_thousand_searches": "10"},
        {"input_tokens": 2000, "output_tokens": 100},
        # 2000 x 11 = 22000; 100 x 55 = 5500; together 0.0275; 3 searches x 10 / 1000 = 0.03
        "0.0575",
        searches=3,
    ),
    Case(
        "Anthropic: read from the cache and written to it for five minutes, both beside the input",
        "anthropic_messages",
        "claude-sonnet-5-5",
        "anthropic",
        {
            "input_per_million": "2",
            "output_per_million": "10",
            "cached_input_per_million": "0.1",
            "cache_write_per_million": "2.5",
        },
        {
            "input_tokens": 4,
            "cache_read_input_tokens": 14210,
            "cache_creation_input_tokens": 426,
            "cache_creation": {"ephemeral_5m_input_tokens": 426, "ephemeral_1h_input_tokens": 0},
            "output_tokens": 290,
            "service_tier": "standard",
            "inference_geo": "global",
        },
        # 4 x 2 = 8; 14210 x 0.1 = 1421; 426 x 2.5 = 1065; 290 x 10 = 2900; together 5394 millionths
        "0.005394",
    ),
    Case(
        "Anthropic: written to the cache for an hour",
        "anthropic_messages",
        "claude-opus-5-5",
        "anthropic",
        {"input_per_million": "4", "cache_write_per_million": "5", "cache_write_long_per_million": "8"},
        {
            "input_tokens": 10,
            "cache_creation_input_tokens": 3000,
            "cache_creation": {"ephemeral_5m_input_tokens": 1000, "ephemeral_1h_input_tokens": 2000},
            "output_tokens": 50,
        },
        # 10 x 4 = 40; 1000 x 5 = 5000; 2000 x 8 = 16000; 50 x 20 = 1000
        "0.02204",
    ),
    Case(
        "Anthropic: cached tokens count for the length that makes a prompt long",
        "anthropic_messages",
        "claude-haiku-5-5",
        "anthropic",
        {"input_per_million": "0.1", "cached_input_per_million": "0.01", "output_per_million": "0.5"},
        {"input_tokens": 1, "cache_read_input_tokens": 100_000, "output_tokens": 1000},
        # 100001 tokens of input, so the long prices: 1 x 0.5 = 0.5; 100000 x 0.05 = 5000; 1000 x 2.5 = 2500
        "0.0075005",
    ),
    Case(
        "Anthropic: within the United States a tenth more on every token, and searches",
        "anthropic_messages",
        "claude-opus-5-5",
        "anthropic",
        {"input_per_million": "4", "output_per_million": "20", "per_thousand_searches": "10"},
        {
            "input_tokens": 1000,
            "output_tokens": 100,
            "inference_geo": "us",
            "server_tool_use": {"web_search_requests": 2},
        },
        # (1000 x 4 + 100 x 20) x 1.1 = 6600 millionths; 2 searches x 10 / 1000 = 0.02
        "0.0266",
    ),
    Case(
        "Anthropic: a batch at half the price",
        "anthropic_messages",
        "claude-opus-5-5",
        "anthropic",
        {"input_per_million": "4"},
        {"input_tokens": 1000, "cache_read_input_tokens": 1000, "output_tokens": 100, "service_tier": "batch"},
        # 1000 x 2 = 2000; 1000 x 0.1 = 100; 100 x 10 = 1000
        "0.0031",
    ),
    Case(
        "Anthropic at Google in the EU: a tenth more by the place",
        "anthropic_messages",
        "claude-sonnet-5-5",
        "vertex-eu",
        {"input_per_million": "2.2", "cached_input_per_million": "0.11", "output_per_million": "11"},
        {"input_tokens": 100, "cache_read_input_tokens": 1000, "output_tokens": 10},
        # 100 x 2.2 = 220; 1000 x 0.11 = 110; 10 x 11 = 110
        "0.00044",
    ),
    Case(
        "Gemini: cached tokens inside, thoughts beside the answer, its tools' tokens beside the prompt",
        "gemini",
        "gemini-3.1-pro-preview",
        "google",
        {"input_per_million": "2", "cached_input_per_million": "0.2", "output_per_million": "12"},
        {
            "promptTokenCount": 5000,
            "cachedContentTokenCount": 4000,
            "toolUsePromptTokenCount": 500,
            "candidatesTokenCount": 200,
            "thoughtsTokenCount": 800,
        },
        # fresh 1500 x 2 = 3000; cached 4000 x 0.2 = 800; (200 + 800) x 12 = 12000
        "0.0158",
    ),
    Case(
        "Gemini: above 200 000 tokens",
        "gemini",
        "gemini-2.5-pro",
        "google",
        {"input_per_million": "1.25", "output_per_million": "10"},
        {"promptTokenCount": 200_001, "candidatesTokenCount": 100},
        # 200001 x 2.5 = 500002.5; 100 x 15 = 1500
        "0.5015025",
    ),
    Case(
        "Gemini: sound, some of it cached",
        "gemini",
        "gemini-2.5-flash",
        "google",
        {
            "input_per_million": "0.3",
            "input_audio_per_million": "1",
            "cached_audio_per_million": "0.1",
            "cached_input_per_million": "0.03",
            "output_per_million": "2.5",
        },
        {
            "promptTokenCount": 2500,
            "promptTokensDetails": [{"modality": "AUDIO", "tokenCount": 2000}, {"modality": "TEXT", "tokenCount": 500}],
            "cachedContentTokenCount": 1600,
            "cacheTokensDetails": [{"modality": "AUDIO", "tokenCount": 1500}, {"modality": "TEXT", "tokenCount": 100}],
            "candidatesTokenCount": 40,
        },
        # sound: 500 x 1 = 500 and 1500 x 0.1 = 150; text: 400 x 0.3 = 120 and 100 x 0.03 = 3; 40 x 2.5 = 100
        "0.000873",
    ),
    Case(
        "Gemini 2.5: however many searches, a prompt is charged one",
        "gemini",
        "gemini-2.5-flash",
        "google",
        {"per_thousand_searches": "35"},
        {"promptTokenCount": 100, "candidatesTokenCount": 100},
        # 100 x 0.3 = 30; 100 x 2.5 = 250; together 0.00028; one search x 35 / 1000 = 0.035
        "0.03528",
        searches=4,
    ),
    Case(
        "Gemini 4: each search is charged; priority is 1.8 times",
        "gemini",
        "gemini-4-argon",
        "google",
        {"input_per_million": "2", "output_per_million": "10", "per_thousand_searches": "14"},
        {"promptTokenCount": 1000, "candidatesTokenCount": 100, "serviceTier": "priority"},
        # 1000 x 3.6 = 3600; 100 x 18 = 1800; together 0.0054; 2 searches x 14 / 1000 = 0.028
        "0.0334",
        searches=2,
    ),
    Case(
        "xAI: its own bill of a recorded answer with two searches, to the last digit",
        "openai_responses",
        "grok-4.3",
        "xai",
        {"input_per_million": "1.25", "cached_input_per_million": "0.2", "output_per_million": "2.5"},
        {
            "input_tokens": 5913,
            "input_tokens_details": {"cached_tokens": 2048},
            "output_tokens": 364,
            "output_tokens_details": {"reasoning_tokens": 263},
            "server_side_tool_usage_details": {"web_search_calls": 2, "x_search_calls": 0},
            "cost_in_usd_ticks": 161508500,
        },
        # 3865 x 1.25 = 4831.25; 2048 x 0.2 = 409.6; 364 x 2.5 = 910; 2 x 5 / 1000 = 0.01; 161508500 ticks of 10^-10
        "0.01615085",
    ),
    Case(
        "xAI: 200 000 tokens are long already",
        "openai_responses",
        "grok-4.3",
        "xai",
        {"input_per_million": "1.25"},
        {"input_tokens": 200_000, "output_tokens": 100},
        # 200000 x 2.5 = 500000; 100 x 5 = 500
        "0.5005",
    ),
    Case(
        "DeepSeek: hits of its cache",
        "openai_chat",
        "deepseek-v4-pro",
        "deepseek",
        {"input_per_million": "1.32", "cached_input_per_million": "0.044", "output_per_million": "3.96"},
        {"prompt_tokens": 434, "completion_tokens": 56, "prompt_cache_hit_tokens": 384, "prompt_cache_miss_tokens": 50},
        # 50 x 1.32 = 66; 384 x 0.044 = 16.896; 56 x 3.96 = 221.76; together 304.656 millionths
        "0.000304656",
    ),
    Case(
        "Mistral in the EU: a tenth more, cached tokens too",
        "openai_chat",
        "mistral-large-2512",
        "mistral-eu",
        {"input_per_million": "0.55", "cached_input_per_million": "0.055", "output_per_million": "1.65"},
        {"prompt_tokens": 137, "completion_tokens": 16, "prompt_tokens_details": {"cached_tokens": 112}},
        # 25 x 0.55 = 13.75; 112 x 0.055 = 6.16; 16 x 1.65 = 26.4; together 46.31 millionths
        "0.00004631",
    ),
    Case(
        "vectors have no output",
        "openai_chat",
        "text-embedding-3-small",
        "openai",
        {"input_per_million": "0.02", "output_per_million": "0"},
        {"prompt_tokens": 8, "total_tokens": 8},
        # 8 x 0.02 = 0.16 millionths
        "0.00000016",
    ),
    Case(
        "a cancelled stream: estimated from the request's bytes and the deltas that came",
        "openai_chat",
        "gpt-6-astra",
        "openai",
        {"input_per_million": "10"},
        estimate(input_bytes=4001, output_tokens=37),
        # 4001 bytes / 4, rounded up = 1001 x 10 = 10010; 37 x 50 = 1850
        "0.01186",
    ),
)


@cache
def catalog() -> Catalog:
    return load_catalog()


def price(case: Case) -> PriceRow:
    found = price_of(catalog(), case.model, host=case.host, at=TODAY)
    assert found is not None
    return found


def usage(case: Case) -> Usage:
    if isinstance(case.usage, Usage):
        return case.usage
    found = usage_of(case.dialect, case.usage, tier=case.tier, searches=case.searches)
    assert found is not None
    return found


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_the_cost_is_what_the_hand_found(case: Case) -> None:
    row = price(case)
    assert {name: getattr(row, name) for name in case.prices} == {
        name: Decimal(amount) for name, amount in case.prices.items()
    }
    assert cost_of(usage(case), row) == Decimal(case.cost)


IMAGE_PRICES = PriceRow(
    id="made up",
    currency="USD",
    source="made up",
    as_of="2026-11-23",
    input_per_million=Decimal("0.3"),
    output_per_million=Decimal("2.5"),
    output_image_per_million=Decimal(30),
    per_image=Decimal("0.01"),
)


def test_a_picture_that_is_made_costs_its_tokens_and_itself() -> None:
    members = {
        "promptTokenCount": 100,
        "candidatesTokenCount": 1300,
        "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 1290}],
    }
    found = usage_of("gemini", members)
    assert found is not None
    # 100 x 0.3 = 30; text 10 x 2.5 = 25; picture 1290 x 30 = 38700; together 38755 millionths
    assert cost_of(found, IMAGE_PRICES) == Decimal("0.038755")


def test_there_are_twenty_cases_and_every_figure_of_a_price_is_in_one() -> None:
    assert len(CASES) >= 20
    untried = {"input_image_per_million", "output_audio_per_million", "per_second", "per_request"}  # of no model here
    used = {name for case in CASES for name in Figures.__struct_fields__ if getattr(price(case), name) is not None}
    untried |= {"per_thousand_pages", "per_million_characters", "per_thousand_search_units"}  # not of chats
    assert set(Figures.__struct_fields__) - used <= untried | {"output_image_per_million", "per_image"}
