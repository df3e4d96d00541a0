"""Acts: what differs between two states of an object, in words, without secrets; and who is acting."""

from __future__ import annotations

import asyncio

import pytest

from hortus.access.acts import HIDDEN, Actor, FieldChange, acting, actor, change_of, compare


def test_only_what_differs_is_named_from_what_to_what() -> None:
    changes = compare({"name": "a", "routes": ["x"], "loss": "strict"}, {"name": "a", "routes": ["y"], "origin": "api"})
    assert changes == (
        FieldChange("routes", '["x"]', '["y"]'),
        FieldChange("loss", '"strict"', None),
        FieldChange("origin", None, '"api"'),
    )


def test_an_address_with_a_password_is_hidden() -> None:
    (change,) = compare({"base_url": None}, {"base_url": "https://me:secret@host.example/v1"})
    assert change.after == HIDDEN
    (mapped,) = compare({}, {"base_url": {"openai_chat": "https://me:secret@host.example/v1"}})
    assert mapped.after == HIDDEN


@pytest.mark.parametrize(
    ("before", "after", "word"),
    [
        ({}, {"name": "a"}, "create"),
        ({"retired_at_ms": None}, {"retired_at_ms": 5}, "retire"),
        ({"retired_at_ms": 5}, {"retired_at_ms": None}, "restore"),
        ({"revoked_at_ms": None}, {"revoked_at_ms": 5}, "revoke"),
        ({"name": "a"}, {"name": "b"}, "replace"),
    ],
)
def test_each_change_has_its_word(before: dict[str, object], after: dict[str, object], word: str) -> None:
    assert change_of(before, after) == word


def test_who_acts_is_known_inside_and_forgotten_after() -> None:
    first = actor()
    with acting("admin-token"), acting(operation="keys.create"):
        assert actor() == Actor("admin-token", "keys.create")
    assert actor() == first


async def test_who_acts_is_known_in_threads_and_never_mixed_up() -> None:
    async def act(by: str) -> str:
        with acting(by):
            await asyncio.sleep(0)
            return (await asyncio.to_thread(actor)).by

    assert await asyncio.gather(act("socket"), act("file")) == ["socket", "file"]
