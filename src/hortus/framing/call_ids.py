"""Ids of calls for hosts that take nine letters and digits and no others: the same id always gives the same one.

Clients keep the ids that they were given, whoever gave them: each request says them anew, so nothing has to be stored.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64encode
from hashlib import sha256

import msgspec
from msgspec import Raw

from hortus.framing.shallow import Members

ADAPTED_IDS = "tool_calls.id>9 characters"
"""Adaptation: ids of calls were written as ones that the host takes."""

_MESSAGES = "messages"
_MENTIONS = b'"tool_call'
_FITTING = re.compile(r"[A-Za-z0-9]{9}")
_ID_LENGTH = 9
_LETTERS = bytes.maketrans(b"-_", b"xz")

_ENCODE = msgspec.json.Encoder().encode
_DECODE_ITEMS = msgspec.json.Decoder(list[Raw]).decode
_DECODE_MEMBERS = msgspec.json.Decoder(Members).decode
_DECODE_TEXT = msgspec.json.Decoder(str).decode


def is_short(call_id: str) -> bool:
    """Tell whether an id has nine letters and digits."""
    return _FITTING.fullmatch(call_id) is not None


def short_id(call_id: str) -> str:
    """Return nine letters and digits for the id of a call, always the same ones.

    >>> short_id("call_1"), short_id("call_2")
    ('dBlv5y5M3', 'G2j4P6NEr')
    """
    digest = urlsafe_b64encode(sha256(call_id.encode()).digest()).translate(_LETTERS)
    return digest[:_ID_LENGTH].decode()


def with_short_ids(members: Members) -> Members | None:
    """Return a chat's members with ids of calls that such a host takes; None where they have no others.

    Only the messages that name another id are written again, every value in them but the id as it came.

    >>> members = {"messages": Raw(b'[{"role": "tool", "tool_call_id": "call_1", "content": "7"}]')}
    >>> bytes(with_short_ids(members)["messages"])
    b'[{"role":"tool","tool_call_id":"dBlv5y5M3","content":"7"}]'
    """
    messages = members.get(_MESSAGES)
    if messages is None or _MENTIONS not in bytes(messages):
        return None
    items = _items_in(messages)
    written = [_message(item) for item in items]
    if written == items:
        return None
    return members | {_MESSAGES: Raw(_ENCODE(written))}


def _message(item: Raw) -> Raw:
    members = _members_in(item)
    changed: Members = _shortened(members, "tool_call_id")
    calls = members.get("tool_calls")
    if calls is not None:
        whole = _items_in(calls)
        short = [_with(one, _shortened(_members_in(one), "id")) for one in whole]
        changed |= {"tool_calls": Raw(_ENCODE(short))} if short != whole else {}
    return _with(item, changed)


def _shortened(members: Members, name: str) -> Members:
    """Return the member of this name with a short id, nothing where it has one, or none."""
    try:
        call_id = _DECODE_TEXT(members.get(name, Raw(b'""')))
    except msgspec.DecodeError:
        return {}
    return {name: Raw(_ENCODE(short_id(call_id)))} if call_id and not is_short(call_id) else {}


def _with(item: Raw, changed: Members) -> Raw:
    return Raw(_ENCODE(_members_in(item) | changed)) if changed else item


def _items_in(raw: Raw) -> list[Raw]:
    """Return the items of a list; none of what is no list, which is the host's to judge."""
    try:
        return _DECODE_ITEMS(raw)
    except msgspec.DecodeError:
        return []


def _members_in(raw: Raw) -> Members:
    try:
        return _DECODE_MEMBERS(raw)
    except msgspec.DecodeError:
        return {}
