"""What can a model do beside words, and which operations follow from it?"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

Feature = Literal[
    "tools",
    "structured_output",
    "reasoning",
    "vision",
    "embeddings",
    "rerank",
    "moderations",
    "ocr",
    "speech",
    "transcriptions",
    "images",
]

_ALONE = frozenset(("embeddings", "rerank", "moderations", "ocr", "speech", "transcriptions", "images"))
"""Features that are an operation; a model that has one does not chat."""


def operations_of(features: Iterable[Feature]) -> tuple[str, ...]:
    """Return what a model can be asked to do, in the gateway's words.

    >>> operations_of(("tools", "vision")), operations_of(("rerank",))
    (('chat',), ('rerank',))
    """
    return tuple(feature for feature in features if feature in _ALONE) or ("chat",)
