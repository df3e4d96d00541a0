"""What dialects share whose answers all come whole."""

from __future__ import annotations

import msgspec
import pytest

from hortus.canon.dialect import RouteCard
from hortus.canon.errors import Internal, InvalidRequest
from hortus.framing import plain


def test_there_are_no_streams() -> None:
    with pytest.raises(Internal):
        plain.no_stream(True)  # noqa: FBT003 -- the record's own signature


def test_there_are_no_lists_of_models() -> None:
    card = RouteCard("r", owned_by="a", created_at_s=1)
    assert msgspec.json.decode(plain.no_routes((card,))) == {"object": "list", "data": []}
    assert msgspec.json.decode(plain.no_route(card)) == {}


def test_an_error_is_openai_s_object() -> None:
    written = msgspec.json.decode(plain.write_error(InvalidRequest("no", path="input"), "rcp_1"))
    assert (written["error"]["message"], written["error"]["param"]) == ("no", "input")
