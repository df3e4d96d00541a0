"""Which endpoint does a conversation belong to? The same for all its turns, in every worker, with nothing remembered.

Turns are known by how their conversation begins, for every turn sends that again. Rendezvous hashing then picks: an
endpoint that goes away moves only its own conversations. What only one endpoint can read goes to that one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from hashlib import blake2b

import msgspec

from hortus.canon.dialect import Asked
from hortus.content.ports import Seals
from hortus.gateway.passage import Inquiry
from hortus.gateway.sealing import marked_calls
from hortus.snapshot.resolved import Target

_NAMED = "prompt_cache_key"
"""What OpenAI's clients name a maker's cache of a prompt by: https://platform.openai.com/docs/guides/prompt-caching,
read 2026-11."""

_BEGINNINGS = ("system", "systemInstruction", "system_instruction", "instructions")
_TURNS = ("messages", "contents", "input")
"""Members of requests, in any dialect, that hold what comes before all turns, and the turns."""

_SEALED = b'"reasoning.encrypted_content"'
"""What clients of OpenAI's Responses ask for to send sealed reasoning back: only the host that gave it can read it.
https://platform.openai.com/docs/guides/reasoning, read 2026-11."""

_LATEST_CALLS = 4
"""Marked calls that are looked up, the latest first: they were all answered by the same endpoint as a rule."""

_KEY_BYTES = 16
_SPACE = float(1 << 64)
_TURN = msgspec.json.Decoder(list[msgspec.Raw]).decode


class _Said(msgspec.Struct):
    role: str = "user"


_ROLE = msgspec.json.Decoder(_Said).decode


def conversation_of(inquiry: Inquiry, route: str) -> bytes | None:
    """Return the key of the conversation that a request is a turn of; None where it is none."""
    members = inquiry.asked.members
    named = members.get(_NAMED)
    beginning = bytes(named) if named is not None else _beginning(members)
    if not beginning:
        return None
    state = blake2b(digest_size=_KEY_BYTES)
    for part in (inquiry.project_id.encode(), route.encode(), beginning):
        state.update(b"%d:" % len(part))
        state.update(part)
    return state.digest()


def asks_for_seals(asked: Asked) -> bool:
    """Tell whether the client wants what it must send back, and only the same endpoint can read."""
    include = asked.members.get("include")
    return include is not None and _SEALED in bytes(include)


def rank(targets: Sequence[Target], conversation: bytes, *, is_weighted: bool = False) -> Sequence[Target]:
    """Return the targets in the order in which a conversation takes them; by weight, so many conversations go there."""
    return sorted(targets, key=lambda target: -_score(target, conversation, is_weighted=is_weighted))


def holder_first(targets: Sequence[Target], inquiry: Inquiry, seals: Seals) -> Sequence[Target]:
    """Put the endpoint first that gave the seals of the latest calls in the request, for no other can read them."""
    for call_id in marked_calls(inquiry.body, most=_LATEST_CALLS):
        for target in targets:
            if seals.find(inquiry.project_id, target.endpoint.name, call_id) is not None:
                return (target, *(one for one in targets if one is not target))
    return targets


def _score(target: Target, conversation: bytes, *, is_weighted: bool) -> float:
    drawn = int.from_bytes(blake2b(target.endpoint.name.encode(), key=conversation, digest_size=8).digest())
    if not is_weighted:
        return drawn
    if target.weight <= 0:
        return -1.0
    return target.weight / -math.log((drawn + 0.5) / _SPACE)


def _beginning(members: Mapping[str, msgspec.Raw]) -> bytes:
    parts = [bytes(members[name]) for name in _BEGINNINGS if name in members]
    for name in _TURNS:
        if name in members:
            parts.append(_first_turn(members[name]))
    return b"\n".join(parts)


def _first_turn(turns: msgspec.Raw) -> bytes:
    """Return a conversation up to the first thing that its user says."""
    try:
        said = _TURN(turns)
    except msgspec.DecodeError:  # a text alone is the only turn
        return bytes(turns)
    for number, one in enumerate(said):
        try:
            role = _ROLE(one).role
        except msgspec.DecodeError:  # not read here: whoever reads the request says what is wrong
            role = "user"
        if role == "user":
            said = said[: number + 1]
            break
    return b"\n".join(map(bytes, said))
