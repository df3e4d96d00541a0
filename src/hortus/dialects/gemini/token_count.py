"""Counting the tokens of a chat's input: `countTokens`, both ways.

The Gemini API takes instructions and tools only inside a whole `generateContentRequest`, Vertex only
beside the contents.
https://ai.google.dev/api/tokens and
https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/count-tokens, read 2026-11.
"""

from __future__ import annotations

import msgspec

from hortus.canon.errors import BrokenStream, CallerFault, InvalidRequest
from hortus.canon.manifest import Manifest
from hortus.canon.request import Request
from hortus.canon.translation import Call, Target, Written
from hortus.dialects.gemini.members import NAME, Object, Opened, is_own
from hortus.dialects.gemini.request import read_opened, write_body
from hortus.dialects.gemini.response import unreadable
from hortus.framing.shallow import check_text

_WHOLE = "generateContentRequest"
_WRAPPED, _SNAKE = "wrapped", "wrapped_snake"
_ENCODE = msgspec.json.Encoder().encode


def read_request(body: bytes, call: Call) -> Request:
    """Return the chat whose tokens a client wants counted.

    Raises:
        NotJson: The body is not a JSON object.
        InvalidRequest: A member is missing or has the wrong type.
    """
    check_text(body)
    outer = Opened(body, "")
    is_snake = _WHOLE not in outer.names()
    if not outer.has(_WHOLE):
        return read_opened(outer, call)
    whole = outer.raw(_WHOLE)
    beside = next(iter(outer.names()), None)
    if whole is None or beside is not None:
        raise InvalidRequest(f"`{_WHOLE}` stands alone.", path=beside, hint="Move this member into it.")
    wire = Opened(whole, "")
    wire.form(_SNAKE if is_snake else _WRAPPED)
    if wire.raw("model") is not None:
        wire.form("named")
    return read_opened(wire, call)


def write_request(request: Request, target: Target) -> Written:
    """Return the request for a host."""
    manifest = Manifest(request, NAME, source=target.source, reclassified=target.habits.weights)
    body = write_body(request, target, manifest=manifest)
    written = _wrapped(request, body, target=target)
    losses = manifest.losses()
    return Written(body=_ENCODE(written), losses=losses, adaptations=manifest.adaptations)


def read_response(body: bytes) -> int:
    """Return the count in a host's answer.

    Raises:
        BrokenStream: It cannot be read.
    """
    try:
        check_text(body)
        total = Opened(body, "").integer("totalTokens")
    except CallerFault as error:
        raise unreadable(error) from error
    if total is None:
        raise BrokenStream("The host's answer holds no `totalTokens`.")
    return total


def write_response(tokens: int) -> bytes:
    """Return a count for a client."""
    return _ENCODE({"totalTokens": tokens})


def _wrapped(request: Request, body: Object, *, target: Target) -> Object:
    forms = request.extras.forms if request.extras is not None and is_own(request) else ()
    if is_own(request):
        if _WRAPPED not in forms and _SNAKE not in forms:
            return body
        named = {"model": f"models/{target.model}"} if "named" in forms else {}
        return {_WHOLE if _WRAPPED in forms else "generate_content_request": body | named}
    if body.keys() <= {"contents"} or _WHOLE in target.habits.forbids:
        return body
    return {_WHOLE: body | {"model": f"models/{target.model}"}}
