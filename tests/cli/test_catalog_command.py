from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from commandline import run


def found(at: Path, *arguments: str) -> list[dict]:
    return run("catalog", *arguments, "--json", at=at).json


def test_words_alone_search(tmp_path: Path) -> None:
    models = found(tmp_path, "mistral", "large")
    assert models
    assert all("mistral" in f"{model['id']} {model['maker_name']}".lower() for model in models)


def test_the_table_fits_80_columns_and_keeps_ids_whole(tmp_path: Path) -> None:
    ran = run("catalog", "llama", "--open", at=tmp_path)
    assert max(map(len, ran.out.splitlines())) <= 80
    assert "llama-2-70b-chat " in ran.out
    assert "Meta (US)" in ran.out


def test_filters_hold_together(tmp_path: Path) -> None:
    models = found(tmp_path, "--in", "eu", "--max-price", "1", "--open", "--state", "current")
    assert models
    assert all(model["open_weights"] and model["state"] == "current" for model in models)
    prices = [Decimal(offer["price"]["output_per_million"]) for model in models for offer in model["offers"]]
    assert max(prices) <= 1
    assert all(offer["country"] for model in models for offer in model["offers"])


def test_a_host_narrows_to_what_it_offers(tmp_path: Path) -> None:
    models = found(tmp_path, "--host", "mistral")
    assert models
    assert {offer["host"] for model in models for offer in model["offers"]} == {"mistral"}


def test_nothing_found_is_said_and_is_no_failure(tmp_path: Path) -> None:
    ran = run("catalog", "no-such-model-at-all", at=tmp_path)
    assert ran.code == 0
    assert ran.out == ""
    assert "Nothing in the catalog" in ran.err


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--maker", "nobody"), "no maker 'nobody'"),
        (("--host", "nobody"), "no host 'nobody'"),
        (("--state", "old"), "old"),
        (("--feature", "magic"), "magic"),
        (("--max-price", "cheap"), "--max-price"),
        (("--max-price", "NaN"), "--max-price"),
    ],
)
def test_a_filter_that_cannot_be_is_refused(tmp_path: Path, arguments: tuple[str, ...], expected: str) -> None:
    ran = run("catalog", *arguments, at=tmp_path)
    assert ran.code == 1
    assert expected in ran.err


def test_show_tells_all_about_one_model_by_any_of_its_names(tmp_path: Path) -> None:
    by_id = run("catalog", "show", "mistral-large-2512", at=tmp_path)
    assert by_id.code == 0
    assert "source" in by_id.out
    alias = run("catalog", "show", "mistral-large-2512", "--json", at=tmp_path).json["aliases"][0]
    assert run("catalog", "show", alias, at=tmp_path).out == by_id.out


def test_show_of_an_unknown_model_is_refused(tmp_path: Path) -> None:
    assert "no model 'nope'" in run("catalog", "show", "nope", at=tmp_path).err


def test_hosts_say_which_variable_lights_each_and_which_is_lit(tmp_path: Path) -> None:
    hosts = {host["id"]: host for host in run("catalog", "hosts", "--json", at=tmp_path).json}
    variable = hosts["mistral"]["credential_env"]
    assert not hosts["mistral"]["is_lit"]
    lit = run("catalog", "hosts", "--json", at=tmp_path, environment={variable: "secret-value"})
    assert next(host for host in lit.json if host["id"] == "mistral")["is_lit"]
    assert "secret-value" not in lit.out + lit.err


def test_an_empty_variable_lights_nothing(tmp_path: Path) -> None:
    hosts = run("catalog", "hosts", "--json", at=tmp_path, environment={"MISTRAL_API_KEY": ""}).json
    assert not any(host["is_lit"] for host in hosts)


def test_hosts_are_listed_with_place_retention_and_law_apart(tmp_path: Path) -> None:
    ran = run("catalog", "hosts", at=tmp_path)
    line = next(line for line in ran.out.splitlines() if line.startswith("scaleway"))
    assert line.split()[1:4] == ["FR", "nothing", "FR"]
    assert "by inference_geo" in ran.out


def test_a_host_tells_what_decides_its_place_and_who_says_so(tmp_path: Path) -> None:
    ran = run("catalog", "host", "azure", at=tmp_path)
    assert ran.code == 0
    for words in (
        "by sku",
        "DataZoneStandard → zone",
        "by geography, 30 d",
        "store=false",
        "AZURE_OPENAI_API_KEY",
        "reported",
    ):
        assert words in " ".join(ran.out.split()), words


def test_a_host_as_json_says_whether_its_facts_are_stale(tmp_path: Path) -> None:
    host = run("catalog", "host", "local", "--json", at=tmp_path).json
    assert (host["id"], host["is_stale"]) == ("local", False)


def test_an_unknown_host_is_refused(tmp_path: Path) -> None:
    assert "no host 'nope'" in run("catalog", "host", "nope", at=tmp_path).err
