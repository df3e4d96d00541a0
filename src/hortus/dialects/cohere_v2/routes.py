"""Routes as Cohere lists models. https://docs.cohere.com/reference/list-models, recalled 2026-11."""

from __future__ import annotations

import msgspec

from hortus.canon.dialect import RouteCard


class _Model(msgspec.Struct):
    name: str
    endpoints: list[str]
    default_endpoints: list[str]
    finetuned: bool = False
    is_deprecated: bool = False


class _List(msgspec.Struct):
    models: list[_Model]


_ENCODE = msgspec.json.Encoder().encode


def write_routes(cards: tuple[RouteCard, ...]) -> bytes:
    """Return the answer to GET /v1/models: all on one page."""
    return _ENCODE(_List([_model(card) for card in cards]))


def write_route(card: RouteCard) -> bytes:
    """Return the answer to GET /v1/models/{route}."""
    return _ENCODE(_model(card))


def _model(card: RouteCard) -> _Model:
    return _Model(name=card.name, endpoints=["chat"], default_endpoints=[])
