"""Who is behind a request, in the places that each dialect has for it."""

from __future__ import annotations

import msgspec
import pytest

from hortus.framing.shallow import read_members
from hortus.gateway.subjects import subjects_of


@pytest.mark.parametrize(
    ("dialect", "body", "expected"),
    [
        ("openai_chat", {"user": "u-1"}, ("u-1",)),
        ("openai_responses", {"user": "u-1", "safety_identifier": "s-1"}, ("s-1", "u-1")),
        ("openai_responses", {"user": "u-1", "safety_identifier": "u-1"}, ("u-1",)),
        ("openai_chat", {"metadata": {"user_id": "m-1"}}, ("m-1",)),
        ("anthropic_messages", {"metadata": {"user_id": "a-1"}, "user": "no place here"}, ("a-1",)),
        ("gemini", {"labels": {"user_id": "g-1"}}, ("g-1",)),
        ("openai_chat", {"user": 42}, ("42",)),
        ("openai_chat", {"user": None, "metadata": None}, ()),
        ("openai_chat", {"user": ["u"], "metadata": "m"}, ()),
        ("openai_chat", {"user": ""}, ()),
        ("openai_chat", {"user": "u" * 2000}, ("u" * 1024,)),
        ("another", {"user": "u-1"}, ()),
    ],
)
def test_each_dialect_names_people_in_its_own_places(
    dialect: str, body: dict[str, object], expected: tuple[str, ...]
) -> None:
    assert subjects_of(dialect, read_members(msgspec.json.encode(body))) == expected
