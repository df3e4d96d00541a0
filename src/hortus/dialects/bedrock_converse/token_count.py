"""CountTokens: a chat whose input tokens are counted, inside `input.converse`."""

from __future__ import annotations

import msgspec
from msgspec import Raw, UnsetType
from msgspec.structs import replace

from hortus.canon.errors import BrokenStream, CannotCarry
from hortus.canon.request import Request
from hortus.canon.translation import Call, Target, Written
from hortus.dialects.bedrock_converse.pen import pen_for
from hortus.dialects.bedrock_converse.request import finish, read_chat, write_body
from hortus.dialects.bedrock_converse.vocabulary import ADDITIONAL
from hortus.dialects.bedrock_converse.wire import NAME, CountBody, TokenCountBody
from hortus.framing.opening import Notes
from hortus.framing.reading import read_open
from hortus.framing.shallow import check_text

_COUNTED = frozenset(("messages", "system", "toolConfig", ADDITIONAL))
"""Members that CountTokens takes."""

_COUNT = msgspec.json.Decoder(TokenCountBody).decode
_OBJECT = msgspec.json.Decoder(dict[str, Raw]).decode
_ENCODE = msgspec.json.Encoder().encode


def read_request(body: bytes, call: Call) -> Request:
    """Return the chat whose tokens a client wants counted.

    Raises:
        NotJson: The body is not a JSON object.
        InvalidRequest: A member is missing, or of the wrong type.
        CannotCarry: It is a body of InvokeModel, which is one model's own.
    """
    check_text(body)
    wire, _ = read_open(body, CountBody)
    if isinstance(wire.input.converse, UnsetType):
        raise CannotCarry(
            "Tokens of an `invokeModel` can be counted only by a host of Bedrock.",
            path="input.invokeModel",
            hint="Send the chat as `input.converse`.",
        )
    return read_chat(wire.input.converse, call, Notes(NAME, ""))


def write_request(request: Request, target: Target) -> Written:
    """Return the request to count the tokens of what the chat would send."""
    counted = replace(
        request,
        max_output_tokens=None,
        stop=(),
        temperature=None,
        top_p=None,
        metadata=None,
        service_tier=None,
        output=None,
        is_stream=False,
    )
    pen = pen_for(counted, target.source, is_answer=False, model=target.model, reclassified=target.habits.weights)
    body = write_body(counted, pen)
    for name in body.keys() - _COUNTED:
        del body[name]
    written = finish(body, counted, target, pen=pen)
    return replace(written, body=_ENCODE({"input": {"converse": Raw(written.body)}}))


def read_response(body: bytes) -> int:
    """Return the input tokens that a host counted.

    Raises:
        BrokenStream: It cannot be read.
    """
    try:
        return _COUNT(body).input_tokens
    except (msgspec.DecodeError, RecursionError) as error:
        raise BrokenStream("The host's answer is no count of tokens.") from error


def write_response(count: int) -> bytes:
    """Return the answer to CountTokens for a client."""
    return _ENCODE(TokenCountBody(count))
