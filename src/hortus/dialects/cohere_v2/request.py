"""A request of POST /v2/chat to the canonical chat and back."""

from __future__ import annotations

from types import MappingProxyType

import msgspec
from msgspec import Raw

from hortus.canon.habits import apply_habits
from hortus.canon.request import Message, Request
from hortus.canon.translation import Call, Target, Written
from hortus.dialects.cohere_v2.documents import last_question, read_documents
from hortus.dialects.cohere_v2.messages import read_message, write_messages
from hortus.dialects.cohere_v2.pen import Object, Pen, notes_at, pen_for
from hortus.dialects.cohere_v2.tools import (
    read_choice,
    read_format,
    read_tool,
    read_wish,
    write_format,
    write_tools,
    write_wish,
)
from hortus.dialects.cohere_v2.wire import RequestBody, given
from hortus.framing.objects import finish_body
from hortus.framing.opening import Notes
from hortus.framing.shallow import check_text

# https://docs.cohere.com/reference/chat, recalled 2026-11
_MOST_TOP_P, _MOST_STOPS = 0.99, 5
_PENALTIES = ("frequency_penalty", "presence_penalty")
"""From 0 to 1."""

_PLAIN = MappingProxyType(
    {
        "max_tokens": "max_output_tokens",
        "temperature": "temperature",
        "p": "top_p",
        "k": "top_k",
        "frequency_penalty": "frequency_penalty",
        "presence_penalty": "presence_penalty",
        "seed": "seed",
        "logprobs": "has_logprobs",
    }
)
"""Member to the canonical field whose value it has."""

_FIELDS = MappingProxyType(
    {**_PLAIN, "stop_sequences": "stop", "tools": "tools", "tool_choice": "tool_choice", "response_format": "output"}
    | {"thinking": "reasoning"}
)
"""Member to canonical field, for what a host's row leaves out."""

_EMPTY_LIST = Raw(b"[]")
_ENCODE = msgspec.json.Encoder().encode


def read_request(body: bytes, call: Call) -> Request:
    """Return what a client asks.

    Raises:
        NotJson: The body is not a JSON object.
        InvalidRequest: A member is missing, or of the wrong type.
    """
    del call  # everything stands in the body
    check_text(body)
    notes = notes_at("")
    wire = notes.open(body, RequestBody)
    notes.form("own")
    _note_forms(wire, notes)
    return Request(
        model=wire.model,
        messages=_read_messages(wire),
        tools=tuple(
            read_tool(raw, f"tools[{number}]", is_strict=given(wire.strict_tools))
            for number, raw in enumerate(given(wire.tools) or ())
        ),
        tool_choice=read_choice(wire.tool_choice, notes),
        output=read_format(wire.response_format, notes),
        max_output_tokens=given(wire.max_tokens),
        stop=tuple(given(wire.stop_sequences) or ()),
        temperature=given(wire.temperature),
        top_p=given(wire.p),
        top_k=given(wire.k),
        frequency_penalty=given(wire.frequency_penalty),
        presence_penalty=given(wire.presence_penalty),
        seed=given(wire.seed),
        has_logprobs=given(wire.logprobs),
        reasoning=read_wish(wire.thinking, notes),
        is_stream=given(wire.stream) or False,
        wants_usage=given(wire.stream) or False,  # its streams always report it
        extras=notes.extras(),
    )


def _note_forms(wire: RequestBody, notes: Notes) -> None:
    for name in ("stop_sequences", "tools", "documents"):
        if getattr(wire, name) == []:
            notes.hush(name, _EMPTY_LIST)
    for name in ("stream", "strict_tools"):
        value = given(getattr(wire, name))
        if value is not None:
            notes.hush(name, Raw(_ENCODE(value)))


def _read_messages(wire: RequestBody) -> tuple[Message, ...]:
    """Return the messages, with the documents right before the last question."""
    messages = [read_message(raw, f"messages[{number}]") for number, raw in enumerate(wire.messages)]
    documents = given(wire.documents)
    if documents:
        place = last_question(messages)
        messages.insert(len(messages) if place is None else place, read_documents(documents))
    return tuple(messages)


def write_request(request: Request, target: Target) -> Written:
    """Return the request as Cohere, or a host that speaks like it, gets it."""
    pen = pen_for(request, target.source, is_answer=False, reclassified=target.habits.weights)
    pen.manifest.take(request, "messages")
    messages, documents = write_messages(request.messages, pen)
    body: Object = {"model": target.model, "messages": messages}
    if documents:
        body["documents"] = documents
    write_tools(request, pen, body)
    if request.output is not None:
        body["response_format"] = write_format(request.output, pen)
    thinking = None if request.reasoning is None else write_wish(request.reasoning, pen)
    if thinking is not None:
        body["thinking"] = thinking
    _write_sampling(request, pen, body)
    if request.is_stream:
        body["stream"] = True
    pen.close(request, body)
    apply_habits(body, target.habits, manifest=pen.manifest, root=request, fields=_FIELDS)
    return finish_body(body, pen.manifest)


def _write_sampling(request: Request, pen: Pen, body: Object) -> None:
    for member, field in _PLAIN.items():
        value = getattr(request, field)
        if value is not None:
            pen.manifest.take(request, field)
            body[member] = value if pen.is_own else _fitting(request, field, value, pen)
    if request.stop and (pen.is_own or len(request.stop) <= _MOST_STOPS):
        pen.manifest.take(request, "stop")
        body["stop_sequences"] = request.stop
    elif request.stop:
        pen.manifest.lose(request, "stop", f"Cohere takes at most {_MOST_STOPS} stop sequences.")


def _fitting(request: Request, field: str, value: float, pen: Pen) -> float:
    """Return the nearest value that Cohere takes."""
    fitting = value
    if field == "top_p":
        fitting = min(value, _MOST_TOP_P)
    elif field in _PENALTIES:
        fitting = min(max(value, 0), 1)
    if fitting != value:
        pen.manifest.approximate(request, field, f"Written as {fitting}, the nearest that Cohere takes.")
    return fitting
