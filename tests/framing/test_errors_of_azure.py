"""Azure's error bodies: which have codes that are words or numbers in quotes, and no type."""

from __future__ import annotations

import msgspec
import pytest

from hortus.canon.errors import ContentRefused, HostFault, HostNotFound, HostRateLimited, HostRefused, HostRejected
from hortus.framing.openai_errors import read_error

FILTERED = {
    "message": "The response was filtered.",
    "type": None,
    "param": "prompt",
    "code": "content_filter",
    "status": 400,
    "innererror": {"code": "ResponsibleAIPolicyViolation", "content_filter_result": {"hate": {"filtered": True}}},
}


@pytest.mark.parametrize(
    ("status", "error", "kind"),
    [
        (401, {"code": "401", "message": "Access denied due to invalid subscription key."}, HostRefused),
        (401, {"code": "PermissionDenied", "message": "The principal lacks the required data action."}, HostRefused),
        (404, {"code": "DeploymentNotFound", "message": "The API deployment does not exist."}, HostNotFound),
        (404, {"code": "404", "message": "Resource not found"}, HostNotFound),
        (429, {"code": "RateLimitReached", "message": "Too much.", "details": "Too much."}, HostRateLimited),
        (429, {"code": "429", "message": "Requests have exceeded the token rate limit."}, HostRateLimited),
        (400, FILTERED, ContentRefused),
        (400, {"code": "unknown_model", "message": "Unknown model: x", "details": "Unknown model: x"}, HostRejected),
    ],
)
def test_an_error_of_azure_means(status: int, error: dict[str, object], kind: type[HostFault]) -> None:
    found = read_error(status, msgspec.json.encode({"error": error}))
    assert type(found) is kind
    assert found.message.startswith(str(error["message"]).rstrip("."))


def test_a_gateway_before_azure_says_it_without_an_error_object() -> None:
    body = b'{"statusCode": 401, "message": "Unauthorized. Access token is missing, invalid or expired."}'
    assert type(read_error(401, body)) is HostRefused
