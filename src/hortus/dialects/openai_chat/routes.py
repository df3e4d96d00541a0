"""Routes as OpenAI lists models."""

from __future__ import annotations

import msgspec

from hortus.canon.dialect import RouteCard


class _Model(msgspec.Struct):
    id: str
    created: int
    owned_by: str
    object: str = "model"


class _List(msgspec.Struct):
    data: list[_Model]
    object: str = "list"


_ENCODE = msgspec.json.Encoder().encode


def write_routes(cards: tuple[RouteCard, ...]) -> bytes:
    """Return the answer to GET /v1/models."""
    return _ENCODE(_List([_model(card) for card in cards]))


def write_route(card: RouteCard) -> bytes:
    """Return the answer to GET /v1/models/{route}."""
    return _ENCODE(_model(card))


def _model(card: RouteCard) -> _Model:
    return _Model(id=card.name, created=card.created_at_s, owned_by=card.owned_by)
