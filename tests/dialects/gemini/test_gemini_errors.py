"""Errors in Google's form, both ways."""

from __future__ import annotations

import pytest
from gemini_wire import decode, error_of

from hortus.canon.errors import (
    BrokenStream,
    CannotCarry,
    ContentRefused,
    ContextTooLong,
    HostFault,
    HostNotFound,
    HostOverloaded,
    HostRateLimited,
    HostRefused,
    HostRejected,
    HostTimedOut,
    HostTooLarge,
    Internal,
    InvalidRequest,
    JournalFull,
    NotAllowed,
    NotReady,
    RequestError,
    Unauthenticated,
    UnknownHostId,
    UnknownPath,
    UnknownRoute,
)
from hortus.dialects.gemini import DIALECT


def google(code: int, status: str, message: str = "Words.", **more: object) -> dict:
    return {"error": {"code": code, "message": message, "status": status, **more}}


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, google(400, "INVALID_ARGUMENT"), HostRejected),
        (400, google(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key."), HostRefused),
        (400, google(400, "INVALID_ARGUMENT", details=[{"reason": "API_KEY_INVALID"}]), HostRefused),
        (
            400,
            google(
                400, "INVALID_ARGUMENT", "The input token count (9) exceeds the maximum number of tokens allowed (8)."
            ),
            ContextTooLong,
        ),
        (400, google(400, "INVALID_ARGUMENT", "Request payload size exceeds the limit: 20971520 bytes."), HostTooLarge),
        (400, google(400, "INVALID_ARGUMENT", "The prompt was blocked due to PROHIBITED_CONTENT."), ContentRefused),
        (400, google(400, "FAILED_PRECONDITION", "User location is not supported."), HostRefused),
        (401, google(401, "UNAUTHENTICATED"), HostRefused),
        (403, google(403, "PERMISSION_DENIED"), HostRefused),
        (404, google(404, "NOT_FOUND"), HostNotFound),
        (404, [google(404, "NOT_FOUND")], HostNotFound),
        (413, google(413, "INVALID_ARGUMENT"), HostTooLarge),
        (429, google(429, "RESOURCE_EXHAUSTED"), HostRateLimited),
        (500, google(500, "INTERNAL"), HostFault),
        (503, google(503, "UNAVAILABLE"), HostOverloaded),
        (504, google(504, "DEADLINE_EXCEEDED"), HostTimedOut),
        (0, google(503, ""), HostOverloaded),
        (0, {"error": {"code": "x", "status": ["INTERNAL"]}}, HostFault),
        (502, b"<html>Bad Gateway</html>", HostFault),
        (429, b"slow down", HostRateLimited),
        (404, b"", HostNotFound),
        (400, b"[]", HostRejected),
        (400, b"\xff\xfe", HostRejected),
        (400, {"error": "words"}, HostRejected),
        (500, [[[[1]]]], HostFault),
    ],
)
def test_what_a_hosts_error_means(status: int, body: object, kind: type[RequestError]) -> None:
    error = error_of(status, body)
    assert type(error) is kind
    assert error.message
    assert "<" not in error.message


@pytest.mark.parametrize(
    ("details", "seconds"),
    [
        ([{"@type": "x"}, {"retryDelay": "34.4s"}], 35),
        ([{"retryDelay": "48s"}], 48),
        ([{"retryDelay": "soon"}, {"retryDelay": 5}, 7], None),
        ("many", None),
        (None, None),
    ],
)
def test_when_to_try_again_is_said_in_the_details(details: object, seconds: int | None) -> None:
    assert error_of(429, google(429, "RESOURCE_EXHAUSTED", details=details)).retry_after_s == seconds


def test_long_words_of_hosts_are_cut() -> None:
    assert len(error_of(400, google(400, "INVALID_ARGUMENT", "x" * 9999)).message) == 2000


@pytest.mark.parametrize(
    ("error", "code", "status"),
    [
        (InvalidRequest("m"), 400, "INVALID_ARGUMENT"),
        (CannotCarry("m"), 400, "INVALID_ARGUMENT"),
        (UnknownPath("m"), 404, "NOT_FOUND"),
        (UnknownRoute("m"), 404, "NOT_FOUND"),
        (UnknownHostId("m"), 404, "NOT_FOUND"),
        (Unauthenticated("m"), 401, "UNAUTHENTICATED"),
        (NotAllowed("m"), 403, "PERMISSION_DENIED"),
        (HostNotFound("m"), 404, "NOT_FOUND"),
        (HostRejected("m"), 400, "INVALID_ARGUMENT"),
        (HostRateLimited("m"), 429, "RESOURCE_EXHAUSTED"),
        (HostRefused("m"), 502, "FAILED_PRECONDITION"),
        (HostTimedOut("m"), 504, "DEADLINE_EXCEEDED"),
        (HostOverloaded("m"), 503, "UNAVAILABLE"),
        (BrokenStream("m"), 502, "UNAVAILABLE"),
        (JournalFull("m"), 503, "INTERNAL"),
        (Internal("m"), 500, "INTERNAL"),
    ],
)
def test_errors_towards_clients(error: RequestError, code: int, status: str) -> None:
    reply = DIALECT.render_error(error, "rcp_1")
    said = decode(reply.body)["error"]
    assert (reply.status, said["code"], said["status"], said["message"]) == (code, code, status, "m")
    assert said["details"][0]["reason"] == error.code.upper()
    assert said["details"][-1] == {"@type": "type.googleapis.com/google.rpc.RequestInfo", "requestId": "rcp_1"}


def test_an_error_names_its_path_and_what_to_do() -> None:
    said = decode(DIALECT.render_error(InvalidRequest("Wrong.", path="contents", hint="Mend it."), "").body)["error"]
    assert said["message"] == "contents: Wrong. Mend it."
    assert said["details"][1]["fieldViolations"] == [{"field": "contents", "description": "Wrong."}]


def test_when_to_try_again_is_said_to_the_client() -> None:
    assert ("retry-after", "1") in DIALECT.render_error(NotReady("m"), "").headers
    assert "retry-after" not in dict(DIALECT.render_error(InvalidRequest("m"), "").headers)
    reply = DIALECT.render_error(HostRateLimited("m", retry_after_s=7), "")
    assert ("retry-after", "7") in reply.headers
    assert decode(reply.body)["error"]["details"][-1]["retryDelay"] == "7s"


def test_a_missing_key_names_the_scheme() -> None:
    assert ("www-authenticate", "Bearer") in DIALECT.render_error(Unauthenticated("m"), "").headers


def test_an_error_inside_a_stream_is_an_event() -> None:
    data = DIALECT.render_stream_error(HostTimedOut("m"), "rcp_1")
    assert data.startswith(b'data: {"error":')
    assert data.endswith(b"\r\n\r\n")
