"""How does each dialect count what was used? One table, and the one reader of it.

A row says which count a member holds, and whether that stands inside the whole that another member holds already
(OpenAI: cached tokens inside the input) or beside it, so that the whole is their sum (Anthropic: cached tokens beside
the input; Google: thoughts beside the answer). Hosts that depart from their dialect have rows of their own in it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

import msgspec

from hortus.canon.usage import Usage
from hortus.framing.counting import MOST_TOKENS, UNREADABLE, part_of

Whole = Literal["input_tokens", "output_tokens"]
Count = Literal[
    "input_tokens",
    "output_tokens",
    "total",
    "cached_input_tokens",
    "reasoning_tokens",
    "cache_write_tokens",
    "cache_write_long_tokens",
    "input_audio_tokens",
    "cached_audio_tokens",
    "output_audio_tokens",
    "input_image_tokens",
    "output_image_tokens",
    "searches",
    "images",
    "seconds",
    "pages",
    "characters",
    "search_units",
]
Word = Literal["service_tier", "region"]


class Row(msgspec.Struct, frozen=True):
    """What one member means.

    Attributes:
        path: Where it stands, from the usage object; `NAME[KIND]` for the `tokenCount` of a modality in a list.
        count: What it holds: a member of `Usage`, or `total`: input and output together. Where the total is more than
            both, something stands beside them: sound beside the input where that makes up the difference (Mistral),
            else reasoning beside the output (xAI, Google), which then is what the total has beyond the input.
        beside: The whole that it is to be added to, because the host counts it apart; None: it is inside already.
        is_spelling: Another name for what another row holds too, so that only the larger counts; else all rows of one
            count add up.
    """

    path: str
    count: Count | Word
    beside: Whole | None = None
    is_spelling: bool = False


def _again(path: str, count: Count | Word) -> Row:
    return Row(path, count, is_spelling=True)


TABLE: Mapping[str, tuple[Row, ...]] = MappingProxyType(
    {
        # https://developers.openai.com/api/reference/resources/chat, read 2026-11; the others from recordings
        "openai_chat": (
            Row("prompt_tokens", "input_tokens"),
            Row("completion_tokens", "output_tokens"),
            Row("total_tokens", "total"),
            _again("prompt_tokens_details.cached_tokens", "cached_input_tokens"),
            _again("prompt_cache_hit_tokens", "cached_input_tokens"),  # DeepSeek
            _again("num_cached_tokens", "cached_input_tokens"),  # Mistral
            _again("cached_tokens", "cached_input_tokens"),  # Together, Hugging Face
            Row("prompt_tokens_details.cache_write_tokens", "cache_write_tokens"),
            Row("prompt_tokens_details.audio_tokens", "input_audio_tokens"),
            Row("prompt_tokens_details.cached_tokens_details.audio_tokens", "cached_audio_tokens"),
            Row("prompt_tokens_details.image_tokens", "input_image_tokens"),
            _again("completion_tokens_details.reasoning_tokens", "reasoning_tokens"),
            _again("reasoning_tokens", "reasoning_tokens"),  # Azure AI Inference, Perplexity
            Row("completion_tokens_details.audio_tokens", "output_audio_tokens"),
            Row("completion_tokens_details.image_tokens", "output_image_tokens"),  # OpenRouter
            Row("num_search_queries", "searches"),  # Perplexity
            Row("server_side_tool_usage_details.web_search_calls", "searches"),  # xAI
            Row("server_side_tool_usage_details.x_search_calls", "searches"),  # xAI
            Row("prompt_audio_seconds", "seconds"),  # Mistral
            _again("service_tier", "service_tier"),  # Mistral; OpenAI says it of the whole answer
        ),
        # https://docs.mistral.ai/api, read 2026-11; details and `num_cached_tokens` from recordings
        "mistral": (
            Row("prompt_tokens", "input_tokens"),
            Row("completion_tokens", "output_tokens"),
            Row("total_tokens", "total"),
            _again("prompt_tokens_details.cached_tokens", "cached_input_tokens"),
            _again("num_cached_tokens", "cached_input_tokens"),
            Row("prompt_tokens_details.audio_tokens", "input_audio_tokens"),
            Row("prompt_audio_seconds", "seconds"),
            Row("pages_processed", "pages"),  # of `usage_info`, in what was read of documents
            _again("service_tier", "service_tier"),
        ),
        # https://developers.openai.com/api/reference/resources/responses, read 2026-11; xAI's from recordings
        "openai_responses": (
            Row("input_tokens", "input_tokens"),
            Row("output_tokens", "output_tokens"),
            Row("input_tokens_details.cached_tokens", "cached_input_tokens"),
            Row("input_tokens_details.cache_write_tokens", "cache_write_tokens"),
            Row("input_tokens_details.audio_tokens", "input_audio_tokens"),
            Row("input_tokens_details.image_tokens", "input_image_tokens"),
            Row("output_tokens_details.reasoning_tokens", "reasoning_tokens"),
            Row("output_tokens_details.audio_tokens", "output_audio_tokens"),
            Row("output_tokens_details.image_tokens", "output_image_tokens"),
            Row("server_side_tool_usage_details.web_search_calls", "searches"),  # xAI
            Row("server_side_tool_usage_details.x_search_calls", "searches"),  # xAI
        ),
        # https://platform.openai.com/docs/api-reference/realtime-server-events/response/done, recalled 2026-11
        "openai_realtime": (
            Row("input_tokens", "input_tokens"),
            Row("output_tokens", "output_tokens"),
            Row("input_token_details.cached_tokens", "cached_input_tokens"),
            Row("input_token_details.audio_tokens", "input_audio_tokens"),
            Row("input_token_details.image_tokens", "input_image_tokens"),
            Row("input_token_details.cached_tokens_details.audio_tokens", "cached_audio_tokens"),
            Row("output_token_details.audio_tokens", "output_audio_tokens"),
            Row("seconds", "seconds"),
        ),
        # https://platform.claude.com/docs/en/api/messages, read 2026-11
        "anthropic_messages": (
            Row("input_tokens", "input_tokens"),
            Row("output_tokens", "output_tokens"),
            Row("cache_read_input_tokens", "cached_input_tokens", beside="input_tokens"),
            Row("cache_creation_input_tokens", "cache_write_tokens", beside="input_tokens"),
            Row("cache_creation.ephemeral_1h_input_tokens", "cache_write_long_tokens"),
            Row("output_tokens_details.thinking_tokens", "reasoning_tokens"),
            Row("server_tool_use.web_search_requests", "searches"),
            _again("service_tier", "service_tier"),
            _again("speed", "service_tier"),
            Row("inference_geo", "region"),
        ),
        # https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_TokenUsage.html, read 2026-11
        "bedrock_converse": (
            Row("inputTokens", "input_tokens"),
            Row("outputTokens", "output_tokens"),
            Row("cacheReadInputTokens", "cached_input_tokens", beside="input_tokens"),
            Row("cacheWriteInputTokens", "cache_write_tokens", beside="input_tokens"),
            Row("cacheDetails.1h", "cache_write_long_tokens"),  # the dialect makes an object of Bedrock's list
        ),
        # From recordings: headers of answers, and the last piece of streams.
        "bedrock_invoke": (
            Row("inputTokenCount", "input_tokens"),
            Row("outputTokenCount", "output_tokens"),
            Row("cacheReadInputTokenCount", "cached_input_tokens", beside="input_tokens"),
            Row("cacheWriteInputTokenCount", "cache_write_tokens", beside="input_tokens"),
        ),
        # https://ai.google.dev/api/generate-content#UsageMetadata, read 2026-11
        "gemini": (
            Row("promptTokenCount", "input_tokens"),
            Row("toolUsePromptTokenCount", "input_tokens"),
            Row("candidatesTokenCount", "output_tokens"),
            Row("responseTokenCount", "output_tokens"),  # Live
            Row("thoughtsTokenCount", "reasoning_tokens", beside="output_tokens"),
            Row("cachedContentTokenCount", "cached_input_tokens"),
            Row("promptTokensDetails[AUDIO]", "input_audio_tokens"),
            Row("toolUsePromptTokensDetails[AUDIO]", "input_audio_tokens"),
            Row("promptTokenDetails[AUDIO]", "input_audio_tokens"),  # of vectors
            Row("promptTokenDetails[IMAGE]", "input_image_tokens"),  # of vectors
            Row("cacheTokensDetails[AUDIO]", "cached_audio_tokens"),
            Row("candidatesTokensDetails[AUDIO]", "output_audio_tokens"),
            Row("responseTokensDetails[AUDIO]", "output_audio_tokens"),  # Live
            Row("promptTokensDetails[IMAGE]", "input_image_tokens"),
            Row("toolUsePromptTokensDetails[IMAGE]", "input_image_tokens"),
            Row("candidatesTokensDetails[IMAGE]", "output_image_tokens"),
            _again("serviceTier", "service_tier"),
            _again("trafficType", "service_tier"),  # Google Cloud
        ),
        # https://docs.cohere.com/reference/chat, read 2026-11; of the two objects that it has, the one that is charged
        "cohere_v2": (
            Row("input_tokens", "input_tokens"),
            Row("output_tokens", "output_tokens"),
            Row("reasoning_tokens", "reasoning_tokens"),
            Row("cached_tokens", "cached_input_tokens"),
            Row("image_tokens", "input_image_tokens"),
            Row("search_units", "search_units"),
        ),
        # https://jina.ai/reranker, recalled 2026-11; llama.cpp's from recordings: all of it is input
        "jina_rerank": (
            _again("total_tokens", "input_tokens"),
            _again("prompt_tokens", "input_tokens"),
        ),
        # https://developers.openai.com/api/reference/resources/audio, recalled 2026-11: tokens, or seconds
        "openai_audio": (
            Row("input_tokens", "input_tokens"),
            Row("output_tokens", "output_tokens"),
            Row("total_tokens", "total"),
            Row("input_token_details.audio_tokens", "input_audio_tokens"),
            Row("seconds", "seconds"),
        ),
        # https://developers.openai.com/api/reference/resources/images, recalled 2026-11
        "openai_images": (
            Row("input_tokens", "input_tokens"),
            Row("output_tokens", "output_tokens"),
            Row("total_tokens", "total"),
            Row("input_tokens_details.image_tokens", "input_image_tokens"),
            Row("output_tokens_details.image_tokens", "output_image_tokens"),
        ),
    }
)
"""Dialect -> what its usage object holds."""

_NEEDED: Mapping[str, tuple[frozenset[str], ...]] = MappingProxyType(
    {
        "openai_chat": (frozenset({"input_tokens"}),),
        "mistral": (frozenset({"input_tokens"}), frozenset({"pages"})),
        "openai_responses": (frozenset({"input_tokens", "output_tokens"}),),
        "openai_realtime": (frozenset({"input_tokens"}), frozenset({"seconds"})),
        "anthropic_messages": (frozenset({"input_tokens"}), frozenset({"output_tokens"})),
        "bedrock_converse": (frozenset({"input_tokens"}), frozenset({"output_tokens"})),
        "bedrock_invoke": (frozenset({"input_tokens"}), frozenset({"output_tokens"})),
        "gemini": (frozenset({"input_tokens"}), frozenset({"output_tokens"})),
        "jina_rerank": (frozenset({"input_tokens"}),),
        "openai_audio": (frozenset({"input_tokens"}), frozenset({"seconds"})),
        "openai_images": (frozenset({"input_tokens"}), frozenset({"output_tokens"})),
        "cohere_v2": (frozenset({"input_tokens"}), frozenset({"output_tokens"}), frozenset({"search_units"})),
    }
)
"""Dialect -> counts of which it must have all of one set, or an object says nothing that could be charged."""

_USUAL = frozenset(
    ("auto", "default", "standard", "standard_only", "on_demand", "global", "not_available", "unspecified", "")
)
"""Words for a tier or place that is nothing special."""

_SAME_WORDS = MappingProxyType({"on_demand_priority": "priority", "on_demand_flex": "flex"})
"""Google Cloud's words for the tiers of others."""

_LONGEST_WORD = 40
_LONGEST_NUMBER = len(str(MOST_TOKENS))
_NONSENSE = -(10**18)
"""Whatever is added to this stays below nothing."""

_WORDS = frozenset(("service_tier", "region"))
_WHOLES = frozenset(("input_tokens", "output_tokens"))

Node = dict[str, "Node | Row"]


def _tree(rows: tuple[Row, ...]) -> Node:
    root: Node = {}
    for row in rows:
        node = root
        *above, name = row.path.replace("[", ".").rstrip("]").split(".")
        for step in above:
            inner = node.setdefault(step, {})
            assert isinstance(inner, dict)  # noqa: S101 -- a table with a member both object and number is a bug here
            node = inner
        node[name] = row
    return root


_TREES = MappingProxyType({dialect: _tree(rows) for dialect, rows in TABLE.items()})
_DECODE = msgspec.json.Decoder(dict[str, object]).decode


def read_members(raw: msgspec.Raw | bytes) -> dict[str, object] | None:
    """Return the members of a usage object, None where it is none."""
    try:
        return _DECODE(raw)
    except UNREADABLE:
        return None


def usage_of(dialect: str, members: Mapping[str, object], *, searches: int = 0, tier: object = None) -> Usage | None:
    """Return what a host's usage object means, None where it holds no counts or they make no sense.

    Args:
        dialect: Whose row of the table.
        members: The object's members, decoded.
        searches: Searches that were seen elsewhere in the answer; where the object counts them too, the more count.
        tier: The service tier that the answer names elsewhere.
    """
    counts: dict[str, int] = {}
    words: dict[str, str] = {}
    _gather(members, _TREES[dialect], counts=counts, words=words)
    if not any(needed <= counts.keys() for needed in _NEEDED[dialect]):
        return None
    wholes = _wholes(counts)
    if wholes is None:
        return None
    given, output = wholes
    cached = part_of(counts.pop("cached_input_tokens", 0), given)
    reasoning = part_of(counts.pop("reasoning_tokens", 0), output)
    if tier is not None and (word := _word(tier)) is not None:
        words["service_tier"] = word
    if not (counts or words or searches):  # nearly always
        return Usage(given, output, cached, reasoning)
    return _rare(Usage(given, output, cached, reasoning), counts, searches=searches, words=words)


def _wholes(counts: dict[str, int]) -> tuple[int, int] | None:
    """Take input and output out of the counts, None where they make no sense."""
    given, output, total = counts.pop("input_tokens", 0), counts.pop("output_tokens", 0), counts.pop("total", 0)
    if given < 0 or output < 0:
        return None
    beside = total - given - output
    if beside > 0 and beside == counts.get("input_audio_tokens"):
        given += beside
    elif beside > 0:
        output += beside
    return (given, output) if max(given, output) <= MOST_TOKENS else None


def _rare(usage: Usage, counts: dict[str, int], *, searches: int, words: dict[str, str]) -> Usage:
    """Return the usage with all that is seldom counted."""
    of = counts.get
    given, output, cached = usage.input_tokens, usage.output_tokens, usage.cached_input_tokens
    written, audio = part_of(of("cache_write_tokens"), given), part_of(of("input_audio_tokens"), given)
    return msgspec.structs.replace(
        usage,
        cache_write_tokens=written,
        cache_write_long_tokens=part_of(of("cache_write_long_tokens"), written),
        input_audio_tokens=audio,
        cached_audio_tokens=part_of(of("cached_audio_tokens"), min(cached, audio)),
        output_audio_tokens=part_of(of("output_audio_tokens"), output),
        input_image_tokens=part_of(of("input_image_tokens"), given),
        output_image_tokens=part_of(of("output_image_tokens"), output),
        searches=part_of(max(of("searches", 0), searches), MOST_TOKENS),
        seconds=part_of(of("seconds"), MOST_TOKENS),
        pages=part_of(of("pages"), MOST_TOKENS),
        characters=part_of(of("characters"), MOST_TOKENS),
        search_units=part_of(of("search_units"), MOST_TOKENS),
        service_tier=words.get("service_tier"),
        region=words.get("region"),
    )


def _gather(
    members: Mapping[str, object], tree: Mapping[str, Node | Row], *, counts: dict[str, int], words: dict[str, str]
) -> None:
    for name, value in members.items():
        found = tree.get(name)
        if found is None or value is None:
            continue
        if type(found) is Row:
            _note(found, value, counts=counts, words=words)
        elif isinstance(found, dict):
            inner = _by_modality(value) if isinstance(value, list) else value
            if isinstance(inner, dict):
                _gather(inner, found, counts=counts, words=words)


def _note(row: Row, value: object, *, counts: dict[str, int], words: dict[str, str]) -> None:
    count = row.count
    if count in _WORDS:
        word = _word(value)
        words |= {count: word} if word is not None else {}
        return
    number = value if type(value) is int and value > 0 else _read_number(row, value)
    if number is None:
        return
    if count in counts:
        counts[count] = max(number, counts[count]) if row.is_spelling else number + counts[count]
    else:
        counts[count] = number
    if row.beside is not None:
        counts[row.beside] = counts.get(row.beside, 0) + number


def _read_number(row: Row, value: object) -> int | None:
    """Return a number that is worth adding: a part that is nothing is not."""
    number = _number(value)
    if isinstance(number, float):
        number = math.ceil(number) if row.count == "seconds" else None
    return number if number or row.count in _WHOLES else None


def _number(value: object) -> float | None:
    """Return a number of any spelling, what makes no sense as one that spoils its sum; None where it is none."""
    if type(value) is int or isinstance(value, float):  # true and false are none
        sane = value if 0 <= value <= MOST_TOKENS else _NONSENSE
        return int(sane) if sane == int(sane) else sane
    if isinstance(value, str):  # 64-bit numbers are strings in Google's JSON
        return int(value) if value.isascii() and value.isdecimal() and len(value) < _LONGEST_NUMBER else None
    return None


def _by_modality(items: list[object]) -> dict[str, object]:
    """Return Google's list of modalities as an object."""
    found: dict[str, object] = {}
    for item in items:
        if isinstance(item, dict) and isinstance(modality := item.get("modality"), str):
            found[modality] = (_number(found.get(modality)) or 0) + (_number(item.get("tokenCount")) or 0)
    return found


def _word(value: object) -> str | None:
    """Return a tier or place that is something special, None for the usual one."""
    if not isinstance(value, str) or len(value) > _LONGEST_WORD or not value.isascii() or not value.isprintable():
        return None
    word = value.lower()
    return None if word in _USUAL else _SAME_WORDS.get(word, word)
