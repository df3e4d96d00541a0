"""What does a request mean, whatever dialect it is written in? The canonical form of those operations that have one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from hortus.canon.dialect import Dialect
from hortus.canon.embeddings import EmbeddingsRequest
from hortus.canon.errors import Internal
from hortus.canon.request import Request
from hortus.canon.translation import Translation
from hortus.gateway.passage import Inquiry

Meaning = Literal["chat", "embeddings", "count_tokens"]

MEANS: Mapping[str, Meaning] = {
    "chat": "chat",
    "embeddings": "embeddings",
    "batch_embeddings": "embeddings",
    "count_tokens": "count_tokens",
}
"""What is asked, for each operation of a dialect."""


def translation_of(dialect: Dialect) -> Translation:
    """Return what a dialect brings; only asked of those that bring something."""
    if dialect.translation is None:
        raise Internal(f"The dialect {dialect.name} cannot be translated.")
    return dialect.translation


def has_meaning(operation: str, dialect: Dialect) -> bool:
    """Tell whether a dialect has a canonical form of one of its operations."""
    translation = dialect.translation
    if translation is None:
        return False
    match MEANS.get(operation):
        case "chat":
            return True
        case "embeddings":
            return translation.embeddings is not None
        case "count_tokens":
            return translation.token_count is not None
        case _:
            return False


def read_asked(inquiry: Inquiry) -> Request | EmbeddingsRequest:
    """Return what a client asks; `has_meaning` tells whether it can be known.

    Raises:
        CallerFault: The request cannot be understood.
    """
    translation = translation_of(inquiry.dialect)
    if MEANS[inquiry.operation.name] == "chat":
        return translation.chat.read_request(inquiry.body, inquiry.call)
    if MEANS[inquiry.operation.name] == "count_tokens" and translation.token_count is not None:
        return translation.token_count.read_request(inquiry.body, inquiry.call)
    if translation.embeddings is None:
        raise Internal(f"The dialect {inquiry.dialect.name} has no {inquiry.operation.name}.")
    return translation.embeddings.read_request(inquiry.body, inquiry.call)
