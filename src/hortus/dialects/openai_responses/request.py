"""A client's request to the canonical one."""

from __future__ import annotations

from msgspec import Raw, UnsetType

from hortus.canon.errors import InvalidRequest
from hortus.canon.parts import Part, Text
from hortus.canon.request import Message, Request, Role, ToolChoice
from hortus.canon.translation import Call
from hortus.dialects.openai_responses.items import read_item
from hortus.dialects.openai_responses.options import read_choice, read_format, read_reasoning_wish, read_tool
from hortus.dialects.openai_responses.parts import encode, read_content
from hortus.dialects.openai_responses.pen import RAWS, STRING, hush_item, is_list, is_string, read_head, solid
from hortus.dialects.openai_responses.wire import NAME, Create, MessageItem, TextOptions, given
from hortus.framing.opening import Notes
from hortus.framing.shallow import check_text

LOGPROBS = "message.output_text.logprobs"
"""What `include` says where probabilities are wanted."""

_ROLES = frozenset(("system", "developer", "user", "assistant"))


def read_request(body: bytes, call: Call) -> Request:
    """Return what a client asks.

    Raises:
        NotJson: The body is not a JSON object.
        InvalidRequest: A member is missing or not as it must be; `path` names it.
    """
    del call  # everything stands in the body
    check_text(body)
    notes = Notes(NAME, "")
    notes.form("request")  # so that every request of this dialect is known as one
    wire = notes.open(body, Create)
    _note_prompt(wire, notes)
    text = _open_text(wire, notes)
    output = None if text is None else solid(text.format, notes, path="text.format")
    wish = solid(wire.reasoning, notes, path="reasoning")
    _note_beside(wire, notes)
    return Request(
        model=given(wire.model) or "",
        messages=(*_read_instructions(wire), *_read_input(wire, notes)),
        tools=tuple(read_tool(raw, at=f"tools[{i}]") for i, raw in enumerate(given(wire.tools) or ())),
        tool_choice=_read_choice(wire, notes),
        parallel_tools=given(wire.parallel_tool_calls),
        output=None if output is None else read_format(output, at="text.format"),
        max_output_tokens=given(wire.max_output_tokens),
        temperature=given(wire.temperature),
        top_p=given(wire.top_p),
        has_logprobs=_read_include(wire, notes),
        top_logprobs=given(wire.top_logprobs),
        reasoning=None if wish is None else read_reasoning_wish(wish, at="reasoning"),
        verbosity=None if text is None else given(text.verbosity),
        user=_read_user(wire, notes),
        metadata=solid(wire.metadata, notes, path="metadata"),
        service_tier=given(wire.service_tier),
        cache_key=given(wire.prompt_cache_key),
        is_stored=given(wire.store),
        continues=given(wire.previous_response_id),
        is_stream=given(wire.stream) or False,
        wants_usage=given(wire.stream) or False,
        extras=notes.extras(),
    )


def _note_prompt(wire: Create, notes: Notes) -> None:
    if not isinstance(wire.prompt, UnsetType):
        notes.keep("prompt", wire.prompt)
    elif isinstance(wire.model, UnsetType):
        raise InvalidRequest("`model` is missing.", path="model", hint="Name a route there.")


def _open_text(wire: Create, notes: Notes) -> TextOptions | None:
    raw = solid(wire.text, notes, path="text")
    if raw is None:
        return None
    notes.form("text")
    return notes.open(raw, TextOptions, under="text")


def _note_beside(wire: Create, notes: Notes) -> None:
    """Note what means nothing elsewhere, or asks for what every other API does by itself."""
    if wire.stream is False:
        notes.form("stream=false")
    if wire.tools == []:
        notes.form("tools=[]")
    for path, value, usual in (
        ("background", wire.background, Raw(b"false")),
        ("truncation", wire.truncation, Raw(b'"disabled"')),
        ("stream_options", wire.stream_options, None),
    ):
        if isinstance(value, UnsetType):
            continue
        if usual is None or value == usual:
            notes.hush(path, value)
        else:
            notes.keep(path, value)


def _read_choice(wire: Create, notes: Notes) -> ToolChoice | None:
    raw = solid(wire.tool_choice, notes, path="tool_choice")
    if raw is None:
        return None
    choice = read_choice(raw, at="tool_choice")
    if choice is None:
        notes.keep("tool_choice", raw)
    return choice


def _read_include(wire: Create, notes: Notes) -> bool | None:
    """Note `include`: what it asks for comes with tools that are lost loudly themselves; tell the one exception."""
    if isinstance(wire.include, UnsetType):
        return None
    notes.hush("include", wire.include)
    wanted = RAWS(wire.include) if is_list(wire.include) else []
    return True if encode(LOGPROBS) in wanted else None


def _read_user(wire: Create, notes: Notes) -> str | None:
    user, safety = given(wire.user), given(wire.safety_identifier)
    if safety is None:
        return user
    if user is None:
        notes.form("safety_identifier")
        return safety
    notes.keep("safety_identifier", encode(safety))
    return user


def _read_instructions(wire: Create) -> tuple[Message, ...]:
    words = given(wire.instructions)
    if words is None:
        return ()
    at = "instructions"
    notes = Notes(NAME, at)
    notes.form(at)
    return (Message(role="system", parts=(Text(text=words, at=at),), at=at, extras=notes.extras()),)


def _read_input(wire: Create, notes: Notes) -> tuple[Message, ...]:
    raw = solid(wire.input, notes, path="input")
    if raw is None:
        return ()  # a stored prompt, or a conversation
    if is_string(raw):
        notes.form("input")
        return (Message(role="user", parts=(Text(text=STRING(raw), at="input"),), at="input"),)
    if not is_list(raw):
        raise InvalidRequest("This member must be a string or a list of items.", path="input")
    items = RAWS(raw)
    if not items:
        notes.form("input=[]")
    return tuple(_read_message(item, at=f"input[{i}]") for i, item in enumerate(items))


def _read_message(raw: Raw, *, at: str) -> Message:
    head = read_head(raw, at=at)
    kind = head.type or ("message" if head.role is not None else "item_reference")
    if kind != "message" or head.role not in _ROLES:
        part = read_item(raw, kind, at=at)
        return Message(role=_role_of(kind), parts=(part,), at=at)
    notes = Notes(NAME, at)
    item = notes.open(raw, MessageItem)
    hush_item(item, notes)
    if isinstance(item.type, UnsetType):
        notes.form("untyped")
    parts: tuple[Part, ...] = read_content(item.content, notes, role=item.role, at=f"{at}.content")
    return Message(role=item.role, parts=parts, at=at, extras=notes.extras())


def _role_of(kind: str) -> Role:
    """Return in whose turn an item stands: results and what clients approve in the user's, the rest in the model's."""
    return "user" if kind.endswith(("_output", "_response")) else "assistant"
