"""Errors in Amazon's form: what a host says is one of ours, and ours are what boto3 raises its classes for."""

from __future__ import annotations

import pytest
from converse_wire import TRANSLATION, decode, encode, frames_of

from hortus.canon import errors
from hortus.canon.errors import BY_CODE, RequestError
from hortus.dialects.bedrock_converse import DIALECT

TYPE = "__type"


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, {"message": "m"}, errors.HostRejected),
        (400, {"message": "The provided model identifier is invalid."}, errors.HostNotFound),
        (400, {"message": "Input is too long for requested model."}, errors.ContextTooLong),
        (403, {"Message": "m"}, errors.HostRefused),
        (404, {"message": "This model version has reached the end of its life."}, errors.HostNotFound),
        (424, {"message": "m"}, errors.HostFault),
        (429, {"message": "m"}, errors.HostRateLimited),
        (429, {TYPE: "ModelNotReadyException", "message": "m"}, errors.HostOverloaded),
        (400, {TYPE: "a.b#ServiceQuotaExceededException:http://a", "message": "m"}, errors.HostQuotaExhausted),
        (400, {TYPE: "UnrecognizedClientException", "message": "m"}, errors.HostRefused),
        (500, {TYPE: "InternalServerException"}, errors.HostFault),
        (500, {TYPE: "ModelErrorException"}, errors.HostFault),
        (503, {"message": "m"}, errors.HostOverloaded),
        (413, {TYPE: "ValidationException", "message": "m"}, errors.HostTooLarge),
    ],
)
def test_a_hosts_error_is_one_of_ours(status: int, body: dict, kind: type[RequestError]) -> None:
    error = TRANSLATION.read_error(status, encode(body))
    assert type(error) is kind
    assert error.message == body.get("message", body.get("Message", error.message))


NAMED = "{}:http://internal.amazon.com/coral/com.amazon.bedrock/"


@pytest.mark.parametrize(
    ("status", "name", "message", "kind"),
    [
        (400, "ValidationException", "The provided model identifier is invalid.", errors.HostNotFound),
        (400, "ValidationException", "on-demand throughput is not supported", errors.HostRejected),
        (400, "ServiceQuotaExceededException", "m", errors.HostQuotaExhausted),
        (400, "UnrecognizedClientException", "m", errors.HostRefused),
        (403, "ExpiredTokenException", "m", errors.HostRefused),
        (404, "ResourceNotFoundException", "This model version has reached the end of its life.", errors.HostNotFound),
        (429, "ModelNotReadyException", "m", errors.HostOverloaded),
        (400, "ThrottlingException", "m", errors.HostRateLimited),
        (400, "SomethingNewException", "m", errors.HostRejected),
    ],
)
def test_the_header_says_which_error_it_is(status: int, name: str, message: str, kind: type[RequestError]) -> None:
    headers = {"x-amzn-errortype": NAMED.format(name)}
    assert type(TRANSLATION.read_error(status, encode({"message": message}), headers)) is kind


@pytest.mark.parametrize("body", [b"", b"<html>", b"\xff", b"[]", b'{"message":1}'])
def test_whatever_a_host_says_is_an_error(body: bytes) -> None:
    assert type(TRANSLATION.read_error(503, body)) is errors.HostOverloaded


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (errors.InvalidRequest("m"), "ValidationException"),
        (errors.UnknownRoute("m"), "ResourceNotFoundException"),
        (errors.NotAllowed("m"), "AccessDeniedException"),
        (errors.OverLimit("m"), "ThrottlingException"),
        (errors.OverBudget("m"), "ServiceQuotaExceededException"),
        (errors.HostOverloaded("m"), "ServiceUnavailableException"),
        (errors.HostTimedOut("m"), "ModelTimeoutException"),
        (errors.Internal("m"), "InternalServerException"),
    ],
)
def test_an_error_says_its_type_where_amazons_clients_look(error: RequestError, name: str) -> None:
    reply = DIALECT.render_error(error, "rcp")
    assert reply.status == error.status
    assert dict(reply.headers)["x-amzn-errortype"] == name
    assert decode(reply.body) == {TYPE: name, "message": "m"}


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (errors.Unauthenticated("m"), "AccessDeniedException"),
        (errors.SignatureRefused("m"), "InvalidSignatureException"),
    ],
)
def test_who_is_not_known_is_forbidden_for_amazon_has_no_401(error: RequestError, name: str) -> None:
    reply = DIALECT.render_error(error, "rcp")
    assert (reply.status, dict(reply.headers)["x-amzn-errortype"]) == (403, name)


def test_an_error_says_where_and_what_to_do() -> None:
    reply = DIALECT.render_error(errors.InvalidRequest("Wrong.", path="messages", hint="Mend it."), "")
    assert decode(reply.body)["message"] == "messages: Wrong. Mend it."


@pytest.mark.parametrize("kind", BY_CODE.values(), ids=list(BY_CODE))
def test_every_error_ends_a_stream_as_an_exception_that_the_api_has(kind: type[RequestError]) -> None:
    (frame,) = frames_of(DIALECT.render_stream_error(kind("m"), "rcp"))
    assert frame.is_failure
    assert frame.kind in {
        "internalServerException",
        "modelStreamErrorException",
        "validationException",
        "throttlingException",
        "serviceUnavailableException",
    }
