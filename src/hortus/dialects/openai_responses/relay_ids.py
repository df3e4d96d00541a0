"""What a request names of what a host keeps (answers, their items, conversations, files), and what an answer gives out.

An item of a kept answer is kept with it: its id is of the kind `response` too. Words of the model and schemas name
nothing, whatever their members are called.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from msgspec import Raw

from hortus.canon.dialect import HostId
from hortus.canon.errors import InvalidRequest
from hortus.dialects.openai_responses.pen import MADE, RAWS, is_list, is_string
from hortus.framing.counting import UNREADABLE
from hortus.framing.named_files import files_in, key_pattern, named_twice
from hortus.framing.opening import NULL
from hortus.framing.shallow import Members

_REFERENCE, _REASONING = Raw(b'"item_reference"'), Raw(b'"reasoning"')
_NOTHING = (NULL, Raw(b"[]"))
_MADE = b"_" + MADE.encode()


class _Item(msgspec.Struct):
    type: Raw = NULL
    role: Raw = NULL
    id: Raw = NULL
    encrypted_content: Raw = NULL
    content: Raw = NULL
    summary: Raw = NULL


class _Conversation(msgspec.Struct):
    id: str


_DECODE_ITEM = msgspec.json.Decoder(_Item).decode
_DECODE_CONVERSATION = msgspec.json.Decoder(_Conversation | str | None).decode
_DECODE_TEXT = msgspec.json.Decoder(str).decode


_ID = key_pattern("id")


def named_ids(members: Members) -> tuple[HostId, ...]:
    """Return what a request names.

    Raises:
        InvalidRequest: An id is no string, or stands twice in one object: the host might take the other one.
    """
    found: list[HostId] = []
    previous = members.get("previous_response_id", NULL)
    if previous != NULL:
        found.append(("response", _text(previous, path="previous_response_id")))
    conversation = members.get("conversation", NULL)
    if conversation != NULL:
        found.append(("conversation", _conversation(conversation)))
    given = members.get("input", NULL)
    for number, item in enumerate(RAWS(given) if is_list(given) else ()):
        found += _ids_of_item(item, path=f"input[{number}]")
    for name in ("tools", "prompt"):
        found += files_in(members.get(name, NULL), path=name)
    return tuple(dict.fromkeys(found))


def given_ids(response: Raw | bytes) -> tuple[HostId, ...]:
    """Return what a host keeps of an answer, whole or only begun."""

    class Kept(msgspec.Struct):
        id: str = ""
        store: bool | None = None
        output: list[_Item] = []

    try:
        kept = msgspec.json.decode(response, type=Kept)
    except UNREADABLE:
        return ()
    if kept.store is False or not kept.id:
        return ()
    return (("response", kept.id), *(one for item in kept.output for one in _id_of(item)))


def _id_of(item: _Item) -> tuple[HostId, ...]:
    return (("response", _DECODE_TEXT(item.id)),) if is_string(item.id) else ()


def _ids_of_item(raw: Raw, *, path: str) -> Iterator[HostId]:
    try:
        item = _DECODE_ITEM(raw)
    except UNREADABLE:
        return  # no object: the host's to judge
    is_reference = item.type == _REFERENCE or (item.type == NULL and item.role == NULL)
    if (is_reference or _is_recalled(item)) and item.id != NULL:
        if len(_ID.findall(raw)) != 1:
            raise named_twice("id", path)
        yield "response", _text(item.id, path=f"{path}.id")
    yield from files_in(raw, path=path)


def _is_recalled(item: _Item) -> bool:
    """Tell whether this is reasoning that its host has to remember, and not one that Hortus itself wrote."""
    says_nothing = item.encrypted_content == NULL and item.content in _NOTHING and item.summary in _NOTHING
    return item.type == _REASONING and says_nothing and _MADE not in bytes(item.id)


def _conversation(raw: Raw) -> str:
    try:
        said = _DECODE_CONVERSATION(raw)
    except msgspec.ValidationError as error:
        raise InvalidRequest("`conversation` must be an id, or an object with one.", path="conversation") from error
    if isinstance(said, _Conversation) and len(_ID.findall(raw)) != 1:
        raise named_twice("id", "conversation")
    return said.id if isinstance(said, _Conversation) else str(said)


def _text(raw: Raw, *, path: str) -> str:
    if not is_string(raw):
        raise InvalidRequest("This member must be an id.", path=path)
    return _DECODE_TEXT(raw)
