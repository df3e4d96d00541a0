"""What does a row of the catalog hold? Makers, models, hosts, offers and prices, as their files spell them.

A field that is absent is unknown, never "no". Unknown fields are refused, so a typing error cannot pass as data.
What a price consists of: `pricerows.py`.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Literal

import msgspec

from hortus.canon.loss import Weight
from hortus.catalog.abilities import Feature, operations_of
from hortus.catalog.hostlists import HostList, ListShape, Probe
from hortus.catalog.pricerows import Cap, Figures, OwnVariant, RateRow
from hortus.catalog.residency import REVIEW_DAYS, Deciding, HostLever, Reach, Standing

State = Literal["preview", "current", "legacy", "deprecated", "retired"]
"""Preview may change or vanish; legacy works but has a better successor; deprecated has its end announced."""

Confidence = Literal["stated", "reported", "recalled"]
"""Of the row's weakest fact: stated by maker or host on a page that was read; reported by a third party; recalled
from general knowledge, to be checked at `source` before anyone relies on it."""

Modality = Literal["text", "image", "audio", "video", "pdf", "embedding"]
Auth = Literal["bearer", "none", "x-api-key", "api-key", "x-goog-api-key", "sigv4", "google-oauth", "entra"]


class Row(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What every row carries.

    Attributes:
        source: Page (https address) that says so.
        as_of: Day on which it was read.
    """

    source: str
    as_of: date
    confidence: Confidence = "stated"
    note: str | None = None


class Maker(Row, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Who trains models.

    Attributes:
        home: Country of the legal entity (ISO 3166-1 alpha-2); None where there is no such entity.
        codes: How it stands to codes of practice; a code that is not there: unknown.
    """

    id: str
    name: str
    legal_entity: str
    home: str | None = None
    url: str | None = None
    codes: tuple[Standing, ...] = ()


class Model(Row, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One version of a maker's model.

    Attributes:
        deprecated: Day of the announcement that it will end.
        retires: Day from which its maker no longer serves it; past or to come. Open weights run on elsewhere.
        replacement: Model (id) which the maker recommends instead.
        lifecycle_source: Page that says state and days, where it is not `source`.
        licence: SPDX name where there is one, else the licence's own name.
        weights: Where open weights lie.
        aliases: Other names by which hosts call it.
    """

    id: str
    name: str
    maker: str
    family: str
    state: State
    open_weights: bool
    inputs: tuple[Modality, ...]
    outputs: tuple[Modality, ...]
    released: date | None = None
    deprecated: date | None = None
    retires: date | None = None
    replacement: str | None = None
    lifecycle_source: str | None = None
    licence: str | None = None
    weights: str | None = None
    context_tokens: int | None = None
    output_tokens: int | None = None
    features: tuple[Feature, ...] = ()
    parameters_billion: Decimal | None = None
    active_parameters_billion: Decimal | None = None
    aliases: tuple[str, ...] = ()

    @property
    def operations(self) -> tuple[str, ...]:
        """What it can be asked to do, in the gateway's words."""
        return operations_of(self.features)


class Surface(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One wire format at one address of a host, and where the host departs from the format there.

    Members are named by their paths, `[]` for any item of a list: `choices[].message.reasoning`.

    Attributes:
        base_url: None where the operator must say it. `{name}` in it stands for what only the operator knows.
        auth: How the credential is sent.
        other_auths: How else it may be sent, where the endpoint says so.
        makers: The models of these makers only; empty: all that the host serves.
        model_prefix: Put before the host's name of the model in this dialect.
        paths: Operation (`chat`, or `chat_stream` for its streams) -> path below `base_url`, where it is not the
            dialect's own. `{model}` stands for the model's name; where a path has none, the name sits in the body.
        headers: Sent with every call, besides the credential's.
        demands: Members of a request that the host insists on, each with the value for clients who set none.
        forbids: Members of a request that the host refuses.
        renames: Member of a request -> what the host calls it.
        adds: Members outside the format which the host habitually adds to answers and events.
        weights: Member of a request -> weight of its loss, where it is another one at this host.
        wants_bytes: Whether it fetches no images or documents by their address.
        short_call_ids: Whether ids of tool calls must be nine letters and digits.
        state_days: Longest that an answer is kept for later requests to refer to, where a request does not ask that it
            be not, or asks that it be; 0: it has no such thing; None: unknown.
        source: Page that says so, where it is not the row's.
    """

    dialect: str
    base_url: str | None = None
    auth: Auth = "bearer"
    other_auths: tuple[Auth, ...] = ()
    makers: tuple[str, ...] = ()
    model_prefix: str = ""
    paths: dict[str, str] = {}
    headers: dict[str, str] = {}
    demands: dict[str, object] = {}
    forbids: tuple[str, ...] = ()
    renames: dict[str, str] = {}
    adds: tuple[str, ...] = ()
    weights: dict[str, Weight] = {}
    wants_bytes: bool = False
    short_call_ids: bool = False
    state_days: int | None = None
    source: str | None = None
    note: str | None = None


class Host(Row, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Who runs inference, under which law and terms.

    Attributes:
        operator: Legal entity that runs it.
        home: Country whose law binds the operator.
        laws: Country -> whether its authorities can demand what is there; its home's always can.
        surfaces: The dialects it speaks, preferred first.
        styles: Name of another way to address it, such as an older one -> its surfaces, where the endpoint says so.
        credential_env: Environment variable in which people keep its key.
        country: Where it computes (see `places.py`); None when unknown, or `decided_by` says more.
        decided_by: The fact that decides where it computes, one of `places`; without it that is anywhere.
        places: From facts to places.
        storage: Where content lies that it keeps: a place, or the fact of one of `places`.
        retention_days: Days that requests or answers are kept by default, logs for abuse checks among them.
        trains_on_content: Whether requests are used for training by default.
        control_plane: Where accounts, keys and usage are kept.
        subprocessors: Page that names its sub-processors.
        review_days: For how long the row counts as fresh.
        levers: What a request itself can change.
        passes_on: Makers whose models it passes on to them: the row says nothing of these.
        is_program: It is a program that anybody runs; the endpoint says who and where.
        leaves: Ends of models' names that such a program passes on to a cloud.
        list_path: Path of its list of models below `list_base_url` (default: the OpenAI surface's base).
        lists: What says which models an account has, where that is more than one list of models.
        asks: Part of its addresses that is the operator's -> what people call it.
        has_own_names: What it lists are names of the account's own, such as deployments: all of them are meant.
        probe: How one model is tried without cost, where a list does not say whether the account may use it.
        prices: Provider's id in the `genai-prices` package.
        price_factor: What this host charges in proportion to `prices`.
        is_router: Whether it passes requests on to other hosts.
        closed_on: Day on which it stopped answering.
        price_factor_since: The factor holds for models released from this day on; None: for all.
    """

    id: str
    name: str
    operator: str
    docs: str
    home: str | None = None
    laws: dict[str, Reach] = {}
    surfaces: tuple[Surface, ...] = ()
    styles: dict[str, tuple[Surface, ...]] = {}
    credential_env: str | None = None
    country: str | None = None
    decided_by: str | None = None
    places: tuple[Deciding, ...] = ()
    storage: str | None = None
    regions: tuple[str, ...] = ()
    retention_days: int | None = None
    zero_retention: Literal["default", "self-service", "by contract"] | None = None
    trains_on_content: bool | None = None
    control_plane: str | None = None
    subprocessors: str | None = None
    review_days: int = REVIEW_DAYS
    levers: tuple[HostLever, ...] = ()
    passes_on: tuple[str, ...] = ()
    is_program: bool = False
    leaves: tuple[str, ...] = ()
    list_path: str | None = None
    list_base_url: str | None = None
    list_auth: Auth | None = None
    list_shape: ListShape = "openai"
    lists: tuple[HostList, ...] = ()
    asks: dict[str, str] = {}
    has_own_names: bool = False
    probe: Probe | None = None
    prices: str | None = None
    price_factor: Decimal | None = None
    price_factor_since: date | None = None
    is_router: bool = False
    closed_on: date | None = None

    @property
    def dialects(self) -> tuple[str, ...]:
        """Names of the wire formats it speaks, preferred first."""
        return tuple(surface.dialect for surface in self.surfaces)

    def surface(self, dialect: str) -> Surface | None:
        """Return where and how it speaks this dialect, None if it does not."""
        return next((surface for surface in self.surfaces if surface.dialect == dialect), None)


class Offer(Row, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """This host serves this model.

    Attributes:
        upstream_model: What the host calls it; empty means: by the model's own id.
        country: Where it computes, when that differs from the host's row; of an endpoint, the host's `places` decide.
    """

    host: str
    model: str
    upstream_model: str = ""
    region: str | None = None
    country: str | None = None

    @property
    def upstream_name(self) -> str:
        """The name to send to the host."""
        return self.upstream_model or self.model


class OwnPrice(Row, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a host asks for a model from a day on; members are those of `PriceRow`."""

    host: str
    model: str
    since: date
    currency: str
    figures: Figures
    variants: tuple[OwnVariant, ...] = ()
    auto_tiers: tuple[str, ...] = ()
    regions: dict[str, Decimal] = {}
    caps: dict[Cap, int] = {}
    fixed_input_tokens: int = 0
    is_search_per_request: bool = False


class PriceTerms(Row, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a host's prices have in common, beside the figures that the package has for each model.

    Attributes:
        id: Stands in the id of every price row whose amounts it changes.
        hosts: Whose prices; empty: all of them.
        models: How the catalog's ids of the models begin; empty: all.
        since: Day from which on it holds.
        factor: By which every price of tokens is multiplied.
        figures: Name of a figure -> what it is where the package has none.
        variants: What comes on top of the package's variants; all else as in `PriceRow`.
    """

    id: str
    hosts: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    since: date
    factor: Decimal = Decimal(1)
    figures: dict[str, Decimal] = {}
    variants: tuple[OwnVariant, ...] = ()
    auto_tiers: tuple[str, ...] = ()
    regions: dict[str, Decimal] = {}
    caps: dict[Cap, int] = {}
    fixed_input_tokens: int = 0
    is_search_per_request: bool = False

    def holds(self, model: str, *, host: str, at: date) -> bool:
        """Tell whether it holds for a model at a host on a day."""
        is_of_model = not self.models or model.startswith(self.models)
        return is_of_model and (not self.hosts or host in self.hosts) and self.since <= at

    @property
    def changes_amounts(self) -> bool:
        """Whether it changes what something costs, not only what is reserved."""
        return self.factor != 1 or bool(self.figures or self.variants or self.regions or self.is_search_per_request)


class CurrencyRate(
    Row,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    rename={"from_currency": "from", "to_currency": "to"},
):
    """A rate as the catalog's file spells it; members are those of `RateRow`."""

    from_currency: str
    to_currency: str
    factor: Decimal
    since: date

    @property
    def row(self) -> RateRow:
        """What is looked up."""
        row_id = f"catalog/{self.from_currency}-{self.to_currency}/{self.since}"
        return RateRow(row_id, self.from_currency, self.to_currency, self.factor, self.since)


class Rows(msgspec.Struct, frozen=True):
    """All rows, in the order of their files. `package_prices_as_of`: when `genai-prices` was last compared."""

    makers: tuple[Maker, ...]
    models: tuple[Model, ...]
    hosts: tuple[Host, ...]
    offers: tuple[Offer, ...]
    prices: tuple[OwnPrice, ...]
    package_prices_as_of: date
    rates: tuple[CurrencyRate, ...] = ()
    terms: tuple[PriceTerms, ...] = ()
