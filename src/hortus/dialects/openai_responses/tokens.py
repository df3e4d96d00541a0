"""Counting a chat's input tokens: what the host is asked, and its answer."""

from __future__ import annotations

import msgspec

from hortus.canon.errors import BrokenStream
from hortus.canon.request import Request
from hortus.canon.translation import Target, Written
from hortus.dialects.openai_responses.pen import ENCODE, OBJECT
from hortus.dialects.openai_responses.request_writer import write_request
from hortus.framing.counting import UNREADABLE

_TAKEN = frozenset(
    (
        "model",
        "input",
        "instructions",
        "tools",
        "tool_choice",
        "parallel_tool_calls",
        "text",
        "reasoning",
        "truncation",
        "previous_response_id",
        "conversation",
    )
)
"""What adds to the input: https://platform.openai.com/docs/api-reference/responses/input-tokens, read 2026-11."""


class _Counted(msgspec.Struct):
    input_tokens: int
    object: str = "response.input_tokens"


_DECODE = msgspec.json.Decoder(_Counted).decode


def write_count_request(request: Request, target: Target) -> Written:
    """Return the request for a count, with what of the input is not carried."""
    written = write_request(request, target)
    members = {name: value for name, value in OBJECT(written.body).items() if name in _TAKEN}
    adaptations = tuple(name for name in written.adaptations if not name.startswith(("+store", "+include")))
    return Written(body=ENCODE(members), losses=written.losses, adaptations=adaptations)


def read_token_count(body: bytes) -> int:
    """Return the number of tokens.

    Raises:
        BrokenStream: There is none.
    """
    try:
        return _DECODE(body).input_tokens
    except UNREADABLE as error:
        raise BrokenStream("The host's answer has no number of tokens.") from error


def write_token_count(count: int) -> bytes:
    """Return the answer for a client."""
    return ENCODE(_Counted(input_tokens=count))
