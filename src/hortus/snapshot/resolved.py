"""A snapshot made ready for the gateway on this machine: engine addresses and credentials filled in, or why not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, Protocol

import msgspec

from hortus.base.errors import ConfigurationError
from hortus.catalog.auth import RENEWED, SIGNED, credential_header
from hortus.catalog.pricerows import RateRow
from hortus.policy.ready import READY
from hortus.policy.rules import Policy
from hortus.snapshot.model import ENGINE_SCHEME, Endpoint, Route, Snapshot, Spoken

Headers = tuple[tuple[bytes, bytes], ...]
"""Names in lower case."""


class EngineFile(msgspec.Struct, frozen=True):
    """What the supervisor says of one running deployment in `run/engines/NAME.json`.

    Attributes:
        serves: What is to be set in requests, for each name that the engine answers to; empty: one model, whatever it
            is called.
    """

    name: str
    state: Literal["starting", "ready", "failed", "stopped"]
    base_url: str = ""
    key: str = ""
    error: str | None = None
    serves: dict[str, dict[str, msgspec.Raw]] = {}


class Authorizer(Protocol):
    """Opens endpoints by a token that is fetched, and fetched again before it ends."""

    async def headers(self, endpoint: str) -> Headers:
        """Return the headers that open an endpoint now; at once while a token lasts.

        Args:
            endpoint: Its name, for errors.

        Raises:
            hortus.canon.errors.HostRefused: Whoever gives tokens refuses the credential.
            hortus.canon.errors.HostUnavailable: No token could be had.
            hortus.canon.errors.HostTimedOut: Likewise, in time.
        """
        ...


class Signer(Protocol):
    """Opens endpoints by headers that are made of the whole request."""

    async def sign(self, endpoint: str, *, method: str, url: str, headers: Headers, body: bytes) -> Headers:
        """Return the headers to add to a request; at once where the key is at hand.

        Args:
            endpoint: Its name, for errors.
            headers: All others that are sent, but for `host` and `content-length`.

        Raises:
            hortus.canon.errors.HostRefused: Whoever gives keys refuses the credential, or it does not fit the request.
            hortus.canon.errors.HostUnavailable: No key could be had, or the URL cannot be called.
            hortus.canon.errors.HostTimedOut: Likewise, in time.
        """
        ...


class Way(msgspec.Struct, frozen=True):
    """How a target is called in one of its dialects.

    Attributes:
        base_url: Without a final slash.
        model: What the host calls the model in this dialect.
        headers: Sent with every call: the fixed ones, and the credential's where that never changes.
        authorizer: Gives the other headers; None where `headers` are all.
        signer: Signs each request once it is whole; None where none is signed.
    """

    spoken: Spoken
    base_url: str
    model: str
    headers: Headers = ()
    authorizer: Authorizer | None = None
    signer: Signer | None = None


class Target(msgspec.Struct, frozen=True):
    """An endpoint that can be called now, in each of its dialects; the preferred one comes first."""

    endpoint: Endpoint
    ways: dict[str, Way]
    weight: int = 1

    async def opening(self, dialect: str) -> Headers:
        """Return all headers that open the endpoint in a dialect. Raises as `Authorizer.headers`.

        Where `ways[dialect].authorizer` is None, `ways[dialect].headers` are the same without waiting.
        """
        way = self.ways[dialect]
        if way.authorizer is None:
            return way.headers
        return (*way.headers, *await way.authorizer.headers(self.endpoint.name))


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
    """A route with what it can call now; `pinned` names what leaves no choice between its endpoints, where there is."""

    route: Route
    targets: tuple[Target, ...]
    unusable: tuple[Unusable, ...]
    pinned: str = ""


class Ready(msgspec.Struct, frozen=True):
    """One snapshot as a worker uses it."""

    version: int
    routes: dict[str, ReadyRoute]
    rates: tuple[RateRow, ...] = ()
    policies: dict[str, Policy] = {}


Credential = Callable[[str], str]
"""Reference (`env:NAME`, `file:PATH`) to the credential; raises ConfigurationError with a reason for people."""

OpenAuthorizer = Callable[[str, str], Authorizer]
"""Scheme (one of `catalog.auth.RENEWED`) and credential reference to what fetches tokens; raises as `Credential`."""


OpenSigner = Callable[[str, str], Signer]
"""Scheme (one of `catalog.auth.SIGNED`) and credential reference to what signs requests; raises as `Credential`."""


def no_authorizer(scheme: str, reference: str) -> Authorizer:
    """Fetch no tokens: for whoever only wants to know what can be called.

    Raises:
        ConfigurationError: Always.
    """
    raise ConfigurationError(f"its credential {reference} needs {scheme}, which is not open here")


def no_signer(scheme: str, reference: str) -> Signer:
    """Sign nothing, likewise.

    Raises:
        ConfigurationError: Always.
    """
    raise ConfigurationError(f"its credential {reference} signs by {scheme}, which is not open here")


def resolve(
    snapshot: Snapshot,
    *,
    engines: Mapping[str, EngineFile],
    credential: Credential,
    authorizer: OpenAuthorizer = no_authorizer,
    signer: OpenSigner = no_signer,
) -> Ready:
    """Return `snapshot` with every endpoint either ready to be called or ruled out with its reason."""
    found = {
        name: _resolve_endpoint(endpoint, engines=engines, opener=_Opener(credential, authorizer, signer))
        for name, endpoint in snapshot.endpoints.items()
    }
    return Ready(
        version=snapshot.version,
        routes={name: _resolve_route(route, found) for name, route in snapshot.routes.items()},
        rates=snapshot.rates,
        policies={**READY, **snapshot.policies},
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


class _Opener(msgspec.Struct, frozen=True):
    credential: Credential
    authorizer: OpenAuthorizer
    signer: OpenSigner


def _resolve_endpoint(endpoint: Endpoint, *, engines: Mapping[str, EngineFile], opener: _Opener) -> Target | Unusable:
    if endpoint.address.startswith(ENGINE_SCHEME):
        name = endpoint.address.removeprefix(ENGINE_SCHEME)
        return _resolve_engine(endpoint, name, engine=engines.get(name))
    try:
        ways = {spoken.dialect: _way(endpoint, spoken, opener) for spoken in endpoint.spoken}
    except ConfigurationError as error:
        return Unusable(endpoint.name, error.message)
    return Target(endpoint, ways)


def _resolve_engine(endpoint: Endpoint, name: str, *, engine: EngineFile | None) -> Target | Unusable:
    if engine is None:
        return Unusable(endpoint.name, f"deployment {name} is not running yet", is_passing=True)
    if engine.state == "starting":
        return Unusable(endpoint.name, f"deployment {name} is starting", is_passing=True)
    if engine.state != "ready":
        return Unusable(endpoint.name, f"deployment {name} has {engine.state}; `hortus deployments` says why")
    # What runs may be older than the snapshot: it alone says which adapter has which number in it.
    members = engine.serves.get(endpoint.upstream_model) if engine.serves else {}
    if members is None:
        return Unusable(endpoint.name, f"deployment {name} is being replaced to serve it", is_passing=True)
    base_url = engine.base_url.rstrip("/")
    ways = {}
    for spoken in endpoint.spoken:
        own = msgspec.structs.replace(spoken, demands=spoken.demands | members)
        ways[spoken.dialect] = Way(
            own, base_url, model=endpoint.upstream_model, headers=_opening(spoken, engine.key or None)
        )
    return Target(endpoint, ways)


def _way(endpoint: Endpoint, spoken: Spoken, opener: _Opener) -> Way:
    """Return how a dialect is called. Raises ConfigurationError where what opens it is not here or makes no sense."""
    key, authorizer, signer = None, None, None
    if spoken.auth in RENEWED and endpoint.credential is not None:
        authorizer = opener.authorizer(spoken.auth, endpoint.credential)
    elif spoken.auth in SIGNED and endpoint.credential is not None:
        signer = opener.signer(spoken.auth, endpoint.credential)
    elif spoken.auth != "none" and endpoint.credential is not None:
        key = opener.credential(endpoint.credential)
    return Way(
        spoken,
        spoken.address.rstrip("/"),
        model=spoken.model or endpoint.upstream_model,
        headers=_opening(spoken, key),
        authorizer=authorizer,
        signer=signer,
    )


def _opening(spoken: Spoken, key: str | None) -> Headers:
    """Return the headers of every call: the credential's, then the fixed ones."""
    header = credential_header(spoken.auth, key) if key is not None else None
    pairs = (header, *spoken.headers.items()) if header is not None else tuple(spoken.headers.items())
    return tuple((name.encode("latin-1"), value.encode("latin-1")) for name, value in pairs)
