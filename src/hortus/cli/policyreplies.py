"""What the admin API answers about policies, as far as the CLI shows it; other members are passed over."""

from __future__ import annotations

from decimal import Decimal

import msgspec


class Said(msgspec.Struct, frozen=True):
    """One rule in words."""

    rule: str
    says: str


class Policy(msgspec.Struct, frozen=True):
    """A policy."""

    name: str
    rules: dict[str, object]
    words: tuple[Said, ...]
    mark: str
    origin: str
    where: str | None = None
    projects: tuple[str, ...] = ()
    shadow_of: tuple[str, ...] = ()
    retired_at_ms: int | None = None


class Ruling(msgspec.Struct, frozen=True):
    """One rule that says no."""

    rule: str
    reason: str


class Facts(msgspec.Struct, frozen=True):
    """What is known of an endpoint."""

    confidence: str
    is_stale: bool
    is_own: bool = False
    compute: str | None = None
    storage: str | None = None
    retention_days: int | None = None
    trains: bool | None = None
    operator: str | None = None
    home: str | None = None
    source: str | None = None
    checked_on: str | None = None
    undecided: tuple[str, ...] = ()


class EndpointVerdict(msgspec.Struct, frozen=True):
    """What a policy says of one endpoint."""

    endpoint: str
    is_allowed: bool
    is_usable: bool
    rulings: tuple[Ruling, ...] = ()
    adaptations: tuple[str, ...] = ()
    reason: str | None = None
    facts: Facts | None = None
    shadow_rulings: tuple[Ruling, ...] = ()


class Explanation(msgspec.Struct, frozen=True):
    """What the gateway would say."""

    project: str
    route: str
    operation: str
    policy: str
    mark: str
    is_draft: bool
    on: str
    may_use_route: bool
    is_allowed: bool
    endpoints: tuple[EndpointVerdict, ...]
    shadow_policy: str | None = None
    request_rulings: tuple[Ruling, ...] = ()
    shadow_request_rulings: tuple[Ruling, ...] = ()
    content: tuple[Said, ...] = ()


class Money(msgspec.Struct, frozen=True):
    """An amount in one currency."""

    currency: str
    amount: Decimal


class Change(msgspec.Struct, frozen=True):
    """Requests for which a draft would have meant something else."""

    route: str
    outcome: str
    requests: int
    endpoint: str | None = None
    is_at_most: bool = False
    rulings: tuple[Ruling, ...] = ()
    instead: tuple[str, ...] = ()
    adaptations: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()
    cost: tuple[Money, ...] = ()


class Rehearsal(msgspec.Struct, frozen=True):
    """What a draft would have changed."""

    project: str
    policy: str
    draft: str
    since_ms: int
    requests: int
    unchanged: int
    changes: tuple[Change, ...] = ()
    stranded: tuple[str, ...] = ()
    not_rehearsed: tuple[str, ...] = ()
