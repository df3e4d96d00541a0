"""A whole answer: choices, why each ended, and what was used."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from types import MappingProxyType

import msgspec
from msgspec import UNSET, Raw, structs

from hortus.canon.manifest import Manifest
from hortus.canon.parts import Media, Part, Reasoning, Refusal, Text, ToolCall
from hortus.canon.request import Message
from hortus.canon.response import Choice, Response, Stop
from hortus.canon.translation import Asking, Written
from hortus.dialects.openai_chat import wire
from hortus.dialects.openai_chat.messages import (
    read_citations,
    read_parts,
    write_beside,
    write_citation,
    write_content,
    write_name,
    write_reasoning,
)
from hortus.dialects.openai_chat.pen import Body, encode, note_absent, notes_at, restore, told, told_raw
from hortus.dialects.openai_chat.usage import read_noted_usage, write_usage
from hortus.dialects.openai_chat.vocabulary import NAME
from hortus.framing.answers import read_whole
from hortus.framing.chat_notation import AS_LIST
from hortus.framing.objects import finish_body
from hortus.framing.opening import Notes

_HEAD = ("id", "object", "created", "model")
_CHOICE = ("index", "finish_reason", "logprobs")
_MESSAGE = ("role", "refusal", "annotations")
_OBJECT = "chat.completion"
_YEAR_10000_S = 253_402_300_800
"""No time that a host can mean is later."""

_STOPS: MappingProxyType[str, Stop] = MappingProxyType(
    {
        "stop": "end",
        "length": "length",
        "tool_calls": "tool_calls",
        "content_filter": "content_filter",
    }
)
_REASONS: MappingProxyType[Stop, str] = MappingProxyType(
    {
        "end": "stop",
        "stop_sequence": "stop",
        "length": "length",
        "tool_calls": "tool_calls",
        "refusal": "content_filter",
        "content_filter": "content_filter",
        "pause": "stop",
        "other": "stop",
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
    if found.system_fingerprint is not UNSET:
        notes.hush("system_fingerprint", found.system_fingerprint)
    usage = None
    if found.usage is not UNSET:
        usage = read_noted_usage(found.usage, notes, write=write_usage, tier=found.service_tier)
    if found.service_tier is not UNSET:
        notes.keep("service_tier", found.service_tier)
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
        created_s=read_time(found.created, notes),
        usage=usage,
        extras=notes.extras(),
    )


def read_time(created: float | msgspec.UnsetType | None, notes: Notes) -> int | None:
    """Return a Unix time in whole seconds; some hosts send fractions."""
    if created is UNSET or created is None:
        return None
    is_time = 0 <= created < _YEAR_10000_S
    if not is_time or created != int(created):
        notes.hush("created", Raw(encode(created)))
    return int(created) if is_time else None


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
        logprobs=told_raw(choice.logprobs, "logprobs", notes),
        at=at,
        extras=notes.extras(),
    )


def _read_message(raw: Raw, at: str, *, make_id: Callable[[], str]) -> Message:
    notes = notes_at(at)
    message = notes.open(raw, wire.Message)
    note_absent(message, _MESSAGE, notes)
    if message.role != "assistant" and isinstance(message.role, str):
        notes.hush("role", Raw(encode(message.role)))
    parts = read_parts(message, at, notes=notes, make_id=make_id, role="user")
    parts = _cite(parts, message, at, notes=notes)
    return Message(role="assistant", parts=parts, name=told(message.name), at=at, extras=notes.extras())


def _cite(parts: tuple[Part, ...], message: wire.Message, at: str, *, notes: Notes) -> tuple[Part, ...]:
    """Put citations of pages on the text, where there is one; other annotations are kept as they are."""
    annotations = told(message.annotations)
    if not annotations:
        return parts
    citations = read_citations(annotations, at)
    texts = [part for part in parts if isinstance(part, Text)]
    if citations is None or len(texts) != 1:
        notes.keep("annotations", Raw(encode(annotations)))
        return parts
    cited = structs.replace(texts[0], citations=citations)
    return tuple(cited if part is texts[0] else part for part in parts)


def read_stop(reason: str | None, parts: tuple[Part, ...], notes: Notes) -> Stop | None:
    """Return why an answer ended; where hosts use one word for several reasons, the parts tell."""
    if reason is None:
        return None
    stop = _STOPS.get(reason)
    if stop is None:
        notes.keep("finish_reason", Raw(encode(reason)))
        return "other"
    if stop == "end" and any(isinstance(part, ToolCall) for part in parts):
        notes.hush("finish_reason", Raw(encode(reason)))
        return "tool_calls"
    if stop == "end" and any(isinstance(part, Refusal) for part in parts):
        return "refusal"
    return stop


def write_stop(choice: Choice, manifest: Manifest, *, has_refused: bool) -> str | None:
    """Return the word for why an answer ended."""
    manifest.take(choice, "stop")
    if choice.stop is None:
        return None
    is_told = choice.stop == "refusal" and has_refused  # by the refusal itself
    reason = "stop" if is_told else _REASONS[choice.stop]
    if _STOPS[reason] != choice.stop and not is_told and not manifest.members(choice):
        manifest.approximate(choice, "stop", f"OpenAI's Chat Completions call it `{reason}` too.")
    return reason


def has_own_form(logprobs: Raw) -> bool:
    """Tell whether probabilities are in this dialect's form: those of others are not ours to convert."""
    try:
        return not {"content", "refusal"}.isdisjoint(msgspec.json.decode(logprobs, type=dict[str, Raw]))
    except msgspec.DecodeError:
        return False


def write_response(response: Response, asking: Asking) -> Written:
    """Return the answer for a client."""
    manifest = Manifest(response, NAME, source=asking.source)
    manifest.take(response, "id", "model", "created_s", "usage", "choices")
    body: Body = {
        "id": response.id or f"chatcmpl-{asking.answer_id}",
        "object": _OBJECT,
        "created": asking.now_s if response.created_s is None else response.created_s,
        "model": response.model or asking.request.model,
        "choices": [_write_choice(choice, manifest) for choice in response.choices],
    }
    if response.usage is not None:
        body["usage"] = write_usage(response.usage)
    restore(body, response, manifest)
    return finish_body(body, manifest)


def _write_choice(choice: Choice, manifest: Manifest) -> Body:
    has_refused = any(isinstance(part, Refusal) for part in choice.message.parts)
    body: Body = {
        "index": choice.index,
        "message": _write_message(choice.message, manifest),
        "logprobs": None,
        "finish_reason": write_stop(choice, manifest, has_refused=has_refused) or "stop",
    }
    if choice.logprobs is not None and has_own_form(choice.logprobs):
        manifest.take(choice, "logprobs")
        body["logprobs"] = choice.logprobs
    return restore(body, choice, manifest)


def _write_message(message: Message, manifest: Manifest) -> Body:
    texts = [part for part in message.parts if isinstance(part, Text)]
    body: Body = {"role": "assistant", "content": _write_content(message, texts, manifest=manifest)}
    write_beside(message.parts, body, manifest=manifest)
    body.setdefault("refusal", None)
    body["annotations"] = _write_citations(texts, manifest)
    write_reasoning(message.parts, body, manifest=manifest, takes_foreign=True)
    write_name(message, body, manifest=manifest)
    return restore(body, message, manifest)


def _write_content(message: Message, texts: list[Text], *, manifest: Manifest) -> object:
    """Return the content; what else of it is sealed the gateway keeps for the next turn."""
    for part in message.parts:
        if isinstance(part, Text | ToolCall | Media):
            manifest.take(part, "seal")
    if manifest.has_form(message, AS_LIST):
        content = [part for part in message.parts if not isinstance(part, Reasoning | ToolCall)]
        return write_content(content, manifest, role="user", is_list=True)
    for text in texts:
        manifest.take(text, "text")
    return "".join(text.text for text in texts) if texts else None


def _write_citations(texts: list[Text], manifest: Manifest) -> list[Body]:
    annotations = []
    offset = 0
    for text in texts:
        written = (write_citation(one, manifest, text=text.text, offset=offset) for one in text.citations)
        annotations += [one for one in written if one is not None]
        offset += len(text.text)
    return annotations
