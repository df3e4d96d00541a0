"""A request and its answer as they pass: unchanged, and what was used stands in the answer's headers."""

from __future__ import annotations

from collections.abc import Mapping

from hortus.canon.dialect import Answer, Asked, Operation
from hortus.canon.usage import Usage
from hortus.dialects.bedrock_invoke.units import limit_of
from hortus.framing.aws_asking import read_asked
from hortus.framing.counting import estimate_whole
from hortus.framing.metering import usage_of

_COUNTS: Mapping[str, str] = {
    "x-amzn-bedrock-input-token-count": "inputTokenCount",
    "x-amzn-bedrock-output-token-count": "outputTokenCount",
    "x-amzn-bedrock-cache-read-input-token-count": "cacheReadInputTokenCount",
    "x-amzn-bedrock-cache-write-input-token-count": "cacheWriteInputTokenCount",
}
"""Header to what the last piece of a stream calls the same; from recordings."""

_TIER = "x-amzn-bedrock-service-tier"
_LONGEST_NUMBER = 15


def read_request(operation: Operation, body: bytes, route: str | None = None) -> Asked:
    """Read what the gateway must know of a request. Raises as `read_asked`."""
    return read_asked(operation, body, route, limit_of=limit_of)


def read_answer(operation: Operation, body: bytes, input_bytes: int) -> Answer:
    """Return what an answer may have used; it is in words of the model's own, so that they are only counted."""
    del operation
    return Answer(estimate_whole(input_bytes=input_bytes, output_bytes=len(body)), served_model=None)


def usage_in_headers(headers: Mapping[str, str]) -> Usage | None:
    """Return what an answer's headers say that it used, None where they do not."""
    said = {name: headers[header] for header, name in _COUNTS.items() if header in headers}
    counts = {name: int(value) for name, value in said.items() if value.isdecimal() and len(value) <= _LONGEST_NUMBER}
    return usage_of("bedrock_invoke", counts, tier=headers.get(_TIER))
