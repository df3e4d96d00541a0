"""What does the project's policy say of a route? Judged once for a configuration and a day, and once for each request.

The same two objects, configuration and policy, serve all hops of a request: first choice, retry, fallback and cache.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import msgspec

from hortus.base.time import utc_day
from hortus.canon.errors import Internal, NotReady, RefusedByPolicy
from hortus.policy.digest import policy_mark
from hortus.policy.facts import Lever
from hortus.policy.rules import Policy
from hortus.policy.verdict import Ruling
from hortus.snapshot.grants import Grant
from hortus.snapshot.resolved import Ready, ReadyRoute, Target, Unusable

_DAY_MS = 86_400_000


class Judged(msgspec.Struct, frozen=True):
    """What a policy says of a route.

    Attributes:
        policy: The rules.
        mark: Names them in receipts, `NAME~DIGEST`.
        route: With the targets that may be used; the others stand among what cannot be, with the reason.
        levers: What must be asked of the host of an endpoint, by the endpoint's name.
        rulings: What is said against the others, as `ENDPOINT:RULE`.
        shadow: The policy that is only written down.
        shadow_rulings: What that one says, as `POLICY:ENDPOINT:RULE`.
        asks: Whether the request itself has to be judged, by the policy or its shadow.
        looks_at_content: Whether guards have to look at it, likewise.
        is_empty: Whether the policy leaves none of the endpoints that could be called.
    """

    policy: Policy
    mark: str
    route: ReadyRoute
    levers: Mapping[str, tuple[Lever, ...]]
    rulings: tuple[str, ...] = ()
    shadow: Policy | None = None
    shadow_rulings: tuple[str, ...] = ()
    asks: bool = False
    looks_at_content: bool = False
    is_empty: bool = False

    def assure(self, target: Target) -> None:
        """See once more, before an attempt, that its endpoint may be used.

        Raises:
            Internal: It may not; nothing is sent.
        """
        for one in self.route.targets:
            if one is target:
                return
        raise Internal(f"The endpoint {target.endpoint.name} was chosen against the project's policy.")


class Judge:
    """Judges routes; remembers what it said until configuration or day change. For one event loop."""

    def __init__(self) -> None:
        self._ready: Ready | None = None
        self._day = -1
        self._said: dict[tuple[str, str, str, str, str | None], Judged] = {}

    def judge(self, ready: Ready, route: ReadyRoute, *, operation: str, grant: Grant, now_ms: int) -> Judged:
        """Return what the policy of a key's project says of a route for an operation.

        Raises:
            NotReady: The configuration in use does not have the policy yet.
        """
        day = now_ms // _DAY_MS
        if ready is not self._ready or day != self._day:
            self._ready, self._day, self._said = ready, day, {}
        key = route.route.name, route.pinned, operation, grant.policy, grant.shadow_policy
        said = self._said.get(key)
        if said is None:
            policy, shadow = policy_of(ready, grant.policy), _shadow(ready, grant.shadow_policy)
            on = utc_day(now_ms)
            said = self._said[key] = judge_route(route, policy, shadow=shadow, operation=operation, on=on)
        return said


def judge_route(route: ReadyRoute, policy: Policy, *, shadow: Policy | None, operation: str, on: date) -> Judged:
    """Return what a policy says of a route's endpoints, whatever is asked of them."""
    allowed: list[Target] = []
    ruled_out: list[Unusable] = []
    rulings: list[str] = []
    levers: dict[str, tuple[Lever, ...]] = {}
    for target in route.targets:
        endpoint = target.endpoint
        verdict = endpoint.judge(policy, on=on, operation=operation)
        if verdict.is_allowed:
            allowed.append(target)
            if verdict.levers:
                levers[endpoint.name] = verdict.levers
        else:
            ruled_out.append(Unusable(endpoint.name, _in_words(verdict.rulings)))
            rulings.extend(f"{endpoint.name}:{ruling.rule}" for ruling in verdict.rulings)
    both = (policy,) if shadow is None else (policy, shadow)
    left = msgspec.structs.replace(route, targets=tuple(allowed), unusable=(*route.unusable, *ruled_out))
    return Judged(
        policy=policy,
        mark=policy_mark(policy),
        route=left,
        levers=levers,
        rulings=tuple(rulings),
        shadow=shadow,
        shadow_rulings=_shadow_rulings(route, shadow, operation=operation, on=on) if shadow is not None else (),
        asks=any(one.looks_at_requests for one in both),
        looks_at_content=any(one.looks_at_content for one in both),
        is_empty=bool(rulings) and not allowed,
    )


def policy_of(ready: Ready, name: str) -> Policy:
    """Return a project's policy.

    Raises:
        NotReady: The configuration in use does not have it yet.
    """
    policy = ready.policies.get(name)
    if policy is None:
        raise NotReady(
            f"The project's policy `{name}` is not here yet, so nothing is sent.", hint="Try again in a moment."
        )
    return policy


def refuse_route(judged: Judged) -> RefusedByPolicy:
    """Return the error for a route of which the policy leaves nothing; it names each endpoint and why."""
    name = judged.route.route.name
    reasons = "; ".join(f"{one.endpoint}: {one.reason}" for one in judged.route.unusable)
    return RefusedByPolicy(
        f"The project's policy `{judged.policy.name}` lets `{name}` go to no endpoint ({reasons}).",
        path="model",
        hint="Use another model; `hortus policy explain` shows the whole verdict to an admin.",
    )


def refuse_ask(judged: Judged, rulings: tuple[Ruling, ...]) -> RefusedByPolicy:
    """Return the error for a request that the policy refuses wherever it would go."""
    return RefusedByPolicy(
        f"The project's policy `{judged.policy.name}` refuses this request: {_in_words(rulings)}.",
        hint="Change the request, or ask an admin about the policy.",
    )


def _shadow(ready: Ready, name: str | None) -> Policy | None:
    return ready.policies.get(name) if name is not None else None


def _shadow_rulings(route: ReadyRoute, shadow: Policy, *, operation: str, on: date) -> tuple[str, ...]:
    return tuple(
        f"{shadow.name}:{target.endpoint.name}:{ruling.rule}"
        for target in route.targets
        for ruling in target.endpoint.judge(shadow, on=on, operation=operation).rulings
    )


def _in_words(rulings: tuple[Ruling, ...]) -> str:
    return ", and ".join(f"{ruling.reason} ({ruling.rule})" for ruling in rulings)
