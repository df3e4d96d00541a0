"""Routes as Mistral lists models."""

from __future__ import annotations

import msgspec

from hortus.canon.dialect import RouteCard


class _Capabilities(msgspec.Struct):
    """What Mistral says that a model can do; of a route, only that it is asked as a chat is known here."""

    completion_chat: bool = True
    function_calling: bool = True
    completion_fim: bool = False
    fine_tuning: bool = False
    vision: bool = False


class _Model(msgspec.Struct):
    id: str
    created: int
    owned_by: str
    name: str
    object: str = "model"
    capabilities: _Capabilities = msgspec.field(default_factory=_Capabilities)
    aliases: tuple[str, ...] = ()
    type: str = "base"


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
    return _Model(id=card.name, name=card.name, created=card.created_at_s, owned_by=card.owned_by)
