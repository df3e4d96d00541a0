"""Rankings as Jina wrote them first and llama.cpp, vLLM, Together and others do too.

https://jina.ai/reranker and https://docs.vllm.ai, recalled 2026-11; llama.cpp's from recordings.
"""

from __future__ import annotations

import msgspec
from msgspec import UNSET, Raw, UnsetType

NAME = "jina_rerank"


class Wire(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What all have in common."""


class TextDocument(Wire, frozen=True):
    """A text in an object; objects of other members are read as they are."""

    text: str


class Body(Wire, frozen=True):
    """POST /v1/rerank."""

    model: str
    query: str
    documents: list[Raw]
    top_n: int | UnsetType | None = UNSET
    return_documents: bool | UnsetType | None = UNSET
    max_tokens_per_doc: int | UnsetType | None = UNSET


class Result(Wire, frozen=True):
    """One document's place."""

    index: int
    relevance_score: Raw
    document: Raw | UnsetType = UNSET


class Answer(Wire, frozen=True):
    """The answer; some hosts name it by an id, Cohere's first version has `meta` in place of `usage`."""

    results: list[Raw]
    object: Raw | UnsetType = UNSET
    id: str | UnsetType | None = UNSET
    model: str | UnsetType | None = UNSET
    usage: Raw | UnsetType = UNSET
