"""What changed at a host? Reads the answer of its list call and compares it with the catalog; no I/O.

Nothing is written: the report proposes rows, with what is unknown marked, and names what the host no longer lists.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Literal

import msgspec

from hortus.base.errors import HortusError
from hortus.catalog.rows import ListShape, Offer, PriceRow

if TYPE_CHECKING:
    from hortus.catalog.lookup import Catalog

PriceByName = Callable[[str], PriceRow | None]
"""What the host's own name of a model costs there, None when unknown."""

GEMINI_PREFIX = "models/"

_END_OF_CALENDAR_S = 253_402_300_800
"""The first instant of the year 10000."""


class ListingError(HortusError):
    """A host's answer to the list call is not of the shape that its row promises."""

    code = "listing_unreadable"


class Listed(msgspec.Struct, frozen=True, omit_defaults=True):
    """A model as a host lists it.

    Attributes:
        ends: Day on which the host says that it will stop serving the model.
    """

    name: str
    maker: str | None = None
    title: str | None = None
    created: date | None = None
    ends: date | None = None
    context_tokens: int | None = None
    output_tokens: int | None = None


class Listing(msgspec.Struct, frozen=True):
    """One answer; where it is only a page of more, nothing can be said about what is missing."""

    entries: tuple[Listed, ...]
    is_complete: bool


class Proposal(msgspec.Struct, frozen=True, omit_defaults=True):
    """A row that the catalog lacks.

    Attributes:
        row: `offers` where the catalog knows the model, `models` where that is new too.
        model: Catalog id, known or proposed.
        unknown: What a person must find out before relying on the row: `price`, `place`, `maker`, `licence`.
    """

    row: Literal["offers", "models"]
    host: str
    upstream_model: str
    model: str
    unknown: tuple[str, ...]
    listed: Listed
    country: str | None = None
    price: PriceRow | None = None


class Retirement(msgspec.Struct, frozen=True, omit_defaults=True):
    """A model that the catalog says the host serves, and which it does not list or will stop serving.

    Attributes:
        ends: The announced day; None: it is gone already.
    """

    host: str
    model: str
    upstream_model: str
    state: str
    ends: date | None = None
    replacement: str | None = None


class SyncReport(msgspec.Struct, frozen=True):
    """The difference between one host's list and the catalog. `known`: entries that both have."""

    host: str
    known: int
    proposals: tuple[Proposal, ...]
    retirements: tuple[Retirement, ...]
    is_complete: bool


class _OpenAiEntry(msgspec.Struct):
    id: str
    created: float | None = None
    owned_by: str | None = None
    name: str | None = None
    display_name: str | None = None
    shutdown_date: date | None = None
    context_length: int | None = None
    context_window: int | None = None
    max_model_len: int | None = None
    max_context_length: int | None = None
    max_completion_tokens: int | None = None


class _OpenAiList(msgspec.Struct):
    data: list[_OpenAiEntry]
    has_more: bool = False


class _AnthropicEntry(msgspec.Struct):
    id: str
    display_name: str | None = None
    created_at: datetime | None = None
    max_input_tokens: int | None = None
    max_tokens: int | None = None


class _AnthropicList(msgspec.Struct):
    data: list[_AnthropicEntry]
    has_more: bool = False


class _GeminiEntry(msgspec.Struct, rename="camel"):
    name: str
    display_name: str | None = None
    input_token_limit: int | None = None
    output_token_limit: int | None = None


class _GeminiList(msgspec.Struct, rename="camel"):
    models: list[_GeminiEntry]
    next_page_token: str | None = None


def read_listing(body: bytes, *, shape: ListShape) -> Listing:
    """Read the answer of a list call.

    Raises:
        ListingError: The body is not JSON of this shape.
    """
    try:
        return _READERS[shape](body)
    except (msgspec.DecodeError, RecursionError) as error:  # a ValidationError is one too
        raise ListingError(
            f"The list of models is not of the shape {shape!r}.",
            hint="Is `base_url` the address of the API itself, with its version?",
        ) from error


def _read_openai(body: bytes) -> Listing:
    answer = msgspec.json.decode(body, type=_OpenAiList | list[_OpenAiEntry])
    entries = answer if isinstance(answer, list) else answer.data
    return Listing(
        entries=tuple(_from_openai(entry) for entry in entries),
        is_complete=isinstance(answer, list) or not answer.has_more,
    )


def _from_openai(entry: _OpenAiEntry) -> Listed:
    sizes = (entry.context_length, entry.context_window, entry.max_model_len, entry.max_context_length)
    return Listed(
        name=entry.id,
        maker=entry.owned_by,
        title=entry.display_name or entry.name,
        created=_day_of(entry.created),
        ends=entry.shutdown_date,
        context_tokens=next((size for size in sizes if size), None),
        output_tokens=entry.max_completion_tokens or None,
    )


def _day_of(created_s: float | None) -> date | None:
    """Return the day of an instant; None where no calendar has it, such as milliseconds."""
    if created_s is None or not 0 < created_s < _END_OF_CALENDAR_S:
        return None
    return datetime.fromtimestamp(created_s, tz=UTC).date()


def _read_anthropic(body: bytes) -> Listing:
    answer = msgspec.json.decode(body, type=_AnthropicList)
    entries = tuple(
        Listed(
            name=entry.id,
            maker="anthropic",
            title=entry.display_name,
            created=entry.created_at.date() if entry.created_at else None,
            context_tokens=entry.max_input_tokens,
            output_tokens=entry.max_tokens,
        )
        for entry in answer.data
    )
    return Listing(entries=entries, is_complete=not answer.has_more)


def _read_gemini(body: bytes) -> Listing:
    answer = msgspec.json.decode(body, type=_GeminiList)
    entries = tuple(
        Listed(
            name=entry.name.removeprefix(GEMINI_PREFIX),
            maker="google",
            title=entry.display_name,
            context_tokens=entry.input_token_limit,
            output_tokens=entry.output_token_limit,
        )
        for entry in answer.models
    )
    return Listing(entries=entries, is_complete=not answer.next_page_token)


_READERS: dict[ListShape, Callable[[bytes], Listing]] = {
    "openai": _read_openai,
    "anthropic": _read_anthropic,
    "gemini": _read_gemini,
}


def compare(catalog: Catalog, host_id: str, *, listing: Listing, price_by_name: PriceByName, today: date) -> SyncReport:
    """Compare what the host lists with what the catalog says that it serves.

    An empty or partial list says nothing about retirements.

    Raises:
        NotInCatalogError: The catalog has no such host.
    """
    host = catalog.host(host_id)
    offers = catalog.offers(host=host.id)
    known = {name: offer for offer in offers for name in _names_of(catalog, offer)}
    fresh = [entry for entry in listing.entries if _bare(entry.name) not in known]
    is_complete = listing.is_complete and bool(listing.entries)
    return SyncReport(
        host=host.id,
        known=len(listing.entries) - len(fresh),
        proposals=tuple(_propose(catalog, host.id, entry, price=price_by_name(entry.name)) for entry in fresh),
        retirements=tuple(_retirements(catalog, offers, listing=listing, is_complete=is_complete, today=today)),
        is_complete=is_complete,
    )


def _propose(catalog: Catalog, host_id: str, entry: Listed, *, price: PriceRow | None) -> Proposal:
    model = catalog.model_named(_bare(entry.name))
    country = catalog.hosts[host_id].country
    doubts = {"price": price is None, "place": country is None, "maker": model is None, "licence": model is None}
    return Proposal(
        row="models" if model is None else "offers",
        host=host_id,
        upstream_model=entry.name,
        model=_bare(entry.name) if model is None else model.id,
        unknown=tuple(name for name, is_open in doubts.items() if is_open),
        listed=entry,
        country=country,
        price=price,
    )


def _retirements(
    catalog: Catalog, offers: Iterable[Offer], *, listing: Listing, is_complete: bool, today: date
) -> Iterable[Retirement]:
    listed = {_bare(entry.name): entry for entry in listing.entries}
    for offer in offers:
        model = catalog.models[offer.model]
        entry = next((listed[name] for name in _names_of(catalog, offer) if name in listed), None)
        is_gone = entry is None and is_complete
        is_announced = entry is not None and entry.ends is not None and entry.ends >= today
        if is_gone or is_announced:
            yield Retirement(
                host=offer.host,
                model=offer.model,
                upstream_model=offer.upstream_name,
                state=model.state,
                ends=entry.ends if entry is not None else None,
                replacement=model.replacement,
            )


def _names_of(catalog: Catalog, offer: Offer) -> tuple[str, ...]:
    model = catalog.models[offer.model]
    return tuple(_bare(name) for name in (offer.upstream_name, model.id, *model.aliases))


def _bare(name: str) -> str:
    return name.removeprefix(GEMINI_PREFIX).lower()
