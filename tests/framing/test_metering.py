"""The table of usage arithmetic, with what each maker writes: small samples of their own shapes, by hand."""

from __future__ import annotations

import msgspec
import pytest

from hortus.canon.usage import Usage
from hortus.framing.metering import TABLE, read_members, usage_of

SAMPLES: list[tuple[str, str, dict[str, object], Usage]] = [
    (
        "OpenAI: cached tokens inside the input, reasoning inside the output",
        "openai_chat",
        {
            "prompt_tokens": 2006,
            "completion_tokens": 300,
            "total_tokens": 2306,
            "prompt_tokens_details": {"cached_tokens": 1920, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 256, "accepted_prediction_tokens": 5},
        },
        Usage(2006, 300, cached_input_tokens=1920, reasoning_tokens=256),
    ),
    (
        "OpenAI: sound in and out, some of it cached",
        "openai_chat",
        {
            "prompt_tokens": 500,
            "completion_tokens": 200,
            "prompt_tokens_details": {
                "cached_tokens": 300,
                "audio_tokens": 400,
                "cached_tokens_details": {"audio_tokens": 250, "text_tokens": 50},
            },
            "completion_tokens_details": {"audio_tokens": 150},
        },
        Usage(
            500,
            200,
            cached_input_tokens=300,
            input_audio_tokens=400,
            cached_audio_tokens=250,
            output_audio_tokens=150,
        ),
    ),
    (
        "OpenAI, Responses: cache writes inside the input",
        "openai_responses",
        {
            "input_tokens": 1500,
            "input_tokens_details": {"cached_tokens": 200, "cache_write_tokens": 1024},
            "output_tokens": 80,
            "output_tokens_details": {"reasoning_tokens": 64},
            "total_tokens": 1580,
        },
        Usage(1500, 80, cached_input_tokens=200, cache_write_tokens=1024, reasoning_tokens=64),
    ),
    (
        "Azure: reasoning at the top",
        "openai_chat",
        {"prompt_tokens": 20, "completion_tokens": 30, "total_tokens": 50, "reasoning_tokens": 18},
        Usage(20, 30, reasoning_tokens=18),
    ),
    (
        "Anthropic: what was read from the cache and written to it beside the input",
        "anthropic_messages",
        {
            "input_tokens": 21,
            "cache_creation_input_tokens": 3000,
            "cache_read_input_tokens": 15000,
            "cache_creation": {"ephemeral_5m_input_tokens": 1000, "ephemeral_1h_input_tokens": 2000},
            "output_tokens": 400,
            "output_tokens_details": {"thinking_tokens": 250},
            "server_tool_use": {"web_search_requests": 2, "web_fetch_requests": 1},
            "service_tier": "standard",
            "inference_geo": "us",
        },
        Usage(
            18021,
            400,
            cached_input_tokens=15000,
            cache_write_tokens=3000,
            cache_write_long_tokens=2000,
            reasoning_tokens=250,
            searches=2,
            region="us",
        ),
    ),
    (
        "Anthropic: fast mode is a service tier",
        "anthropic_messages",
        {"input_tokens": 5, "output_tokens": 6, "service_tier": "standard", "speed": "fast", "inference_geo": "global"},
        Usage(5, 6, service_tier="fast"),
    ),
    (
        "Google: thoughts beside the answer, its own tools' tokens beside the prompt, cached ones inside",
        "gemini",
        {
            "promptTokenCount": 208,
            "cachedContentTokenCount": 100,
            "toolUsePromptTokenCount": 1461,
            "candidatesTokenCount": 45,
            "thoughtsTokenCount": 147,
            "totalTokenCount": 1861,
            "serviceTier": "standard",
        },
        Usage(1669, 192, cached_input_tokens=100, reasoning_tokens=147),
    ),
    (
        "Google: kinds of tokens in lists",
        "gemini",
        {
            "promptTokenCount": "700",
            "promptTokensDetails": [
                {"modality": "TEXT", "tokenCount": 100},
                {"modality": "AUDIO", "tokenCount": 400},
                {"modality": "IMAGE", "tokenCount": 200},
            ],
            "cachedContentTokenCount": 350,
            "cacheTokensDetails": [{"modality": "AUDIO", "tokenCount": 300}, {"modality": "TEXT", "tokenCount": 50}],
            "candidatesTokenCount": 1300,
            "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 1290}, {"modality": "TEXT"}],
            "trafficType": "ON_DEMAND_PRIORITY",
        },
        Usage(
            700,
            1300,
            cached_input_tokens=350,
            input_audio_tokens=400,
            cached_audio_tokens=300,
            input_image_tokens=200,
            output_image_tokens=1290,
            service_tier="priority",
        ),
    ),
    (
        "Google: several lists of the same kind add up",
        "gemini",
        {
            "promptTokenCount": 10,
            "promptTokensDetails": [{"modality": "AUDIO", "tokenCount": 4}, {"modality": "AUDIO", "tokenCount": 2}],
            "toolUsePromptTokenCount": 5,
            "toolUsePromptTokensDetails": [{"modality": "AUDIO", "tokenCount": 3}, "odd", {"modality": 7}],
        },
        Usage(15, 0, input_audio_tokens=9),
    ),
    (
        "DeepSeek: hits of the cache at the top, once more in the details",
        "openai_chat",
        {
            "prompt_tokens": 900,
            "completion_tokens": 40,
            "total_tokens": 940,
            "prompt_cache_hit_tokens": 832,
            "prompt_cache_miss_tokens": 68,
            "prompt_tokens_details": {"cached_tokens": 832},
        },
        Usage(900, 40, cached_input_tokens=832),
    ),
    (
        "DeepSeek: at the top only",
        "openai_chat",
        {"prompt_tokens": 900, "completion_tokens": 40, "prompt_cache_hit_tokens": 832},
        Usage(900, 40, cached_input_tokens=832),
    ),
    (
        "Mistral: cached tokens at the top, sound beside the input, its seconds, the tier inside",
        "openai_chat",
        {
            "prompt_tokens": 80,
            "completion_tokens": 12,
            "total_tokens": 467,
            "num_cached_tokens": 64,
            "prompt_audio_seconds": 5.2,
            "prompt_tokens_details": {"audio_tokens": 375},
            "service_tier": "batch",
        },
        Usage(455, 12, cached_input_tokens=64, input_audio_tokens=375, seconds=6, service_tier="batch"),
    ),
    (
        "Mistral: seconds that are an empty object",
        "openai_chat",
        {"prompt_tokens": 8, "total_tokens": 8, "completion_tokens": 0, "prompt_audio_seconds": {}},
        Usage(8),
    ),
    (
        "xAI: reasoning beside the output, seen by the total; searches of the web and of X",
        "openai_chat",
        {
            "prompt_tokens": 66,
            "completion_tokens": 6,
            "total_tokens": 100,
            "completion_tokens_details": {"reasoning_tokens": 28},
            "server_side_tool_usage_details": {"web_search_calls": 2, "x_search_calls": 1, "mcp_calls": 4},
        },
        Usage(66, 34, reasoning_tokens=28, searches=3),
    ),
    (
        "xAI: more cached tokens than there were",
        "openai_chat",
        {"prompt_tokens": 235, "completion_tokens": 90, "prompt_tokens_details": {"cached_tokens": 373}},
        Usage(235, 90, cached_input_tokens=235),
    ),
    (
        "OpenRouter: cache writes and pictures",
        "openai_chat",
        {
            "prompt_tokens": 50,
            "completion_tokens": 20,
            "prompt_tokens_details": {"cache_write_tokens": 30, "cached_tokens": 0, "video_tokens": 0},
            "completion_tokens_details": {"image_tokens": 10},
        },
        Usage(50, 20, cache_write_tokens=30, output_image_tokens=10),
    ),
    (
        "Perplexity: searches by their questions",
        "openai_chat",
        {"prompt_tokens": 30, "completion_tokens": 400, "num_search_queries": 21, "citation_tokens": 800},
        Usage(30, 400, searches=21),
    ),
    (
        "Together, Hugging Face: cached tokens at the top, details that are null",
        "openai_chat",
        {"prompt_tokens": 46, "completion_tokens": 42, "cached_tokens": 16, "prompt_tokens_details": None},
        Usage(46, 42, cached_input_tokens=16),
    ),
    ("Mistral: pages that were read", "mistral", {"pages_processed": 3, "doc_size_bytes": 18810}, Usage(pages=3)),
    ("Cohere: portions of a ranking", "cohere_v2", {"search_units": 2}, Usage(search_units=2)),
    ("llama.cpp: a ranking is all input", "jina_rerank", {"prompt_tokens": 55, "total_tokens": 55}, Usage(55)),
    ("Jina: a ranking by its total alone", "jina_rerank", {"total_tokens": 55}, Usage(55)),
    ("OpenAI: speech by its length", "openai_audio", {"type": "duration", "seconds": 5.2}, Usage(seconds=6)),
    (
        "OpenAI: speech by its tokens",
        "openai_audio",
        {
            "type": "tokens",
            "input_tokens": 14,
            "input_token_details": {"text_tokens": 4, "audio_tokens": 10},
            "output_tokens": 45,
            "total_tokens": 59,
        },
        Usage(14, 45, input_audio_tokens=10),
    ),
    (
        "OpenAI: pictures by their tokens",
        "openai_images",
        {
            "input_tokens": 50,
            "input_tokens_details": {"text_tokens": 10, "image_tokens": 40},
            "output_tokens": 4160,
            "output_tokens_details": {"text_tokens": 0, "image_tokens": 4160},
            "total_tokens": 4210,
        },
        Usage(50, 4160, input_image_tokens=40, output_image_tokens=4160),
    ),
    ("vectors have no output", "openai_chat", {"prompt_tokens": 8, "total_tokens": 8}, Usage(8)),
    (
        "Groq: times are no counts",
        "openai_chat",
        {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3, "queue_time": 0.5, "total_time": 1.25},
        Usage(1, 2),
    ),
]


@pytest.mark.parametrize(
    ("dialect", "members", "expected"), [one[1:] for one in SAMPLES], ids=[one[0] for one in SAMPLES]
)
def test_what_each_maker_writes_means_this(dialect: str, members: dict[str, object], expected: Usage) -> None:
    assert usage_of(dialect, members) == expected


@pytest.mark.parametrize(
    ("dialect", "members"),
    [
        ("openai_chat", {}),
        ("openai_chat", {"completion_tokens": 3}),
        ("openai_chat", {"prompt_tokens": True}),
        ("openai_chat", {"prompt_tokens": 1.5}),
        ("openai_chat", {"prompt_tokens": "many"}),
        ("openai_chat", {"prompt_tokens": 10**13}),
        ("openai_chat", {"prompt_tokens": 1, "total_tokens": 10**14}),
        ("openai_chat", {"prompt_tokens": 1, "completion_tokens": -1}),
        ("openai_responses", {"input_tokens": 3}),
        ("anthropic_messages", {"service_tier": "batch"}),
        ("anthropic_messages", {"input_tokens": 100, "cache_read_input_tokens": -1}),
        ("gemini", {"trafficType": "ON_DEMAND"}),
        ("gemini", {"promptTokenCount": 5, "toolUsePromptTokenCount": -1}),
    ],
)
def test_counts_that_are_missing_or_make_no_sense_are_no_usage(dialect: str, members: dict[str, object]) -> None:
    assert usage_of(dialect, members) is None


@pytest.mark.parametrize(("seen", "expected"), [(0, 2), (1, 2), (5, 5)])
def test_of_searches_that_are_counted_twice_the_more_count(seen: int, expected: int) -> None:
    members = {"input_tokens": 1, "output_tokens": 1, "server_tool_use": {"web_search_requests": 2}}
    found = usage_of("anthropic_messages", members, searches=seen)
    assert found is not None
    assert found.searches == expected


@pytest.mark.parametrize(
    ("tier", "expected"),
    [
        (None, None),
        ("default", None),
        ("auto", None),
        ("priority", "priority"),
        ("FLEX", "flex"),
        (7, None),
        ("x" * 99, None),
        ("a\nb", None),
    ],
)
def test_a_tier_is_kept_where_it_is_something_special(tier: object, expected: str | None) -> None:
    assert usage_of("openai_chat", {"prompt_tokens": 1}, tier=tier) == Usage(1, service_tier=expected)


def test_a_tier_that_the_answer_names_comes_before_that_of_its_usage() -> None:
    members = {"prompt_tokens": 1, "service_tier": "batch"}
    assert usage_of("openai_chat", members, tier="flex") == Usage(1, service_tier="flex")


@pytest.mark.parametrize("raw", [b"7", b"null", b"{", b"[]", b'{"a":"\xff"}'])
def test_what_is_no_object_has_no_members(raw: bytes) -> None:
    assert read_members(msgspec.Raw(raw)) is None


def test_every_dialect_has_a_row_for_both_wholes_and_each_path_once() -> None:
    for dialect, rows in TABLE.items():
        counts = {row.count for row in rows}
        wholes = {"input_tokens"} if dialect == "jina_rerank" else {"input_tokens", "output_tokens"}
        assert wholes <= counts, dialect
        assert len({row.path for row in rows}) == len(rows), dialect
