"""Routes as Bedrock lists foundation models."""

from __future__ import annotations

import msgspec

from hortus.canon.dialect import RouteCard

_ENCODE = msgspec.json.Encoder().encode


class _Model(msgspec.Struct, rename="camel"):
    model_id: str
    model_name: str
    provider_name: str
    input_modalities: tuple[str, ...] = ("TEXT",)
    output_modalities: tuple[str, ...] = ("TEXT",)
    response_streaming_supported: bool = True
    inference_types_supported: tuple[str, ...] = ("ON_DEMAND",)


def write_routes(cards: tuple[RouteCard, ...]) -> bytes:
    """Return the answer to ListFoundationModels."""
    return _ENCODE({"modelSummaries": [_model(card) for card in cards]})


def write_route(card: RouteCard) -> bytes:
    """Return the answer to GetFoundationModel."""
    return _ENCODE({"modelDetails": _model(card)})


def _model(card: RouteCard) -> _Model:
    return _Model(model_id=card.name, model_name=card.name, provider_name=card.owned_by)
