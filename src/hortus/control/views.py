"""What the admin API answers: pydantic models, one for each kind of answer. Amounts of money are decimal strings."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from hortus.control.models import LossRule

Instant = Annotated[int, Field(description="Milliseconds since 1970 (UTC).")]
Origin = Annotated[str, Field(description="`file` (declared in `hortus.toml`), `api`, or `built-in`.")]


class View(BaseModel):
    """An answer."""

    model_config = ConfigDict(frozen=True, from_attributes=True)


class Fault(View):
    """What went wrong."""

    code: Annotated[str, Field(description="Stable word for programs.", examples=["not_found"])]
    message: Annotated[str, Field(description="One sentence for people.")]
    path: Annotated[str | None, Field(description="Where: a member, or a file with its line.")] = None
    hint: Annotated[str | None, Field(description="What to do next.")] = None


class FaultAnswer(View):
    """Every answer that is not a success."""

    error: Fault


class OrganisationView(View):
    """The owner of this installation."""

    id: str
    name: str


class ProjectView(View):
    """The tenant: owns keys and says which routes they may use."""

    id: str
    name: str
    routes: tuple[str, ...]
    origin: Origin
    created_at_ms: Instant
    retired_at_ms: Instant | None = None
    loss: LossRule = "standard"
    policy: Annotated[str, Field(description="Which decides what may go where.")]
    shadow_policy: Annotated[str | None, Field(description="Its verdicts are only written down.")] = None
    keep_content_days: Annotated[int, Field(description="How long requests and answers are kept.")] = 0


class ProjectList(View):
    """Projects, by name."""

    projects: list[ProjectView]


class KeyView(View):
    """A key's record; never the key itself."""

    id: str
    name: str
    project: str
    hint: Annotated[str, Field(description="The key's last four characters.")]
    created_at_ms: Instant
    expires_at_ms: Instant | None = None
    revoked_at_ms: Instant | None = None


class KeyList(View):
    """Keys, the revoked ones included."""

    keys: list[KeyView]


class NewKey(KeyView):
    """A key that was just made, with the key itself: shown now and never again."""

    key: Annotated[str, Field(description="What a program sends as `Authorization: Bearer …`. Keep it secret.")]
    routes: Annotated[tuple[str, ...], Field(description="Routes that it may use.")]


class RuledOutView(View):
    """An endpoint that a route names but may not use now."""

    endpoint: str
    reason: str


class ObjectView(View):
    """What every declared object has."""

    name: str
    origin: Origin
    where: Annotated[str | None, Field(description="File and line of its declaration.")] = None
    created_at_ms: Instant
    updated_at_ms: Instant
    retired_at_ms: Instant | None = None


class RouteView(ObjectView):
    """A name that clients put in `model`."""

    endpoints: tuple[str, ...]
    strategy: str
    output_cap: Annotated[int | None, Field(description="Output tokens where the client sets no limit.")] = None
    sticky: bool = False
    cache_s: Annotated[int, Field(description="Seconds for which answers are given again; 0: never.")] = 0
    ruled_out: tuple[RuledOutView, ...] = ()


class RouteList(View):
    """Routes, by name."""

    routes: list[RouteView]


class AdapterView(View):
    """A small set of weights over a deployment's model."""

    name: str
    path: str


class DeploymentView(ObjectView):
    """A model kept running here, and how it is doing."""

    source: str
    engine: str
    context_tokens: int
    slots: int
    threads: int
    temperature: float | None = None
    offers_embeddings: bool
    state: Annotated[str, Field(description="`starting`, `ready`, `failed`, `stopped`, or `waiting` for its file.")]
    error: str | None = None
    pid: int | None = None
    since_ms: Instant | None = None
    restarts: int = 0
    memory_bytes: int | None = None
    adapters: tuple[AdapterView, ...] = ()
    load_s: Annotated[float | None, Field(description="How long the engine took to load.")] = None
    warm_s: Annotated[float | None, Field(description="How long its first, tiny answer took.")] = None
    is_current: Annotated[bool, Field(description="Whether what serves is what is declared now.")] = False
    successor: Annotated[str | None, Field(description="State of the engine that shall take over.")] = None
    successor_error: Annotated[str | None, Field(description="Why it cannot; what served before goes on.")] = None


class DeploymentList(View):
    """Deployments, by name."""

    deployments: list[DeploymentView]


class HostView(View):
    """A host of the catalog as seen from this node."""

    id: str
    name: str
    operator: str
    home: Annotated[str | None, Field(description="Country whose law binds it.")] = None
    country: Annotated[str | None, Field(description="Where it computes.")] = None
    dialects: tuple[str, ...]
    can_route: Annotated[bool, Field(description="Whether this release can send requests there.")]
    is_lit: Annotated[bool, Field(description="Whether its credential is present here.")]
    credential_env: Annotated[str | None, Field(description="Environment variable that lights it.")] = None
    offers: Annotated[int, Field(description="Models that the catalog knows it to offer.")]
    endpoints: Annotated[tuple[str, ...], Field(description="Endpoints that lead there.")]
    docs: str


class HostList(View):
    """Hosts, in the order of the catalog."""

    hosts: list[HostView]


class Connected(View):
    """What connecting a host made, or would make."""

    host: str
    is_dry_run: bool
    endpoints: tuple[str, ...]
    routes: tuple[str, ...]
    projects: Annotated[tuple[str, ...], Field(description="Projects that may use the routes.")]
    leaves: Annotated[tuple[str, ...], Field(description="What leaves this machine, and to whom.")]
    notes: Annotated[tuple[str, ...], Field(description="What was left as it is, and why.")] = ()


class PriceView(View):
    """What a model costs at a host, per million tokens."""

    id: str
    currency: str
    input_per_million: Decimal
    output_per_million: Decimal
    cached_input_per_million: Decimal | None = None
    source: str
    as_of: str


class OfferView(View):
    """A host that serves a model."""

    host: str
    upstream_model: str
    region: str | None = None
    country: Annotated[str | None, Field(description="Where it computes; null when unknown.")] = None
    price: Annotated[PriceView | None, Field(description="Null when unknown.")] = None
    is_lit: bool
    endpoints: Annotated[tuple[str, ...], Field(description="Endpoints here that use this offer.")] = ()


class ModelView(View):
    """A model of the catalog, with its offers."""

    id: str
    name: str
    maker: str
    maker_name: str
    family: str
    state: str
    open_weights: bool
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    features: tuple[str, ...]
    licence: str | None = None
    context_tokens: int | None = None
    retires: str | None = None
    replacement: str | None = None
    offers: list[OfferView]
    source: str
    as_of: str


class ModelList(View):
    """Models that match."""

    models: list[ModelView]


class ProposedRow(View):
    """A model that a host lists and the catalog does not know there."""

    kind: Annotated[str, Field(description="`offers` where the catalog knows the model elsewhere, else `models`.")]
    host: str
    upstream_model: str
    model: Annotated[str, Field(description="Catalog id, known or proposed.")]
    unknown: Annotated[
        tuple[str, ...], Field(description="What to find out first: `maker`, `price`, `place`, `licence`.")
    ]
    price: Annotated[str, Field(description="Input and output per million tokens, or `unknown`.")] = "unknown"
    place: Annotated[str, Field(description="Where it computes, or `unknown`.")] = "unknown"
    row: Annotated[str, Field(description="How the row would begin in the catalog's file.")]


class RetirementView(View):
    """A model that the catalog says a host serves, and which it does not list or will stop serving."""

    host: str
    model: str
    upstream_model: str
    reason: str
    state: Annotated[str, Field(description="What the catalog says of the model.")]
    ends: Annotated[str | None, Field(description="The announced day; null where it is gone already.")] = None
    replacement: str | None = None
    endpoints: Annotated[tuple[str, ...], Field(description="Endpoints here that are affected.")] = ()


class AskedHost(View):
    """One host's answer to the question for its list."""

    host: str
    listed: Annotated[int | None, Field(description="Models that it lists.")] = None
    known: Annotated[int | None, Field(description="How many of them the catalog knows there.")] = None
    is_complete: Annotated[bool, Field(description="Whether missing models can be told from it.")] = False
    error: str | None = None


class SyncReportView(View):
    """What the hosts' own lists say that the catalog does not; nothing was changed."""

    asked: list[AskedHost]
    proposed: list[ProposedRow]
    retirements: list[RetirementView]


class FileState(View):
    """How the configuration file stands."""

    path: str | None = None
    state: Annotated[str, Field(description="`absent`, `applied`, or `refused` (the configuration before it stays).")]
    error: Annotated[str | None, Field(description="Why it was refused, with line and path.")] = None
    applied_at_ms: Instant | None = None
    needs_restart: Annotated[
        bool, Field(description="Whether settings changed since the start; objects never need one.")
    ] = False


class ChangeView(View):
    """One object that differs between a file and the store."""

    action: Annotated[str, Field(description="`create`, `replace` or `retire`.")]
    kind: str
    name: str
    where: str | None = None
    fields: tuple[str, ...] = ()


class ConfigPlan(View):
    """What applying a configuration changes, or changed."""

    is_dry_run: bool
    changes: list[ChangeView]


class SettingView(View):
    """A setting of this node and where it came from."""

    name: str
    value: str
    origin: str


class DeclaredView(View):
    """A declared object and its origin."""

    kind: str
    name: str
    origin: Origin
    where: str | None = None


class ConfigView(View):
    """Settings and declared objects with the origin of each."""

    file: FileState
    settings: list[SettingView]
    objects: list[DeclaredView]


class SnapshotView(View):
    """The compiled configuration that the gateway uses."""

    version: int
    compiled_at_ms: Instant
    endpoints: int
    routes: int


class PolicyInUse(View):
    """What decides where a project's requests may go."""

    project: str
    policy: str
    words: Annotated[tuple[str, ...], Field(description="One sentence for each rule; none: they may go anywhere.")]


class StatusView(View):
    """How this installation is doing."""

    version: str
    organisation: str
    started_at_ms: Instant
    door: Annotated[str | None, Field(description="Address of the door on this machine.")] = None
    store_schema: str
    store_bytes: int
    snapshot: SnapshotView | None
    file: FileState
    deployments: list[DeploymentView]
    routes: tuple[str, ...]
    lit_hosts: tuple[str, ...]
    connected_hosts: tuple[str, ...]
    alerts: Annotated[tuple[str, ...], Field(description="Budgets at one of their alerts or used up, by name.")] = ()
    default_policy: Annotated[PolicyInUse | None, Field(description="Of the project `default`.")] = None
    policy_notes: Annotated[tuple[str, ...], Field(description="What policies rule out, and facts to look at.")] = ()


class Finding(View):
    """One thing that was looked at."""

    name: str
    is_fine: bool
    message: str
    mend: Annotated[str | None, Field(description="The command or step that mends it.")] = None


class DoctorView(View):
    """What is wrong here, and what mends it."""

    is_fine: bool
    findings: list[Finding]
