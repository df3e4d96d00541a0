"""What the gateway must know of requests and answers that stay in this dialect."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from msgspec import Raw

from hortus.canon.dialect import Answer, Asked, Operation
from hortus.canon.units import Unit, Units
from hortus.canon.usage import Usage
from hortus.dialects.openai_moderations.wire import USUAL_MODEL
from hortus.framing.asking import name_route
from hortus.framing.counting import UNREADABLE, read_served_model
from hortus.framing.plain import ask
from hortus.framing.shallow import read_members
from hortus.framing.weighing import by_type, count_parts, marks_of

_PARTS: Mapping[str, Unit] = {"image_url": "image"}
_MARKS, _JUDGE = marks_of(_PARTS), by_type(_PARTS)


class _Head(msgspec.Struct):
    model: Raw = Raw(b"null")


_DECODE = msgspec.json.Decoder(_Head).decode


def read_request(operation: Operation, body: bytes, route: str | None = None) -> Asked:
    """Read the route out of a request; one that names no model asks for OpenAI's usual one.

    Raises:
        NotJson: The body is not a JSON object.
        InvalidRequest: `model` is no text.
    """
    del operation
    members = read_members(body)
    said = members.get("model")
    if route is None and (said is None or bytes(said) == b"null"):
        route = USUAL_MODEL
    return ask(name_route(members, route))


def read_answer(operation: Operation, body: bytes, input_bytes: int) -> Answer:
    """Return who has judged; OpenAI charges nothing for it, and reports no usage."""
    del operation, input_bytes
    try:
        model = _DECODE(body).model
    except UNREADABLE:
        model = Raw(b"null")
    return Answer(usage=Usage(), served_model=read_served_model(model))


def weigh(operation: Operation, asked: Asked, body: bytes) -> Units:
    """Return what the request may use: pictures; it makes no words."""
    del operation, asked
    return Units(output_tokens=0, images=count_parts(body, _MARKS, _JUDGE)["image"])
