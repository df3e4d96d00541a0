"""How does one declared endpoint, or deployment, become one that the gateway can use, or why can it not?

Pure; a reason is the end of the sentence "it is ruled out because …".
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from hortus.canon.loss import Weight
from hortus.catalog.lookup import Catalog, PriceOf
from hortus.catalog.pricerows import PriceRow
from hortus.catalog.rows import Host, Model, Offer, Surface
from hortus.snapshot.declared import DeploymentSpec, EndpointSpec
from hortus.snapshot.facts import deployed_facts, facts_of
from hortus.snapshot.model import ENGINE_SCHEME, WORKSHOP, Endpoint, Spoken, Timeouts
from hortus.snapshot.surfaces import OPEN_HOSTS, open_gaps, speak, surfaces_of, upstream_model_of

ENGINE_DIALECT = "openai_chat"
"""What every engine speaks; its own layers for other dialects would lose things in silence, ours say so."""

ENGINE_INTERNAL = (
    "lora", "id_slot", "cache_prompt", "return_progress", "__verbose",  # llama.cpp's server, read 2026-11
    "kv_transfer_params", "vllm_xargs", "priority", "request_id", "lora_request",  # vLLM's, recalled 2026-11
)  # fmt: skip
"""Members of a request by which one client of an engine could reach what belongs to another, such as its adapter, its
slot or its turn: none of them is passed on, and what has to be set is set by whoever runs the engine."""

_ENGINE_WEIGHTS: dict[str, Weight] = {"lora": "meaning", "lora_request": "meaning"}

SEEDLING_SOURCE = "seedling"
LOCAL_HOST = "local"

UNKNOWN_MAKER = "unknown"

_WORKSHOP_DIALECTS = ("openai_files", "openai_fine_tuning")

LOCAL_PRICE = PriceRow(
    id="local",
    currency="USD",
    input_per_million=Decimal(0),
    output_per_million=Decimal(0),
    source="this installation",
    as_of="2026-11-23",
)
"""Requests to a deployment cost nothing by the token."""


def credential_of(spec: EndpointSpec, host: Host | None) -> str | None:
    """Return the reference to what authenticates the endpoint; None where nothing does."""
    if spec.credential is not None:
        return spec.credential
    return f"env:{host.credential_env}" if host is not None and host.credential_env is not None else None


def compile_endpoint(
    spec: EndpointSpec,
    *,
    catalog: Catalog,
    price_of: PriceOf,
    present: frozenset[str],
    today: date,
    country: str | None = None,
) -> Endpoint | str:
    """Return the endpoint, or the reason why there is none.

    Args:
        spec: As declared.
        catalog: What is known of models and hosts.
        price_of: What an offer costs.
        present: Credential references behind which there is a secret.
        today: A host that has closed by then is of no use.
        country: Where this installation stands, None where nobody said.
    """
    host = catalog.hosts.get(spec.host)
    if host is None:
        return f"the catalog has no host {spec.host}"
    model = catalog.models.get(spec.model) or catalog.model_named(spec.model)
    surfaces = _surfaces(spec, host, catalog=catalog, model=model, today=today)
    if isinstance(surfaces, str):
        return surfaces
    offer = _offer(spec, model, catalog)
    credential = credential_of(spec, host)
    upstream_model = upstream_model_of(spec, offer)
    spoken = speak(spec, surfaces, upstream_model=upstream_model, opens=credential is not None)
    reason = _unopened(spec, surfaces, credential, present=present) if spoken else _no_address(spec, surfaces)
    if reason is not None:
        return reason
    facts = facts_of(spec, host=host, model=model, offer=offer, surfaces=surfaces, country=country)
    return Endpoint(
        name=spec.name,
        model=model.id if model is not None else spec.model,
        maker=_maker(model),
        host=spec.host,
        upstream_model=upstream_model,
        spoken=spoken,
        operations=spec.operations,
        credential=credential,
        region=_region(spec, offer),
        country=facts.compute,
        price=_price(offer, price_of),
        timeouts=_timeouts(spec),
        output_limit=_output_limit(model),
        facts=facts,
        may_be_private=spec.private_address,
        concurrency=spec.concurrency,
        queue=spec.queue,
        queue_wait_s=spec.queue_wait_s,
    )


def _surfaces(
    spec: EndpointSpec, host: Host, *, catalog: Catalog, model: Model | None, today: date
) -> tuple[Surface, ...] | str:
    if host.closed_on is not None and host.closed_on <= today:
        return f"the host {host.id} closed on {host.closed_on.isoformat()}"
    return surfaces_of(spec, host, catalog=catalog, maker=model.maker if model is not None else None)


def _no_address(spec: EndpointSpec, surfaces: tuple[Surface, ...]) -> str:
    gaps = open_gaps(spec, surfaces) if spec.base_url is None else ()
    if gaps:
        lacking = " and ".join(f"`{gap}`" for gap in gaps)
        return f"the address of the host {spec.host} has parts that are yours alone; its `variables` lack {lacking}"
    return f"the host {spec.host} has no address of its own, and the endpoint names no base_url"


def _unopened(
    spec: EndpointSpec, surfaces: tuple[Surface, ...], credential: str | None, *, present: frozenset[str]
) -> str | None:
    """Return why there is nothing that opens the host, though it wants something."""
    if credential is None:
        is_free = spec.host in OPEN_HOSTS or all(surface.auth == "none" for surface in surfaces)
        return None if is_free else f"the host {spec.host} wants a credential, and the endpoint names none"
    return None if credential in present else f"its credential {credential} is not set"


def _maker(model: Model | None) -> str:
    return model.maker if model is not None else UNKNOWN_MAKER


def _offer(spec: EndpointSpec, model: Model | None, catalog: Catalog) -> Offer | None:
    if model is None:
        return None
    offers = catalog.offers(model=model.id, host=spec.host)
    by_name = [offer for offer in offers if spec.upstream_model in {None, offer.upstream_name}]
    by_region = [offer for offer in by_name or offers if spec.region in {None, offer.region}]
    return next(iter(by_region or by_name or offers), None)


def _region(spec: EndpointSpec, offer: Offer | None) -> str | None:
    return spec.region or (offer.region if offer is not None else None)


def _output_limit(model: Model | None) -> int | None:
    return model.output_tokens if model is not None else None


def _price(offer: Offer | None, price_of: PriceOf) -> PriceRow | None:
    return price_of(offer) if offer is not None else None


def _timeouts(spec: EndpointSpec) -> Timeouts:
    usual = Timeouts()

    def either(own: float | None, default: float) -> float:
        return default if own is None else own

    return Timeouts(
        connect_s=either(spec.connect_timeout_s, usual.connect_s),
        first_byte_s=either(spec.first_byte_timeout_s, usual.first_byte_s),
        idle_s=either(spec.idle_timeout_s, usual.idle_s),
        total_s=either(spec.total_timeout_s, usual.total_s),
    )


def compile_deployed(
    spec: DeploymentSpec, catalog: Catalog, *, country: str | None = None, name: str | None = None
) -> Endpoint:
    """Return the endpoint that a deployment is, or one of its adapters; it computes where this installation stands.

    Args:
        spec: As declared.
        catalog: What is known of models.
        country: Where this installation stands.
        name: The adapter's; the deployment's own where absent.
    """
    model = _deployed_model(spec, catalog) if name is None else None
    facts = deployed_facts(model, host=LOCAL_HOST, country=country)
    spoken = Spoken(
        dialect=ENGINE_DIALECT,
        address=f"{ENGINE_SCHEME}{spec.name}",
        wants_bytes=True,
        forbids=ENGINE_INTERNAL,
        weights=_ENGINE_WEIGHTS,
    )
    return Endpoint(
        name=name or spec.name,
        model=model.id if model is not None else name or spec.name,
        maker=_maker(model),
        host=LOCAL_HOST,
        upstream_model=name or spec.name,
        spoken=(spoken,),
        operations=("chat", "embeddings") if spec.offers_embeddings else ("chat",),
        country=facts.compute,
        price=LOCAL_PRICE,
        facts=facts,
        may_be_private=True,
    )


def compile_workshop(*, country: str | None = None) -> Endpoint:
    """Return the endpoint of the installation's own files and tuning jobs."""
    facts = deployed_facts(None, host=LOCAL_HOST, country=country)
    return Endpoint(
        name=WORKSHOP,
        model=WORKSHOP,
        maker=UNKNOWN_MAKER,
        host=LOCAL_HOST,
        upstream_model=WORKSHOP,
        spoken=tuple(Spoken(dialect, f"{ENGINE_SCHEME}{WORKSHOP}") for dialect in _WORKSHOP_DIALECTS),
        operations=("files", "fine_tuning"),
        country=facts.compute,
        price=LOCAL_PRICE,
        facts=facts,
        may_be_private=True,
    )


def _deployed_model(spec: DeploymentSpec, catalog: Catalog) -> Model | None:
    """Return the catalog's model whose weights these are; a deployment's name alone proves nothing."""
    if spec.source == SEEDLING_SOURCE:
        return catalog.models.get(SEEDLING_SOURCE)
    repository = spec.source.partition(":")[0]
    if repository.startswith(("/", ".", "~")) or repository.count("/") != 1:
        return None
    ends = f"/{repository}".lower()
    return next((model for model in catalog.rows.models if (model.weights or "").lower().endswith(ends)), None)
