"""What is asked of a model that ranks documents by a question, and what does it answer?"""

from __future__ import annotations

import msgspec

from hortus.canon.nodes import Node
from hortus.canon.usage import Usage


class RerankDocument(Node, frozen=True, tag="rerank_document"):
    """A text, or an object of which a model reads several members; one of the two."""

    text: str | None = None
    fields: msgspec.Raw | None = None


class RerankRequest(Node, frozen=True, tag="rerank_request"):
    """Documents are to be put in the order of what they say to a question.

    Attributes:
        top_n: How many of the best are wanted; None: all.
        returns_documents: Whether the answer is to hold the documents too; None: it does not say.
        max_document_tokens: So much of a document is read at most.
    """

    model: str
    query: str
    documents: tuple[RerankDocument, ...]
    top_n: int | None = None
    returns_documents: bool | None = None
    max_document_tokens: int | None = None


class RerankResult(Node, frozen=True, tag="rerank_result"):
    """One document's place in the order.

    Attributes:
        index: Which document of the request.
        score: A JSON number, byte for byte; of one answer only, for models measure on scales of their own.
        document: As the host gave it back.
    """

    index: int
    score: msgspec.Raw
    document: RerankDocument | None = None


class RerankResponse(Node, frozen=True, tag="rerank_response"):
    """Results, the best first."""

    results: tuple[RerankResult, ...]
    id: str = ""
    model: str = ""
    usage: Usage | None = None
