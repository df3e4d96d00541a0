"""An error that one Hortus writes is one of the same kind to the Hortus that asked it."""

from __future__ import annotations

import pytest

from hortus.canon import errors
from hortus.canon.errors import BY_CODE, RequestError
from hortus.dialects import DIALECTS

RECOGNISED: dict[type[RequestError], type[RequestError]] = {
    errors.InvalidRequest: errors.HostRejected,
    errors.CannotCarry: errors.HostRejected,
    errors.UnknownRoute: errors.HostNotFound,
    errors.Unauthenticated: errors.HostRefused,
    errors.SignatureRefused: errors.HostRefused,
    errors.NotAllowed: errors.HostRefused,
    errors.TooLarge: errors.HostTooLarge,
    errors.HostRateLimited: errors.HostRateLimited,
    errors.HostOverloaded: errors.HostOverloaded,
    errors.HostRejected: errors.HostRejected,
    errors.HostNotFound: errors.HostNotFound,
    errors.HostTooLarge: errors.HostTooLarge,
    errors.ContextTooLong: errors.HostRejected,
    errors.ContentRefused: errors.HostRejected,
}

SPEAKING = [dialect for dialect in DIALECTS if dialect.translation is not None]


@pytest.mark.parametrize("dialect", SPEAKING, ids=lambda one: one.name)
@pytest.mark.parametrize("kind", sorted(BY_CODE.values(), key=lambda one: one.__name__), ids=lambda one: one.__name__)
def test_an_error_that_was_written_is_read_as_one_of_its_kind(dialect, kind: type[RequestError]) -> None:
    reply = dialect.render_error(kind("It went wrong.", path="messages[0]", hint="Mend it."), "rcp_made")
    error = dialect.translation.read_error(reply.status, reply.body)
    assert isinstance(error, RECOGNISED.get(kind, errors.HostFault))
    assert "It went wrong." in error.message
    assert error.retry_helps in {kind.retry_helps, error.retry_helps and reply.status >= 500}


HTML = b"<html><body><h1>502 Bad Gateway</h1></body></html>"
STATUSES = (400, 401, 403, 404, 408, 409, 413, 418, 422, 424, 429, 499, 500, 502, 503, 504, 520, 529, 599, 302, 200)
BODIES = (
    b"",
    HTML,
    b"{}",
    b"[]",
    b"null",
    b'"text"',
    b"\xff\xfe",
    b'{"error": null}',
    b'{"error": "words"}',
    b'{"error": ["words"]}',
    b'{"error": {"message": 7, "code": {}, "type": []}}',
    b'[{"error": {"code": 400, "message": "m", "status": "INVALID_ARGUMENT"}}]',
    b'{"detail": "Not Found"}',
    b'{"object": "error", "message": "m", "type": "BadRequestError", "code": 400}',
    b'{"type": "error", "error": {"type": "overloaded_error", "message": "m"}}',
    b'{"message": "m"}',
    b'{"error": {"message": "' + b"m" * 100_000 + b'"}}',
    b"[" * 100_000,
)


@pytest.mark.parametrize("dialect", SPEAKING, ids=lambda one: one.name)
def test_whatever_a_host_says_is_an_error_of_the_tree(dialect) -> None:
    for status in STATUSES:
        for body in BODIES:
            error = dialect.translation.read_error(status, body)
            assert isinstance(error, errors.HostFault), (status, body[:50])
            assert error.message
            assert len(error.message) < 2200
            assert "<html" not in error.message
