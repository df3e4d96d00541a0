"""A host's whole answer to the canonical one."""

from __future__ import annotations

from types import MappingProxyType

import msgspec
from msgspec import Raw

from hortus.canon.errors import CallerFault, InvalidRequest
from hortus.canon.parts import Part, Refusal
from hortus.canon.request import Message
from hortus.canon.response import Choice, Response, Stop
from hortus.canon.usage import Usage
from hortus.dialects.openai_responses.errors import read_failure
from hortus.dialects.openai_responses.items import read_output, waits_for_client
from hortus.dialects.openai_responses.parts import encode
from hortus.dialects.openai_responses.pen import OBJECT, RAWS, STRING, is_list, is_string
from hortus.dialects.openai_responses.usage import read_usage, told_in
from hortus.dialects.openai_responses.wire import NAME
from hortus.framing.answers import unreadable
from hortus.framing.opening import NULL, Notes
from hortus.framing.shallow import read_members

Members = dict[str, Raw]

ECHO = frozenset(
    (
        "background",
        "completed_at",
        "conversation",
        "error",
        "frequency_penalty",
        "incomplete_details",
        "instructions",
        "max_output_tokens",
        "max_tool_calls",
        "metadata",
        "object",
        "parallel_tool_calls",
        "presence_penalty",
        "previous_response_id",
        "prompt",
        "prompt_cache_key",
        "prompt_cache_retention",
        "reasoning",
        "safety_identifier",
        "status",
        "store",
        "temperature",
        "text",
        "tool_choice",
        "tools",
        "top_logprobs",
        "top_p",
        "truncation",
        "usage",
        "user",
    )
)
"""Members that tell the client what it asked for, or that nobody else can miss."""

STOPS: MappingProxyType[str, Stop] = MappingProxyType(
    {"max_output_tokens": "length", "content_filter": "content_filter"}
)
"""Why an answer is incomplete."""

OBJECT_WORD = encode("response")

_INTEGER = msgspec.json.Decoder(int).decode


def read_response(body: bytes) -> Response:
    """Return a host's whole answer.

    Raises:
        BrokenStream: It is no answer of this dialect.
        HostFault: It says itself that it failed.
    """
    try:
        return response_of(read_members(body))
    except CallerFault as error:
        raise unreadable(error) from error


def response_of(members: Members) -> Response:
    """Return the answer whose members these are.

    Raises:
        CallerFault: It is no answer of this dialect.
        HostFault: It says itself that it failed.
    """
    members = dict(members)
    failure = members.get("error", NULL)
    status = text_of(members, "status")
    if status == "failed" or failure != NULL:
        raise read_failure(failure)
    if not is_list(members.get("output", NULL)):
        raise InvalidRequest("This member must be a list of items.", path="output")
    items = output_of(members)
    parts = tuple(part for i, raw in enumerate(items) for part in read_output(raw, at=f"output[{i}]"))
    stop = read_stop(members, parts)
    head = read_head(members, is_begun=False, stop=stop)
    choice = Choice(message=Message(role="assistant", parts=parts), stop=stop)
    return msgspec.structs.replace(head, choices=(choice,))


def read_stop(members: Members, parts: tuple[Part, ...]) -> Stop | None:
    """Return why the model stopped."""
    status = text_of(members, "status")
    if status == "incomplete":
        return STOPS.get(_reason(members), "other")
    if status not in {"", "completed"}:
        return None  # queued, in progress, cancelled
    return plain_stop(parts)


def plain_stop(parts: tuple[Part, ...]) -> Stop:
    """Return why a model stopped that was not cut short: its words say it."""
    if waits_for_client(parts):
        return "tool_calls"
    return "refusal" if any(isinstance(part, Refusal) for part in parts) else "end"


def read_head(members: Members, *, is_begun: bool, stop: Stop | None = None) -> Response:
    """Return everything of an answer but its items.

    Args:
        members: The answer's members.
        is_begun: Whether it has only begun: what is known at its end is left out.
        stop: Why the model stopped.
    """
    notes = Notes(NAME, "")
    rest = {name: value for name, value in members.items() if name not in {"id", "model", "output"}}
    created_s = _read_time(rest, notes)
    if rest.get("object") == OBJECT_WORD:
        del rest["object"]
    usage: Usage | None = None
    if is_begun:
        for name in ("status", "usage", "error", "incomplete_details", "completed_at"):
            rest.pop(name, None)
    else:
        usage = _read_end(members, rest, notes=notes, stop=stop)
    for name, value in rest.items():
        if name in ECHO:
            notes.hush(name, value)
        else:
            notes.keep(name, value)
    notes.form("response")  # so that every answer of this dialect is known as one
    return Response(
        choices=(),
        id=text_of(members, "id"),
        model=text_of(members, "model"),
        created_s=created_s,
        usage=usage,
        extras=notes.extras(),
    )


def write_status(stop: Stop | None) -> str:
    """Return an answer's status as it follows from why the model stopped."""
    return "incomplete" if stop in STOPS.values() else "completed"


def output_of(members: Members) -> list[Raw]:
    """Return an answer's items."""
    raw = members.get("output", NULL)
    return RAWS(raw) if is_list(raw) else []


def text_of(members: Members, name: str) -> str:
    """Return a member that is a string, empty where there is none."""
    raw = members.get(name, NULL)
    return STRING(raw) if is_string(raw) else ""


def _read_end(members: Members, rest: Members, *, notes: Notes, stop: Stop | None) -> Usage | None:
    if text_of(rest, "status") == write_status(stop):
        del rest["status"]
    reason = next((reason for reason, word in STOPS.items() if word == stop), None)
    if reason is not None and rest.get("incomplete_details") == encode({"reason": reason}):
        del rest["incomplete_details"]
    if rest.get("usage", NULL) == NULL:
        return None
    told = told_in(members)
    del rest["usage"]
    return read_usage(told, notes)


def _read_time(rest: Members, notes: Notes) -> int | None:
    raw = rest.pop("created_at", None)
    if raw is None:
        return None
    try:
        return _INTEGER(raw)
    except msgspec.ValidationError:
        notes.hush("created_at", raw)
        return None


def _reason(members: Members) -> str:
    raw = members.get("incomplete_details", NULL)
    return text_of(OBJECT(raw), "reason") if bytes(raw).startswith(b"{") else ""
