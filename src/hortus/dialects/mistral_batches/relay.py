"""What the gateway must know of a job that is asked for: its route, what its requests name and may use.

The job names the model of all its requests. Requests that lie in files of Mistral's are not taken: such a file names
no model, so nobody could say on its way which route they mean.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from hortus.canon.dialect import Asked, HostId, Operation, Rewritten
from hortus.canon.errors import InvalidRequest
from hortus.canon.units import Units
from hortus.canon.work import Work
from hortus.framing.asking import read_route
from hortus.framing.mistral_units import weigh as weigh_one
from hortus.framing.named_files import files_in
from hortus.framing.openai_keeping import text_in
from hortus.framing.shallow import Members, read_members, write_members

NAME = "mistral_batches"

ADAPTED_MODEL = "model"
"""Adaptation: the route's name is replaced by the host's name of the model."""

_REQUESTS, _BODY, _MODEL, _ENDPOINT = "requests", "body", "model", "endpoint"
_ELSEWHERE = ("input_files", "agent_id")
_SERVED: Mapping[str, Operation] = {
    "/v1/chat/completions": Operation("chat", "POST", "", None),
    "/v1/fim/completions": Operation("fim", "POST", "", None),
    "/v1/embeddings": Operation("embeddings", "POST", "", None),
}
_UNSET = frozenset((b"null", b"[]"))
_NONE_YET = msgspec.Raw(b"[]")

_ENCODE = msgspec.json.Encoder().encode
_DECODE_ENTRIES = msgspec.json.Decoder(list[Members]).decode
_DECODE_MEMBERS = msgspec.json.Decoder(Members).decode


def read_request(operation: Operation, body: bytes, route: str | None = None) -> Asked:
    """Read a request.

    Raises:
        NotJson: The body is not a JSON object.
        InvalidRequest: The job names no model or no requests, or such as cannot be looked at.
    """
    del route  # the gateway's: it is the id in the path
    if operation.name != "create_batch":
        return Asked("", is_stream=False, wants_usage=False, output_limit=0, members={})
    members = read_members(body)
    name, one = read_route(members), _operation_of(members)
    bodies = _bodies_in(members)
    return Asked(
        name,
        is_stream=False,
        wants_usage=False,
        output_limit=0,
        members=members,
        host_ids=_ids_in(bodies),
        work=_work_of(name, one, bodies),
    )


def write_request(asked: Asked, upstream_model: str) -> Rewritten:
    """Return the body for a host that calls the model `upstream_model`; nothing where nothing was asked."""
    if not asked.members:
        return Rewritten(body=b"", adaptations=())
    if upstream_model == asked.route:
        return Rewritten(body=write_members(asked.members), adaptations=())
    named = {_MODEL: msgspec.Raw(_ENCODE(upstream_model))}
    return Rewritten(body=write_members(asked.members | named), adaptations=(ADAPTED_MODEL,))


def weigh(operation: Operation, asked: Asked, body: bytes) -> Units:
    """Return which tools the requests bring, all together; what they may use is the work."""
    del operation, body
    if not asked.members:
        return Units(output_tokens=0)
    kinds = (one.tools for one in _weighed(_operation_of(asked.members), _bodies_in(asked.members)))
    return Units(output_tokens=0, tools=tuple(sorted({kind for tools in kinds for kind in tools})))


def _operation_of(members: Members) -> Operation:
    for name in _ELSEWHERE:
        if bytes(members.get(name, _NONE_YET)) not in _UNSET:
            raise InvalidRequest(
                f"Jobs with `{name}` are not taken: nobody could look at their requests.",
                path=name,
                hint=f"Send the requests themselves, in `{_REQUESTS}`.",
            )
    said = text_in(members, _ENDPOINT) or ""
    if said not in _SERVED:
        raise InvalidRequest("This is no address that a job can name here.", path=_ENDPOINT, hint=_known())
    return _SERVED[said]


def _known() -> str:
    return f"Use {', '.join(sorted(_SERVED))}."


def _bodies_in(members: Members) -> list[Members]:
    """Return the members of every request's body.

    Raises:
        InvalidRequest: There is none, or something stands there that could be read in two ways.
    """
    try:
        entries = _DECODE_ENTRIES(members.get(_REQUESTS, _NONE_YET))
    except msgspec.DecodeError as error:
        raise InvalidRequest(f"`{_REQUESTS}` must be a list of objects.", path=_REQUESTS) from error
    if not entries:
        raise InvalidRequest("A job needs requests.", path=_REQUESTS, hint="Send objects with `custom_id` and `body`.")
    return [_body_in(entry, f"{_REQUESTS}.{number}") for number, entry in enumerate(entries)]


def _body_in(entry: Members, at: str) -> Members:
    path = f"{at}.{_BODY}"
    try:
        body = _DECODE_MEMBERS(entry.get(_BODY, b"null"))
    except msgspec.DecodeError as error:
        raise InvalidRequest(f"`{_BODY}` must be an object.", path=path) from error
    if any(name != name.lower() for name in (*entry, *body)):
        raise InvalidRequest("Members of requests are written in small letters.", path=at)
    if _MODEL in body:
        raise InvalidRequest("The job names the model of all its requests.", path=f"{path}.{_MODEL}", hint="Omit it.")
    return body


def _ids_in(bodies: list[Members]) -> tuple[HostId, ...]:
    named = (one for body in bodies for name, raw in body.items() for one in files_in(raw, path=f"{_REQUESTS}.{name}"))
    return tuple(dict.fromkeys(named))


def _weighed(operation: Operation, bodies: list[Members]) -> list[Units]:
    return [weigh_one(operation, _asked(body), write_members(body)) for body in bodies]


def _asked(body: Members) -> Asked:
    return Asked("", is_stream=False, wants_usage=False, output_limit=None, members=body)


def _work_of(route: str, operation: Operation, bodies: list[Members]) -> Work:
    units = _weighed(operation, bodies)
    lengths = [len(write_members(body)) for body in bodies]
    return Work(
        route=route,
        operation=operation.name,
        requests=len(units),
        input_bytes=sum(lengths),
        output_tokens=sum((one.output_tokens or 0) * one.choices for one in units),
        unlimited=sum(one.choices for one in units if one.output_tokens is None),
        images=sum(one.images for one in units),
        documents=sum(one.documents for one in units),
        kept=sum(one.kept for one in units),
        searches=any(one.searches for one in units),
        server_tools=any(one.server_tools for one in units),
        longest_bytes=max(lengths),
    )
