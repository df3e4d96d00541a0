"""What does a request mean, whatever dialect it is written in? The canonical form of those operations that have one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, Protocol

from hortus.canon.dialect import Dialect
from hortus.canon.embeddings import EmbeddingsRequest
from hortus.canon.errors import Internal
from hortus.canon.moderation import ModerationRequest
from hortus.canon.request import Request
from hortus.canon.rerank import RerankRequest
from hortus.canon.translation import Call, Translation
from hortus.gateway.passage import Inquiry

Meaning = Literal["chat", "embeddings", "count_tokens", "rerank", "moderations"]

MEANS: Mapping[str, Meaning] = {
    "chat": "chat",
    "embeddings": "embeddings",
    "batch_embeddings": "embeddings",
    "count_tokens": "count_tokens",
    "rerank": "rerank",
    "moderations": "moderations",
    "chat_moderations": "moderations",
}
"""What is asked, for each operation of a dialect."""

Meant = Request | EmbeddingsRequest | RerankRequest | ModerationRequest
"""A request in canonical form."""

_Read = Callable[[bytes, Call], Meant]


class _Reading(Protocol):
    @property
    def read_request(self) -> _Read: ...


def translation_of(dialect: Dialect) -> Translation:
    """Return what a dialect brings; only asked of those that bring something."""
    if dialect.translation is None:
        raise Internal(f"The dialect {dialect.name} cannot be translated.")
    return dialect.translation


def has_meaning(operation: str, dialect: Dialect) -> bool:
    """Tell whether a dialect has a canonical form of one of its operations."""
    translation = dialect.translation
    return translation is not None and _reader_of(operation, translation) is not None


def read_asked(inquiry: Inquiry) -> Meant:
    """Return what a client asks; `has_meaning` tells whether it can be known.

    Raises:
        CallerFault: The request cannot be understood.
    """
    read = _reader_of(inquiry.operation.name, translation_of(inquiry.dialect))
    if read is None:
        raise Internal(f"The dialect {inquiry.dialect.name} has no {inquiry.operation.name}.")
    return read(inquiry.body, inquiry.call)


def _reader_of(operation: str, translation: Translation) -> _Read | None:
    brought: Mapping[Meaning, _Reading | None] = {
        "chat": translation.chats,
        "embeddings": translation.embeddings,
        "count_tokens": translation.token_count,
        "rerank": translation.rerank,
        "moderations": translation.moderations,
    }
    meaning = MEANS.get(operation)
    found = brought[meaning] if meaning is not None else None
    return found.read_request if found is not None else None
