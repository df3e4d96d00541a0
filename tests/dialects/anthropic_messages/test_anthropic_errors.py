"""Errors: ours as Anthropic's SDKs raise them, and what its hosts' errors mean."""

from __future__ import annotations

import anthropic
import httpx2
import msgspec
import pytest

from hortus.canon import errors
from hortus.canon.errors import RequestError
from hortus.dialects.anthropic_messages import DIALECT

TRANSLATION = DIALECT.translation
assert TRANSLATION is not None
DECODE = msgspec.json.decode

RENDERED = [
    (errors.InvalidRequest, 400, "invalid_request_error", anthropic.BadRequestError),
    (errors.CannotCarry, 400, "invalid_request_error", anthropic.BadRequestError),
    (errors.Unauthenticated, 401, "authentication_error", anthropic.AuthenticationError),
    (errors.NotAllowed, 403, "permission_error", anthropic.PermissionDeniedError),
    (errors.UnknownRoute, 404, "not_found_error", anthropic.NotFoundError),
    (errors.UnknownHostId, 404, "not_found_error", anthropic.NotFoundError),
    (errors.UnknownPath, 404, "not_found_error", anthropic.NotFoundError),
    (errors.HostNotFound, 404, "not_found_error", anthropic.NotFoundError),
    (errors.TooLarge, 413, "request_too_large", anthropic.RequestTooLargeError),
    (errors.HostTooLarge, 413, "request_too_large", anthropic.RequestTooLargeError),
    (errors.ContextTooLong, 400, "invalid_request_error", anthropic.BadRequestError),
    (errors.HostRateLimited, 429, "rate_limit_error", anthropic.RateLimitError),
    (errors.HostOverloaded, 529, "overloaded_error", anthropic.OverloadedError),
    (errors.HostTimedOut, 504, "timeout_error", anthropic.GatewayTimeoutError),
    (errors.HostRefused, 502, "api_error", anthropic.InternalServerError),
    (errors.Internal, 500, "api_error", anthropic.InternalServerError),
    (errors.RequestError, 500, "api_error", anthropic.InternalServerError),
]


@pytest.mark.parametrize(("kind", "status", "word", "raised"), RENDERED, ids=[row[0].__name__ for row in RENDERED])
def test_the_sdk_raises_the_class_that_its_users_catch(
    kind: type[RequestError], status: int, word: str, raised: type[Exception]
) -> None:
    reply = DIALECT.render_error(kind("It went wrong.", path="messages[0]", hint="Mend it."), "rcp_1")
    body = DECODE(reply.body)
    assert reply.status == status
    assert body == {
        "type": "error",
        "error": {"type": word, "message": "messages[0]: It went wrong. Mend it."},
        "request_id": "rcp_1",
    }
    response = httpx2.Response(reply.status, headers=dict(reply.headers), content=reply.body, request=_REQUEST)
    with anthropic.Anthropic(api_key="k", base_url="http://localhost") as sdk:
        error = sdk._make_status_error_from_response(response)
    assert isinstance(error, raised)


_REQUEST = httpx2.Request("POST", "http://localhost/v1/messages")


def test_an_sdk_is_told_where_sending_again_is_useless_or_costs_twice() -> None:
    assert ("x-should-retry", "false") in DIALECT.render_error(errors.HostTimedOut("Late."), "").headers
    assert ("retry-after", "7") in DIALECT.render_error(errors.HostOverloaded("Full.", retry_after_s=7), "").headers


def test_an_error_in_a_stream_is_an_event_of_its_own() -> None:
    frame = DIALECT.render_stream_error(errors.HostOverloaded("Full."), "")
    name, data = frame.removesuffix(b"\n\n").split(b"\n")
    assert name == b"event: error"
    assert DECODE(data.removeprefix(b"data: ")) == {
        "type": "error",
        "error": {"type": "overloaded_error", "message": "Full."},
        "request_id": None,
    }


def said(word: str, message: str = "It went wrong.") -> bytes:
    return msgspec.json.encode({"type": "error", "error": {"type": word, "message": message}})


READ = [
    (400, said("invalid_request_error"), errors.HostRejected),
    (400, said("invalid_request_error", "prompt is too long: 9 tokens > 8 maximum"), errors.ContextTooLong),
    (400, said("invalid_request_error", "input length and `max_tokens` exceed context limit"), errors.ContextTooLong),
    (400, said("invalid_request_error", "Output blocked by content filtering policy"), errors.ContentRefused),
    (400, said("invalid_request_error", "Your credit balance is too low"), errors.HostRefused),
    (401, said("authentication_error"), errors.HostRefused),
    (402, said("billing_error"), errors.HostRefused),
    (403, said("permission_error"), errors.HostRefused),
    (404, said("not_found_error"), errors.HostNotFound),
    (413, said("request_too_large"), errors.HostTooLarge),
    (429, said("rate_limit_error"), errors.HostRateLimited),
    (500, said("api_error"), errors.HostFault),
    (504, said("timeout_error"), errors.HostTimedOut),
    (529, said("overloaded_error"), errors.HostOverloaded),
    (529, b"", errors.HostOverloaded),
    (500, b"<html>", errors.HostFault),
    (418, b"[]", errors.HostRejected),
    (404, b'{"error":"no such model"}', errors.HostNotFound),
    (400, b'{"detail":"bad"}', errors.HostRejected),
]


@pytest.mark.parametrize(("status", "body", "kind"), READ, ids=[str(i) for i in range(len(READ))])
def test_a_hosts_error_is_of_its_kind(status: int, body: bytes, kind: type[RequestError]) -> None:
    error = TRANSLATION.read_error(status, body)
    assert type(error) is kind
    assert error.message
