"""Which models does a host list? Reads the answers of makers' list calls; no I/O."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from types import MappingProxyType
from typing import Final

import msgspec

from hortus.base.errors import HortusError
from hortus.catalog.hostlists import ListShape

GEMINI_PREFIX = "models/"

_END_OF_CALENDAR_S = 253_402_300_800
"""The first instant of the year 10000."""


class ListingError(HortusError):
    """A host's answer to the list call is not of the shape that its row promises."""

    code = "listing_unreadable"


class Listed(msgspec.Struct, frozen=True, omit_defaults=True):
    """A model as a host lists it.

    Attributes:
        ends: Day on which the host says that it will stop serving the model.
        model: What its maker calls it, where `name` is the account's own.
        operations: What it can do, in the gateway's words; empty where the host does not say.
        facts: What decides its place, as an endpoint's `facts`.
        why_not: Why it is there and of no use by this name, such as `legacy`.
    """

    name: str
    maker: str | None = None
    title: str | None = None
    created: date | None = None
    ends: date | None = None
    context_tokens: int | None = None
    output_tokens: int | None = None
    model: str | None = None
    operations: tuple[str, ...] = ()
    facts: dict[str, str] = {}
    why_not: str | None = None


class Listing(msgspec.Struct, frozen=True):
    """One answer; where it is only a page of more, nothing can be said about what is missing.

    Attributes:
        next_page: Name and value of what is added to the address for the next page.
        region: Where the account lies, where the host says it.
    """

    entries: tuple[Listed, ...]
    is_complete: bool
    next_page: tuple[str, str] | None = None
    region: str | None = None


Reader = Callable[[bytes], Listing]


class _OpenAiEntry(msgspec.Struct):
    id: str
    created: float | None = None
    owned_by: str | None = None
    name: str | None = None
    display_name: str | None = None
    shutdown_date: date | None = None
    context_length: int | None = None
    context_window: int | None = None
    max_model_len: int | None = None
    max_context_length: int | None = None
    max_completion_tokens: int | None = None


class _OpenAiList(msgspec.Struct):
    data: list[_OpenAiEntry]
    has_more: bool = False


class _AnthropicEntry(msgspec.Struct):
    id: str
    display_name: str | None = None
    created_at: datetime | None = None
    max_input_tokens: int | None = None
    max_tokens: int | None = None


class _AnthropicList(msgspec.Struct):
    data: list[_AnthropicEntry]
    has_more: bool = False


class _GeminiEntry(msgspec.Struct, rename="camel"):
    name: str
    display_name: str | None = None
    input_token_limit: int | None = None
    output_token_limit: int | None = None
    supported_generation_methods: tuple[str, ...] = ()


class _GeminiList(msgspec.Struct, rename="camel"):
    models: list[_GeminiEntry]
    next_page_token: str | None = None


class _MistralEntry(msgspec.Struct):
    id: str
    created: float | None = None
    owned_by: str | None = None
    name: str | None = None
    deprecation: datetime | None = None
    max_context_length: int | None = None
    capabilities: dict[str, bool | None] = {}


class _MistralList(msgspec.Struct):
    data: list[_MistralEntry]


class _CohereEntry(msgspec.Struct):
    name: str
    is_deprecated: bool | None = None
    endpoints: tuple[str, ...] | None = None
    context_length: float | None = None


class _CohereList(msgspec.Struct):
    models: list[_CohereEntry]
    next_page_token: str | None = None


_MISTRAL_WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "completion_chat": "chat",
        "completion_fim": "fim",
        "ocr": "ocr",
        "moderation": "moderations",
        "audio_transcription": "transcriptions",
        "audio_speech": "speech",
    }
)
"""Capability -> what it is here. https://docs.mistral.ai/api (its description of the interface), read 2026-11."""

_COHERE_WORDS: Final[Mapping[str, str]] = MappingProxyType({"chat": "chat", "embed": "embeddings", "rerank": "rerank"})
"""Endpoint -> what it is here. https://docs.cohere.com/reference/list-models by the maker's client, read 2026-11."""

_GEMINI_WORDS: Final[Mapping[str, str]] = MappingProxyType({"generateContent": "chat", "embedContent": "embeddings"})
"""Method -> what it is here. https://ai.google.dev/api/models, recalled 2026-11."""


def words_of(said: Mapping[str, str], names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the gateway's words for a host's names of what a model can do, each once; unknown names are left out."""
    return tuple(dict.fromkeys(said[name] for name in names if name in said))


def read_openai(body: bytes) -> Listing:
    """Read OpenAI's list, which most hosts have, some as a bare array."""
    answer = msgspec.json.decode(body, type=_OpenAiList | list[_OpenAiEntry])
    entries = answer if isinstance(answer, list) else answer.data
    return Listing(
        entries=tuple(_from_openai(entry) for entry in entries),
        is_complete=isinstance(answer, list) or not answer.has_more,
    )


def _from_openai(entry: _OpenAiEntry) -> Listed:
    sizes = (entry.context_length, entry.context_window, entry.max_model_len, entry.max_context_length)
    return Listed(
        name=entry.id,
        maker=entry.owned_by,
        title=entry.display_name or entry.name,
        created=_day_of(entry.created),
        ends=entry.shutdown_date,
        context_tokens=next((size for size in sizes if size), None),
        output_tokens=entry.max_completion_tokens or None,
    )


def _day_of(created_s: float | None) -> date | None:
    """Return the day of an instant; None where no calendar has it, such as milliseconds."""
    if created_s is None or not 0 < created_s < _END_OF_CALENDAR_S:
        return None
    return datetime.fromtimestamp(created_s, tz=UTC).date()


def read_anthropic(body: bytes) -> Listing:
    """Read Anthropic's list."""
    answer = msgspec.json.decode(body, type=_AnthropicList)
    entries = tuple(
        Listed(
            name=entry.id,
            maker="anthropic",
            title=entry.display_name,
            created=entry.created_at.date() if entry.created_at else None,
            context_tokens=entry.max_input_tokens,
            output_tokens=entry.max_tokens,
        )
        for entry in answer.data
    )
    return Listing(entries=entries, is_complete=not answer.has_more)


def read_gemini(body: bytes) -> Listing:
    """Read Google's list of its Gemini API."""
    answer = msgspec.json.decode(body, type=_GeminiList)
    entries = tuple(
        Listed(
            name=entry.name.removeprefix(GEMINI_PREFIX),
            maker="google",
            title=entry.display_name,
            context_tokens=entry.input_token_limit,
            output_tokens=entry.output_token_limit,
            operations=words_of(_GEMINI_WORDS, entry.supported_generation_methods),
        )
        for entry in answer.models
    )
    return Listing(entries, not answer.next_page_token, next_page=page("pageToken", answer.next_page_token))


def read_mistral(body: bytes) -> Listing:
    """Read Mistral's list: OpenAI's, with capabilities."""
    entries = tuple(
        Listed(
            name=entry.id,
            maker=entry.owned_by,
            title=entry.name,
            created=_day_of(entry.created),
            ends=entry.deprecation.date() if entry.deprecation else None,
            context_tokens=entry.max_context_length or None,
            operations=words_of(_MISTRAL_WORDS, tuple(name for name, can in entry.capabilities.items() if can)),
        )
        for entry in msgspec.json.decode(body, type=_MistralList).data
    )
    return Listing(entries=entries, is_complete=True)


def read_cohere(body: bytes) -> Listing:
    """Read Cohere's list."""
    answer = msgspec.json.decode(body, type=_CohereList)
    entries = tuple(
        Listed(
            name=entry.name,
            maker="cohere",
            context_tokens=int(entry.context_length) if entry.context_length else None,
            operations=words_of(_COHERE_WORDS, entry.endpoints or ()),
            why_not="the host has deprecated it" if entry.is_deprecated else None,
        )
        for entry in answer.models
    )
    return Listing(entries, not answer.next_page_token, next_page=page("page_token", answer.next_page_token))


def page(name: str, value: str | None) -> tuple[str, str] | None:
    """Return how the next page is asked for, None where there is none."""
    return (name, value) if value else None


MAKERS: Final[Mapping[ListShape, Reader]] = MappingProxyType(
    {
        "openai": read_openai,
        "anthropic": read_anthropic,
        "gemini": read_gemini,
        "mistral": read_mistral,
        "cohere": read_cohere,
    }
)
"""Shapes of makers' own lists; those of clouds are in `cloudlistings.py`."""


def bare(name: str) -> str:
    """Return a listed name as it is compared: without what every entry of Google's begins with, in small letters."""
    return name.removeprefix(GEMINI_PREFIX).lower()
