"""Requests and whole answers: what the gateway reads, and that a rewritten request differs in named members only."""

from __future__ import annotations

import msgspec
import pytest

from hortus.canon import errors
from hortus.canon.dialect import RouteCard
from hortus.canon.errors import InvalidRequest, RequestError
from hortus.dialects.openai_chat import DIALECT

CHAT, EMBEDDINGS = DIALECT.operations[:2]


def rewritten(body: bytes, upstream: str = "host-model", operation=CHAT) -> tuple[bytes, tuple[str, ...]]:
    done = DIALECT.write_request(DIALECT.read_request(operation, body), upstream)
    return done.body, done.adaptations


def test_only_the_model_changes_in_a_plain_request() -> None:
    body = b'{"model":"r","temperature":0.70,"messages":[{"role":"user","content":"\\u00e9"}]}'
    assert rewritten(body) == (body.replace(b'"r"', b'"host-model"'), ("model",))


def test_nothing_is_adapted_where_names_agree() -> None:
    assert rewritten(b'{"model":"r"}', "r") == (b'{"model":"r"}', ())


@pytest.mark.parametrize(
    ("options", "sent"),
    [
        (b"", b',"stream_options":{"include_usage":true}'),
        (b',"stream_options":null', b',"stream_options":{"include_usage":true}'),
        (
            b',"stream_options":{"include_obfuscation":false}',
            b',"stream_options":{"include_obfuscation":false,"include_usage":true}',
        ),
        (b',"stream_options":{"include_usage":false,"x":1.0}', b',"stream_options":{"include_usage":true,"x":1.0}'),
    ],
)
def test_usage_is_asked_for_where_the_client_did_not(options: bytes, sent: bytes) -> None:
    body, adaptations = rewritten(b'{"model":"r","stream":true' + options + b"}", "r")
    assert body == b'{"model":"r","stream":true' + sent + b"}"
    assert adaptations == ("stream_options.include_usage",)


def test_usage_that_the_client_asks_for_is_left_alone() -> None:
    body = b'{"model":"r","stream":true,"stream_options":{ "include_usage" : true }}'
    assert rewritten(body, "r") == (body, ())


@pytest.mark.parametrize(
    "options",
    [
        b'{"include_usage":false,"include_usage":true}',
        b'{"include_usage":false,"include\\u005fusage":true}',
        b'{"include\\u005fusage":true}',
    ],
)
def test_a_doubled_wish_for_usage_collapses_to_the_one_that_was_judged(options: bytes) -> None:
    body, adaptations = rewritten(b'{"model":"r","stream":true,"stream_options":' + options + b"}", "r")
    assert body == b'{"model":"r","stream":true,"stream_options":{"include_usage":true}}'
    assert adaptations == ()


def test_embeddings_do_not_stream() -> None:
    assert rewritten(b'{"model":"r","stream":true}', "r", EMBEDDINGS) == (b'{"model":"r","stream":true}', ())


@pytest.mark.parametrize(
    ("body", "path"),
    [
        (b"{}", "model"),
        (b'{"model":null}', "model"),
        (b'{"model":7}', "model"),
        (b'{"model":"r","stream":1}', "stream"),
        (b'{"model":"r","stream":true,"stream_options":[]}', "stream_options"),
        (b'{"model":"r","stream":true,"stream_options":{"include_usage":"yes"}}', "stream_options.include_usage"),
    ],
)
def test_members_that_the_gateway_reads_have_their_types(body: bytes, path: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        DIALECT.read_request(CHAT, body)
    assert caught.value.path == path


@pytest.mark.parametrize(
    ("members", "limit"),
    [
        (b"", None),
        (b',"max_tokens":5', 5),
        (b',"max_tokens":5,"max_completion_tokens":7', 7),
        (b',"max_tokens":"x"', None),
        (b',"max_tokens":-5', 0),
        (b',"max_tokens":' + b"9" * 4000, 1_000_000_000),
        (b',"max_tokens":' + b"9" * 5000, None),
    ],
)
def test_the_output_limit_is_read_for_the_reservation(members: bytes, limit: int | None) -> None:
    assert DIALECT.read_request(CHAT, b'{"model":"r"' + members + b"}").output_limit == limit


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ({"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}, (5, 2, 0, 0)),
        ({"prompt_tokens": 5, "total_tokens": 5}, (5, 0, 0, 0)),
        ({"prompt_tokens": 66, "completion_tokens": 6, "total_tokens": 100}, (66, 34, 0, 0)),
        (
            {"prompt_tokens": 29, "completion_tokens": 6, "prompt_tokens_details": {"cached_tokens": 157}},
            (29, 6, 29, 0),
        ),
        (
            {
                "prompt_tokens": 8,
                "completion_tokens": 271,
                "prompt_tokens_details": None,
                "completion_tokens_details": {"reasoning_tokens": 192, "audio_tokens": 0},
            },
            (8, 271, 0, 192),
        ),
    ],
)
def test_usage_is_read_as_hosts_spell_it(usage: dict, expected: tuple[int, ...]) -> None:
    answer = DIALECT.read_answer(CHAT, msgspec.json.encode({"model": "m", "usage": usage}), 100)
    got = answer.usage
    assert (got.input_tokens, got.output_tokens, got.cached_input_tokens, got.reasoning_tokens) == expected
    assert not got.is_estimated
    assert answer.served_model == "m"


@pytest.mark.parametrize(
    ("body", "output_tokens"),
    [
        (b'{"choices":[{"message":{"content":"12345678"}}],"usage":null}', 2),
        (b'{"choices":[{"message":{"content":"12345678"}}],"usage":{"prompt_tokens":"many"}}', 2),
        (b'{"model":7}', 0),
        (b"not json", 0),
        (b"", 0),
        (b'{"usage":{"prompt_tokens":-1}}', 0),
        (b'{"usage":{"prompt_tokens":18446744073709551615}}', 0),
        (b'{"usage":{"prompt_tokens":1,"completion_tokens":' + b"9" * 30 + b"}}", 0),
        (b'{"usage":{"prompt_tokens":1,"total_tokens":9223372036854775807}}', 0),
        (b'{"usage":{"prompt_tokens":1.5}}', 0),
        (b'{"usage":{"a":' + b"[" * 9000 + b"]" * 9000 + b"}}", 0),
        (b'{"usage":' + b"[" * 9000 + b"]" * 9000 + b"}", 0),
        (b'{"choices":[{"message":{"content":7}}]}', 10),
    ],
)
def test_usage_that_makes_no_sense_is_estimated(body: bytes, output_tokens: int) -> None:
    usage = DIALECT.read_answer(CHAT, body, 40).usage
    assert (usage.input_tokens, usage.output_tokens, usage.is_estimated) == (10, output_tokens, True)


def test_vectors_have_no_output_tokens() -> None:
    usage = DIALECT.read_answer(EMBEDDINGS, b'{"data":[{"embedding":[1,2,3]}]}', 40).usage
    assert (usage.input_tokens, usage.output_tokens, usage.is_estimated) == (10, 0, True)


@pytest.mark.parametrize(
    ("model", "served"),
    [
        (b'"m-1 (latest)"', "m-1 (latest)"),
        (b'"' + b"m" * 200 + b'"', "m" * 200),
        (b'"' + b"m" * 201 + b'"', None),
        (b'"m\\u001b[31m"', None),
        (b'"m\\nm"', None),
        (b"7", None),
    ],
)
def test_a_model_is_served_under_a_name_or_none(model: bytes, served: str | None) -> None:
    assert DIALECT.read_answer(CHAT, b'{"model":' + model + b"}", 40).served_model == served


def every_error() -> list[type[RequestError]]:
    found = [one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, RequestError)]
    return [one for one in found if one is not RequestError]


@pytest.mark.parametrize("kind", every_error())
def test_every_error_has_its_form_and_says_whether_to_retry(kind: type[RequestError]) -> None:
    reply = DIALECT.render_error(kind("It broke.", path="model", hint="Mend it."), "rcp_1")
    body = msgspec.json.decode(reply.body)["error"]
    assert (reply.status, body["code"], body["param"]) == (kind.status, kind.code, "model")
    assert body["message"] == "It broke. Mend it."
    headers = dict(reply.headers)
    may_retry = kind.retry_helps and not kind.may_have_cost
    assert headers.get("x-should-retry") == (None if may_retry else "false")
    assert ("retry-after" in headers) == may_retry
    assert DIALECT.render_stream_error(kind("It broke."), "rcp_1").startswith(b'data: {"error":{"message":"It broke."')


@pytest.mark.parametrize(
    ("error", "status", "retry_after"),
    [
        (errors.HostRejected("m"), 400, None),
        (errors.CannotCarry("m"), 400, None),
        (errors.HostNotFound("m"), 404, None),
        (errors.UnknownHostId("m"), 404, None),
        (errors.HostTooLarge("m"), 413, None),
        (errors.HostRateLimited("m", retry_after_s=7), 429, "7"),
        (errors.HostRateLimited("m"), 429, "1"),
        (errors.HostOverloaded("m", retry_after_s=3), 503, "3"),
        (errors.HostTimedOut("m"), 504, None),
    ],
)
def test_sdks_see_status_and_when_to_come_back(error: RequestError, status: int, retry_after: str | None) -> None:
    reply = DIALECT.render_error(error, "rcp_1")
    assert (reply.status, dict(reply.headers).get("retry-after")) == (status, retry_after)


def test_every_path_that_cannot_be_carried_is_said() -> None:
    error = errors.CannotCarry("2 members cannot be carried: tools[0] (no place), stop (no place).", path="tools[0]")
    body = msgspec.json.decode(DIALECT.render_error(error, "rcp_1").body)["error"]
    assert (body["type"], body["code"], body["param"]) == ("invalid_request_error", "cannot_carry", "tools[0]")
    assert "stop (no place)" in body["message"]


def test_routes_are_listed_as_models() -> None:
    card = RouteCard("eu/large", "mistral", 5)
    one = {"id": "eu/large", "created": 5, "owned_by": "mistral", "object": "model"}
    assert msgspec.json.decode(DIALECT.write_route(card)) == one
    assert msgspec.json.decode(DIALECT.write_routes((card,))) == {"data": [one], "object": "list"}
