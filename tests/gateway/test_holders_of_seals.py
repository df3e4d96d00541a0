"""A request that brings marks of seals goes to the endpoint that gave them, on any route."""

from __future__ import annotations

import msgspec
from workplace import endpoint

from hortus.canon.dialect import Asked
from hortus.canon.translation import Call
from hortus.dialects.openai_chat import DIALECT
from hortus.gateway.passage import Inquiry
from hortus.gateway.sealing import marked_calls
from hortus.gateway.sticky import holder_first
from hortus.snapshot.resolved import Target

CALLS = [{"id": f"call_{number}_hsg", "type": "function"} for number in range(6)]


class Shelf:
    """Seals by project, endpoint and call."""

    def __init__(self, *kept: tuple[str, str, str]) -> None:
        self._kept = set(kept)

    def keep(self, project_id: str, endpoint: str, call_id: str, data: bytes) -> None:
        raise NotImplementedError

    def find(self, project_id: str, endpoint: str, call_id: str) -> bytes | None:
        return b"seal" if (project_id, endpoint, call_id) in self._kept else None


def inquiry(body: object) -> Inquiry:
    asked = Asked("r", is_stream=False, wants_usage=False, output_limit=None, members={})
    data = msgspec.json.encode(body)
    return Inquiry(DIALECT, DIALECT.operations[0], asked, data, Call(), receipt_id="rcp_1", project_id="p", now_s=1)


def order(body: object, shelf: Shelf) -> list[str]:
    targets = tuple(Target(endpoint(name, "http://h/v1", "m"), {}) for name in "abc")
    return [one.endpoint.name for one in holder_first(targets, inquiry(body), shelf)]


def test_the_latest_marked_calls_are_found_without_their_marks() -> None:
    body = msgspec.json.encode({"calls": CALLS, "text": "an _hsg of no call", "again": CALLS[:1]})
    assert marked_calls(body, most=3) == ["call_0", "call_5", "call_4"]


def test_the_endpoint_that_gave_the_seal_comes_first() -> None:
    assert order({"calls": CALLS}, Shelf(("p", "c", "call_5"))) == ["c", "a", "b"]


def test_of_two_the_one_that_gave_the_latest_comes_first() -> None:
    assert order({"calls": CALLS}, Shelf(("p", "c", "call_4"), ("p", "b", "call_5"))) == ["b", "a", "c"]


def test_another_projects_seals_move_nothing() -> None:
    assert order({"calls": CALLS}, Shelf(("other", "c", "call_5"))) == ["a", "b", "c"]


def test_without_marks_nothing_is_looked_up() -> None:
    assert order({"calls": [{"id": "call_5"}]}, Shelf(("p", "c", "call_5"))) == ["a", "b", "c"]
