"""Files come in as forms and go to one host: what it keeps is the project's, and its bytes come back as they are."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from keeping import OTHERS_KEY, Place, keeping

from framing.forms import CONTENT_TYPE, field, file, form
from hortus.policy.facts import Facts
from hortus.policy.rules import Policy

IBAN = "DE89370400440532013000"
TEXT = bytes(range(256)) * 40


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with keeping(tmp_path / "one", "a") as one:
        yield one


@pytest.fixture
async def two(tmp_path: Path) -> AsyncIterator[Place]:
    async with keeping(tmp_path / "two", "a", "b") as both:
        yield both


def brought(content: bytes, *fields: bytes, purpose: bytes = b"user_data") -> bytes:
    return form(field("purpose", purpose), *fields, file("file", content))


async def bring(place: Place, body: bytes, path: str = "/v1/files", **more: object) -> object:
    headers = [(b"content-type", CONTENT_TYPE), *more.pop("headers", [])]
    return await place.send("POST", path, body, headers=headers, **more)


async def test_a_file_goes_to_the_host_as_it_came_and_is_the_projects(place: Place) -> None:
    body = brought(TEXT)
    made = await bring(place, body)
    assert made.status == 200, made.body
    assert place.keeping["a"].seen[-1].body == body
    assert place.kept.owner("file", made.json["id"]).project_id == "prj_1"


async def test_its_content_comes_back_byte_for_byte(place: Place) -> None:
    made = await bring(place, brought(TEXT))
    got = await place.send("GET", f"/v1/files/{made.json['id']}/content")
    receipt = place.journal.receipt(got.receipt_id)
    assert (got.status, got.body) == (200, TEXT)
    assert (receipt.operation, receipt.status, receipt.cost) == ("file_content", "completed", None)


async def test_the_content_of_anothers_file_is_not_there(place: Place) -> None:
    made = await bring(place, brought(TEXT))
    before = len(place.keeping["a"].seen)
    refused = await place.send("GET", f"/v1/files/{made.json['id']}/content", key=OTHERS_KEY)
    assert (refused.status, len(place.keeping["a"].seen)) == (404, before)


@pytest.mark.parametrize("nth", [0, 1, 2])
async def test_the_field_that_names_the_route_goes_to_no_host(two: Place, nth: int) -> None:
    parts = [field("purpose", b"user_data"), file("file", TEXT)]
    without = form(*parts)
    parts.insert(nth, field("hortus-model", b"to-b"))
    made = await bring(two, form(*parts))
    assert made.status == 200, made.body
    assert two.keeping["b"].seen[-1].body == without
    assert two.kept.owner("file", made.json["id"]).endpoint == "b"


async def test_where_there_is_a_choice_nothing_is_sent(two: Place) -> None:
    refused = await bring(two, brought(TEXT))
    assert (refused.status, two.keeping["a"].seen, two.keeping["b"].seen) == (400, [], [])


@pytest.mark.parametrize(
    "parts",
    [
        [file("file", b"x")],
        [field("purpose", b"user_data")],
        [field("purpose", b"user_data"), file("document", b"x")],
        [field("purpose", b"user_data"), file("file", b"x"), file("file", b"y")],
        [field("purpose", b" batch"), file("file", b"x")],
        [field("purpose", b"Batch"), file("file", b"x")],
        [field("purpose", b"user_data"), field("purpose", b"batch"), file("file", b"x")],
        [field("Purpose", b"batch"), file("file", b"x")],
        [field("hortus-model", b"to-a"), field("hortus-model", b"to-b"), field("purpose", b"x"), file("file", b"x")],
    ],
)
async def test_a_form_that_could_be_read_in_two_ways_is_refused(place: Place, parts: list[bytes]) -> None:
    refused = await bring(place, form(*parts))
    assert (refused.status, place.keeping["a"].seen) == (400, [])


async def test_a_file_in_parts_comes_together_at_the_host(place: Place) -> None:
    asked = {"filename": "x.txt", "purpose": "user_data", "bytes": 6, "mime_type": "text/plain"}
    upload = (await place.send("POST", "/v1/uploads", asked)).json["id"]
    parts = [await bring(place, form(file("data", one)), f"/v1/uploads/{upload}/parts") for one in (b"abc", b"def")]
    ids = {"part_ids": [one.json["id"] for one in parts]}
    done = await place.send("POST", f"/v1/uploads/{upload}/complete", ids)
    got = await place.send("GET", f"/v1/files/{done.json['file']['id']}/content")
    assert got.body == b"abcdef"


async def test_a_part_for_anothers_upload_is_refused(place: Place) -> None:
    asked = {"filename": "x.txt", "purpose": "user_data", "bytes": 6, "mime_type": "text/plain"}
    upload = (await place.send("POST", "/v1/uploads", asked)).json["id"]
    refused = await bring(place, form(file("data", b"x")), f"/v1/uploads/{upload}/parts", key=OTHERS_KEY)
    assert (refused.status, len(place.keeping["a"].seen)) == (404, 1)


@pytest.mark.parametrize(("unseen", "status"), [("refuse", 403), ("allow", 200)])
async def test_where_content_is_looked_at_a_file_leaves_only_if_unseen_content_may(
    place: Place, unseen: str, status: int
) -> None:
    guard(place, Policy("p", personal_data="refuse", unseen_content=unseen))
    made = await bring(place, brought(TEXT))
    assert (made.status, len(place.keeping["a"].seen)) == (status, int(status == 200)), made.body


async def test_the_words_around_a_file_are_looked_at(place: Place) -> None:
    guard(place, Policy("p", personal_data="refuse", unseen_content="allow"))
    made = await bring(place, form(field("purpose", b"user_data"), file("file", b"x", filename=f"{IBAN}.txt")))
    assert (made.status, place.keeping["a"].seen) == (403, [])


def guard(place: Place, policy: Policy) -> None:
    facts = Facts(maker="m", host="h", compute="DE", retention_days=0, state_days=0)
    place.put([place.endpoint("a", facts)], policies=[policy])
    place.grants.by_digest = {
        digest: msgspec.structs.replace(grant, policy="p") for digest, grant in place.grants.by_digest.items()
    }


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (
            "/v1/chat/completions",
            {"messages": [{"role": "user", "content": [{"type": "file", "file": {"file_id": "?"}}]}]},
        ),
        ("/v1/responses", {"input": [{"role": "user", "content": [{"type": "input_file", "file_id": "?"}]}]}),
        ("/v1/responses", {"input": [{"role": "user", "content": [{"type": "input_image", "file_id": "?"}]}]}),
    ],
)
async def test_a_request_that_names_anothers_file_is_refused(place: Place, path: str, body: dict) -> None:
    theirs = place.own("a", "file", "file-1", project="prj_2")
    asked = msgspec.json.encode({"model": "to-a", **body}).replace(b'"?"', b'"%b"' % theirs.encode())
    refused = await place.send("POST", path, asked)
    assert (refused.status, refused.json["error"]["code"], place.keeping["a"].seen) == (404, "unknown_id", [])


async def test_a_chat_that_names_a_file_goes_where_that_lies(two: Place) -> None:
    mine = two.own("b", "file", "file-1")
    chat = {"messages": [{"role": "user", "content": [{"type": "file", "file": {"file_id": mine}}]}]}
    there = await two.send("POST", "/v1/chat/completions", {"model": "to-b", **chat})
    elsewhere = await two.send("POST", "/v1/chat/completions", {"model": "to-a", **chat})
    assert (there.status, elsewhere.status, two.keeping["a"].seen) == (200, 404, [])


async def test_words_of_a_chat_name_no_file(place: Place) -> None:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"file_id": "file-x"}'}}
    said = [{"role": "user", "content": '{"file_id": "file-x"}'}, {"role": "assistant", "tool_calls": [call]}]
    answer = await place.send("POST", "/v1/chat/completions", {"model": "to-a", "messages": said})
    assert answer.status == 200
