"""What the admin API takes and answers about endpoints. Own prices: `catalog.pricerows.ContractPrice`."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema

from hortus.catalog.pricerows import Cap
from hortus.control.models import Ask, Name
from hortus.control.views import ObjectView, View
from hortus.policy.facts import Reach


def _refuse_fractions(value: object) -> object:
    if isinstance(value, float):
        raise ValueError('a fraction in JSON is not exact; write it as a text, such as "0.10"')  # noqa: TRY004 -- pydantic turns this one into a fault
    if isinstance(value, bool):
        raise ValueError("this is no amount")  # noqa: TRY004 -- see above
    return value


Amount = Annotated[
    Decimal,
    BeforeValidator(_refuse_fractions),
    PlainSerializer(lambda value: format(value, "f"), return_type=str, when_used="json"),
    WithJsonSchema({"anyOf": [{"type": "string", "pattern": r"^\d+(\.\d+)?$"}, {"type": "integer"}]}),
]
"""An exact amount: a text or a whole number, never a fraction that some reader of JSON has rounded."""

Currency = Annotated[str, Field(min_length=3, max_length=3, description="ISO 4217 code.", examples=["EUR"])]
Count = Annotated[int, Field(strict=True)]
Seconds = Annotated[float | None, Field(gt=0, lt=1e9, description="Seconds; the default where absent.")]


class FiguresForm(Ask):
    """What units cost; null: the next more general figure holds."""

    input_per_million: Annotated[Amount, Field(description="Tokens of input, per million.", examples=["0.40"])]
    output_per_million: Annotated[Amount, Field(description="Tokens of output, per million.")]
    cached_input_per_million: Annotated[Amount | None, Field(description="Read from the host's cache.")] = None
    cache_write_per_million: Annotated[Amount | None, Field(description="Written to the cache.")] = None
    cache_write_long_per_million: Annotated[Amount | None, Field(description="Written to stay longer.")] = None
    input_audio_per_million: Amount | None = None
    cached_audio_per_million: Amount | None = None
    output_audio_per_million: Amount | None = None
    input_image_per_million: Amount | None = None
    output_image_per_million: Amount | None = None
    per_image: Annotated[Amount | None, Field(description="For each picture that is made.")] = None
    per_second: Annotated[Amount | None, Field(description="For each second of sound.")] = None
    per_thousand_searches: Annotated[Amount | None, Field(description="Searches of the web.")] = None
    per_thousand_pages: Annotated[Amount | None, Field(description="Pages of documents that are read.")] = None
    per_million_characters: Annotated[Amount | None, Field(description="Characters of text that are spoken.")] = None
    per_thousand_search_units: Annotated[Amount | None, Field(description="Portions of rankings.")] = None
    per_request: Amount | None = None


class VariantForm(FiguresForm):
    """A full set of figures for long inputs or a service tier."""

    above_input_tokens: Annotated[Count, Field(description="The input is longer than this.")] = 0
    service_tier: Annotated[str | None, Field(description="The host says that it was served so.")] = None


class PriceForm(FiguresForm):
    """What an endpoint costs by a contract of one's own; it comes before what the catalog says."""

    currency: Currency
    since: Annotated[date, Field(description="Day (UTC) from which on it holds.")]
    source: Annotated[str, Field(max_length=1000, description="Where it says so.")] = "own contract"
    variants: tuple[VariantForm, ...] = ()
    auto_tiers: Annotated[tuple[str, ...], Field(description="Service tiers that the host may choose by itself.")] = ()
    regions: Annotated[
        dict[str, Amount],
        Field(default_factory=dict, description="Where it computed -> factor of the price of tokens."),
    ]
    caps: Annotated[
        dict[Cap, Count], Field(default_factory=dict, description="Most of what a request's bytes do not bound.")
    ]
    fixed_input_tokens: Annotated[Count, Field(description="Counted by the host beyond the request's bytes.")] = 0
    is_search_per_request: bool = False


class TermsForm(Ask):
    """What the organisation's own contract says of an endpoint; what it leaves open is as in the catalog."""

    source: Annotated[str, Field(max_length=1000, description="The contract, decision or page that says so.")]
    as_of: Annotated[date, Field(description="Day on which it was looked at.")]
    compute: Annotated[str | None, Field(description="Where it computes: a country, `EU*` or `GLOBAL`.")] = None
    storage: Annotated[str | None, Field(description="Where the host keeps what it keeps, likewise.")] = None
    retention_days: Annotated[Count | None, Field(description="How long it keeps requests and answers.")] = None
    state_days: Annotated[Count | None, Field(description="How long answers can be referred to.")] = None
    trains: Annotated[bool | None, Field(description="Whether it trains on requests.")] = None
    operator: Annotated[str | None, Field(description="Legal entity.")] = None
    home: Annotated[str | None, Field(description="Country whose law binds the operator.")] = None
    laws: Annotated[
        dict[str, Reach] | None, Field(description="Country -> whether its authorities can demand what is there.")
    ] = None


class EndpointWanted(Ask):
    """One model at one host in one region."""

    name: Name
    model: Annotated[str, Field(min_length=1, description="Catalog id of the model, or what the host calls it.")]
    host: Annotated[str, Field(description="Catalog id of the host, or `openai-compatible` for any other one.")]
    base_url: Annotated[
        str | dict[str, str] | None,
        Field(description="Base address, where it is not the catalog's; or one for each dialect."),
    ] = None
    dialects: Annotated[
        tuple[str, ...], Field(description="Wire formats to use there, preferred first; all of the host's where empty.")
    ] = ()
    style: Annotated[str | None, Field(description="Another way to address the host, of those that it has.")] = None
    auth: Annotated[
        str | None, Field(description="How the credential is sent, where the host takes it in several ways.")
    ] = None
    variables: Annotated[
        dict[str, str],
        Field(default_factory=dict, description="What stands for `{name}` in the catalog's addresses of the host."),
    ]
    weights: Annotated[
        dict[str, Literal["meaning", "tuning", "advisory"]],
        Field(default_factory=dict, description="How heavy the loss of a member is here, where that is not as usual."),
    ]
    upstream_model: Annotated[str | None, Field(description="What the host calls the model.")] = None
    credential: Annotated[
        str | None, Field(description="Reference `env:NAME` or `file:NAME`; never the secret itself.")
    ] = None
    region: Annotated[str | None, Field(description="The host's name of the region.")] = None
    country: Annotated[str | None, Field(description="Where it computes (ISO 3166-1 alpha-2), by contract.")] = None
    operations: Annotated[tuple[str, ...], Field(description="What it can do: `chat`, `rerank` …")] = ("chat",)
    connect_timeout_s: Seconds = None
    first_byte_timeout_s: Seconds = None
    idle_timeout_s: Seconds = None
    total_timeout_s: Seconds = None
    price: Annotated[PriceForm | None, Field(description="By a contract of your own, before the catalog's.")] = None
    facts: Annotated[
        dict[str, str],
        Field(default_factory=dict, description="What decides its place where its address does not, such as `sku`."),
    ]
    terms: Annotated[TermsForm | None, Field(description="Of a contract of your own, before the catalog.")] = None
    is_own: Annotated[bool, Field(description="Whether the organisation itself runs it, on its own machines.")] = False
    private_address: Annotated[bool, Field(description="Whether it may lie in a private network.")] = False
    concurrency: Annotated[Count | None, Field(description="Most requests at the same time; else no bound.")] = None
    queue: Annotated[Count, Field(description="Most requests that wait for one of these.")] = 64
    queue_wait_s: Annotated[float, Field(gt=0, lt=1e9, description="Longest wait in seconds.")] = 30.0


class FactsView(View):
    """What policies know of an endpoint: computed where, kept where and for how long, under whose law; by whom."""

    maker: Annotated[str, Field(description="Who trained the model.")]
    host: str
    licence: Annotated[str | None, Field(description="Of the model.")] = None
    open_weights: bool | None = None
    state: Annotated[str | None, Field(description="Where the model is in its life.")] = None
    compute: Annotated[str | None, Field(description="A country, `EU*` and the like, or `GLOBAL` (anywhere).")] = None
    undecided: Annotated[tuple[str, ...], Field(description="What else would decide it; nobody says it here.")] = ()
    storage: Annotated[str | None, Field(description="Where the host keeps what it keeps.")] = None
    retention_days: Annotated[int | None, Field(description="How long requests and answers; 0: not at all.")] = None
    state_days: Annotated[int | None, Field(description="How long answers for later requests.")] = None
    trains: Annotated[bool | None, Field(description="Whether it trains on requests.")] = None
    operator: str | None = None
    home: Annotated[str | None, Field(description="Country whose law binds the operator.")] = None
    laws: Annotated[
        dict[str, Reach] | None, Field(description="Country -> whether its authorities can demand what is there.")
    ] = None
    is_own: bool = False
    confidence: Annotated[str, Field(description="Of the weakest of these: `stated`, `reported`, `recalled`.")]
    source: str | None = None
    checked_on: Annotated[date | None, Field(description="Day on which it was read.")] = None
    is_stale: Annotated[bool, Field(description="Whether they want to be read again.")]
    levers: Annotated[tuple[str, ...], Field(description="What a request can change, as receipts name it.")] = ()


class EndpointView(ObjectView):
    """One model at one host, and whether it can be used now."""

    model: str
    host: str
    maker: str | None = None
    base_url: str | dict[str, str] | None = None
    dialects: Annotated[tuple[str, ...], Field(description="As declared; empty: all that the host speaks.")] = ()
    style: Annotated[str | None, Field(description="Another way to address the host.")] = None
    auth: Annotated[str | None, Field(description="How the credential is sent, where that was said.")] = None
    variables: Annotated[dict[str, str], Field(default_factory=dict)]
    weights: Annotated[dict[str, str], Field(default_factory=dict)]
    speaks: Annotated[tuple[str, ...], Field(description="The wire formats that are used, preferred first.")] = ()
    upstream_model: str | None = None
    credential: Annotated[str | None, Field(description="Reference; never the secret.")] = None
    region: str | None = None
    country: str | None = None
    operations: tuple[str, ...] = ()
    connect_timeout_s: Seconds = None
    first_byte_timeout_s: Seconds = None
    idle_timeout_s: Seconds = None
    total_timeout_s: Seconds = None
    price: Annotated[PriceForm | None, Field(description="By a contract of your own.")] = None
    facts: Annotated[dict[str, str], Field(default_factory=dict)]
    terms: Annotated[TermsForm | None, Field(description="Of a contract of your own.")] = None
    is_own: bool = False
    private_address: bool = False
    concurrency: int | None = None
    queue: int = 64
    queue_wait_s: float = 30.0
    price_id: Annotated[str | None, Field(description="Row of the price that holds, as receipts name it.")] = None
    known: Annotated[FactsView | None, Field(description="What policies know of it, where it can be used.")] = None
    is_usable: bool
    reason: Annotated[str | None, Field(description="Why it cannot be used.")] = None


class EndpointList(View):
    """Endpoints, by name; deployments are listed by themselves."""

    endpoints: list[EndpointView]
