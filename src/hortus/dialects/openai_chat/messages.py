"""Messages of requests and answers: content, reasoning, refusal, calls and citations side by side in one object."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import chain

from msgspec import UNSET, Raw, UnsetType, structs

from hortus.canon.errors import InvalidRequest
from hortus.canon.manifest import Manifest
from hortus.canon.nodes import Seal
from hortus.canon.parts import Citation, Media, Opaque, Part, Reasoning, Refusal, Text, ToolCall, ToolResult
from hortus.canon.request import Message, Role
from hortus.dialects.openai_chat import wire
from hortus.dialects.openai_chat.calls import read_call, write_call
from hortus.dialects.openai_chat.parts import AS_PART, read_part, write_part
from hortus.dialects.openai_chat.pen import Body, encode, is_own, kind_of, notes_at, restore, text_of, told
from hortus.dialects.openai_chat.vocabulary import NAME
from hortus.framing.chat_notation import AS_CALL, AS_LIST, EMPTY_LIST, read_content, read_stranger
from hortus.framing.opening import Notes

_REASONING_NAMES = ("reasoning_content", "reasoning")
_NO_WORDS = frozenset((b'""', b"null"))
_ROLES: dict[str, Role] = {"system": "system", "developer": "developer", "user": "user", "assistant": "assistant"}


def read_message(raw: Raw, at: str, *, make_id: Callable[[], str]) -> Message:
    """Return one message of a request.

    Raises:
        InvalidRequest: Something in it has the wrong type.
    """
    notes = notes_at(at)
    message = notes.open(raw, wire.Message)
    role = told(message.role)
    if role is None:
        raise InvalidRequest("This member is missing.", path=f"{at}.role", hint="Such as user, assistant, tool.")
    if role == "tool":
        return _read_result(message, at, notes)
    known = _ROLES.get(role)
    if known is None:
        return read_stranger(raw, at, role=role, dialect=NAME)  # such as `function`
    parts = read_parts(message, at, notes=notes, make_id=make_id, role=known)
    if message.annotations:
        notes.keep("annotations", Raw(encode(message.annotations)))
    elif message.annotations is not None and message.annotations is not UNSET:
        notes.hush("annotations", EMPTY_LIST)
    return Message(role=known, parts=parts, name=told(message.name), at=at, extras=notes.extras())


def read_parts(
    message: wire.Message, at: str, *, notes: Notes, make_id: Callable[[], str], role: str
) -> tuple[Part, ...]:
    """Return what a message consists of: reasoning, content, refusal, calls; the rest goes into `notes`."""
    parts: list[Part] = []
    reasoning = _read_reasoning(message, at, notes)
    if reasoning is not None:
        parts.append(reasoning)
    parts += _read_content(message, at, notes=notes, role=role)
    refusal = told(message.refusal)
    if refusal is not None:
        parts.append(Refusal(text=refusal, at=f"{at}.refusal"))
    calls = told(message.tool_calls)
    if calls is not None and not calls:
        notes.hush("tool_calls", EMPTY_LIST)
    parts += [read_call(one, f"{at}.tool_calls[{i}]", make_id=make_id) for i, one in enumerate(calls or ())]
    if isinstance(message.tool_call_id, str):
        notes.keep("tool_call_id", Raw(encode(message.tool_call_id)))
    return tuple(parts)


def _read_content(message: wire.Message, at: str, *, notes: Notes, role: str) -> list[Part]:
    return read_content(message.content, at, notes=notes, read_part=lambda raw, at: read_part(raw, at, role=role))


def _read_result(message: wire.Message, at: str, notes: Notes) -> Message:
    content = _read_content(message, at, notes=notes, role="tool")
    for name in ("tool_calls", "refusal", "annotations"):  # nonsense here, but not ours to drop
        value = getattr(message, name)
        if value is not UNSET and value is not None:
            notes.keep(name, Raw(encode(value)))
    for name in (*_REASONING_NAMES, "reasoning_details"):
        value = getattr(message, name)
        if value is not UNSET:
            notes.keep(name, value)
    if told(message.tool_call_id) is None:
        raise InvalidRequest("This member is missing.", path=f"{at}.tool_call_id", hint="The id of the call.")
    parts = tuple(part for part in content if isinstance(part, Text | Media | Opaque))
    if len(parts) != len(content):
        raise InvalidRequest("A result of a tool cannot hold a refusal.", path=f"{at}.content")
    result = ToolResult(
        call_id=told(message.tool_call_id) or "",
        parts=parts,
        name=told(message.name),
        at=at,
        extras=notes.extras(),
    )
    return Message(role="user", parts=(result,), at=at)


def _read_reasoning(message: wire.Message, at: str, notes: Notes) -> Reasoning | None:
    text = name = None
    for member, raw in (("reasoning_content", message.reasoning_content), ("reasoning", message.reasoning)):
        if raw is UNSET:
            continue
        words = text_of(raw)
        if words and text is None:
            text, name = words, member
        else:
            says_more = words != text if words else bytes(raw) not in _NO_WORDS
            (notes.keep if says_more else notes.hush)(member, raw)
    seal = _read_details(message.reasoning_details, notes)
    if name is None:
        empty = begin_reasoning("reasoning_details", at)
        return None if seal is None else structs.replace(empty, seal=seal, is_redacted=True)
    return structs.replace(begin_reasoning(name, at), texts=(text,), seal=seal)


def _read_details(details: Raw | UnsetType, notes: Notes) -> Seal | None:
    if details is UNSET:
        return None
    if bytes(details) in {b"null", b"[]"}:
        notes.hush("reasoning_details", details)
        return None
    return Seal(dialect=NAME, data=bytes(details).decode())


def begin_reasoning(name: str, at: str) -> Reasoning:
    """Return empty reasoning that stands in the member `name`."""
    notes = notes_at(f"{at}.{name}")
    if name == "reasoning":
        notes.form(name)
    return Reasoning(at=f"{at}.{name}", extras=notes.extras())


def read_citations(annotations: list[Raw], at: str) -> tuple[Citation, ...] | None:
    """Return citations of pages, None where any is of another kind."""
    places = [f"{at}.annotations[{i}]" for i in range(len(annotations))]
    if any(kind_of(raw, place) != "url_citation" for raw, place in zip(annotations, places, strict=True)):
        return None
    return tuple(read_citation(raw, place) for raw, place in zip(annotations, places, strict=True))


def read_citation(raw: Raw, at: str) -> Citation:
    """Return the citation of a page in an annotation."""
    notes = notes_at(at)
    found = notes.open(raw, wire.Annotation).url_citation
    for name in ("title", "start_index", "end_index"):
        if getattr(found, name) is UNSET:
            notes.form(f"-url_citation.{name}")
    return Citation(
        url=found.url,
        title=told(found.title),
        start=told(found.start_index),
        end=told(found.end_index),
        at=at,
        extras=notes.extras(),
    )


def write_citation(citation: Citation, manifest: Manifest, *, text: str, offset: int) -> Body | None:
    """Return a citation of a page as an annotation, None where it cites something else."""
    if citation.url is None:
        return None
    manifest.take(citation, "url", "title", "start", "end")
    found: Body = {
        "start_index": offset + (citation.start or 0),
        "end_index": offset + (len(text) if citation.end is None else citation.end),
        "title": citation.title or "",
        "url": citation.url,
    }
    return restore({"type": "url_citation", "url_citation": found}, citation, manifest)


def write_result(result: ToolResult, manifest: Manifest) -> Body:
    """Return the message that carries a tool's result."""
    manifest.take(result, "call_id", "parts", "name")
    if result.is_error:
        manifest.approximate(result, "is_error", "OpenAI's results of tools have no mark for errors: the text says it.")
    body: Body = {"role": "tool", "tool_call_id": result.call_id}
    is_list = manifest.has_form(result, AS_LIST)
    body["content"] = write_content(result.parts, manifest, role="tool", is_list=is_list)
    if result.name is not None and is_own(result):
        body["name"] = result.name
    return restore(body, result, manifest)


def write_content(parts: Iterable[Part], manifest: Manifest, *, role: str, is_list: bool) -> object:
    """Return a content: a string where one text is all there is, else a list."""
    chosen = tuple(parts)
    written = [(part, body) for part in chosen if (body := write_part(part, manifest, role=role)) is not None]
    if is_list:
        return [body for _, body in written]
    if not written:
        return ""
    only = written[0][1]
    if len(written) == 1 and isinstance(only, dict) and only.keys() == {"type", "text"}:
        return only["text"]
    return [body for _, body in written]


def write_assistant(messages: tuple[Message, ...], manifest: Manifest) -> Body | None:
    """Return one message of the assistant that holds those of one turn, None where nothing of them can be written."""
    parts = list(chain.from_iterable(message.parts for message in messages))
    body: Body = {"role": "assistant"}
    content = [part for part in parts if _is_content(part, manifest)]
    is_list = any(manifest.has_form(message, AS_LIST) for message in messages)
    if content or is_list:
        body["content"] = write_content(content, manifest, role="assistant", is_list=is_list)
    write_reasoning(parts, body, manifest=manifest)
    write_beside(parts, body, manifest=manifest)
    if len(body) == 1 and not any(is_own(message) for message in messages):
        return None
    body.setdefault("content", None)
    for message in messages:
        write_name(message, body, manifest=manifest)
        restore(body, message, manifest)
    return body


def write_name(message: Message, body: Body, *, manifest: Manifest) -> None:
    """Write who speaks; of several in one turn, the first."""
    manifest.take(message, "parts")
    if message.name is not None:
        manifest.take(message, "name")
        body.setdefault("name", message.name)


def write_beside(parts: Iterable[Part], body: Body, *, manifest: Manifest) -> None:
    """Write refusal and calls beside the content; text after a call moves before it, as the format wants it."""
    calls: list[object] = []
    for part in parts:
        match part:
            case Refusal() if not manifest.has_form(part, AS_PART):
                manifest.take(part, "text")
                body["refusal"] = part.text if "refusal" not in body else f"{body['refusal']}\n\n{part.text}"
            case ToolCall():
                calls.append(write_call(part, manifest))
            case Opaque() if manifest.has_form(part, AS_CALL):
                manifest.take(part, "raw")
                calls.append(part.raw)
            case Text() if calls:
                manifest.adapt("text>before calls")
            case _:
                pass
    if calls:
        body["tool_calls"] = calls


def write_reasoning(parts: Iterable[Part], body: Body, *, manifest: Manifest, takes_foreign: bool = False) -> None:
    """Write reasoning that hosts of this dialect can take back; what another maker sealed only where it is shown."""
    name = "reasoning_content"
    pieces: list[str] = []
    for part in (one for one in parts if isinstance(one, Reasoning)):
        sealed_by = NAME if part.seal is None else part.seal.dialect
        if sealed_by == NAME or takes_foreign:
            manifest.take_all(part)
            pieces += (*part.texts, *part.summary)
            name = "reasoning" if manifest.has_form(part, "reasoning") else name
        if part.seal is not None and sealed_by == NAME:
            body["reasoning_details"] = Raw(part.seal.data.encode())
    if pieces:
        body[name] = "\n\n".join(pieces)


def _is_content(part: Part, manifest: Manifest) -> bool:
    match part:
        case Text() | Media():
            return True
        case Opaque():
            return not manifest.has_form(part, AS_CALL)
        case Refusal():
            return manifest.has_form(part, AS_PART)
        case _:
            return False
