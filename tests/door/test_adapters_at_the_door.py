"""Adapters as routes: each answers under its own name, and no client reaches one that is not its project's."""

from __future__ import annotations

import httpx2
import pytest

from engines.tiny_model import write_tiny_adapter, write_tiny_model
from garden import Hortus, wait_for

pytestmark = pytest.mark.slow

TOML = """
[settings]
seedling = false

[[project]]
name = "default"
routes = ["base", "day"]

[[project]]
name = "lenient"
routes = ["base", "day"]
loss = "lenient"

[[project]]
name = "night-shift"
routes = ["night"]

[[deployment]]
name = "base"
source = "./base.gguf"
slots = 2
threads = 1
context_tokens = 512
adapters = [{name = "day", path = "./day.gguf"}, {name = "night", path = "./night.gguf"}]
"""


@pytest.fixture(scope="module")
def garden(start_hortus, tmp_path_factory) -> Hortus:
    folder = tmp_path_factory.mktemp("models")
    write_tiny_model(folder / "base.gguf")
    for name in ("day", "night"):
        write_tiny_adapter(folder / f"{name}.gguf", seed=name)
    hortus: Hortus = start_hortus(toml=TOML.replace("./", f"{folder}/"))
    wait_for(lambda: hortus.cli_json("deployments")[0]["state"] == "ready", within_s=60, what="the engine")
    return hortus


@pytest.fixture(scope="module")
def keys(garden: Hortus) -> dict[str, str]:
    return {project: garden.new_key(project) for project in ("default", "lenient", "night-shift")}


def _post(garden: Hortus, key: str, model: str, **more: object) -> httpx2.Response:
    body = {"messages": [{"role": "user", "content": "hello"}], "max_tokens": 24, "temperature": 0, "ignore_eos": True}
    headers = {"authorization": f"Bearer {key}"}
    return httpx2.post(f"{garden.door}/v1/chat/completions", json={"model": model, **body, **more}, headers=headers)


def _say(answer: httpx2.Response) -> str:
    assert answer.status_code == 200, answer.text
    return str(answer.json()["choices"][0]["message"]["content"])


@pytest.fixture(scope="module")
def own(garden: Hortus, keys) -> dict[str, str]:
    """What each name answers to who may ask it."""
    asked = (("default", "base"), ("default", "day"), ("night-shift", "night"))
    return {model: _say(_post(garden, keys[project], model)) for project, model in asked}


def test_each_adapter_is_a_route_with_an_answer_of_its_own(own) -> None:
    assert len(set(own.values())) == 3


def test_the_adapter_of_another_project_is_no_route_of_mine(garden: Hortus, keys) -> None:
    assert _post(garden, keys["default"], "night").status_code in {403, 404}


def test_a_client_that_names_an_adapter_itself_is_refused(garden: Hortus, keys) -> None:
    answer = _post(garden, keys["default"], "base", lora=[{"id": 1, "scale": 1}])
    assert answer.status_code == 400
    assert "lora" in answer.text


@pytest.mark.parametrize("model", ["base", "day"])
@pytest.mark.parametrize("lora", [[{"id": 1, "scale": 1}], [{"id": 0, "scale": 0}, {"id": 1, "scale": 1}], [], "all"])
def test_where_losses_are_let_pass_the_route_alone_chooses_the_adapter(garden, keys, own, model: str, lora) -> None:
    answer = _post(garden, keys["lenient"], model, lora=lora)
    assert _say(answer) == own[model]
    assert "lora" in answer.headers["hortus-losses"]


def test_a_member_that_stands_twice_reaches_no_other_adapter(garden: Hortus, keys, own) -> None:
    chosen = '[{"id": 1, "scale": 1}]'
    text = (
        f'{{"lora": {chosen}, "model": "day", "messages": [{{"role": "user", "content": "hello"}}], "max_tokens": 24, '
        f'"temperature": 0, "ignore_eos": true, "lora": null, "lo\\u0072a": {chosen}}}'
    )
    headers = {"authorization": f"Bearer {keys['lenient']}", "content-type": "application/json"}
    answer = httpx2.post(f"{garden.door}/v1/chat/completions", content=text, headers=headers)
    assert _say(answer) == own["day"]


def test_slots_and_their_caches_are_not_the_clients_to_choose(garden: Hortus, keys, own) -> None:
    answer = _post(garden, keys["default"], "base", id_slot=1, cache_prompt=False, return_progress=True)
    assert _say(answer) == own["base"]
    lost = answer.headers["hortus-losses"]
    assert all(name in lost for name in ("id_slot", "cache_prompt", "return_progress"))


def test_a_request_of_another_dialect_gets_the_adapter_of_its_route(garden: Hortus, keys, own) -> None:
    body = {"model": "day", "max_tokens": 24, "temperature": 0, "messages": [{"role": "user", "content": "hello"}]}
    headers = {"x-api-key": keys["default"], "anthropic-version": "2023-06-01"}
    answer = httpx2.post(f"{garden.door}/v1/messages", json=body, headers=headers)
    assert answer.status_code == 200, answer.text
    said = answer.json()["content"][0]["text"]
    assert own["day"].startswith(said) or said.startswith(own["day"])


def test_the_receipt_names_what_was_set(garden: Hortus, keys) -> None:
    receipt_id = _post(garden, keys["default"], "day").headers["hortus-receipt"]

    def adaptations() -> list[str]:
        found = [one for one in garden.cli_json("receipts", "--last", "50") if one["receipt_id"] == receipt_id]
        return [name for one in found for attempt in one["attempts"] for name in attempt.get("adaptations", ())]

    wait_for(lambda: "+lora" in adaptations(), what="the adaptation")


def test_deployments_show_how_long_a_start_took(garden: Hortus) -> None:
    (shown,) = garden.cli_json("deployments")
    assert shown["is_current"]
    assert shown["load_s"] >= 0
    assert shown["warm_s"] >= 0
