"""What does a request mean, whatever dialect it is written in? The canonical form of those operations that have one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

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
    match MEANS.get(operation):
        case "chat":
            brought = translation.chats
        case "embeddings":
            return translation.embeddings.read_request if translation.embeddings is not None else None
        case "count_tokens":
            return translation.token_count.read_request if translation.token_count is not None else None
        case "rerank":
            return translation.rerank.read_request if translation.rerank is not None else None
        case "moderations":
            return translation.moderations.read_request if translation.moderations is not None else None
        case _:
            return None
    return brought.read_request if brought is not None else None
