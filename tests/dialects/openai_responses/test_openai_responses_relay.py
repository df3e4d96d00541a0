"""The relay: what is read of requests, answers and streams that pass, and what is changed of them."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from openai_responses_examples import DIALECT, begun, call, ended, frame, frames, message, thoughts, usage, whole, words

from hortus.canon.dialect import RouteCard
from hortus.canon.errors import HostOverloaded, InvalidRequest, Unauthenticated
from hortus.canon.usage import Usage

CREATE, COUNT = DIALECT.operations[:2]


def asked(operation: Any = CREATE, **members: Any) -> Any:
    body = {"model": "garden", "input": "hello"} | members
    return DIALECT.read_request(operation, msgspec.json.encode(body), None)


def test_a_request_is_read_no_deeper_than_needed() -> None:
    found = asked(stream=True, max_output_tokens=64)
    assert (found.route, found.is_stream, found.wants_usage, found.output_limit) == ("garden", True, True, 64)


def test_a_count_is_never_a_stream() -> None:
    assert not asked(COUNT, stream=True).is_stream


def test_only_the_model_is_changed() -> None:
    rewritten = DIALECT.write_request(asked(temperature=1.50), "m-1")
    assert (rewritten.body, rewritten.adaptations) == (b'{"model":"m-1","input":"hello","temperature":1.5}', ("model",))


def test_nothing_is_changed_where_the_names_are_the_same() -> None:
    assert DIALECT.write_request(asked(), "garden").adaptations == ()


FILE = {"type": "input_file", "file_id": "file_1"}
NAMED: dict[str, tuple[dict[str, Any], tuple[tuple[str, str], ...]]] = {
    "nothing": ({"input": ["x", {"role": "user", "content": "file_id"}]}, ()),
    "earlier answer": ({"previous_response_id": "resp_1"}, (("response", "resp_1"),)),
    "no earlier answer": ({"previous_response_id": None, "conversation": None}, ()),
    "conversation": ({"conversation": "conv_1"}, (("conversation", "conv_1"),)),
    "conversation as an object": ({"conversation": {"id": "conv_1"}}, (("conversation", "conv_1"),)),
    "files": (
        {
            "input": [{"role": "user", "content": [FILE, FILE]}],
            "tools": [{"type": "code_interpreter", "container": {"file_ids": ["file_2", 7]}}],
            "prompt": {"id": "p", "variables": {"a": {"type": "input_file", "file_id": "file_3"}}},
        },
        (("file", "file_1"), ("file", "file_2"), ("file", "file_3")),
    ),
    "words of the model": (
        {
            "tools": [{"type": "function", "name": "f", "parameters": {"default": {"file_id": "x"}}}],
            "input": [{"type": "tool_search_call", "arguments": {"file_id": "x"}}],
        },
        (),
    ),
    "no id": ({"input": [{"role": "user", "content": [{"type": "input_file", "file_id": None}]}]}, ()),
    "reference": ({"input": [{"type": "item_reference", "id": "msg_1"}]}, (("response", "msg_1"),)),
    "bare reference": ({"input": [{"id": "msg_1"}]}, (("response", "msg_1"),)),
    "recalled reasoning": ({"input": [{"type": "reasoning", "id": "rs_1", "summary": []}]}, (("response", "rs_1"),)),
    "reasoning that says something": ({"input": [thoughts(summary=[{"type": "summary_text", "text": "a"}])]}, ()),
    "reasoning of Hortus's own": ({"input": [thoughts(id="rs_hx0ab00", content=[])]}, ()),
    "reasoning that is all there": ({"input": [{"type": "reasoning", "id": "rs_1", "encrypted_content": "g"}]}, ()),
    "reasoning without an id": ({"input": [{"type": "reasoning", "summary": []}]}, ()),
    "message with its id": ({"input": [message(words("a"))]}, ()),
    "escaped words": ({"input": [{"role": "user", "content": "\u0001"}]}, ()),
}


@pytest.mark.parametrize(("members", "ids"), NAMED.values(), ids=NAMED.keys())
def test_what_hosts_keep_is_named(members: dict[str, Any], ids: tuple[tuple[str, str], ...]) -> None:
    assert asked(**members).host_ids == ids


def test_an_escaped_name_is_seen_through() -> None:
    body = b'{"model":"m","input":[{"role":"user","content":[{"type":"input_file","file\\u005fid":"file_1"}]}]}'
    assert DIALECT.read_request(CREATE, body, None).host_ids == (("file", "file_1"),)


@pytest.mark.parametrize(
    ("members", "path"),
    [
        ('"previous_response_id":7', "previous_response_id"),
        ('"conversation":7', "conversation"),
        ('"conversation":{"id":"a","id":"b"}', "conversation"),
        ('"input":[{"type":"item_reference","id":7}]', "input[0].id"),
        ('"input":[{"type":"item_reference","id":"a","id":"b"}]', "input[0]"),
        ('"input":[{"content":[{"file_id":"a","file_id":"b"}],"role":"user"}]', "input[0]"),
    ],
)
def test_an_id_that_could_be_another_is_refused(members: str, path: str) -> None:
    with pytest.raises(InvalidRequest) as raised:
        DIALECT.read_request(CREATE, f'{{"model":"m",{members}}}'.encode(), None)
    assert raised.value.path == path


def read_answer(body: Any, operation: Any = CREATE) -> Any:
    return DIALECT.read_answer(operation, body if isinstance(body, bytes) else msgspec.json.encode(body), 40)


def test_an_answer_says_what_it_used_and_what_is_kept() -> None:
    found = read_answer(whole(message(words("a")), {"type": "web_search_call"}, call(), store=True))
    assert found.usage == Usage(9, 4, cached_input_tokens=3, reasoning_tokens=1, searches=1)
    assert found.served_model == "m-1"
    assert found.given_ids == (("response", "resp_1"), ("response", "msg_1"), ("response", "fc_1"))


@pytest.mark.parametrize("members", [{"store": False}, {"id": ""}, {"output": 7}, {"id": 7}])
def test_what_is_not_kept_gives_no_ids(members: dict[str, Any]) -> None:
    assert read_answer(whole(message(words("a")), **members)).given_ids == ()


@pytest.mark.parametrize("body", [b"x", b'{"output":[]}', whole(usage={"input_tokens": 1}), whole(usage=usage(-1))])
def test_what_an_answer_does_not_say_is_estimated(body: Any) -> None:
    assert read_answer(body).usage.is_estimated


def test_a_count_uses_nothing() -> None:
    assert read_answer({"object": "response.input_tokens", "input_tokens": 9}, COUNT).usage == Usage()


def passed(data: bytes) -> Any:
    tap = DIALECT.open_stream(False)  # noqa: FBT003 -- the record's own signature
    assert tap.feed(data) + tap.close() == data
    return tap


@pytest.mark.parametrize(("last", "rest"), [(b'data: {"a"', b""), (b'data: {"a":1}', b'data: {"a":1}\n\n')])
def test_of_a_last_event_without_its_end_only_a_whole_one_passes(last: bytes, rest: bytes) -> None:
    tap = DIALECT.open_stream(False)  # noqa: FBT003 -- the record's own signature
    assert tap.feed(last) + tap.close() == rest


def test_a_stream_passes_unchanged_and_is_read() -> None:
    told = (
        begun(store=True),
        ("output_text.delta", {"delta": "a"}),
        ("output_item.done", {"item": message(words("a"))}),
        ended(message(words("a")), store=True),
    )
    tap = passed(b": hush\n\n" + frames(*told) + b"data: [DONE]\n\n")
    assert (tap.is_finished, tap.is_failed, tap.served_model) == (True, False, "m-1")
    assert tap.usage.input_tokens == 9
    assert tap.given_ids == (("response", "resp_1"), ("response", "msg_1"))
    assert tap.estimate(input_bytes=40) == Usage(input_tokens=10, output_tokens=1, is_estimated=True)


def test_frames_without_a_name_are_read_too() -> None:
    data = frames(begun(store=False, model=None), ("output_text.delta", {"delta": "a"}), ended(store=False, model=None))
    tap = passed(b"".join(line + b"\n\n" for line in data.split(b"\n") if line.startswith(b"data:")).rstrip())
    assert (tap.is_finished, tap.served_model, tap.given_ids) == (True, None, ())
    assert tap.estimate(input_bytes=0).output_tokens == 1


@pytest.mark.parametrize(
    "end",
    [
        frame(1, "error", {"message": "oh"}),
        b'data: {"error":{"message":"oh"}}\n\n',
        frame(1, "failed", {"response": whole(status="failed")}),
    ],
)
def test_a_stream_that_fails_is_seen(end: bytes) -> None:
    tap = passed(frames(begun()) + end)
    assert (tap.is_failed, tap.is_finished) == (True, False)


def test_a_stream_that_breaks_off_is_not_finished() -> None:
    assert not passed(frames(begun())).is_finished


def test_errors_are_openais() -> None:
    reply = DIALECT.render_error(Unauthenticated("no"), "r")
    assert (reply.status, msgspec.json.decode(reply.body)["error"]["code"]) == (401, "invalid_api_key")


def test_an_error_inside_a_stream_is_its_last_event() -> None:
    written = DIALECT.render_stream_error(HostOverloaded("full"), "r")
    assert written.startswith(b'event: error\ndata: {"sequence_number":0,"code":"host_overloaded","message":"full"')


def test_models_are_listed_by_the_other_dialect() -> None:
    card = RouteCard(name="a", owned_by="b", created_at_s=1)
    assert DIALECT.write_routes((card,)) + DIALECT.write_route(card) == b""
