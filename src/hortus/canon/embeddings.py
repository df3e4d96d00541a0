"""What is asked of a model that makes vectors, and what does it answer? For every dialect that has embeddings."""

from __future__ import annotations

import msgspec

from hortus.canon.nodes import Node
from hortus.canon.usage import Usage


class EmbeddingsInput(Node, frozen=True, tag="embeddings_input"):
    """One text, or the token ids of one."""

    text: str | None = None
    tokens: tuple[int, ...] = ()


class EmbeddingsRequest(Node, frozen=True, tag="embeddings_request"):
    """Vectors are wanted for texts.

    Attributes:
        dimensions: Length of the vectors.
        task: What for, in the field's words (`RETRIEVAL_QUERY`, …).
        title: Of the document that is embedded.
        encoding: `float` or `base64` (little-endian float32), how the vectors are written in the answer.
        user: As in a chat.
    """

    model: str
    inputs: tuple[EmbeddingsInput, ...]
    dimensions: int | None = None
    task: str | None = None
    title: str | None = None
    encoding: str | None = None
    user: str | None = None


class EmbeddingsResponse(Node, frozen=True, tag="embeddings_response"):
    """Vectors, in the order of the inputs; each a JSON array of numbers, byte for byte."""

    vectors: tuple[msgspec.Raw, ...]
    model: str = ""
    usage: Usage | None = None
