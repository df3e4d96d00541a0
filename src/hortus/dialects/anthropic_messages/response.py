"""A whole answer to the canonical one and back, and why models stop in Anthropic's words."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import msgspec
from msgspec import UNSET, Raw, UnsetType

from hortus.canon.errors import BrokenStream, CallerFault
from hortus.canon.events import Started
from hortus.canon.nodes import Extras
from hortus.canon.parts import Refusal
from hortus.canon.request import Message
from hortus.canon.response import Choice, Response, Stop
from hortus.canon.translation import Asking, Written
from hortus.dialects.anthropic_messages.parts import read_part, write_blocks
from hortus.dialects.anthropic_messages.pen import NOTHING, Object, Pen, own_extras, pen_for
from hortus.dialects.anthropic_messages.usage import read_usage, said_in, write_usage
from hortus.dialects.anthropic_messages.wire import NAME, AnswerBody, TokenCountBody, given
from hortus.framing.answers import misshapen
from hortus.framing.objects import finish_body
from hortus.framing.opening import Notes
from hortus.framing.paths import put_back
from hortus.framing.shallow import check_text

_STOPS: Mapping[str, Stop] = MappingProxyType(
    {
        "end_turn": "end",
        "max_tokens": "length",
        "model_context_window_exceeded": "length",
        "stop_sequence": "stop_sequence",
        "tool_use": "tool_calls",
        "pause_turn": "pause",
        "refusal": "refusal",
    }
)
_REASONS: Mapping[Stop, str] = MappingProxyType(
    {
        "end": "end_turn",
        "length": "max_tokens",
        "stop_sequence": "stop_sequence",
        "tool_calls": "tool_use",
        "pause": "pause_turn",
        "refusal": "refusal",
        "content_filter": "refusal",
        "other": "end_turn",
    }
)
NEAR_STOPS: Mapping[Stop, str] = MappingProxyType(
    {
        "content_filter": "Written as `refusal`, which is near.",
        "other": "Written as `end_turn`: Anthropic has no word for it.",
    }
)
"""Why the model stopped where Anthropic's word means something else too, and what to say of it."""

_FIXED = {"type": "message", "role": "assistant"}
_ENCODE = msgspec.json.Encoder().encode


def read_response(body: bytes) -> Response:
    """Return a host's whole answer.

    Raises:
        BrokenStream: It cannot be read.
    """
    notes = Notes(NAME, "")
    try:
        check_text(body)
        wire = notes.open(body, AnswerBody)
        parts = tuple(read_part(block, f"content[{i}]") for i, block in enumerate(wire.content))
        usage = None if isinstance(wire.usage, UnsetType) else read_usage(wire.usage, notes, said=said_in(wire.usage))
    except CallerFault as fault:
        raise misshapen(fault, "answer") from fault
    note_head(wire, notes)
    if isinstance(wire.usage, UnsetType):
        notes.form("-usage")
    if wire.stop_sequence is UNSET:
        notes.form("-stop_sequence")
    stop, said = read_stop(given(wire.stop_reason))
    choice = Choice(
        message=Message(role="assistant", parts=parts),
        stop=stop,
        stop_sequence=given(wire.stop_sequence),
        extras=said,
    )
    return Response(
        choices=(choice,), id=given(wire.id) or "", model=given(wire.model) or "", usage=usage, extras=notes.extras()
    )


def note_head(wire: AnswerBody, notes: Notes) -> None:
    """Note where the members that are always the same are not, and that this is an answer of this dialect."""
    notes.form("own")
    for name, value in _FIXED.items():
        found = getattr(wire, name)
        if found is UNSET:
            notes.form(f"-{name}")
        elif found != value:
            notes.hush(name, Raw(_ENCODE(found)))


def write_head(answer: Response | Started, asking: Asking) -> Object:
    """Return the members with which an answer begins, whole or streamed."""
    own = own_extras(answer.extras)
    model, response_id = answer.model, answer.id
    if own is NOTHING:
        model, response_id = model or asking.request.model, response_id or f"msg_{asking.answer_id}"
    head: Object = {"id": response_id} if response_id else {}
    fixed = {name: value for name, value in _FIXED.items() if f"-{name}" not in own.forms and name not in own.silent}
    return head | fixed | ({"model": model} if model else {})


def read_stop(reason: str | None) -> tuple[Stop | None, Extras | None]:
    """Return why the model stopped, and the host's own word for it where it says more."""
    if reason is None:
        return None, None
    stop = _STOPS.get(reason, "other")
    if _REASONS[stop] == reason:
        return stop, None
    return stop, Extras(NAME, members={"stop_reason": Raw(_ENCODE(reason))})


def write_stop(stop: Stop | None, *, has_refused: bool) -> str | None:
    """Return Anthropic's word; `has_refused`: the answer holds a refusal, which here is a reason to stop."""
    if has_refused and stop == "end":
        return "refusal"
    return None if stop is None else _REASONS[stop]


def write_response(response: Response, asking: Asking) -> Written:
    """Return a whole answer for a client."""
    pen = pen_for(response, asking.source, is_answer=True)
    body = write_head(response, asking)
    pen.manifest.take(response, "id", "model", "usage", "choices")
    body |= _write_choices(response, pen)
    if not pen.manifest.has_form(response, "-usage"):
        body["usage"] = write_usage(response.usage, own_extras(response.extras))
    put_back(body, pen.manifest.members(response))
    put_back(body, pen.manifest.silent(response))
    return finish_body(body, pen.manifest)


def _write_choices(response: Response, pen: Pen) -> Object:
    for other in response.choices[1:]:
        pen.manifest.lose(other, "", "Anthropic answers once.")
    if not response.choices:
        return {"content": [], "stop_reason": None, "stop_sequence": None}
    choice = response.choices[0]
    parts = choice.message.parts
    pen.manifest.take(choice.message, "role", "parts")
    pen.manifest.take(choice, "stop", "stop_sequence")
    own_reason = pen.manifest.members(choice).get("stop_reason")
    near = None if own_reason or choice.stop is None else NEAR_STOPS.get(choice.stop)
    if near is not None:
        pen.manifest.approximate(choice, "stop", near)
    body: Object = {
        "content": write_blocks(parts, pen),
        "stop_reason": own_reason
        or write_stop(choice.stop, has_refused=any(isinstance(part, Refusal) for part in parts)),
    }
    if choice.stop_sequence is not None or not pen.manifest.has_form(response, "-stop_sequence"):
        body["stop_sequence"] = choice.stop_sequence
    return body


def read_token_count(body: bytes) -> int:
    """Return the input tokens of a host's answer to count_tokens.

    Raises:
        BrokenStream: It cannot be read.
    """
    try:
        return _COUNT(body).input_tokens
    except (msgspec.DecodeError, RecursionError) as error:
        raise BrokenStream("The host's answer is no count of tokens.") from error


def write_token_count(count: int) -> bytes:
    """Return the answer to count_tokens for a client."""
    return _ENCODE(TokenCountBody(count))


_COUNT = msgspec.json.Decoder(TokenCountBody).decode
