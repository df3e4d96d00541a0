"""Routes as Anthropic lists models."""

from __future__ import annotations

import msgspec

from hortus.base.time import format_utc
from hortus.canon.dialect import RouteCard


class _Model(msgspec.Struct):
    id: str
    display_name: str
    created_at: str
    type: str = "model"
    max_input_tokens: int | None = None
    max_tokens: int | None = None
    capabilities: None = None


class _List(msgspec.Struct):
    data: list[_Model]
    first_id: str | None
    last_id: str | None
    has_more: bool = False


_ENCODE = msgspec.json.Encoder().encode


def write_routes(cards: tuple[RouteCard, ...]) -> bytes:
    """Return the answer to GET /v1/models: all on one page."""
    models = [_model(card) for card in cards]
    first, last = (models[0].id, models[-1].id) if models else (None, None)
    return _ENCODE(_List(models, first_id=first, last_id=last))


def write_route(card: RouteCard) -> bytes:
    """Return the answer to GET /v1/models/{route}."""
    return _ENCODE(_model(card))


def _model(card: RouteCard) -> _Model:
    return _Model(id=card.name, display_name=card.name, created_at=format_utc(card.created_at_s * 1000))
