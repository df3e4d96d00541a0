"""What a policy demands of a host is set in what is sent to it, whatever the client said, and named."""

from __future__ import annotations

import msgspec

from hortus.canon.errors import RefusedByPolicy
from hortus.gateway.passage import Outgoing
from hortus.gateway.ports import Body
from hortus.policy.facts import LEVER_MARK, Lever

_DECODE = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_DECODE_TEXT = msgspec.json.Decoder(str).decode


def demanded(outgoing: Outgoing, levers: tuple[Lever, ...]) -> Outgoing:
    """Return a request with every lever pulled that works in its dialect.

    Raises:
        RefusedByPolicy: It has no place for one of them.
    """
    pulled = [lever for lever in levers if outgoing.dialect in lever.dialects]
    members = [lever for lever in pulled if lever.member is not None]
    headers = tuple(
        (lever.header.encode("latin-1"), _DECODE_TEXT(lever.value).encode("latin-1"))
        for lever in pulled
        if lever.header is not None
    )
    return msgspec.structs.replace(
        outgoing,
        body=_with_members(outgoing.body, members) if members else outgoing.body,
        headers=(*outgoing.headers, *headers),
        adaptations=(*outgoing.adaptations, *(LEVER_MARK + lever.name for lever in pulled)),
    )


def _with_members(body: Body, levers: list[Lever]) -> bytes:
    if not isinstance(body, bytes):
        raise RefusedByPolicy(
            "The project's policy demands something of the host that a form has no place for.",
            hint="Use another model, or ask an admin about the policy.",
        )
    members = _DECODE(body)
    for lever in levers:
        _set(members, (lever.member or "").split("."), value=lever.value)
    return msgspec.json.encode(members)


def _set(members: dict[str, msgspec.Raw], path: list[str], *, value: msgspec.Raw) -> None:
    """Set a member by its path; what is no object on the way gives place to one."""
    first, *rest = path
    if not rest:
        members[first] = value
        return
    inner = members.get(first)
    try:
        below = _DECODE(inner) if inner is not None else {}
    except msgspec.ValidationError:
        below = {}
    _set(below, rest, value=value)
    members[first] = msgspec.Raw(msgspec.json.encode(below))
