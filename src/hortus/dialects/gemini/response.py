"""A whole answer, read and written; and what frames of streams have in common with it.

https://ai.google.dev/api/generate-content#generatecontentresponse, read 2026-11.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from hortus.base.time import format_utc
from hortus.canon.errors import BrokenStream, CallerFault
from hortus.canon.manifest import Manifest
from hortus.canon.nodes import Extras
from hortus.canon.parts import ToolCall
from hortus.canon.request import Message
from hortus.canon.response import Choice, Response
from hortus.canon.translation import Asking, Call, Written
from hortus.dialects.gemini.calls import CallIds
from hortus.dialects.gemini.members import NAME, Object, Opened, Pen, forms_of, is_own, silent_of
from hortus.dialects.gemini.parts import read_part, write_part
from hortus.dialects.gemini.stops import as_read, read_stop, write_stop
from hortus.dialects.gemini.usage import USAGE, read_usage, searches_in, write_usage
from hortus.framing.objects import finish_body
from hortus.framing.shallow import check_text

BLOCKED = "blocked"
"""Form of a choice that Google did not make, because it barred the prompt."""

NAMELESS = "answer"
"""Stem of calls' ids where an answer has no id."""

_ENCODE = msgspec.json.Encoder().encode
_INSTANT = msgspec.json.Decoder(datetime)
_MS_PER_S = 1000


def read_response(body: bytes) -> Response:
    """Return a host's whole answer.

    Raises:
        BrokenStream: It cannot be read.
    """
    try:
        check_text(body)
        return _read(Opened(body, ""), searches=searches_in(body))
    except CallerFault as error:
        raise unreadable(error) from error


def _read(wire: Opened, *, searches: int) -> Response:
    if wire.has("error"):
        raise BrokenStream("The host's answer is an error, though its status says that all is well.")
    answer_id, model, created_s = read_head(wire)
    ids = CallIds(answer_id or NAMELESS)
    usage = read_usage(wire.inner(USAGE), searches=searches)
    candidates = wire.items("candidates")
    if candidates is None:
        wire.form("no_candidates")
    choices = [_read_choice(raw, number, ids=ids) for number, raw in enumerate(candidates or ())]
    feedback = wire.raw("promptFeedback")
    if feedback is not None:
        wire.keep("promptFeedback", feedback)
        if not choices and is_blocked(feedback):
            choices = [blocked_choice()]
    return Response(
        choices=tuple(choices),
        id=answer_id,
        model=model,
        created_s=created_s,
        usage=usage,
        extras=wire.own_extras(),
    )


def read_head(wire: Opened) -> tuple[str, str, int | None]:
    """Take id, model and time of an answer."""
    created = wire.raw("createTime")
    if created is not None:
        wire.keep("createTime", created, is_silent=True)
    return _name(wire, "responseId"), _name(wire, "modelVersion"), _seconds(created)


def _name(wire: Opened, name: str) -> str:
    said = wire.text(name)
    if said == "":
        wire.keep(name, msgspec.Raw(b'""'), is_silent=True)
    return said or ""


def _seconds(raw: msgspec.Raw | None) -> int | None:
    try:
        return None if raw is None else int(_INSTANT.decode(raw).timestamp())
    except (msgspec.DecodeError, OverflowError, ValueError):
        return None


def is_blocked(feedback: msgspec.Raw) -> bool:
    """Tell whether a `promptFeedback` says that the prompt was barred. Raises InvalidRequest."""
    return Opened(feedback, "promptFeedback").has("blockReason")


def blocked_choice() -> Choice:
    """Return the choice that stands for a barred prompt."""
    extras = Extras(dialect=NAME, forms=(BLOCKED,))
    return Choice(message=Message(role="assistant", parts=()), stop="content_filter", extras=extras)


def _read_choice(raw: msgspec.Raw, number: int, *, ids: CallIds) -> Choice:
    at = f"candidates[{number}]"
    wire = Opened(raw, at)
    index = wire.integer("index")
    if index is None:
        wire.form("no_index")
    items = _content_items(wire)
    parts = tuple(read_part(one, f"{at}.content.parts[{i}]", ids=ids) for i, one in enumerate(items))
    has_calls = any(isinstance(part, ToolCall) for part in parts)
    reason = wire.raw("finishReason")
    stop = None if reason is None else read_stop(reason, has_calls=has_calls)
    if reason is not None:
        keep_reason(wire, reason)
    wire.silence("finishMessage", "tokenCount")
    return Choice(
        message=Message(role="assistant", parts=parts, at=f"{at}.content"),
        index=index or 0,
        stop=stop,
        at=at,
        extras=wire.extras(),
    )


def _content_items(wire: Opened) -> list[msgspec.Raw]:
    content = wire.inner("content")
    if content is None:
        wire.form("no_content")
        return []
    role = content.raw("role")
    if role is None:
        wire.form("no_role")
    elif bytes(role) != b'"model"':
        content.keep("role", role, is_silent=True)
    items = content.items("parts")
    if items is None:
        wire.form("no_parts")
    return items or []


def keep_reason(wire: Opened, reason: msgspec.Raw) -> None:
    """Keep a `finishReason` that is not the one that its meaning is written as."""
    stop = read_stop(reason, has_calls=False)
    if _ENCODE(write_stop(stop, as_number=False)) != bytes(reason):
        wire.keep("finishReason", reason, is_silent=stop != "other")


def write_response(response: Response, asking: Asking) -> Written:
    """Return the answer for a client."""
    manifest = Manifest(response, NAME, source=asking.source)
    pen = Pen(manifest, is_own=is_own(response), is_answer=True)
    forms = forms_of(response)
    body: Object = {}
    if "no_candidates" not in forms:
        body["candidates"] = [_write_choice(choice, pen, call=asking.call) for choice in response.choices]
    else:
        for choice in response.choices:
            manifest.take_all(choice)
            manifest.take(choice.message, "parts")
    if response.usage is not None:
        body[USAGE] = write_usage(response.usage)
    manifest.take(response, "choices", "usage", "id", "model", "created_s")
    body |= write_head(response, asking, pen=pen)
    pen.close(response, body)
    return finish_body(body, manifest)


def write_head(response: Response, asking: Asking, *, pen: Pen) -> Object:
    """Return model, time and id of an answer; those that Google always gives are made where a host gives none."""
    body: Object = {}
    model = response.model or ("" if pen.is_own else asking.request.model)
    if model:
        body["modelVersion"] = model
    if response.created_s is not None and "createTime" not in silent_of(response):
        body["createTime"] = format_utc(response.created_s * _MS_PER_S)
    answer_id = response.id or ("" if pen.is_own else asking.answer_id)
    if answer_id:
        body["responseId"] = answer_id
    return body


def _write_choice(choice: Choice, pen: Pen, *, call: Call) -> Object:
    forms = forms_of(choice)
    body: Object = {}
    pen.manifest.take(choice.message, "parts")
    if "no_content" not in forms:
        body["content"] = _write_content(choice, pen)
    has_calls = any(isinstance(part, ToolCall) for part in choice.message.parts)
    return pen.close(choice, body | write_end(choice, pen, call=call, has_calls=has_calls))


def _write_content(choice: Choice, pen: Pen) -> Object:
    forms = forms_of(choice)
    content: Object = {}
    written = [write_part(part, pen) for part in choice.message.parts]
    if "no_parts" not in forms:
        content["parts"] = [one for one in written if one is not None]
    if "no_role" not in forms:
        content["role"] = "model"
    return content


def write_end(choice: Choice, pen: Pen, *, call: Call, has_calls: bool) -> Object:
    """Return what a candidate says beside its content."""
    body: Object = {}
    if choice.stop is not None:
        pen.manifest.take(choice, "stop")
        if not pen.is_own and as_read(choice.stop, has_calls=has_calls) != choice.stop:
            pen.manifest.approximate(
                choice, "stop", "Gemini has no word of its own for this reason: a near one is said."
            )
        if "finishReason" not in pen.manifest.members(choice):
            body["finishReason"] = write_stop(choice.stop, as_number=wants_numbers(call))
    if "no_index" not in forms_of(choice):
        body["index"] = choice.index
    return body


def wants_numbers(call: Call) -> bool:
    """Tell whether a client asks for enums as numbers: `$alt=json;enum-encoding=int`."""
    return "enum-encoding=int" in call.query.get("$alt", "").replace(" ", "")


def unreadable(error: CallerFault) -> BrokenStream:
    """Return the error for an answer that is not what this dialect answers with."""
    where = f" at `{error.path}`" if error.path else ""
    return BrokenStream(f"The host's answer cannot be read{where}: {error.message}")
