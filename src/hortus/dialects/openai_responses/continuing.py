"""Going on from an answer by its id without a host that keeps it: earlier turns become items of the input.

Instructions and tools of earlier turns are not carried over.
https://platform.openai.com/docs/guides/conversation-state, read 2026-11
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec
from msgspec import Raw

from hortus.canon.dialect import Continuing, Expanded, KeptResponse, KeptTurn
from hortus.canon.errors import InvalidRequest, RequestError
from hortus.dialects.openai_responses.pen import ENCODE, RAWS, STRING, is_list, is_string
from hortus.dialects.openai_responses.response import output_of, text_of
from hortus.framing.counting import UNREADABLE
from hortus.framing.opening import NULL
from hortus.framing.shallow import Members, read_members, write_members
from hortus.framing.sse import SseSplitter, read_frame

_PREVIOUS = "previous_response_id"
_REASONING = "reasoning"
_BLANK_LINE, _FRAMES_BEFORE_IT = re.compile(rb"\r?\n\r?\n"), 4
_USUAL_ITEMS, _MOST_ITEMS = 20, 100


class _Ending(msgspec.Struct):
    type: str = ""
    response: Raw = NULL


class _Head(msgspec.Struct):
    id: Raw = NULL


class _Item(msgspec.Struct):
    type: str | None = None
    id: str | None = None
    encrypted_content: str | None = None


_read_ending = msgspec.json.Decoder(_Ending).decode
_read_head = msgspec.json.Decoder(_Head).decode
_read_item = msgspec.json.Decoder(_Item).decode
_ENDS = frozenset(("response.completed", "response.incomplete"))


def continues(members: Mapping[str, Raw]) -> str | None:
    """Return the id of the answer that a request goes on from."""
    raw = members.get(_PREVIOUS, NULL)
    return STRING(raw) if is_string(raw) else None


def is_stored(members: Mapping[str, Raw]) -> bool:
    """Tell whether a client lets its answer be kept: it does unless it says otherwise."""
    return members.get("store", NULL) != Raw(b"false")


def response_of(answer: bytes, is_stream: bool) -> KeptResponse | None:  # noqa: FBT001 -- the record calls it by place
    """Return the answer out of what a client got, whole or as a stream; None where it has none to go on from."""
    raw = _last_in(answer) if is_stream and answer.lstrip()[:1] != b"{" else Raw(answer)
    try:
        members = read_members(bytes(raw)) if raw is not None else {}
    except RequestError:
        return None
    response_id = text_of(members, "id")
    if raw is None or not response_id or text_of(members, "status") not in {"completed", "incomplete", ""}:
        return None
    return KeptResponse(response_id, raw)


def id_of(answer: bytes, is_stream: bool) -> str | None:  # noqa: FBT001 -- as above
    """Return the id that stands in what a client got, at little cost; None where none does."""
    for text in _BLANK_LINE.split(answer, maxsplit=_FRAMES_BEFORE_IT) if is_stream else ():
        data = read_frame(text + b"\n\n").data
        try:
            head = _read_ending(data or b"{}").response
            found = NULL if head == NULL else _read_head(head).id
        except UNREADABLE:
            continue
        if is_string(found):
            return STRING(found)
    try:
        found = _read_head(answer).id
    except UNREADABLE:
        return None
    return STRING(found) if is_string(found) else None


def expand(members: Members, turns: tuple[KeptTurn, ...]) -> Expanded:
    """Return a request's members with the items of earlier turns before its own."""
    before = _items_of_turns(turns)
    items = [one for one in before if _can_return(one)]
    rest = {name: value for name, value in members.items() if name not in {_PREVIOUS, "input"}}
    return Expanded({**rest, "input": Raw(ENCODE([*items, *_own_items(members)]))}, len(before) - len(items))


def list_items(request: bytes, turns: tuple[KeptTurn, ...], query: Mapping[str, str]) -> bytes:
    """Return a page of what the model was given: the request's own input and the turns before it.

    Raises:
        InvalidRequest: A parameter of the address is not as it must be.
    """
    given = [*_items_of_turns(turns), *_own_items(read_members(request))]
    items = [_with_id(item, number) for number, item in enumerate(given)]
    if query.get("order", "desc") == "desc":
        items.reverse()
    limit = _limit(query)
    names = [name for name, _ in items]
    after = query.get("after")
    begin = names.index(after) + 1 if after in names else 0
    page = items[begin : begin + limit]
    body = {
        "object": "list",
        "data": [item for _, item in page],
        "first_id": page[0][0] if page else None,
        "last_id": page[-1][0] if page else None,
        "has_more": begin + limit < len(items),
    }
    return ENCODE(body)


def write_deleted(response_id: str) -> bytes:
    """Return the body that says that an answer is gone."""
    return ENCODE({"id": response_id, "object": "response", "deleted": True})


def _items_of_turns(turns: tuple[KeptTurn, ...]) -> list[Raw]:
    items: list[Raw] = []
    for turn in turns:
        items += _own_items(read_members(turn.request))
        items += output_of(read_members(bytes(turn.response.raw)))
    return items


def _own_items(members: Members) -> list[Raw]:
    """Return the input of a request as items."""
    raw = members.get("input", NULL)
    if is_string(raw):
        return [Raw(ENCODE({"type": "message", "role": "user", "content": raw}))]
    return RAWS(raw) if is_list(raw) else []


def _can_return(item: Raw) -> bool:
    """Tell whether an item means anything to a host that has not kept it: thoughts only with their seal."""
    try:
        read = _read_item(item)
    except UNREADABLE:
        return True
    return read.type != _REASONING or read.encrypted_content is not None


def _with_id(item: Raw, number: int) -> tuple[str, Raw]:
    """Return an item with its id; items of a client may have none, but its SDK wants one."""
    members = read_members(bytes(item))
    own = text_of(members, "id")
    if own:
        return own, item
    made = f"item_{number:06}"
    members.setdefault("type", Raw(b'"message"'))
    if is_string(members.get("content", NULL)):
        kind = "output_text" if text_of(members, "role") == "assistant" else "input_text"
        members["content"] = Raw(ENCODE([{"type": kind, "text": members["content"]}]))
    return made, Raw(write_members({"id": Raw(ENCODE(made)), **members}))


def _limit(query: Mapping[str, str]) -> int:
    said = query.get("limit", str(_USUAL_ITEMS))
    if not said.isdecimal() or not 1 <= int(said) <= _MOST_ITEMS:
        raise InvalidRequest(f"`limit` must be a number from 1 to {_MOST_ITEMS}.", path="limit")
    return int(said)


def _last_in(answer: bytes) -> Raw | None:
    """Return the whole answer at the end of a stream."""
    splitter = SseSplitter()
    frames = splitter.feed(answer)
    last = splitter.close()
    for frame in (*([last] if last is not None else ()), *reversed(frames)):
        if frame.data is None:
            continue
        try:
            ending = _read_ending(frame.data)
        except UNREADABLE:
            continue
        if ending.type in _ENDS:
            return ending.response
    return None


CONTINUING = Continuing(
    continues=continues,
    is_stored=is_stored,
    id_of=id_of,
    response_of=response_of,
    expand=expand,
    items_of=list_items,
    write_deleted=write_deleted,
)
