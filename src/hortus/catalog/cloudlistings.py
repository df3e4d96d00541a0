"""Which models does an account at a cloud have? Reads the answers of clouds' list calls, and any other; no I/O."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final
from urllib.parse import parse_qsl, urlsplit

import msgspec

from hortus.catalog.hostlists import ListShape
from hortus.catalog.listings import MAKERS, Listed, Listing, ListingError, Reader, page, words_of


class _AzureModel(msgspec.Struct):
    name: str
    version: str | None = None
    format: str | None = None


class _AzureProperties(msgspec.Struct, rename="camel"):
    model: _AzureModel
    provisioning_state: str | None = None
    capabilities: dict[str, str] | None = None


class _AzureSku(msgspec.Struct):
    name: str


class _AzureDeployment(msgspec.Struct):
    name: str
    properties: _AzureProperties
    sku: _AzureSku | None = None


class _AzureDeployments(msgspec.Struct, rename="camel"):
    value: list[_AzureDeployment]
    next_link: str | None = None


class _AzureAccount(msgspec.Struct):
    location: str


class _Lifecycle(msgspec.Struct):
    status: str = "ACTIVE"


class _BedrockModel(msgspec.Struct, rename="camel"):
    model_id: str
    model_name: str | None = None
    provider_name: str | None = None
    output_modalities: tuple[str, ...] = ()
    inference_types_supported: tuple[str, ...] = ()
    model_lifecycle: _Lifecycle | None = None


class _BedrockModels(msgspec.Struct, rename="camel"):
    model_summaries: list[_BedrockModel]


class _ModelArn(msgspec.Struct, rename="camel"):
    model_arn: str


class _BedrockProfile(msgspec.Struct, rename="camel"):
    inference_profile_id: str
    inference_profile_name: str | None = None
    models: tuple[_ModelArn, ...] = ()
    status: str = "ACTIVE"


class _BedrockProfiles(msgspec.Struct, rename="camel"):
    inference_profile_summaries: list[_BedrockProfile]
    next_token: str | None = None


class _VertexModel(msgspec.Struct):
    name: str


class _VertexModels(msgspec.Struct, rename="camel"):
    publisher_models: list[_VertexModel] = []
    next_page_token: str | None = None


_AZURE_WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {"chatCompletion": "chat", "responses": "chat", "embeddings": "embeddings", "imageGenerations": "images"}
)
"""Capability of a deployment -> what it is here; from the clouds' tools, recalled 2026-11."""

_BEDROCK_WORDS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {"TEXT": ("chat", "invoke"), "EMBEDDING": ("invoke",), "IMAGE": ("invoke",)}
)
"""What a model puts out -> what it is here: what is not text has no Converse, and is asked by InvokeModel."""


def read_listing(body: bytes, *, shape: ListShape) -> Listing:
    """Read the answer of a list call.

    Raises:
        ListingError: The body is not JSON of this shape.
    """
    try:
        return _READERS[shape](body)
    except (msgspec.DecodeError, RecursionError, ValueError) as error:  # the last: an address that is none
        raise ListingError(
            f"The list of models is not of the shape {shape!r}.",
            hint="Is `base_url` the address of the API itself, with its version?",
        ) from error


def _read_deployments(body: bytes) -> Listing:
    answer = msgspec.json.decode(body, type=_AzureDeployments)
    following = dict(parse_qsl(urlsplit(answer.next_link or "").query)).get("$skiptoken")
    is_complete = answer.next_link is None
    return Listing(tuple(map(_deployment, answer.value)), is_complete, next_page=page("$skiptoken", following))


def _deployment(entry: _AzureDeployment) -> Listed:
    """Return a deployment; its kind decides the place.

    https://learn.microsoft.com/rest/api/aiservices/accountmanagement/deployments/list, by its published example,
    read 2026-11.
    """
    said = entry.properties
    state = said.provisioning_state or "Succeeded"
    can = tuple(name for name, value in (said.capabilities or {}).items() if value.lower() == "true")
    return Listed(
        name=entry.name,
        maker=said.model.format,
        title=" ".join(filter(None, (said.model.name, said.model.version))),
        model=said.model.name,
        operations=words_of(_AZURE_WORDS, can),
        facts={"sku": entry.sku.name} if entry.sku is not None else {},
        why_not=None if state == "Succeeded" else f"Azure says that it is {state.lower()}",
    )


def _read_account(body: bytes) -> Listing:
    location = msgspec.json.decode(body, type=_AzureAccount).location
    return Listing((), is_complete=True, region=location.replace(" ", "").lower())


def _read_bedrock_models(body: bytes) -> Listing:
    answer = msgspec.json.decode(body, type=_BedrockModels)
    return Listing(tuple(map(_foundation_model, answer.model_summaries)), is_complete=True)


def _foundation_model(entry: _BedrockModel) -> Listed:
    why_not = None
    if "ON_DEMAND" not in entry.inference_types_supported:
        why_not = "it is served through a profile or provisioned throughput only"
    elif entry.model_lifecycle is not None and entry.model_lifecycle.status != "ACTIVE":
        why_not = "the host calls it legacy"
    return Listed(
        name=entry.model_id,
        maker=entry.provider_name,
        title=entry.model_name,
        operations=_bedrock_operations(entry),
        why_not=why_not,
    )


def _bedrock_operations(entry: _BedrockModel) -> tuple[str, ...]:
    """Return what a model can be asked; what puts out speech talks in both directions at once, rerankers write no text.

    https://docs.aws.amazon.com/bedrock/latest/userguide/models-supported.html, recalled 2026-11.
    """
    if "SPEECH" in entry.output_modalities:
        return ("realtime",)
    if "rerank" in entry.model_id:
        return ("invoke",)
    return tuple(dict.fromkeys(word for kind in entry.output_modalities for word in _BEDROCK_WORDS.get(kind, ())))


def _read_bedrock_profiles(body: bytes) -> Listing:
    answer = msgspec.json.decode(body, type=_BedrockProfiles)
    entries = tuple(
        Listed(
            name=entry.inference_profile_id,
            title=entry.inference_profile_name,
            model=entry.models[0].model_arn.rpartition("/")[2] if entry.models else None,
            why_not=None if entry.status == "ACTIVE" else "the host does not call it active",
        )
        for entry in answer.inference_profile_summaries
    )
    return Listing(entries, not answer.next_token, next_page=page("nextToken", answer.next_token))


def _read_vertex(body: bytes) -> Listing:
    answer = msgspec.json.decode(body, type=_VertexModels)
    entries = tuple(
        Listed(name=one.name.rpartition("/")[2], maker=one.name.split("/")[1] if one.name.count("/") > 1 else None)
        for one in answer.publisher_models
    )
    return Listing(entries, not answer.next_page_token, next_page=page("pageToken", answer.next_page_token))


_READERS: Final[Mapping[ListShape, Reader]] = MappingProxyType(
    {
        **MAKERS,
        "azure-account": _read_account,
        "azure-deployments": _read_deployments,
        "bedrock-models": _read_bedrock_models,
        "bedrock-profiles": _read_bedrock_profiles,
        "vertex": _read_vertex,
    }
)


def merge(listings: tuple[Listing, ...]) -> Listing:
    """Return what several lists of one account say together.

    What leads to a model of another list (a profile) can do what that model can; the first that names a model wins.
    """
    entries: dict[str, Listed] = {}
    for entry in (entry for listing in listings for entry in listing.entries):
        entries.setdefault(entry.name, entry)
    whole = tuple(_as_its_model(entry, entries) for entry in entries.values())
    region = next((one.region for one in listings if one.region is not None), None)
    return Listing(whole, all(one.is_complete for one in listings), region=region)


def _as_its_model(entry: Listed, entries: Mapping[str, Listed]) -> Listed:
    model = entries.get(entry.model or "")
    if model is None or entry.operations:
        return entry
    return msgspec.structs.replace(entry, operations=model.operations, maker=entry.maker or model.maker)
