"""What the gateway must know of a batch that is asked for: its route, what it names, what its requests may use.

Every request of a batch names its own model; a batch lies at one host, so they must all name the same.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from hortus.canon.dialect import Asked, HostId, Operation, Rewritten
from hortus.canon.errors import CallerFault, InvalidRequest
from hortus.canon.units import Units
from hortus.canon.work import Work
from hortus.framing.anthropic_ids import named_ids
from hortus.framing.anthropic_units import weigh_chat
from hortus.framing.asking import read_route
from hortus.framing.shallow import Members, read_members, write_members

NAME = "anthropic_batches"

ADAPTED_MODEL = "model"
"""Adaptation: the host's name of the model stands in every request of the batch."""

ADAPTED_RESULTS = "results_url"
"""Adaptation: an answer's address of the results is Hortus' own, below the address that the client uses."""

_REQUESTS, _PARAMS, _MODEL = "requests", "params", "model"
_LEADING_HOME = frozenset(("get_batch", "cancel_batch"))
_NONE_YET = msgspec.Raw(b"[]")

_ENCODE = msgspec.json.Encoder().encode
_DECODE_ENTRIES = msgspec.json.Decoder(list[Members]).decode
_DECODE_MEMBERS = msgspec.json.Decoder(Members).decode


def read_request(operation: Operation, body: bytes, route: str | None = None) -> Asked:
    """Read a request.

    Raises:
        NotJson: The body is not a JSON object.
        InvalidRequest: The batch is empty, its requests name no model or several, or something is not what it must be.
    """
    del route  # the gateway's: it is the id in the path
    if operation.name != "create_batch":
        adaptations = (ADAPTED_RESULTS,) if operation.name in _LEADING_HOME else ()
        return Asked("", is_stream=False, wants_usage=False, output_limit=0, members={}, adaptations=adaptations)
    members = read_members(body)
    chats = _chats_in(members)
    name = _route_of(chats)
    return Asked(
        name,
        is_stream=False,
        wants_usage=False,
        output_limit=0,
        members=members,
        host_ids=_ids_in(chats),
        work=_work_of(name, chats),
    )


def write_request(asked: Asked, upstream_model: str) -> Rewritten:
    """Return the body for a host that calls the model `upstream_model`; nothing where nothing was asked."""
    if _REQUESTS not in asked.members:
        return Rewritten(body=b"", adaptations=())
    named = {_MODEL: msgspec.Raw(_ENCODE(upstream_model))}
    entries = _DECODE_ENTRIES(asked.members[_REQUESTS])
    for entry in entries:
        entry[_PARAMS] = msgspec.Raw(write_members(_DECODE_MEMBERS(entry[_PARAMS]) | named))
    written = asked.members | {_REQUESTS: msgspec.Raw(_ENCODE(entries))}
    return Rewritten(body=write_members(written), adaptations=(ADAPTED_MODEL,) if upstream_model != asked.route else ())


def weigh(operation: Operation, asked: Asked, body: bytes) -> Units:
    """Return which tools the requests bring, all together; what they may use is the work."""
    del operation, body
    if _REQUESTS not in asked.members:
        return Units(output_tokens=0)
    kinds = (one.tools for one in _weighed(_chats_in(asked.members)))
    return Units(output_tokens=0, tools=tuple(sorted({kind for tools in kinds for kind in tools})))


def _chats_in(members: Members) -> list[Members]:
    """Return the members of every request.

    Raises:
        InvalidRequest: There is none, or something stands there that no host would take.
    """
    try:
        entries = _DECODE_ENTRIES(members.get(_REQUESTS, _NONE_YET))
    except msgspec.DecodeError as error:
        raise InvalidRequest(f"`{_REQUESTS}` must be a list of objects.", path=_REQUESTS) from error
    if not entries:
        raise InvalidRequest(
            "A batch needs requests.", path=_REQUESTS, hint="Send a list of objects with `custom_id` and `params`."
        )
    return [_chat_in(entry, f"{_REQUESTS}.{number}") for number, entry in enumerate(entries)]


def _chat_in(entry: Members, at: str) -> Members:
    _check_spelling(entry, at)
    path = f"{at}.{_PARAMS}"
    try:
        chat = _DECODE_MEMBERS(entry.get(_PARAMS, b"null"))
    except msgspec.DecodeError as error:
        raise InvalidRequest(f"`{_PARAMS}` must be an object.", path=path) from error
    _check_spelling(chat, path)
    return chat


def _check_spelling(names: Iterable[str], at: str) -> None:
    """Refuse a member that a host could take for one that was judged: all of them are in small letters."""
    for name in names:
        if name != name.lower():
            raise InvalidRequest("Members of requests are written in small letters.", path=at)


def _route_of(chats: list[Members]) -> str:
    first: str | None = None
    for number, chat in enumerate(chats):
        try:
            name = read_route(chat)
        except CallerFault as error:
            error.path = f"{_REQUESTS}.{number}.{_PARAMS}.{_MODEL}"
            raise
        first = name if first is None else first
        if name != first:
            raise InvalidRequest(
                "The requests of a batch must all name the same model: a batch lies at one host.",
                path=f"{_REQUESTS}.{number}.{_PARAMS}.{_MODEL}",
                hint="Send a batch for each model.",
            )
    return first or ""


def _ids_in(chats: list[Members]) -> tuple[HostId, ...]:
    return tuple(dict.fromkeys(one for chat in chats for one in named_ids(chat)))


def _weighed(chats: list[Members]) -> list[Units]:
    return [weigh_chat(chat, write_members(chat)) for chat in chats]


def _work_of(route: str, chats: list[Members]) -> Work:
    units = _weighed(chats)
    lengths = [len(write_members(chat)) for chat in chats]
    return Work(
        route=route,
        operation="chat",
        requests=len(units),
        input_bytes=sum(lengths),
        output_tokens=sum(one.output_tokens or 0 for one in units),
        unlimited=sum(one.output_tokens is None for one in units),
        images=sum(one.images for one in units),
        documents=sum(one.documents for one in units),
        kept=sum(one.kept for one in units),
        searches=any(one.searches for one in units),
        server_tools=any(one.server_tools for one in units),
        longest_bytes=max(lengths),
    )
