"""OpenAI's error object: what clients get, and what hosts' errors mean, whatever shape they have."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from hortus.canon.errors import (
    BrokenStream,
    ContentRefused,
    ContextTooLong,
    HostFault,
    HostNotFound,
    HostOverloaded,
    HostQuotaExhausted,
    HostRateLimited,
    HostRefused,
    HostRejected,
    HostTimedOut,
    HostTooLarge,
    HostUnavailable,
    Internal,
    InvalidRequest,
    NotAllowed,
    RequestError,
    Unauthenticated,
)
from hortus.framing.openai_errors import read_error, render_error


def rendered(error: RequestError) -> dict[str, Any]:
    return msgspec.json.decode(render_error(error, "r").body)["error"]


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (InvalidRequest("m"), "invalid_request_error"),
        (Unauthenticated("m"), "invalid_request_error"),
        (NotAllowed("m"), "permission_error"),
        (HostRejected("m"), "invalid_request_error"),
        (HostRateLimited("m"), "rate_limit_error"),
        (HostFault("m"), "server_error"),
        (Internal("m"), "server_error"),
    ],
)
def test_each_error_has_the_type_that_its_users_know(error: RequestError, kind: str) -> None:
    assert (rendered(error)["type"], rendered(error)["code"]) == (kind, error.code)


def test_an_error_says_where_and_what_to_do() -> None:
    assert rendered(InvalidRequest("It is wrong.", path="a.b", hint="Mend it.")) == {
        "message": "It is wrong. Mend it.",
        "type": "invalid_request_error",
        "param": "a.b",
        "code": "invalid_request",
    }


@pytest.mark.parametrize(
    ("error", "headers"),
    [
        (HostUnavailable("m"), {"retry-after": "1"}),
        (HostUnavailable("m", retry_after_s=7), {"retry-after": "7"}),
        (HostRateLimited("m", retry_after_s=7), {"retry-after": "7"}),
        (BrokenStream("m"), {"x-should-retry": "false"}),
        (InvalidRequest("m"), {"x-should-retry": "false"}),
        (Unauthenticated("m"), {"x-should-retry": "false", "www-authenticate": "Bearer"}),
    ],
)
def test_an_sdk_is_told_whether_to_send_again(error: RequestError, headers: dict[str, str]) -> None:
    assert dict(render_error(error, "r").headers) == {"content-type": "application/json"} | headers


@pytest.mark.parametrize(
    ("status", "cls"),
    [
        (400, HostRejected),
        (401, HostRefused),
        (402, HostRefused),
        (403, HostRefused),
        (404, HostNotFound),
        (408, HostTimedOut),
        (413, HostTooLarge),
        (422, HostRejected),
        (429, HostRateLimited),
        (500, HostFault),
        (502, HostFault),
        (503, HostOverloaded),
        (504, HostTimedOut),
        (529, HostOverloaded),
        (0, HostFault),
    ],
)
def test_a_status_says_what_an_error_is(status: int, cls: type[RequestError]) -> None:
    assert type(read_error(status, b"")) is cls


@pytest.mark.parametrize(
    ("status", "body", "cls"),
    [
        (400, {"error": {"message": "m", "code": "context_length_exceeded"}}, ContextTooLong),
        (400, {"error": {"message": "This model's maximum context length is 8192 tokens."}}, ContextTooLong),
        (400, {"error": {"message": "m", "code": "content_filter"}}, ContentRefused),
        (400, {"error": {"message": "m", "code": "model_not_found"}}, HostNotFound),
        (404, {"error": {"message": "m", "code": "DeploymentNotFound"}}, HostNotFound),
        (401, {"error": {"message": "m", "code": "invalid_api_key"}}, HostRefused),
        (429, {"error": {"message": "m", "type": "insufficient_quota"}}, HostQuotaExhausted),
        (503, {"error": {"message": "m", "type": "server_error"}}, HostOverloaded),
        (200, {"error": {"message": "m", "type": "server_error"}}, HostFault),
        (0, {"error": {"message": "m", "code": "host_overloaded"}}, HostOverloaded),
        (0, {"error": {"message": "m", "code": 429}}, HostRateLimited),
        (400, {"error": {"message": "m", "code": "internal"}}, HostRejected),
        (500, {"type": "error", "error": {"type": "overloaded_error", "message": "m"}}, HostOverloaded),
    ],
)
def test_an_errors_own_words_say_it_better(status: int, body: Any, cls: type[RequestError]) -> None:
    assert type(read_error(status, msgspec.json.encode(body))) is cls


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"message": "oh"}},
        {"error": "oh", "code": "x"},
        {"message": "oh"},
        {"detail": [{"loc": ["body"], "msg": "oh"}]},
        {"errors": ["oh"]},
        [{"error": {"code": 400, "message": "oh", "status": "INVALID_ARGUMENT"}}],
        "oh",
    ],
)
def test_a_hosts_words_are_found_wherever_they_stand(body: Any) -> None:
    assert read_error(400, msgspec.json.encode(body)).message == "oh"


def test_plain_words_are_words() -> None:
    assert read_error(500, b"upstream is down\n").message == "upstream is down"


def test_words_are_bounded() -> None:
    assert len(read_error(500, b"x" * 5_000).message) == 2_000


DEEP = b'{"error":' * 20 + b'{"message":"oh"}' + b"}" * 20


@pytest.mark.parametrize(
    "body", [b"", b"<html>Bad gateway</html>", b"{}", b"[]", b"[[]]", b"7", b'{"errors":[]}', DEEP]
)
def test_where_there_are_no_words_there_are_ours(body: bytes) -> None:
    assert read_error(502, body).message == "The host answered with status 502 and said no more."


def test_a_failure_without_a_status_has_words_too() -> None:
    assert read_error(0, b"null").message == "The host reported that it failed and said no more."
