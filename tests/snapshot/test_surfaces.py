"""Which dialects an endpoint speaks, at which addresses: from the host's row and what the admin says."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import pytest

from hortus.catalog.loading import load_catalog
from hortus.catalog.rows import Host
from hortus.snapshot.declared import EndpointSpec
from hortus.snapshot.model import Spoken
from hortus.snapshot.surfaces import is_elsewhere, open_gaps, speak, surfaces_of

CATALOG = load_catalog()


def spec(host: str, **more: object) -> EndpointSpec:
    return EndpointSpec(name="e", model="m", host=host, **more)


def spoken(
    one: EndpointSpec, *, maker: str | None = None, opens: bool = True, host: Host | None = None
) -> dict[str, Spoken]:
    surfaces = surfaces_of(one, host or CATALOG.host(one.host), catalog=CATALOG, maker=maker)
    assert not isinstance(surfaces, str), surfaces
    return {found.dialect: found for found in speak(one, surfaces, upstream_model="upstream", opens=opens)}


def addresses(one: EndpointSpec, *, maker: str | None = None) -> Mapping[str, str]:
    return {dialect: found.address for dialect, found in spoken(one, maker=maker).items()}


def test_an_endpoint_speaks_all_that_its_host_does_in_the_row_s_order() -> None:
    assert addresses(spec("deepseek")) == {
        "openai_chat": "https://api.deepseek.com",
        "anthropic_messages": "https://api.deepseek.com/anthropic/v1",
        "openai_responses": "https://api.deepseek.com",
    }
    assert list(spoken(spec("xai"))) == ["openai_responses", "openai_chat"]


def test_a_dialect_that_this_release_does_not_have_is_left_out() -> None:
    assert "ollama_chat" not in spoken(spec("ollama"))


def test_the_admin_chooses_dialects_and_their_order() -> None:
    chosen = spec("openrouter", dialects=("anthropic_messages", "openai_chat"))
    assert list(spoken(chosen)) == ["anthropic_messages", "openai_chat"]


def test_everything_that_a_row_says_of_a_dialect_is_there() -> None:
    found = spoken(spec("vertex", region="europe-west4", variables={"project": "p"}), maker="anthropic")
    assert list(found) == ["anthropic_messages"]
    claude = found["anthropic_messages"]
    assert claude.address == "https://europe-west4-aiplatform.googleapis.com/v1/projects/p/locations/europe-west4"
    assert claude.auth == "google-oauth"
    assert claude.demands == {"anthropic_version": msgspec.Raw(b'"vertex-2023-10-16"')}
    assert claude.paths["chat"] == "/publishers/anthropic/models/{model}:rawPredict"
    assert claude.paths["chat_stream"].endswith("{model}:streamRawPredict")
    assert "{model}" not in claude.paths["count_tokens"]


def test_a_host_may_call_a_model_otherwise_in_one_dialect() -> None:
    found = spoken(spec("vertex-eu", variables={"project": "p"}), maker="google")
    assert (found["openai_chat"].model, found["gemini"].model) == ("google/upstream", None)
    assert found["openai_chat"].address.endswith("/projects/p/locations/eu/endpoints/openapi")


def test_a_model_of_an_unknown_maker_needs_its_dialect_named_where_makers_decide() -> None:
    named = spec("vertex-eu", variables={"project": "p"}, dialects=("gemini",))
    assert list(spoken(named)) == ["gemini"]
    assert "names no dialects" in surfaces_of(spec("vertex-eu"), CATALOG.host("vertex-eu"), catalog=CATALOG, maker=None)


def test_one_address_moves_every_surface_at_or_below_the_first_one_s() -> None:
    assert addresses(spec("google", base_url="https://proxy.example/g/")) == {
        "gemini": "https://proxy.example/g",
        "openai_chat": "https://proxy.example/g/openai",
    }
    assert set(addresses(spec("ollama", base_url="http://gpu.internal:11434/v1")).values()) == {
        "http://gpu.internal:11434/v1"
    }


def test_a_surface_that_lies_elsewhere_is_not_guessed_from_one_address() -> None:
    host = msgspec.structs.replace(CATALOG.host("deepseek"), surfaces=CATALOG.host("deepseek").surfaces[1::-1])
    moved = spec("deepseek", base_url="https://proxy.example/v1")
    assert list(spoken(moved, host=host)) == ["anthropic_messages"]


def test_addresses_by_dialect_leave_the_others_where_they_are() -> None:
    assert addresses(spec("groq", base_url={"openai_chat": "https://proxy.example/v1/"})) == {
        "openai_chat": "https://proxy.example/v1",
        "openai_responses": "https://api.groq.com/openai/v1",
        "openai_audio": "https://api.groq.com/openai/v1",
    }


def test_a_dialect_that_the_row_lacks_is_spoken_where_the_admin_gives_its_address() -> None:
    found = spoken(spec("mistral", base_url={"anthropic_messages": "https://bridge.example/v1"}))
    assert list(found) == ["mistral", "openai_chat", "anthropic_messages"]
    assert found["anthropic_messages"].auth == "x-api-key"
    assert found["anthropic_messages"].headers == {"anthropic-version": "2023-06-01"}


def test_any_host_speaks_what_the_admin_says() -> None:
    both = {"anthropic_messages": "https://a.example/v1", "gemini": "https://g.example/v1beta"}
    found = spoken(spec("any", base_url=both))
    assert [(one.dialect, one.address, one.auth) for one in found.values()] == [
        ("anthropic_messages", "https://a.example/v1", "x-api-key"),
        ("gemini", "https://g.example/v1beta", "x-goog-api-key"),
    ]
    one = spec("any", base_url="https://a.example/v1", dialects=("anthropic_messages", "openai_chat"))
    assert set(addresses(one).values()) == {"https://a.example/v1"}


def test_an_openai_compatible_host_speaks_chat_completions_unless_it_is_said_otherwise() -> None:
    assert list(spoken(spec("openai-compatible", base_url="http://x/v1"))) == ["openai_chat"]
    assert list(spoken(spec("openai-compatible", base_url={"openai_responses": "http://x/v1"}))) == ["openai_responses"]


def test_a_server_of_one_s_own_gets_a_key_only_where_there_is_one() -> None:
    assert spoken(spec("vllm"), opens=False)["anthropic_messages"].auth == "none"
    assert spoken(spec("vllm"), opens=True)["anthropic_messages"].auth == "bearer"


@pytest.mark.parametrize(
    ("host", "more", "gaps"),
    [
        ("vertex", {}, ("project", "region")),
        ("vertex", {"region": "europe-west4"}, ("project",)),
        ("vertex-eu", {"variables": {"project": "p"}}, ()),
        ("azure", {}, ("resource",)),
        ("mistral", {}, ()),
    ],
)
def test_what_only_the_operator_knows_is_named(host: str, more: dict[str, object], gaps: tuple[str, ...]) -> None:
    assert open_gaps(spec(host, **more), CATALOG.host(host).surfaces) == gaps


def test_another_address_is_elsewhere_even_where_the_row_s_has_gaps() -> None:
    surfaces = CATALOG.host("vertex-eu").surfaces
    assert is_elsewhere(spec("vertex-eu", base_url="https://us.example"), surfaces)
    assert is_elsewhere(spec("vertex-eu", base_url={"gemini": "https://us.example"}), surfaces)
    assert not is_elsewhere(spec("vertex-eu", variables={"project": "p"}), surfaces)
    assert not is_elsewhere(
        spec("openai-eu", base_url="https://eu.api.openai.com/v1/"), CATALOG.host("openai-eu").surfaces
    )


def test_an_endpoint_may_weigh_a_loss_in_its_own_way() -> None:
    found = spoken(spec("openrouter", weights={"service_tier": "meaning"}))
    assert all(one.weights["service_tier"] == "meaning" for one in found.values())
    assert found["openai_chat"].weights["provider"] == "meaning", "what the row says stays"


AZURE = {"host": "azure", "variables": {"resource": "our-own"}}


def test_a_style_has_addresses_and_paths_of_its_own() -> None:
    found = spoken(spec(**AZURE, style="deployments"))
    assert {one.address for one in found.values()} == {"https://our-own.openai.azure.com/openai"}
    assert found["openai_chat"].paths["chat"].startswith("/deployments/{model}/chat/completions?api-version=")
    assert found["openai_responses"].paths["chat"].startswith("/responses?api-version=")


def test_foundry_s_models_are_a_style_that_lets_every_member_pass() -> None:
    found = spoken(spec(**AZURE, style="models"))["openai_chat"]
    assert found.address == "https://our-own.services.ai.azure.com/models"
    assert found.headers == {"extra-parameters": "pass-through"}


def test_a_foundry_resource_has_another_name_for_the_same() -> None:
    assert set(addresses(spec(**AZURE, style="foundry")).values()) == {
        "https://our-own.services.ai.azure.com/openai/v1"
    }


def test_without_a_style_the_row_s_own_surfaces_hold() -> None:
    found = spoken(spec(**AZURE))
    assert {(one.address, one.auth) for one in found.values()} == {
        ("https://our-own.openai.azure.com/openai/v1", "api-key")
    }


def test_an_endpoint_may_choose_how_its_credential_is_sent() -> None:
    found = spoken(spec(**AZURE, auth="entra"))
    assert {one.auth for one in found.values()} == {"entra"}
    assert {one.auth for one in spoken(spec(**AZURE, auth="entra", style="models")).values()} == {"entra"}


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"style": "other"}, "the host azure has no style `other` (it has deployments, foundry, models)"),
        ({"auth": "sigv4"}, "the host azure takes no credential by `sigv4` (it takes api-key, bearer, entra)"),
    ],
)
def test_what_the_host_s_row_does_not_have_is_named(more: dict[str, str], reason: str) -> None:
    assert surfaces_of(spec(**AZURE, **more), CATALOG.host("azure"), catalog=CATALOG, maker=None) == reason


def test_a_host_without_styles_says_so() -> None:
    found = surfaces_of(spec("deepseek", style="x"), CATALOG.host("deepseek"), catalog=CATALOG, maker=None)
    assert found == "the host deepseek has no style `x` (it has none)"
