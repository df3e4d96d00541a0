"""Where does a request go that names no route: one about what a host keeps, or one that gives a host something to keep?

What is named by an id goes to the endpoint that keeps it, by a route of the key that leads there; a tuned model is a
model there. Else the client says which route it means, or there must be no choice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date

import msgspec

from hortus.base.time import utc_day
from hortus.canon.dialect import Asked, HostId
from hortus.canon.errors import InvalidRequest, RequestError, UnknownHostId, UnknownRoute
from hortus.content.ports import HostIds, Owner
from hortus.gateway.choose import KEEPING, ROUTE_MEANT, find_route, need_of, unknown_id
from hortus.gateway.door import Found
from hortus.gateway.judging import policy_of
from hortus.snapshot.grants import ANYWHERE, Grant
from hortus.snapshot.model import WORKSHOP
from hortus.snapshot.resolved import Ready, ReadyRoute, Target

_MOST_NAMED = 20

_RUNS_FILES = "create_batch"
"""The operation by which a host runs the requests in a file, each of which names a model."""

_TUNES = "create_tuning_job"
_BRINGS_FILES = frozenset(("create_file", "create_upload"))
_FOR_TUNING = b'"fine-tune"'
"""The purpose of examples, as JSON: unless a route is named, they stay here."""


class Search(msgspec.Struct, frozen=True):
    """Who looks for a place, and for what.

    Attributes:
        said: What the client calls the route that it means, outside the body; None where it does not.
    """

    ready: Ready
    grant: Grant
    found: Found
    now_ms: int
    said: str | None = None

    @property
    def dialect(self) -> str:
        """The client's dialect: what a host keeps is only asked for in the words in which it was given."""
        return self.found.dialect.name

    @property
    def policy_day(self) -> date:
        """The day (UTC) of the verdict."""
        return utc_day(self.now_ms)


def said_route(headers: Mapping[bytes, bytes], query: Mapping[str, str]) -> str | None:
    """Return the route that a client names beside the body, None where it names none."""
    in_header = headers.get(ROUTE_MEANT.encode())
    return in_header.decode("latin-1") if in_header is not None else query.get(ROUTE_MEANT)


def place(search: Search, asked: Asked, host_ids: HostIds) -> ReadyRoute:
    """Return the route that a request takes; pinned to one endpoint where that keeps what is named.

    Raises:
        UnknownRoute: There is none of that name.
        UnknownHostId: What is named is not the project's, or no route of the key leads to it.
        InvalidRequest: Nothing says where it should go, and there is a choice, or none at all.
    """
    operation = search.found.operation
    if operation.id_kind is not None:
        return _keeper_of((operation.id_kind, search.found.argument or ""), search, host_ids)
    here = _tuned_here(asked, search, host_ids)
    if here is not None:
        return here
    if asked.route or need_of(operation) not in KEEPING:  # an empty name is no route: nobody is led anywhere by it
        return _named(asked.route, search, host_ids)
    if asked.host_ids:
        route = _keeper_of(asked.host_ids[0], search, host_ids)
        return route if operation.name != _RUNS_FILES else _running(asked.host_ids[0], route, search, host_ids)
    return _meant(search) or _for_examples(search, asked) or _only(search)


def stays_here(route: ReadyRoute) -> bool:
    """Tell whether what takes a route does not leave this installation: its workshop takes it."""
    return bool(route.targets) and all(target.endpoint.is_workshop for target in route.targets)


def leading_to(endpoint: str, ready: Ready, *, grant: Grant) -> ReadyRoute | None:
    """Return a route of the key that leads to an endpoint, with nothing else in it; None where there is none."""
    for _, route in _routes(ready, grant):
        targets = tuple([target for target in route.targets if target.endpoint.name == endpoint])
        unusable = tuple([one for one in route.unusable if one.endpoint == endpoint])
        if targets or unusable:
            return msgspec.structs.replace(route, targets=targets, unusable=unusable, pinned=endpoint)
    return None


def _named(name: str, search: Search, host_ids: HostIds) -> ReadyRoute:
    try:
        return find_route(search.ready, name, grant=search.grant)
    except UnknownRoute:
        owner = host_ids.owner("tuned_model", name)
        if owner is None or owner.project_id != search.grant.project_id or owner.endpoint == WORKSHOP:
            raise  # what the workshop has tuned is served under a route of its own
        return _as_tuned(_lead(owner, "tuned_model", search), name)


def _keeper_of(named: HostId, search: Search, host_ids: HostIds) -> ReadyRoute:
    kind, host_id = named
    owner = host_ids.owner(kind, host_id)
    if owner is None or owner.project_id != search.grant.project_id:
        raise unknown_id(kind)
    return _lead(owner, kind, search)


def _running(named: HostId, keeper: ReadyRoute, search: Search, host_ids: HostIds) -> ReadyRoute:
    """Return the route that the requests in a file name: whoever lets them run must be allowed to use it.

    Requests that nobody has looked at may name any model of their host's, so they must evade no rule.
    """
    thing = host_ids.thing(*named)
    if thing is not None and thing.note.work is not None:
        return _named(thing.note.work.route, search, host_ids)
    if search.grant.policy == ANYWHERE and "*" in search.grant.routes:
        return keeper
    raise InvalidRequest(
        "Nobody has looked at the requests in this file, and this key or its project's policy does not allow"
        " everything.",
        path="input_file_id",
        hint="Send the file through this Hortus, with the purpose `batch`.",
    )


def _meant(search: Search) -> ReadyRoute | None:
    """Return the route that the client names beside the body; None where it names none. Raises UnknownRoute."""
    return None if search.said is None else find_route(search.ready, search.said, grant=search.grant)


def _tuned_here(asked: Asked, search: Search, host_ids: HostIds) -> ReadyRoute | None:
    """Return the workshop's route where it keeps the examples of a job, whatever is to be tuned: it decides on that.

    None where a host keeps them, or nothing is to be tuned. A route that is named must be the key's, though.
    """
    if search.found.operation.name != _TUNES or not asked.host_ids:
        return None
    kind, host_id = asked.host_ids[0]
    owner = host_ids.owner(kind, host_id)
    if owner is None or owner.endpoint != WORKSHOP:
        return None
    if owner.project_id != search.grant.project_id:
        raise unknown_id(kind)
    if asked.route in search.ready.routes:
        find_route(search.ready, asked.route, grant=search.grant)
    return _naming(_lead(owner, kind, search), asked.route)


def _for_examples(search: Search, asked: Asked) -> ReadyRoute | None:
    """Return the workshop's route for examples to tune with; None where the key or the policy does not allow it."""
    purpose = asked.members.get("purpose")
    if search.found.operation.name not in _BRINGS_FILES or purpose is None or bytes(purpose) != _FOR_TUNING:
        return None
    is_allowed = any(target.endpoint.is_workshop for _, target in _able(search))
    return leading_to(WORKSHOP, search.ready, grant=search.grant) if is_allowed else None


def _lead(owner: Owner, kind: str, search: Search) -> ReadyRoute:
    route = leading_to(owner.endpoint, search.ready, grant=search.grant)
    if route is None:
        raise UnknownHostId(
            f"The {kind.replace('_', ' ')} is kept by the endpoint {owner.endpoint}, to which no model of this key"
            " leads.",
            hint="Use a key that may use a model there, or ask an admin for a route to it.",
        )
    return route


def _as_tuned(route: ReadyRoute, model: str) -> ReadyRoute:
    """Return the route with the tuned model in place of its own, whose price and limits say nothing of it."""
    targets = tuple([_tuned(target, model) for target in route.targets])
    return msgspec.structs.replace(route, targets=targets, pinned=f"{route.pinned} {model}")


def _tuned(target: Target, model: str) -> Target:
    endpoint = msgspec.structs.replace(target.endpoint, model=model, upstream_model=model, price=None)
    ways = {name: msgspec.structs.replace(way, model=model) for name, way in target.ways.items()}
    return msgspec.structs.replace(target, endpoint=endpoint, ways=ways)


def _naming(route: ReadyRoute, model: str) -> ReadyRoute:
    """Return the workshop's route for a job that tunes `model`, which is passed on as it is called."""
    targets = []
    for target in route.targets:
        ways = {name: msgspec.structs.replace(way, model=model) for name, way in target.ways.items()}
        targets.append(msgspec.structs.replace(target, ways=ways))
    return msgspec.structs.replace(route, targets=tuple(targets), pinned=f"{route.pinned} {model}")


def _only(search: Search) -> ReadyRoute:
    """Return a route to the only endpoint that can do what is asked and that the policy allows."""
    able: dict[str, list[str]] = {}
    for name, target in _able(search):
        if target.endpoint.is_workshop:
            continue  # it takes nothing but examples
        able.setdefault(target.endpoint.name, []).append(name)
    if len(able) == 1:
        route = leading_to(next(iter(able)), search.ready, grant=search.grant)
        if route is not None:
            return route
    raise _no_place(search, able)


def _able(search: Search) -> Iterator[tuple[str, Target]]:
    operation = search.found.operation
    policy = policy_of(search.ready, search.grant.policy)
    for name, route in _routes(search.ready, search.grant):
        for target in route.targets:
            endpoint = target.endpoint
            if search.dialect not in target.ways or need_of(operation) not in endpoint.operations:
                continue
            if endpoint.judge(policy, on=search.policy_day, operation=operation.name).is_allowed:
                yield name, target


def _no_place(search: Search, able: Mapping[str, list[str]]) -> RequestError:
    need = need_of(search.found.operation)
    if not able:
        return InvalidRequest(
            f"No model of this key offers {need} in this dialect, within its project's policy.",
            path=ROUTE_MEANT,
            hint=f"An admin can add `{need}` to the operations of an endpoint whose host offers it.",
        )
    names = sorted({names[0] for names in able.values()})[:_MOST_NAMED]
    return InvalidRequest(
        f"Several endpoints offer {need} ({', '.join(sorted(able)[:_MOST_NAMED])}), and nothing says which one is"
        " meant.",
        path=ROUTE_MEANT,
        hint=f"Name a model as the header `{ROUTE_MEANT}`, such as one of: {', '.join(names)}.",
    )


def _routes(ready: Ready, grant: Grant) -> Iterator[tuple[str, ReadyRoute]]:
    for name, route in sorted(ready.routes.items()):
        if grant.may_use(name):
            yield name, route
