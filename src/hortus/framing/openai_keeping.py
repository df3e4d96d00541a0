"""What OpenAI's interfaces to files, batches and tuning jobs have in common: bodies, lists, ids that answers give out.

https://github.com/openai/openai-python (`types/`, `pagination.py`), read 2026-11.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from hortus.canon.dialect import Answer, Asked, HostId, HostIdKind, Operation, Page, Rewritten, RouteCard
from hortus.canon.errors import InvalidRequest, RequestError
from hortus.canon.units import Units
from hortus.canon.usage import Usage
from hortus.framing.counting import UNREADABLE
from hortus.framing.passed_bytes import PassedBytes
from hortus.framing.shallow import Members, read_members, write_members

NAME = "hortus-model"
"""Member, or field of a form, by which a client says which route it means; no host gets it."""

USUAL_PAGE, LONGEST_PAGE = 20, 100
"""Objects of a list, where the client does not say, and at most: each is asked for where it lies."""

Named = Mapping[str, HostIdKind]
"""Members that hold ids, and of what."""

_LONGEST_NUMBER = 9

_ENCODE = msgspec.json.Encoder().encode
_DECODE_TEXT = msgspec.json.Decoder(str).decode
_DECODE_TEXTS = msgspec.json.Decoder(list[str]).decode
_DECODE_MEMBERS = msgspec.json.Decoder(Members).decode


class _Listed(msgspec.Struct):
    data: tuple[msgspec.Raw, ...]
    first_id: str | None
    last_id: str | None
    has_more: bool
    object: str = "list"


def read_body(body: bytes, named: Named) -> Asked:
    """Read a request of these interfaces: which route it means, and what it names of what hosts keep.

    Raises:
        NotJson: The body is not a JSON object; none at all is one without members.
        InvalidRequest: An id, or the route's name, is no text.
    """
    members = read_members(body) if body else {}
    route = text_in(members, NAME) or ""
    members.pop(NAME, None)
    found = ((kind, text_in(members, name)) for name, kind in named.items())
    return Asked(
        route=route,
        is_stream=False,
        wants_usage=False,
        output_limit=0,
        members=members,
        host_ids=tuple((kind, host_id) for kind, host_id in found if host_id is not None),
    )


def text_in(members: Members, name: str) -> str | None:
    """Return a member that is a text; None where it is absent or null.

    Raises:
        InvalidRequest: It is something else.
    """
    value = members.get(name)
    if value is None or bytes(value) == b"null":
        return None
    try:
        return _DECODE_TEXT(value)
    except msgspec.ValidationError as error:
        raise InvalidRequest(f"`{name}` must be a text.", path=name) from error


def write_body(asked: Asked, upstream_model: str) -> Rewritten:
    """Return the body as it came, without what is Hortus' own."""
    del upstream_model  # no member names a model
    return Rewritten(body=write_members(asked.members) if asked.members else b"", adaptations=())


def given_ids(body: bytes, named: Named) -> tuple[HostId, ...]:
    """Return what an answer names of what its host keeps: one id, or a list of them, in each member."""
    try:
        members = _DECODE_MEMBERS(body)
    except UNREADABLE:
        return ()
    return tuple(dict.fromkeys(_ids_in(members, named)))


def nothing_used(body: bytes, named: Named) -> Answer:
    """Return what an answer gives out, where nothing is charged for it."""
    return Answer(usage=Usage(), served_model=None, given_ids=given_ids(body, named))


def _ids_in(members: Members, named: Named) -> Iterator[HostId]:
    for name, kind in named.items():
        value = members.get(name)
        if value is None:
            continue
        try:
            found = _DECODE_TEXTS(value) if bytes(value).startswith(b"[") else [_DECODE_TEXT(value)]
        except UNREADABLE:  # null, or nothing that could be an id
            continue
        yield from ((kind, host_id) for host_id in found if host_id)


def read_page(query: Mapping[str, str]) -> Page:
    """Return which part of a list is wanted.

    Raises:
        InvalidRequest: `limit` is no whole number above zero, or another order is asked for than the usual one.
    """
    said = query.get("limit", str(USUAL_PAGE))
    if not (said.isascii() and said.isdigit() and 0 < len(said) <= _LONGEST_NUMBER and int(said)):
        raise InvalidRequest("`limit` must be a whole number above zero.", path="limit")
    if query.get("order", "desc") != "desc":
        raise InvalidRequest("Lists of what hosts keep begin with the newest.", path="order", hint="Leave `order` out.")
    return Page(min(int(said), LONGEST_PAGE), query.get("after"))


def is_any(query: Mapping[str, str], item: msgspec.Raw) -> bool:
    """Tell that every object belongs to a list."""
    del query, item
    return True


def write_page(items: tuple[msgspec.Raw, ...], has_more: bool) -> bytes:  # noqa: FBT001 -- the signature of `Lists`
    """Return a list."""
    ids = [_id_of(item) for item in items]
    return _ENCODE(_Listed(items, ids[0] if ids else None, ids[-1] if ids else None, has_more))


class _Identified(msgspec.Struct):
    id: str = ""


def _id_of(item: msgspec.Raw) -> str:
    try:
        return msgspec.json.decode(item, type=_Identified).id
    except UNREADABLE:
        return ""


def render_stream_error(error: RequestError, receipt_id: str) -> bytes:
    """Return nothing: what is passed on unread can only end where it ends."""
    del error, receipt_id
    return b""


def open_stream(wants_usage: bool) -> PassedBytes:  # noqa: FBT001 -- the signature of `Dialect`
    """Return a reader of what no host sends: these interfaces have no streams."""
    del wants_usage
    return PassedBytes(Usage())


def weigh(operation: Operation, asked: Asked, body: bytes) -> Units:
    """Return nothing: no model is asked."""
    del operation, asked, body
    return Units(output_tokens=0)


def write_routes(cards: tuple[RouteCard, ...]) -> bytes:
    """Return nothing: models are listed by OpenAI's other dialect, which has the same bases."""
    del cards
    return b""


def write_route(card: RouteCard) -> bytes:
    """Return nothing, as above."""
    del card
    return b""


def as_operations(rows: tuple[Operation, ...]) -> tuple[Operation, ...]:
    """Return operations with both of their paths: the second stands below Azure's `/openai`, for any `api-version`."""
    return tuple(
        msgspec.structs.replace(row, path=v1 + row.path, is_at_root=bool(v1)) for v1 in ("/v1", "") for row in rows
    )


BASES = ("/openai", "/azure", "/azure/openai")
PASSED_QUERY = ("limit", "after", "order")
"""Parameters of lists below something that a host keeps: its events, its checkpoints."""
