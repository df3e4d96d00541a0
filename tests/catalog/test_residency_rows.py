from __future__ import annotations

from datetime import date, timedelta
from functools import cache
from urllib.parse import urlsplit

import msgspec
import pytest

from hortus.catalog.loading import load_catalog
from hortus.catalog.lookup import Catalog
from hortus.catalog.places import ISO_COUNTRIES, is_known_place
from hortus.catalog.residency import Decided, Deciding, beginning_of, decide, facts_asked
from hortus.catalog.rows import Host
from hortus.policy.facts import Gains

READ_FROM_REGION = Deciding(fact="region", read="region", values={"here": "DE", "there": "US"})
KIND = Deciding(fact="sku", values={"Standard": "region", "Global": "GLOBAL"})


@cache
def catalog() -> Catalog:
    return load_catalog()


each_host = pytest.mark.parametrize("host", load_catalog().rows.hosts, ids=lambda host: host.id)


def is_web_address(text: str) -> bool:
    return text.startswith("https://") and bool(urlsplit(text).netloc)


@each_host
def test_every_host_has_a_source_a_day_and_a_time_after_which_it_is_stale(host: Host) -> None:
    assert host.source
    assert host.as_of <= date(2026, 11, 23)
    assert host.review_days >= 1
    assert host.as_of + timedelta(days=host.review_days) > host.as_of


@each_host
def test_what_a_host_says_of_law_and_place_is_of_countries_that_exist(host: Host) -> None:
    assert set(host.laws) <= ISO_COUNTRIES
    assert host.control_plane is None or is_known_place(host.control_plane)
    assert host.laws.get(host.home or "", "yes") == "yes", "the law of its home always reaches an operator"
    assert host.subprocessors is None or is_web_address(host.subprocessors)


@each_host
def test_every_table_leads_to_a_place_in_the_end(host: Host) -> None:
    facts = {table.fact for table in host.places}
    assert len(facts) == len(host.places), "a fact has one table"
    for table in host.places:
        assert table.values
        assert table.source is None or is_web_address(table.source)
        for value in table.values.values():
            assert value in facts - {table.fact} or is_known_place(value), value
    if host.decided_by is not None:
        assert host.decided_by in facts
    if host.storage is not None:
        assert host.storage in facts or is_known_place(host.storage)


@each_host
def test_a_lever_gains_something_that_policies_know_and_names_one_place_of_a_request(host: Host) -> None:
    for lever in host.levers:
        gains = msgspec.convert(lever.gains, Gains)
        assert set(lever.gains) <= set(Gains.__struct_fields__)
        assert gains != Gains(), "it gains something"
        assert (lever.member is None) != (lever.header is None)
        assert set(lever.dialects) <= set(host.dialects)
        assert is_web_address(lever.source)


@each_host
def test_what_a_host_passes_on_is_of_makers_that_exist(host: Host) -> None:
    assert set(host.passes_on) <= set(catalog().makers)
    assert not host.leaves or host.is_program


@each_host
def test_a_host_of_the_united_states_is_within_reach_of_its_law(host: Host) -> None:
    if host.home == "US":
        assert host.laws["US"] == "yes"


def test_the_hosts_of_the_residency_facts_all_have_a_row() -> None:
    wanted = (
        *(
            "openai",
            "openai-eu",
            "anthropic",
            "claude-platform-aws",
            "azure",
            "bedrock",
            "aws-esc",
            "vertex",
            "vertex-eu",
        ),
        *("vertex-global", "google", "mistral", "mistral-eu", "mistral-us", "cohere", "ovhcloud", "scaleway", "ionos"),
        *("nebius", "stackit", "aleph-alpha", "tsystems", "xai", "deepseek", "alibaba-frankfurt", "local"),
    )
    assert set(wanted) <= set(catalog().hosts)
    assert len(wanted) == 26


def test_chinese_operators_are_within_reach_of_chinese_law() -> None:
    for host in ("deepseek", "alibaba", "alibaba-frankfurt"):
        assert catalog().host(host).laws["CN"] == "yes"


def test_a_value_leads_to_a_place_by_way_of_another_table() -> None:
    said = {"facts": {"sku": "Standard"}, "region": {"region": "here"}, "model": {}}
    assert decide((KIND, READ_FROM_REGION), "sku", said=said) == Decided("DE")


@pytest.mark.parametrize(
    ("facts", "region", "lacks"),
    [({}, "here", "sku"), ({"sku": "standard"}, "here", "sku"), ({"sku": "Standard"}, "elsewhere", "region")],
)
def test_what_is_not_said_or_not_known_is_anywhere_and_named(facts: dict[str, str], region: str, lacks: str) -> None:
    said = {"facts": facts, "region": {"region": region}, "model": {}}
    assert decide((KIND, READ_FROM_REGION), "sku", said=said) == Decided("GLOBAL", lacks)


def test_tables_that_lead_in_a_circle_decide_nothing() -> None:
    one = Deciding(fact="sku", values={"a": "scope"})
    other = Deciding(fact="scope", values={"b": "sku"})
    said = {"facts": {"sku": "a", "scope": "b"}, "region": {}, "model": {}}
    assert decide((one, other), "sku", said=said).place == "GLOBAL"


def test_an_endpoint_may_say_only_what_no_other_part_of_it_says() -> None:
    assert facts_asked(catalog().host("bedrock").places) == {}
    assert set(facts_asked(catalog().host("azure").places)) == {"sku"}
    assert facts_asked(catalog().host("tsystems").places) == {"category": ("1", "2")}


@pytest.mark.parametrize(
    ("name", "beginning"),
    [("eu.anthropic.claude", "eu."), ("gpt-oss", ""), ("arn:aws:bedrock/eu.a.b", "arn:aws:bedrock/eu."), (".a", ".")],
)
def test_a_models_name_begins_up_to_its_first_point(name: str, beginning: str) -> None:
    assert beginning_of(name) == beginning
