"""A whole answer: choices, why each ended, and what was used."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from types import MappingProxyType

from msgspec import UNSET, Raw

from hortus.canon.manifest import Manifest
from hortus.canon.parts import Part, ToolCall
from hortus.canon.request import Message
from hortus.canon.response import Choice, Response, Stop
from hortus.canon.translation import Asking, Written
from hortus.canon.usage import Usage
from hortus.dialects.mistral import wire
from hortus.dialects.mistral.messages import read_parts, write_assistant
from hortus.dialects.mistral.pen import Pen, encode, notes_at
from hortus.dialects.mistral.vocabulary import NAME
from hortus.framing.answers import read_whole
from hortus.framing.noted_usage import note_usage
from hortus.framing.objects import Body, finish_body, note_absent, told
from hortus.framing.opening import Notes

_HEAD = ("id", "object", "created", "model", "usage")
_CHOICE = ("index", "finish_reason")
_MESSAGE = ("role", "tool_calls")
_OBJECT = "chat.completion"

_STOPS: MappingProxyType[str, Stop] = MappingProxyType(
    {"stop": "end", "length": "length", "model_length": "length", "tool_calls": "tool_calls"}
)
_REASONS: MappingProxyType[Stop, str] = MappingProxyType(
    {
        "end": "stop",
        "stop_sequence": "stop",
        "length": "length",
        "tool_calls": "tool_calls",
        "refusal": "stop",
        "content_filter": "error",
        "pause": "stop",
        "other": "error",
    }
)


def read_response(body: bytes) -> Response:
    """Return a host's answer.

    Raises:
        BrokenStream: It cannot be read as one.
    """
    return read_whole(body, _read_response)


def _read_response(body: bytes) -> Response:
    notes = notes_at("")
    found = notes.open(body, wire.Response)
    note_absent(found, _HEAD, notes)
    if found.object is not UNSET and bytes(found.object) != b'"chat.completion"':
        notes.hush("object", found.object)
    usage = None if found.usage is UNSET else note_usage(found.usage, notes, dialect=NAME, write=write_usage)
    answer_id = told(found.id) or ""
    numbers = count(1)
    choices = tuple(
        _read_choice(raw, number, make_id=lambda: f"call_{answer_id or 'answer'}_{next(numbers)}")
        for number, raw in enumerate(found.choices)
    )
    return Response(
        choices=choices,
        id=answer_id,
        model=told(found.model) or "",
        created_s=told(found.created),
        usage=usage,
        extras=notes.extras(),
    )


def _read_choice(raw: Raw, number: int, *, make_id: Callable[[], str]) -> Choice:
    at = f"choices[{number}]"
    notes = notes_at(at)
    choice = notes.open(raw, wire.Choice)
    note_absent(choice, _CHOICE, notes)
    message = _read_message(choice.message, f"{at}.message", make_id=make_id)
    return Choice(
        message=message,
        index=number if choice.index is UNSET else choice.index,
        stop=read_stop(told(choice.finish_reason), message.parts, notes),
        at=at,
        extras=notes.extras(),
    )


def _read_message(raw: Raw, at: str, *, make_id: Callable[[], str]) -> Message:
    notes = notes_at(at)
    message = notes.open(raw, wire.Message)
    note_absent(message, _MESSAGE, notes)
    if message.role != "assistant" and isinstance(message.role, str):
        notes.hush("role", Raw(encode(message.role)))
    if isinstance(message.name, str):
        notes.keep("name", Raw(encode(message.name)))
    parts = read_parts(message, at, notes=notes, make_id=make_id)
    return Message(role="assistant", parts=parts, at=at, extras=notes.extras())


def read_stop(reason: str | None, parts: tuple[Part, ...], notes: Notes) -> Stop | None:
    """Return why an answer ended."""
    if reason is None:
        return None
    stop = _STOPS.get(reason)
    if stop is None:
        notes.keep("finish_reason", Raw(encode(reason)))
        return "other"
    if stop == "end" and any(isinstance(part, ToolCall) for part in parts):
        stop = "tool_calls"
    if _REASONS[stop] != reason:
        notes.hush("finish_reason", Raw(encode(reason)))
    return stop


def write_stop(choice: Choice, manifest: Manifest) -> str | None:
    """Return the word for why an answer ended."""
    manifest.take(choice, "stop")
    if choice.stop is None:
        return None
    reason = _REASONS[choice.stop]
    if _STOPS.get(reason) != choice.stop and not manifest.members(choice):
        manifest.approximate(choice, "stop", f"Mistral calls it `{reason}` too.")
    return reason


def write_response(response: Response, asking: Asking) -> Written:
    """Return the answer for a client."""
    manifest = Manifest(response, NAME, source=asking.source)
    manifest.take(response, "id", "model", "created_s", "usage", "choices")
    pen = Pen(manifest, is_answer=True)
    body: Body = {
        "id": response.id or asking.answer_id,
        "object": _OBJECT,
        "created": asking.now_s if response.created_s is None else response.created_s,
        "model": response.model or asking.request.model,
        "choices": [_write_choice(choice, pen) for choice in response.choices],
        "usage": write_usage(response.usage or Usage()),
    }
    pen.close(response, body)
    return finish_body(body, manifest)


def _write_choice(choice: Choice, pen: Pen) -> Body:
    body: Body = {
        "index": choice.index,
        "message": write_assistant((choice.message,), pen),
        "finish_reason": write_stop(choice, pen.manifest) or "stop",
    }
    return pen.close(choice, body)


def write_usage(usage: Usage) -> Body:
    """Return the `usage` object."""
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.input_tokens + usage.output_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cached_input_tokens},
    }
