"""The call for a host's list: address, headers, and when there is none."""

from __future__ import annotations

from functools import cache

import pytest
from msgspec import structs

from hortus.catalog.listcall import ListCall, list_call
from hortus.catalog.loading import load_catalog
from hortus.catalog.lookup import Catalog


@cache
def catalog() -> Catalog:
    return load_catalog()


def call(host: str, *, credential: str | None = "made-up", base_url: str | None = None) -> ListCall | None:
    return list_call(catalog().host(host), credential=credential, base_url=base_url)


def test_most_hosts_are_asked_as_openai_is() -> None:
    assert call("groq") == ListCall(
        url="https://api.groq.com/openai/v1/models", headers=(("authorization", "Bearer made-up"),), shape="openai"
    )


def test_anthropic_is_asked_in_its_own_way() -> None:
    assert call("anthropic") == ListCall(
        url="https://api.anthropic.com/v1/models?limit=1000",
        headers=(("x-api-key", "made-up"), ("anthropic-version", "2023-06-01")),
        shape="anthropic",
    )


def test_google_is_asked_at_its_own_surface() -> None:
    found = call("google")
    assert found is not None
    assert found.url == "https://generativelanguage.googleapis.com/v1beta/models?pageSize=1000"
    assert found.headers == (("x-goog-api-key", "made-up"),)


def test_a_host_on_this_machine_needs_no_credential() -> None:
    found = call("ollama", credential=None)
    assert found is not None
    assert (found.url, found.headers) == ("http://localhost:11434/v1/models", ())


def test_the_operator_s_address_goes_before_the_row_s() -> None:
    found = call("vllm", credential=None, base_url="http://gpu.internal:8000/v1/")
    assert found is not None
    assert found.url == "http://gpu.internal:8000/v1/models"


@pytest.mark.parametrize("host", ["local", "vertex", "bedrock", "azure", "meta-llama-api", "openai-compatible"])
def test_there_is_no_call_without_a_known_path_and_address(host: str) -> None:
    assert call(host) is None


@pytest.mark.parametrize("host", ["mistral", "anthropic"])
def test_there_is_no_call_without_the_credential_that_is_needed(host: str) -> None:
    assert call(host, credential=None) is None


def test_there_is_no_call_where_requests_must_be_signed() -> None:
    host = structs.replace(catalog().host("mistral"), list_auth="sigv4")
    assert list_call(host, credential="made-up") is None


def test_an_address_with_a_gap_is_not_called() -> None:
    host = structs.replace(catalog().host("bedrock"), list_path="models")
    assert list_call(host, credential="made-up") is None
