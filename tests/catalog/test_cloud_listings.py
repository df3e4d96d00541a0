"""What clouds answer to their list calls is read: names, places, what each model can do, and why not."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from hortus.catalog.cloudlistings import merge, read_listing
from hortus.catalog.gaps import fill_gaps, gaps_in
from hortus.catalog.hostlists import ListShape
from hortus.catalog.listcall import account_calls, list_gaps
from hortus.catalog.listings import Listed, Listing, ListingError
from hortus.catalog.loading import load_catalog

CATALOG = load_catalog()
SHAPES: tuple[ListShape, ...] = (
    *("openai", "gemini", "anthropic", "mistral", "cohere"),
    *("azure-account", "azure-deployments", "bedrock-models", "bedrock-profiles", "vertex"),
)


def read(content: Any, shape: ListShape) -> Listing:
    return read_listing(msgspec.json.encode(content), shape=shape)


def foundation(**members: Any) -> Listed:
    usual = {"modelId": "x.y", "outputModalities": ["TEXT"], "inferenceTypesSupported": ["ON_DEMAND"]}
    return read({"modelSummaries": [{**usual, **members}]}, "bedrock-models").entries[0]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("body", [b"", b"[]x", b'"text"', b"<html>", b"[" * 5000])
def test_what_is_no_list_is_an_error_of_its_own(shape: ListShape, body: bytes) -> None:
    with pytest.raises(ListingError) as caught:
        read_listing(body, shape=shape)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("capabilities", "operations"),
    [
        ({"completion_chat": True, "completion_fim": True, "vision": True}, ("chat", "fim")),
        ({"ocr": True, "completion_chat": False}, ("ocr",)),
        ({"moderation": True}, ("moderations",)),
        ({"audio_transcription": True, "audio_speech": None}, ("transcriptions",)),
        ({}, ()),
    ],
)
def test_mistral_s_capabilities_are_operations(capabilities: dict[str, Any], operations: tuple[str, ...]) -> None:
    entry = read({"data": [{"id": "m", "capabilities": capabilities}]}, "mistral").entries[0]
    assert entry.operations == operations


def test_cohere_s_list_has_pages_and_says_what_is_deprecated() -> None:
    models = [{"name": "a", "endpoints": ["rerank", "rate"]}, {"name": "b", "endpoints": None, "is_deprecated": True}]
    found = read({"models": models, "next_page_token": "t 2"}, "cohere")
    assert (found.next_page, found.is_complete) == (("page_token", "t 2"), False)
    assert found.entries[0].operations == ("rerank",)
    assert found.entries[1].why_not == "the host has deprecated it"


@pytest.mark.parametrize(
    ("members", "operations", "is_usable"),
    [
        ({}, ("chat", "invoke"), True),
        ({"outputModalities": ["EMBEDDING"]}, ("invoke",), True),
        ({"outputModalities": ["TEXT", "SPEECH"]}, ("realtime",), True),
        ({"modelId": "cohere.rerank-v3-5:0"}, ("invoke",), True),
        ({"inferenceTypesSupported": ["PROVISIONED"]}, ("chat", "invoke"), False),
        ({"modelLifecycle": {"status": "LEGACY"}}, ("chat", "invoke"), False),
        ({"outputModalities": ["SMELL"]}, (), True),
    ],
)
def test_bedrock_s_models_say_what_they_put_out_and_how_they_are_served(
    members: dict[str, Any], operations: tuple[str, ...], *, is_usable: bool
) -> None:
    entry = foundation(**members)
    assert (entry.operations, entry.why_not is None) == (operations, is_usable)


def test_a_profile_can_do_what_its_model_can() -> None:
    arn = "arn:aws:bedrock:eu-west-1::foundation-model/x.y"
    profiles = read(
        {"inferenceProfileSummaries": [{"inferenceProfileId": "eu.x.y", "models": [{"modelArn": arn}]}]},
        "bedrock-profiles",
    )
    models = Listing((foundation(inferenceTypesSupported=["INFERENCE_PROFILE"], providerName="X"),), is_complete=True)
    found = {entry.name: entry for entry in merge((models, profiles)).entries}
    assert (found["eu.x.y"].model, found["eu.x.y"].operations) == ("x.y", ("chat", "invoke"))
    assert found["eu.x.y"].why_not is None


def test_a_deployment_says_kind_model_and_state() -> None:
    said = {"model": {"format": "OpenAI", "name": "gpt-4o", "version": "2024-11-20"}}
    listed = {"name": "ours", "properties": said, "sku": {"name": "DataZoneStandard"}}
    found = read({"value": [listed]}, "azure-deployments")
    entry = found.entries[0]
    assert (entry.name, entry.model, entry.facts) == ("ours", "gpt-4o", {"sku": "DataZoneStandard"})
    assert (entry.operations, entry.why_not, found.is_complete) == ((), None, True)


def test_of_a_next_link_only_the_token_is_kept() -> None:
    found = read(
        {"value": [], "nextLink": "https://evil.example/x?api-version=1&%24skiptoken=abc"}, "azure-deployments"
    )
    assert (found.next_page, found.is_complete) == (("$skiptoken", "abc"), False)


def test_an_account_s_region_is_written_as_rows_have_it() -> None:
    assert read({"location": "Sweden Central"}, "azure-account").region == "swedencentral"


def test_publishers_are_makers_and_names_are_bare() -> None:
    listed = [{"name": "publishers/google/models/gemini-x"}]
    assert read({"publisherModels": listed}, "vertex").entries == (Listed("gemini-x", maker="google"),)


def test_parts_of_an_address_stay_open_unless_all_are_known() -> None:
    assert gaps_in("https://{a}/{b}/{a}") == ("a", "b", "a")
    assert fill_gaps("https://{a}/{b}", {"a": "1"}) is None
    assert fill_gaps("https://{a}/{b}", {"a": "1", "b": "2"}) == "https://1/2"


def test_lists_that_only_entra_id_opens_are_not_asked_by_a_key() -> None:
    known = {"resource": "r", "subscription": "s", "resource_group": "g"}
    azure = CATALOG.host("azure")
    assert account_calls(azure, auth="api-key", known=known) == ()
    calls = account_calls(azure, auth="entra", known=known)
    assert {call.audience for call in calls} == {"https://management.azure.com"}
    assert list_gaps(azure) == {"subscription", "resource_group"}


def test_a_national_cloud_s_lists_are_elsewhere_by_the_same_path() -> None:
    calls = account_calls(
        CATALOG.host("bedrock"), auth="sigv4", known={"region": "r"}, list_url="https://lists.example:8443"
    )
    assert calls[0].url == "https://lists.example:8443/foundation-models"
