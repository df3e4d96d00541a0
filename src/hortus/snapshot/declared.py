"""Objects as an admin declares them, in `hortus.toml`, through the API or by a command.

`compile.py` turns them into a snapshot. Names, not ids, refer from one to another.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Literal

import msgspec

from hortus.canon.loss import Strictness, Weight
from hortus.catalog.pricerows import ContractPrice
from hortus.policy.facts import Reach
from hortus.snapshot.grants import ANYWHERE
from hortus.snapshot.model import Adapter

NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._/:@-]{0,127}$"
"""What a route, endpoint or deployment may be called."""

PROJECT_NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$"
"""What a project or a limit may be called."""

BudgetPeriod = Literal["day", "month", "fiscal_year", "total"]
"""For how long an amount of money has to last."""

LimitKind = Literal["hard", "soft"]
"""What is over the limit is refused, or only told."""


class ContractTerms(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What a contract or the organisation itself says of an endpoint; what it leaves open is as in the catalog.

    Attributes:
        source: The contract, decision or page that says so.
        as_of: Day on which it was looked at.
        compute: Where it computes: ISO 3166-1 alpha-2, `EU*` or `GLOBAL`; likewise `storage`.
        laws: Country -> `yes`, `indirect`, `disputed` or `no`: whether its authorities can demand what is there.
    """

    source: str
    as_of: date
    compute: str | None = None
    storage: str | None = None
    retention_days: int | None = None
    state_days: int | None = None
    trains: bool | None = None
    operator: str | None = None
    home: str | None = None
    laws: dict[str, Reach] | None = None


class EndpointSpec(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """One model at one host in one region, as declared.

    Attributes:
        name: Unique among endpoints.
        model: Catalog id of the model, or any name where the catalog has none.
        host: Catalog id of the host; `any` or `openai-compatible` for one that the catalog does not know.
        base_url: Base address where it differs from the host's row, or one for each dialect; required for `any` and
            `openai-compatible`.
        dialects: Which of the host's wire formats to use, preferred first; all where empty.
        style: Another way to address the host, of those that its row has, such as Azure's `deployments`.
        auth: How the credential is sent, where the host takes it in several ways, such as `entra`.
        variables: What stands for `{name}` in the addresses of the host's row; `region` is one by itself.
        upstream_model: What the host calls the model; the catalog's offer, else `model`, where absent.
        credential: `env:NAME` or `file:PATH`; the host's usual variable where absent.
        region: The host's name of the region, for receipts.
        country: ISO 3166-1 alpha-2 code of where it computes, where the admin knows it by contract.
        operations: What it can do: `chat`, `embeddings`, `rerank`, `moderations`, `ocr` and what else is spoken.
        weights: Member of a request (`messages[].name`, `service_tier`) to how heavy its loss is here, where that is
            not as usual.
        connect_timeout_s: Longest wait for a connection; likewise the other three.
        price: What it costs by a contract of one's own; it comes before what the catalog says.
        facts: What decides its place where its address does not, such as `sku` or `inference_geo`; the host's row says
            which.
        terms: What the organisation's own contract says of place, retention and law; it comes before the catalog.
        is_own: The organisation itself runs it, on its own machines.
        private_address: Whether it may lie at an address of a private network or of this machine.
        concurrency: Most requests at the same time, over all workers of this machine; no bound where absent.
        queue: Most requests that wait for one of these; further ones go to the next endpoint or are refused.
        queue_wait_s: Longest wait in seconds.
    """

    name: str
    model: str
    host: str
    base_url: str | dict[str, str] | None = None
    dialects: tuple[str, ...] = ()
    style: str | None = None
    auth: str | None = None
    variables: dict[str, str] = {}
    upstream_model: str | None = None
    credential: str | None = None
    region: str | None = None
    country: str | None = None
    operations: tuple[str, ...] = ("chat",)
    connect_timeout_s: float | None = None
    first_byte_timeout_s: float | None = None
    idle_timeout_s: float | None = None
    total_timeout_s: float | None = None
    weights: dict[str, Weight] = {}
    price: ContractPrice | None = None
    facts: dict[str, str] = {}
    terms: ContractTerms | None = None
    is_own: bool = False
    private_address: bool = False
    concurrency: int | None = None
    queue: int = 64
    queue_wait_s: float = 30.0


class RouteSpec(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A name that clients put in `model`.

    Attributes:
        endpoints: Names of endpoints, in order; `name=weight` gives a weight for the strategy `weighted`.
        strategy: `ordered`, `weighted`, `cheapest`, `least_latency` or `least_busy`.
        output_cap: Most output tokens of an answer where the client sets no limit; the model's own where absent.
        sticky: Whether the turns of one conversation go to the same endpoint while it can be used.
        cache_s: For how many seconds an answer is given again to the very same request of the same project; 0: never.
    """

    name: str
    endpoints: tuple[str, ...]
    strategy: str = "ordered"
    output_cap: int | None = None
    sticky: bool = False
    cache_s: int = 0


class ProjectSpec(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A project: the routes its keys may use (names or patterns such as `eu/*`), and which losses refuse a request.

    Attributes:
        policy: Name of the policy that decides what may go where.
        shadow_policy: Name of one whose verdicts are only written down in receipts.
        keep_content_days: How long requests and answers are kept, encrypted; 0: not at all.
    """

    name: str
    routes: tuple[str, ...] = ("seedling",)
    loss: Strictness = "standard"
    policy: str = ANYWHERE
    shadow_policy: str | None = None
    keep_content_days: int = 0


class DeploymentSpec(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A model kept running here; it becomes an endpoint and a route of the same name.

    Attributes:
        source: A path to a GGUF file or to a folder with safetensors, a Hugging Face repository (`owner/name`, or
            `owner/name:file.gguf`), or `seedling`.
        engine: `llamacpp`, `transformers` or `vllm`; `auto` takes the one that the model's files are made for.
        context_tokens: Length of context for each slot.
        slots: Requests that run at the same time.
        threads: Threads for inference; 0: by the size of the weights, and one processor fewer than there are at most.
        adapters: Small sets of weights over the model, each with a name that becomes an endpoint and a route.
    """

    name: str
    source: str
    engine: str = "auto"
    context_tokens: int = 2048
    slots: int = 4
    threads: int = 0
    temperature: float | None = None
    offers_embeddings: bool = False
    adapters: tuple[Adapter, ...] = ()

    @property
    def routes(self) -> tuple[str, ...]:
        """The names that clients can put in `model`: its own, then its adapters'."""
        return (self.name, *(adapter.name for adapter in self.adapters))


class LimitSpec(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A bound on what a key, a project or the whole organisation may use; one of money is a *budget*.

    Attributes:
        project: Name of the project that it binds; neither `project` nor `key`: the organisation.
        key: Id of the key that it binds; its name will do where it is declared.
        requests_per_minute: Requests in each minute of UTC; likewise `tokens_per_minute`. One measure of the four.
        concurrent_requests: Requests that run at the same time.
        money: An exact amount, in `currency`, that has to last as long as `per` says.
        kind: `hard` refuses what is over it, `soft` only alerts.
        timezone: IANA name of the zone in which days, months and years begin; UTC where absent.
        year_starts_in: Month (1 to 12) in which a fiscal year begins; January where absent.
        alert_at: Percentages of the amount at which it is told.
    """

    name: str
    project: str | None = None
    key: str | None = None
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    concurrent_requests: int | None = None
    money: Decimal | None = None
    currency: str | None = None
    per: BudgetPeriod | None = None
    kind: LimitKind = "hard"
    timezone: str | None = None
    year_starts_in: int | None = None
    alert_at: tuple[int, ...] = (80, 100)


class RateSpec(
    msgspec.Struct,
    frozen=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename={"from_currency": "from", "to_currency": "to"},
):
    """A currency rate of the organisation's own; it comes before those of the catalog.

    Attributes:
        factor: What one unit of `from` is worth in `to`.
        since: Day (UTC) from which on it holds.
        source: Who says so: a page, a contract, a decision.
    """

    from_currency: str
    to_currency: str
    factor: Decimal
    since: date
    source: str

    @property
    def name(self) -> str:
        """What it is called among declared objects, such as `EUR-USD@2026-11-01`."""
        return f"{self.from_currency}-{self.to_currency}@{self.since.isoformat()}"
