"""Routes as Google lists models. https://ai.google.dev/api/models, read 2026-11."""

from __future__ import annotations

import msgspec

from hortus.canon.dialect import RouteCard

_METHODS = ("generateContent", "countTokens", "embedContent", "batchEmbedContents")
"""What the paths below a model offer; which of them a route's model can do, its host says."""


class _Model(msgspec.Struct, rename="camel"):
    name: str
    version: str
    display_name: str
    description: str
    supported_generation_methods: tuple[str, ...] = _METHODS


class _List(msgspec.Struct):
    models: list[_Model]


_ENCODE = msgspec.json.Encoder().encode


def write_routes(cards: tuple[RouteCard, ...]) -> bytes:
    """Return the answer to GET /v1beta/models; all are on one page."""
    return _ENCODE(_List([_model(card) for card in cards]))


def write_route(card: RouteCard) -> bytes:
    """Return the answer to GET /v1beta/models/{route}."""
    return _ENCODE(_model(card))


def _model(card: RouteCard) -> _Model:
    return _Model(
        name=f"models/{card.name}", version="1", display_name=card.name, description=f"Route of {card.owned_by}."
    )
