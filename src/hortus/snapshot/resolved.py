"""A snapshot made ready for the gateway on this machine: engine addresses and credentials filled in, or why not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

import msgspec

from hortus.base.errors import ConfigurationError
from hortus.snapshot.model import ENGINE_SCHEME, Endpoint, Route, Snapshot

Headers = tuple[tuple[bytes, bytes], ...]


class EngineFile(msgspec.Struct, frozen=True):
    """What the supervisor says of one running deployment in `run/engines/NAME.json`."""

    name: str
    state: Literal["starting", "ready", "failed", "stopped"]
    base_url: str = ""
    key: str = ""
    error: str | None = None


class Target(msgspec.Struct, frozen=True):
    """An endpoint that can be called now: its base address without a final slash, and the headers that open it."""

    endpoint: Endpoint
    base_url: str
    headers: Headers
    weight: int


class Unusable(msgspec.Struct, frozen=True):
    """An endpoint of a route that cannot be called now.

    Attributes:
        reason: For clients and admins alike; never a secret.
        is_passing: Whether waiting may help, such as for an engine that starts.
    """

    endpoint: str
    reason: str
    is_passing: bool = False


class ReadyRoute(msgspec.Struct, frozen=True):
    """A route with what it can call now."""

    route: Route
    targets: tuple[Target, ...]
    unusable: tuple[Unusable, ...]


class Ready(msgspec.Struct, frozen=True):
    """One snapshot as a worker uses it."""

    version: int
    routes: dict[str, ReadyRoute]


Credential = Callable[[str], str]
"""Reference (`env:NAME`, `file:PATH`) to the credential; raises ConfigurationError with a reason for people."""


def resolve(snapshot: Snapshot, *, engines: Mapping[str, EngineFile], credential: Credential) -> Ready:
    """Return `snapshot` with every endpoint either ready to be called or ruled out with its reason."""
    found = {
        name: _resolve_endpoint(endpoint, engines=engines, credential=credential)
        for name, endpoint in snapshot.endpoints.items()
    }
    return Ready(
        version=snapshot.version, routes={name: _resolve_route(route, found) for name, route in snapshot.routes.items()}
    )


def _resolve_route(route: Route, found: Mapping[str, Target | Unusable]) -> ReadyRoute:
    targets = []
    unusable = [Unusable(one.endpoint, one.reason) for one in route.ruled_out]
    for candidate in route.candidates:
        one = found.get(candidate.endpoint, Unusable(candidate.endpoint, "is not declared"))
        if isinstance(one, Unusable):
            unusable.append(one)
        else:
            targets.append(msgspec.structs.replace(one, weight=candidate.weight))
    return ReadyRoute(route=route, targets=tuple(targets), unusable=tuple(unusable))


def _resolve_endpoint(
    endpoint: Endpoint, *, engines: Mapping[str, EngineFile], credential: Credential
) -> Target | Unusable:
    if endpoint.address.startswith(ENGINE_SCHEME):
        name = endpoint.address.removeprefix(ENGINE_SCHEME)
        return _resolve_engine(endpoint, name, engine=engines.get(name))
    if endpoint.auth == "none" or endpoint.credential is None:
        return _target(endpoint, endpoint.address, key=None)
    try:
        key = credential(endpoint.credential)
    except ConfigurationError as error:
        return Unusable(endpoint.name, error.message)
    return _target(endpoint, endpoint.address, key=key)


def _resolve_engine(endpoint: Endpoint, name: str, *, engine: EngineFile | None) -> Target | Unusable:
    if engine is None:
        return Unusable(endpoint.name, f"deployment {name} is not running yet", is_passing=True)
    if engine.state == "starting":
        return Unusable(endpoint.name, f"deployment {name} is starting", is_passing=True)
    if engine.state != "ready":
        return Unusable(endpoint.name, f"deployment {name} has {engine.state}; `hortus deployments` says why")
    return _target(endpoint, engine.base_url, key=engine.key)


def _target(endpoint: Endpoint, address: str, *, key: str | None) -> Target:
    headers: Headers = ((b"authorization", b"Bearer " + key.encode("latin-1")),) if key else ()
    return Target(endpoint=endpoint, base_url=address.rstrip("/"), headers=headers, weight=1)
