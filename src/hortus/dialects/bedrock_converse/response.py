"""A whole answer to the canonical one and back, and why models stop in Bedrock's words."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import msgspec
from msgspec import Raw, UnsetType

from hortus.canon.errors import CallerFault
from hortus.canon.nodes import Extras
from hortus.canon.request import Message
from hortus.canon.response import Choice, Response, Stop
from hortus.canon.translation import Asking, Written
from hortus.dialects.bedrock_converse.parts import read_blocks, write_blocks
from hortus.dialects.bedrock_converse.pen import Object, Pen, own_extras, pen_for
from hortus.dialects.bedrock_converse.usage import read_usage, write_usage
from hortus.dialects.bedrock_converse.wire import NAME, AnswerBody, StreamEvent, given
from hortus.framing.answers import misshapen
from hortus.framing.objects import finish_body
from hortus.framing.opening import Notes
from hortus.framing.paths import join_name, put_back
from hortus.framing.shallow import check_text

PADDING = "p"
"""Member of a stream's events that makes their lengths say nothing; kept, and left out of whole answers."""

_STOPS: Mapping[str, Stop] = MappingProxyType(
    {
        "end_turn": "end",
        "max_tokens": "length",
        "model_context_window_exceeded": "length",
        "stop_sequence": "stop_sequence",
        "tool_use": "tool_calls",
        "content_filtered": "content_filter",
        "guardrail_intervened": "content_filter",
    }
)
_REASONS: Mapping[Stop, str] = MappingProxyType(
    {
        "end": "end_turn",
        "length": "max_tokens",
        "stop_sequence": "stop_sequence",
        "tool_calls": "tool_use",
        "content_filter": "content_filtered",
        "refusal": "content_filtered",
        "pause": "end_turn",
        "other": "end_turn",
    }
)
NEAR_STOPS: Mapping[Stop, str] = MappingProxyType(
    {
        "refusal": "Written as `content_filtered`, which is near.",
        "pause": "Written as `end_turn`: Bedrock has no word for it.",
        "other": "Written as `end_turn`: Bedrock has no word for it.",
    }
)
"""Why the model stopped where Bedrock's word means something else too, and what to say of it."""

NO_METRICS: Mapping[str, object] = MappingProxyType({"latencyMs": 0})
"""Bedrock always says how long it took; of another host's answer nothing is known."""

_ADDITIONAL, _SEQUENCE = "additionalModelResponseFields", "stop_sequence"
"""Where Anthropic's models say which stop sequence it was, if asked to."""

_METRICS, _PLACE = "metrics", ("performanceConfig", "serviceTier")
_ENCODE = msgspec.json.Encoder().encode


class _Tier(msgspec.Struct):
    type: str = ""


_TIER = msgspec.json.Decoder(_Tier).decode
_FIELDS = msgspec.json.Decoder(dict[str, Raw]).decode
_STRING = msgspec.json.Decoder(str).decode


def read_response(body: bytes) -> Response:
    """Return a host's whole answer.

    Raises:
        BrokenStream: It cannot be read.
    """
    notes = Notes(NAME, "")
    try:
        check_text(body)
        wire = notes.open(body, AnswerBody)
        parts = read_blocks(wire.output.message.content, "output.message.content")
    except CallerFault as fault:
        raise misshapen(fault, "answer") from fault
    notes.form("own")
    stop_sequence = read_stop_sequence(wire.additional_model_response_fields, notes)
    role = wire.output.message.role
    if role != "assistant":
        notes.hush("output.message.role", Raw(_ENCODE(role)))
    usage = None
    if isinstance(wire.usage, UnsetType):
        notes.form("-usage")
    else:
        usage = read_usage(wire.usage, notes, tier=tier_of(wire.service_tier))
    note_metrics(wire, notes)
    stop, said = read_stop(given(wire.stop_reason))
    choice = Choice(message=Message(role="assistant", parts=parts), stop=stop, stop_sequence=stop_sequence, extras=said)
    return Response(choices=(choice,), usage=usage, extras=notes.extras())


def note_metrics(wire: AnswerBody | StreamEvent, notes: Notes) -> None:
    """Note what is said of how the answer was made."""
    if isinstance(wire.metrics, UnsetType):
        notes.form("-metrics")
    else:
        notes.hush(_METRICS, wire.metrics)
    for name, raw in zip(_PLACE, (wire.performance_config, wire.service_tier), strict=True):
        if not isinstance(raw, UnsetType):
            notes.hush(name, raw)


def read_stop_sequence(raw: Raw | UnsetType, notes: Notes) -> str | None:
    """Return which stop sequence it was, where a model's own fields say so; what else they say is kept."""
    if isinstance(raw, UnsetType):
        return None
    try:
        fields = _FIELDS(raw)
        found = _STRING(fields.get(_SEQUENCE, b"null"))
    except msgspec.DecodeError:
        notes.keep(_ADDITIONAL, raw)
        return None
    for name, value in fields.items():
        if name != _SEQUENCE:
            notes.keep(join_name(_ADDITIONAL, name), value)
    return found


def write_stop_sequence(stop_sequence: str | None) -> Object:
    """Return a model's own fields, nothing where there are none."""
    return {} if stop_sequence is None else {_ADDITIONAL: {_SEQUENCE: stop_sequence}}


def tier_of(raw: Raw | UnsetType) -> str | None:
    """Return what the answer was served as, None where it does not say."""
    try:
        return None if isinstance(raw, UnsetType) else _TIER(raw).type
    except msgspec.DecodeError:
        return None


def read_stop(reason: str | None) -> tuple[Stop | None, Extras | None]:
    """Return why the model stopped, and the host's own word for it where it says more."""
    if reason is None:
        return None, None
    stop = _STOPS.get(reason, "other")
    if _REASONS[stop] == reason:
        return stop, None
    return stop, Extras(NAME, silent={"stopReason": Raw(_ENCODE(reason))})


def write_stop(stop: Stop | None) -> str | None:
    """Return Bedrock's word."""
    return None if stop is None else _REASONS[stop]


def write_response(response: Response, asking: Asking) -> Written:
    """Return a whole answer for a client."""
    pen = pen_for(response, asking.source, is_answer=True)
    own = own_extras(response.extras)
    pen.manifest.take(response, "id", "created_s", "usage", "choices")
    body = _write_choices(response, pen)
    if not pen.manifest.has_form(response, "-usage"):
        body["usage"] = write_usage(response.usage, own)
    if not pen.is_own:
        body[_METRICS] = dict(NO_METRICS)
    put_back(body, pen.manifest.members(response))
    silent = {path: raw for path, raw in own.silent.items() if path != PADDING}
    message_role = silent.pop("output.message.role", None)
    put_back(body, silent)
    if message_role is not None:
        _set_role(body, message_role)
    return finish_body(body, pen.manifest)


def _set_role(body: Object, role: Raw) -> None:
    output = body["output"]
    assert isinstance(output, dict)  # noqa: S101 -- written by this file
    output["message"]["role"] = role


def _write_choices(response: Response, pen: Pen) -> Object:
    for other in response.choices[1:]:
        pen.manifest.lose(other, "", "Bedrock answers once.")
    if not response.choices:
        return {"output": {"message": {"role": "assistant", "content": []}}, "stopReason": "end_turn"}
    choice = response.choices[0]
    pen.manifest.take(choice.message, "role", "parts")
    pen.manifest.take(choice, "stop", "stop_sequence")
    own_reason = pen.manifest.silent(choice).get("stopReason")
    near = None if own_reason or choice.stop is None else NEAR_STOPS.get(choice.stop)
    if near is not None:
        pen.manifest.approximate(choice, "stop", near)
    message = {"role": "assistant", "content": write_blocks(choice.message.parts, pen)}
    body: Object = {"output": {"message": message}, **write_stop_sequence(choice.stop_sequence)}
    reason = own_reason or write_stop(choice.stop)
    if reason is not None:
        body["stopReason"] = reason
    elif not pen.is_own:
        body["stopReason"] = "end_turn"
    return body
