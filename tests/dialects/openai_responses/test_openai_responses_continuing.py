"""Going on from an answer by its id: what is read out of kept bytes, and what earlier turns become."""

from __future__ import annotations

import msgspec
import pytest
from msgspec import Raw

from hortus.canon.dialect import KeptResponse, KeptTurn
from hortus.canon.errors import InvalidRequest
from hortus.dialects.openai_responses import DIALECT
from hortus.framing.shallow import read_members

CONTINUING = DIALECT.continuing
assert CONTINUING is not None

WHOLE = (
    b'{"id":"resp_1","status":"completed","output":[{"id":"msg_1","type":"message","role":"assistant","content":[]}]}'
)
CREATED = (
    b'event: response.created\ndata: {"type":"response.created","response":{"id":"resp_1","status":"in_progress"}}\n\n'
)
DELTA = b'data: {"type":"response.output_text.delta","delta":"Hi"}\n\n'
COMPLETED = b'data: {"type":"response.completed","response":' + WHOLE + b"}\n\n"
FAILED = b'data: {"type":"response.failed","response":{"id":"resp_1","status":"failed"}}\n\n'


def turn(given: object, *output: object) -> KeptTurn:
    request = msgspec.json.encode({"model": "m", "input": given, "instructions": "Be brief.", "tools": []})
    answer = msgspec.json.encode({"id": "resp_1", "status": "completed", "output": output})
    return KeptTurn(request, KeptResponse("resp_1", Raw(answer)))


def expand(body: dict[str, object], *turns: KeptTurn) -> tuple[dict[str, object], int]:
    expanded = CONTINUING.expand(read_members(msgspec.json.encode(body)), turns)
    return {name: msgspec.json.decode(value) for name, value in expanded.members.items()}, expanded.forgotten


def listed(body: bytes) -> list[str]:
    return [one["id"] for one in msgspec.json.decode(body)["data"]]


@pytest.mark.parametrize(
    ("body", "is_stream", "expected"),
    [
        (WHOLE, False, "resp_1"),
        (CREATED + DELTA, True, "resp_1"),
        (b": hello\n\n" + CREATED, True, "resp_1"),
        (CREATED.replace(b"\n", b"\r\n"), True, "resp_1"),
        (b"data: {broken\n\ndata: [DONE]\n\n" + CREATED, True, "resp_1"),
        (WHOLE, True, "resp_1"),
        (DELTA, True, None),
        (b'{"id": 7}', False, None),
        (b"no JSON", False, None),
        (b"", True, None),
    ],
)
def test_an_id_is_read_out_of_what_a_client_got(body: bytes, *, is_stream: bool, expected: str | None) -> None:
    assert CONTINUING.id_of(body, is_stream) == expected


@pytest.mark.parametrize(
    ("body", "is_stream", "is_there"),
    [
        (WHOLE, False, True),
        (WHOLE.replace(b"completed", b"incomplete"), False, True),
        (CREATED + DELTA + COMPLETED, True, True),
        (CREATED + COMPLETED + b"data: [DONE]\n\n", True, True),
        ((CREATED + COMPLETED).removesuffix(b"\n"), True, True),
        (CREATED + b"data: {broken\n\n" + COMPLETED, True, True),
        (WHOLE, True, True),
        (CREATED + DELTA, True, False),
        (CREATED + FAILED, True, False),
        (FAILED + b": the end\n\n", True, False),
        (WHOLE.replace(b"completed", b"queued"), False, False),
        (b'{"status":"completed"}', False, False),
        (b"[]", False, False),
    ],
)
def test_an_answer_can_be_continued_once_it_is_whole(body: bytes, *, is_stream: bool, is_there: bool) -> None:
    found = CONTINUING.response_of(body, is_stream)
    assert (found is not None) is is_there


@pytest.mark.parametrize("is_stream", [True])
def test_the_answer_at_the_end_of_a_stream_is_as_it_was_sent(*, is_stream: bool) -> None:
    assert CONTINUING.response_of(CREATED + DELTA + COMPLETED, is_stream) == KeptResponse("resp_1", Raw(WHOLE))


def test_earlier_turns_come_before_the_new_input_without_instructions_or_tools() -> None:
    said = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "In the shed."}]}
    body = {"model": "m", "input": "And the oil?", "previous_response_id": "resp_1", "temperature": 1}
    members, _ = expand(body, turn("Where is the lamp?", said))
    asked = [{"type": "message", "role": "user", "content": text} for text in ("Where is the lamp?", "And the oil?")]
    assert members == {"model": "m", "temperature": 1, "input": [asked[0], said, asked[1]]}


def test_items_stay_byte_for_byte() -> None:
    request = b'{"input":[{"role":"user","content":"1.0 \\u00fc", "x":1e2}]}'
    expanded = CONTINUING.expand(
        read_members(b'{"previous_response_id":"resp_1"}'), (KeptTurn(request, KeptResponse("resp_1", Raw(WHOLE))),)
    )
    assert b'{"role":"user","content":"1.0 \\u00fc", "x":1e2}' in bytes(expanded.members["input"])


def test_thoughts_come_back_with_their_seal_only() -> None:
    sealed = {"type": "reasoning", "id": "rs_1", "encrypted_content": "abc", "summary": []}
    bare = {"type": "reasoning", "id": "rs_2", "summary": [{"type": "summary_text", "text": "Hm."}]}
    members, forgotten = expand({"input": []}, turn("Hm?", sealed, bare, "no item"))
    assert (members["input"][1:], forgotten) == ([sealed, "no item"], 1)


@pytest.mark.parametrize(
    ("members", "expected"), [({}, True), ({"store": True}, True), ({"store": None}, True), ({"store": False}, False)]
)
def test_an_answer_is_kept_unless_the_client_says_no(members: dict[str, object], *, expected: bool) -> None:
    assert CONTINUING.is_stored(read_members(msgspec.json.encode(members))) is expected


@pytest.mark.parametrize(("value", "expected"), [("resp_1", "resp_1"), (None, None), (7, None)])
def test_what_a_request_goes_on_from_is_an_id(value: object, expected: str | None) -> None:
    members = read_members(msgspec.json.encode({"previous_response_id": value}))
    assert CONTINUING.continues(members) == expected


def test_items_are_listed_in_pages_newest_first() -> None:
    request = msgspec.json.encode({"input": [{"id": f"msg_{number}", "role": "user"} for number in range(5)]})
    first = CONTINUING.items_of(request, (), {"limit": "2"})
    second = CONTINUING.items_of(request, (), {"limit": "2", "after": "msg_3"})
    last = CONTINUING.items_of(request, (), {"limit": "2", "after": "msg_1"})
    assert [listed(first), listed(second), listed(last)] == [["msg_4", "msg_3"], ["msg_2", "msg_1"], ["msg_0"]]
    assert [msgspec.json.decode(one)["has_more"] for one in (first, second, last)] == [True, True, False]


def test_an_empty_list_has_neither_first_nor_last() -> None:
    found = msgspec.json.decode(CONTINUING.items_of(b'{"prompt": {}}', (), {}))
    assert (found["data"], found["first_id"], found["last_id"], found["has_more"]) == ([], None, None, False)


def test_items_without_an_id_get_one_and_texts_become_parts() -> None:
    given = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Ho"}, {"role": "user", "content": []}]
    body = CONTINUING.items_of(msgspec.json.encode({"input": given}), (), {"order": "asc"})
    found = msgspec.json.decode(body)["data"]
    assert [(one["id"], one["type"], [part["type"] for part in one["content"]]) for one in found] == [
        ("item_000000", "message", ["input_text"]),
        ("item_000001", "message", ["output_text"]),
        ("item_000002", "message", []),
    ]


@pytest.mark.parametrize("limit", ["0", "101", "-1", "ten"])
def test_a_page_has_one_to_a_hundred_items(limit: str) -> None:
    with pytest.raises(InvalidRequest, match="from 1 to 100"):
        CONTINUING.items_of(b"{}", (), {"limit": limit})


def test_a_deleted_answer_is_named() -> None:
    assert msgspec.json.decode(CONTINUING.write_deleted("resp_1")) == {
        "id": "resp_1",
        "object": "response",
        "deleted": True,
    }
