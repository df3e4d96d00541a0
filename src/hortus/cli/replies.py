"""What the admin API answers, as far as the CLI shows it; members that it does not know are passed over."""

from __future__ import annotations

from decimal import Decimal

import msgspec


class Project(msgspec.Struct, frozen=True):
    """A project."""

    id: str
    name: str
    routes: tuple[str, ...]
    origin: str
    created_at_ms: int
    retired_at_ms: int | None = None
    loss: str = "standard"
    policy: str = "anywhere"
    shadow_policy: str | None = None
    keep_content_days: int = 0


class Key(msgspec.Struct, frozen=True):
    """A key's record."""

    id: str
    name: str
    project: str
    hint: str
    created_at_ms: int
    expires_at_ms: int | None = None
    revoked_at_ms: int | None = None


class NewKey(msgspec.Struct, frozen=True):
    """A key that was just made, with the key itself."""

    id: str
    project: str
    key: str
    routes: tuple[str, ...]
    expires_at_ms: int | None = None


class KeyPair(msgspec.Struct, frozen=True):
    """The key pair of a key."""

    id: str
    name: str
    project: str
    access_key_id: str
    secret_access_key: str
    expires_at_ms: int | None = None


class RuledOut(msgspec.Struct, frozen=True):
    """An endpoint that a route may not use now."""

    endpoint: str
    reason: str


class Route(msgspec.Struct, frozen=True):
    """A name that clients put in `model`."""

    name: str
    endpoints: tuple[str, ...]
    strategy: str
    origin: str
    where: str | None = None
    ruled_out: tuple[RuledOut, ...] = ()
    output_cap: int | None = None
    sticky: bool = False
    cache_s: int = 0


class Endpoint(msgspec.Struct, frozen=True):
    """One model at one host."""

    name: str
    model: str
    host: str
    is_usable: bool
    reason: str | None = None
    credential: str | None = None


class Adapter(msgspec.Struct, frozen=True):
    """Weights over a deployment's model, with a route of their own."""

    name: str
    path: str


class Deployment(msgspec.Struct, frozen=True):
    """A model kept running on the installation's machine."""

    name: str
    source: str
    engine: str
    state: str
    origin: str
    error: str | None = None
    pid: int | None = None
    since_ms: int | None = None
    restarts: int = 0
    memory_bytes: int | None = None
    adapters: tuple[Adapter, ...] = ()
    load_s: float | None = None
    warm_s: float | None = None
    is_current: bool = False
    successor: str | None = None
    successor_error: str | None = None
    retired_at_ms: int | None = None


class Standing(msgspec.Struct, frozen=True):
    """How much of a limit is taken in the period that runs."""

    pool: str
    start_ms: int
    spent: Decimal
    reserved: Decimal
    leased: Decimal
    left: Decimal
    end_ms: int | None = None


class Limit(msgspec.Struct, frozen=True):
    """A bound on requests, tokens or money."""

    name: str
    id: str
    scope: str
    kind: str
    state: str
    origin: str = "api"
    where: str | None = None
    project: str | None = None
    key: str | None = None
    key_name: str | None = None
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    concurrent_requests: int | None = None
    money: Decimal | None = None
    currency: str | None = None
    per: str | None = None
    timezone: str | None = None
    year_starts_in: int | None = None
    alert_at: tuple[int, ...] = ()
    standing: Standing | None = None
    retired_at_ms: int | None = None


class Connected(msgspec.Struct, frozen=True):
    """What connecting a host made, or would make."""

    host: str
    is_dry_run: bool
    endpoints: tuple[str, ...]
    routes: tuple[str, ...]
    projects: tuple[str, ...]
    leaves: tuple[str, ...]
    notes: tuple[str, ...] = ()


class DiscoveredModel(msgspec.Struct, frozen=True):
    """One model of an account, and what connecting it would make."""

    name: str
    model: str
    route: str
    endpoint: str
    operations: tuple[str, ...]
    place: str | None
    region: str | None
    facts: dict[str, str]
    is_known: bool
    has_price: bool
    standing: str
    why: str | None = None


class Discovery(msgspec.Struct, frozen=True):
    """What an account has at a host."""

    host: str
    checked: str
    models: tuple[DiscoveredModel, ...]
    vanished: tuple[str, ...] = ()
    further: int = 0
    notes: tuple[str, ...] = ()


class AskedHost(msgspec.Struct, frozen=True):
    """One host's answer to the question for its list."""

    host: str
    listed: int | None = None
    error: str | None = None


class ProposedRow(msgspec.Struct, frozen=True):
    """A model that a host lists and the catalog does not."""

    host: str
    upstream_model: str
    model: str | None = None
    price: str = "unknown"
    place: str = "unknown"
    row: str = ""


class Retirement(msgspec.Struct, frozen=True):
    """A model that a host no longer lists, or that has an end."""

    host: str
    model: str
    upstream_model: str
    reason: str
    endpoints: tuple[str, ...] = ()


class SyncReport(msgspec.Struct, frozen=True):
    """What the hosts' own lists say that the catalog does not."""

    asked: list[AskedHost]
    proposed: list[ProposedRow]
    retirements: list[Retirement]


class FileState(msgspec.Struct, frozen=True):
    """How the configuration file stands."""

    state: str
    path: str | None = None
    error: str | None = None
    needs_restart: bool = False


class PolicyInUse(msgspec.Struct, frozen=True):
    """What decides where a project's requests may go."""

    project: str
    policy: str
    words: tuple[str, ...]


class Status(msgspec.Struct, frozen=True):
    """How an installation is doing."""

    version: str
    organisation: str
    started_at_ms: int
    store_bytes: int
    file: FileState
    deployments: list[Deployment]
    routes: tuple[str, ...]
    lit_hosts: tuple[str, ...]
    connected_hosts: tuple[str, ...]
    door: str | None = None
    alerts: tuple[str, ...] = ()
    default_policy: PolicyInUse | None = None
    policy_notes: tuple[str, ...] = ()


class Finding(msgspec.Struct, frozen=True):
    """One thing that the control process looked at."""

    name: str
    is_fine: bool
    message: str
    mend: str | None = None


class Export(msgspec.Struct, frozen=True):
    """An export that begins."""

    head: str
    after: int
    last: int
    since_ms: int | None = None
    until_ms: int | None = None


class ExportLines(msgspec.Struct, frozen=True):
    """The next lines of an export; it is whole when `after` is its last entry."""

    lines: list[str]
    after: int


class Proof(msgspec.Struct, frozen=True):
    """A file to be held outside."""

    text: str


class KeptContent(msgspec.Struct, frozen=True):
    """A kept exchange, without its words."""

    receipt_id: str
    at_ms: int
    until_ms: int
    project: str
    key_id: str
    route: str
    dialect: str
    operation: str
    sealed_bytes: int


class ContentFound(msgspec.Struct, frozen=True):
    """A page of kept exchanges."""

    found: list[KeptContent]
    after: int
    last: int
    looked_at: int
    total: int


class ContentErased(msgspec.Struct, frozen=True):
    """What was, or would be, erased."""

    receipts: list[str]
    dry_run: bool
    seals: int = 0
    host_ids: int = 0
    leaves_no_trace: bool = True
    broken_files: list[str] = []
