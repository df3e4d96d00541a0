"""The compiled configuration: what control writes, workers and the supervisor read, and nobody changes.

A snapshot holds no plaintext credential, only references (`env:NAME`, `file:PATH`).
"""

from __future__ import annotations

from datetime import date
from hashlib import blake2b

import msgspec

from hortus.canon.loss import Weight
from hortus.catalog.lookup import WITHOUT_CHATS
from hortus.catalog.pricerows import PriceRow, RateRow
from hortus.catalog.rows import Auth
from hortus.policy.facts import CHAT, Facts
from hortus.policy.rules import Policy
from hortus.policy.verdict import Verdict, judge_endpoint

SNAPSHOT_FORMAT = 4
"""Version of this layout; a reader refuses another one."""

ENGINE_SCHEME = "engine:"
"""An endpoint whose address is `engine:NAME` is a deployment of this installation; its port and key lie in
`run/engines/NAME.json`, written by the supervisor."""


_EDITION_BYTES = 8
WORKSHOP = "workshop"
"""Endpoint and route of the installation's own files and tuning jobs; the control process answers there."""

_WORKSHOP_ADDRESS = f"{ENGINE_SCHEME}{WORKSHOP}"


class Timeouts(msgspec.Struct, frozen=True, omit_defaults=True):
    """How long to wait for a host, in seconds."""

    connect_s: float = 5.0
    first_byte_s: float = 300.0
    idle_s: float = 300.0
    total_s: float = 3600.0


class Spoken(msgspec.Struct, frozen=True, omit_defaults=True):
    """One dialect of an endpoint: where and how it is spoken there. Members are named as in `catalog.rows.Surface`.

    Attributes:
        address: Base URL without a final slash, or `engine:NAME`.
        auth: How the credential is sent.
        paths: Operation (`chat`, or `chat_stream` for its streams) -> path below the address, `{model}` in it for the
            model's name; where there is none, the dialect's own.
        headers: Fixed headers of every call, besides the credential's.
        demands: Members of the body that the host insists on, with the value where a request has none.
        forbids: Members of the body that the host refuses, or takes and ignores.
        renames: Member of the body -> what the host calls it.
        adds: Members that the host habitually adds to answers and events.
        weights: Member of the body -> weight of its loss here.
        wants_bytes: Whether it fetches no media by their address.
        short_call_ids: Whether ids of tool calls must be nine letters and digits there.
        model: What the host calls the model in this dialect, where it is not the endpoint's `upstream_model`.
    """

    dialect: str
    address: str
    auth: Auth = "bearer"
    paths: dict[str, str] = {}
    headers: dict[str, str] = {}
    demands: dict[str, msgspec.Raw] = {}
    forbids: tuple[str, ...] = ()
    renames: dict[str, str] = {}
    adds: tuple[str, ...] = ()
    weights: dict[str, Weight] = {}
    model: str | None = None
    wants_bytes: bool = False
    short_call_ids: bool = False


class Endpoint(msgspec.Struct, frozen=True, omit_defaults=True):
    """One model at one host in one region.

    Attributes:
        name: Unique in the installation.
        model: Catalog id of the model, such as `mistral-large-2512`.
        maker: Catalog id of the maker.
        host: Catalog id of the host; `local` for deployments.
        upstream_model: What the host calls the model.
        spoken: The wire formats it speaks, preferred first; never empty.
        operations: What it can do: `chat`, `embeddings`.
        output_limit: Most output tokens of the model, None when unknown.
        credential: Reference to what authenticates there, None where nothing is needed.
        country: Where it computes (ISO 3166-1 alpha-2, `EU*` or `GLOBAL`), None when unknown.
        price: None when unknown; deployments have one of zero.
        facts: What policies know of it; None: nothing.
        may_be_private: Whether it may lie at a private address.
        concurrency: Most requests at the same time, over all workers of this machine.
        queue: Most requests that wait.
        queue_wait_s: Longest wait in seconds.
    """

    name: str
    model: str
    maker: str
    host: str
    upstream_model: str
    spoken: tuple[Spoken, ...]
    operations: tuple[str, ...] = ("chat",)
    credential: str | None = None
    region: str | None = None
    country: str | None = None
    price: PriceRow | None = None
    timeouts: Timeouts = Timeouts()
    model_version: str | None = None
    output_limit: int | None = None
    facts: Facts | None = None
    may_be_private: bool = False
    concurrency: int | None = None
    queue: int = 64
    queue_wait_s: float = 30.0

    def judge(self, policy: Policy, *, on: date, operation: str = CHAT) -> Verdict:
        """Return what a policy says of it on a day (UTC), whatever is asked of it for the operation."""
        return judge_endpoint(policy, self.facts, dialects=self.chat_dialects, on=on, operation=operation)

    @property
    def is_workshop(self) -> bool:
        """Whether it is this installation's own workshop: nothing that goes there leaves."""
        return self.spoken[0].address == _WORKSHOP_ADDRESS

    @property
    def chat_dialects(self) -> tuple[str, ...]:
        """Names of those of its wire formats that carry chats: a policy's levers are members of these."""
        return tuple(one for one in self.dialects if one not in WITHOUT_CHATS)

    @property
    def dialects(self) -> tuple[str, ...]:
        """Names of the wire formats it speaks, preferred first."""
        return tuple(spoken.dialect for spoken in self.spoken)

    @property
    def address(self) -> str:
        """Where its preferred dialect is spoken."""
        return self.spoken[0].address


class Candidate(msgspec.Struct, frozen=True, omit_defaults=True):
    """An endpoint's place in a route; the weight counts in the strategy `weighted` only."""

    endpoint: str
    weight: int = 1


class RuledOut(msgspec.Struct, frozen=True):
    """An endpoint that a route names but may not use now, and why."""

    endpoint: str
    reason: str


class Route(msgspec.Struct, frozen=True, omit_defaults=True):
    """What clients name in `model`.

    Attributes:
        strategy: `ordered` (first that answers), `weighted` (drawn by weight), `cheapest`, `least_latency` (measured)
            or `least_busy`.
        output_cap: Most output tokens of an answer where the client sets no limit; None: the model's own.
        sticky: Whether the turns of one conversation go to the same endpoint while it can be used.
        cache_s: For how many seconds an answer is given again to the very same request; 0: never.
    """

    name: str
    candidates: tuple[Candidate, ...]
    strategy: str = "ordered"
    ruled_out: tuple[RuledOut, ...] = ()
    owned_by: str = "hortus"
    created_at_s: int = 0
    output_cap: int | None = None
    sticky: bool = False
    cache_s: int = 0


class Adapter(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A small set of weights over a deployment's model; it is an endpoint and a route of its own.

    Attributes:
        name: What clients put in `model`.
        path: Its file, or folder, as the engine wants it: GGUF for llama.cpp, PEFT's folder for others.
    """

    name: str
    path: str


class Deployment(msgspec.Struct, frozen=True, omit_defaults=True):
    """A model that the supervisor keeps running.

    Attributes:
        name: Also the name of its endpoint and route.
        engine: Name of the driver, such as `llamacpp`, or `auto`: the one that the model's files are made for.
        model_path: The model's file or folder, absolute, or `seedling` for the one that ships in the package.
        context_tokens: Length of context for each slot.
        slots: Requests that run at the same time.
        threads: Threads for inference; 0: see `engines.threads`.
        temperature: Sampling temperature where the client names none; None keeps the engine's own.
        adapters: Served beside the model, by the same process.
    """

    name: str
    engine: str
    model_path: str
    context_tokens: int = 2048
    slots: int = 4
    threads: int = 0
    temperature: float | None = None
    offers_embeddings: bool = False
    adapters: tuple[Adapter, ...] = ()

    @property
    def edition(self) -> str:
        """A digest of all of it: what tells a deployment that runs from the one that is wanted."""
        return blake2b(msgspec.json.encode(self), digest_size=_EDITION_BYTES).hexdigest()


class Snapshot(msgspec.Struct, frozen=True):
    """One version of everything that the data plane needs to know; `format` is always written.

    Attributes:
        rates: Between currencies, the organisation's own among them.
        policies: All that a project can name, the ready-made ones among them.
    """

    version: int
    compiled_at_ms: int
    organisation: str
    endpoints: dict[str, Endpoint]
    routes: dict[str, Route]
    deployments: dict[str, Deployment]
    format: int = SNAPSHOT_FORMAT
    rates: tuple[RateRow, ...] = ()
    policies: dict[str, Policy] = {}
