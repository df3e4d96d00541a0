"""A whole answer to the canonical one and back, and why models stop in Cohere's words."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import msgspec
from msgspec import UNSET, Raw, UnsetType

from hortus.canon.errors import CallerFault
from hortus.canon.nodes import Extras
from hortus.canon.request import Message
from hortus.canon.response import Choice, Response, Stop
from hortus.canon.translation import Asking, Written
from hortus.dialects.cohere_v2.messages import read_parts, write_parts
from hortus.dialects.cohere_v2.pen import Object, Pen, notes_at, own_extras, pen_for, told_raw
from hortus.dialects.cohere_v2.usage import read_noted_usage, write_usage
from hortus.dialects.cohere_v2.wire import NAME, AnswerBody, MessageObject, given
from hortus.framing.answers import misshapen
from hortus.framing.objects import finish_body
from hortus.framing.shallow import check_text

_STOPS: Mapping[str, Stop] = MappingProxyType(
    {
        "COMPLETE": "end",
        "STOP_SEQUENCE": "stop_sequence",
        "MAX_TOKENS": "length",
        "TOOL_CALL": "tool_calls",
    }
)
_REASONS: Mapping[Stop, str] = MappingProxyType({stop: reason for reason, stop in _STOPS.items()})
_NEAR: Mapping[Stop, str] = MappingProxyType({"content_filter": "ERROR"})
"""The nearest of Cohere's words, where it is not that all went well."""

_COMPLETE = "COMPLETE"
_ENCODE = msgspec.json.Encoder().encode


def read_response(body: bytes) -> Response:
    """Return a host's whole answer.

    Raises:
        BrokenStream: It cannot be read.
    """
    notes, own = notes_at(""), notes_at("message")
    try:
        check_text(body)
        wire = notes.open(body, AnswerBody)
        message = own.open(wire.message, MessageObject)
        parts = read_parts(message, own, at="message")
    except CallerFault as fault:
        raise misshapen(fault, "answer") from fault
    notes.form("own")
    for name in ("id", "finish_reason", "usage"):
        if getattr(wire, name) is UNSET:
            notes.form(f"-{name}")
    if message.role != "assistant":
        (own.form("-role") if message.role is UNSET else own.hush("role", Raw(_ENCODE(message.role))))
    usage = None if isinstance(wire.usage, UnsetType) else read_noted_usage(wire.usage, notes)
    logprobs = told_raw(wire.logprobs, "logprobs", notes)
    stop, said = read_stop(given(wire.finish_reason))
    choice = Choice(
        message=Message(role="assistant", parts=parts, at="message", extras=own.extras()),
        stop=stop,
        logprobs=logprobs,
        extras=said,
    )
    return Response(choices=(choice,), id=given(wire.id) or "", usage=usage, extras=notes.extras())


def read_stop(reason: str | None) -> tuple[Stop | None, Extras | None]:
    """Return why the model stopped, and the host's own word for it where it says more."""
    if reason is None:
        return None, None
    stop = _STOPS.get(reason)
    if stop is not None:
        return stop, None
    return "other", Extras(NAME, members={"finish_reason": Raw(_ENCODE(reason))})


def write_response(response: Response, asking: Asking) -> Written:
    """Return a whole answer for a client."""
    pen = pen_for(response, asking.source, is_answer=True)
    pen.manifest.take(response, "id", "usage", "choices", "created_s")
    body: Object = {"id": answer_id(response, asking, is_own=pen.is_own)}
    for other in response.choices[1:]:
        pen.manifest.lose(other, "", "Cohere answers once.")
    body |= _write_choice(response.choices[0], pen) if response.choices else _NO_CHOICE
    body["usage"] = write_usage(response.usage)
    pen.close(response, body)
    return finish_body(body, pen.manifest)


_NO_CHOICE: Mapping[str, object] = MappingProxyType(
    {"message": {"role": "assistant", "content": []}, "finish_reason": _COMPLETE}
)


def answer_id(answer: msgspec.Struct, asking: Asking, *, is_own: bool) -> str:
    """Return the id of an answer, whole or streamed."""
    given_id: str = getattr(answer, "id", "")
    return given_id if is_own or given_id else asking.answer_id


def _write_choice(choice: Choice, pen: Pen) -> Object:
    message = choice.message
    pen.manifest.take(message, "role", "parts")
    body: Object = {"message": write_parts(message, list(message.parts), pen)}
    said = own_extras(choice.extras).members.get("finish_reason")
    pen.manifest.members(choice)
    pen.manifest.take(choice, "stop")
    body["finish_reason"] = said or write_stop(choice.stop)
    near = near_stop(choice.stop) if said is None else None
    if near is not None:
        pen.manifest.approximate(choice, "stop", near)
    if choice.logprobs is not None and pen.is_own:
        pen.manifest.take(choice, "logprobs")
        body["logprobs"] = choice.logprobs
    return body


def write_stop(stop: Stop | None) -> str:
    """Return Cohere's word."""
    return _COMPLETE if stop is None else _REASONS.get(stop) or _NEAR.get(stop, _COMPLETE)


def near_stop(stop: Stop | None) -> str | None:
    """Return what to say of a reason for which Cohere has no word."""
    return None if stop is None or stop in _REASONS else f"Written as `{write_stop(stop)}`: Cohere has no word for it."
