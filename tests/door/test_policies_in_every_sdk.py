"""Policies as clients and admins meet them: refused before a byte leaves, in every SDK's own words, and provable."""

from __future__ import annotations

from typing import Any

import anthropic
import httpx2
import msgspec
import openai
import pytest
from google import genai
from google.genai import errors as google_errors

from garden import Hortus, wait_for
from hortus.testkit.replay_host import ReplayHost

pytestmark = pytest.mark.slow

POLICIES = """
[[policy]]
name = "near"
description = "Computed in the EU, by operators from there."
compute_in = ["EU"]
operators_from = ["EU"]

[[policy]]
name = "small"
largest_request_kib = 1
tools = ["function"]

[[project]]
name = "free"
routes = ["*"]
shadow_policy = "near"

[[project]]
name = "careful"
routes = ["*"]
policy = "near"

[[project]]
name = "bounded"
routes = ["*"]
policy = "small"

[[project]]
name = "at-home"
routes = ["*"]
policy = "own-machines-only"
"""

TERMS = {
    "far": 'compute = "US", home = "US"',
    "near": 'compute = "DE", home = "FR", retention_days = 0, trains = false',
    "somewhere": "retention_days = 0",
}
ROUTES = {"mixed": ("far", "somewhere", "near"), "far": ("far",), "far-or-unknown": ("far", "somewhere")}


def _toml(base_url: str) -> str:
    text = "[settings]\nseedling = false\nworkers = 2\n" + POLICIES
    for name, terms in TERMS.items():
        text += (
            f'[[endpoint]]\nname = "{name}"\nmodel = "{name}"\nupstream_model = "fake"\nhost = "openai-compatible"\n'
            f'base_url = "{base_url}"\ncredential = "env:KEY_OF_{name.upper()}"\nprivate_address = true\n'
            f'terms = {{ source = "contract 7", as_of = 2026-11-01, {terms} }}\n'
        )
    for name, endpoints in ROUTES.items():
        text += f'[[route]]\nname = "{name}"\nendpoints = {msgspec.json.encode(endpoints).decode()}\n'
    return text


@pytest.fixture(scope="module")
def hortus(start_hortus: Any, replay_host: ReplayHost) -> Hortus:
    environment = {f"KEY_OF_{name.upper()}": f"sk-of-{name}" for name in TERMS}
    return start_hortus(toml=_toml(replay_host.base_url), environment=environment)


@pytest.fixture(scope="module")
def keys(hortus: Hortus) -> dict[str, str]:
    return {name: hortus.new_key(name) for name in ("free", "careful", "bounded", "at-home")}


def _ask(hortus: Hortus, key: str, *, model: str, **more: Any) -> Any:
    body = {"model": model, "messages": [{"role": "user", "content": "hi"}]} | more
    return httpx2.post(
        f"{hortus.door}/v1/chat/completions", json=body, headers={"authorization": f"Bearer {key}"}, timeout=30
    )


def _receipt(hortus: Hortus, name: str) -> Any:
    def find() -> str | None:
        done = hortus.cli("receipts", name, "--json", check=False)
        return done.stdout if done.returncode == 0 else None

    return msgspec.json.decode(wait_for(find, what="the receipt"))


def _reached(replay_host: ReplayHost, since: int) -> set[str]:
    """Return the endpoints whose credential the host has seen since."""
    keys = {one.headers.get("authorization", "") for one in replay_host.seen[since:]}
    return {name for name in TERMS if any(f"sk-of-{name}" in key for key in keys)}


def test_a_request_goes_to_the_endpoint_that_the_policy_lets_it_go_to(
    hortus: Hortus, keys: dict[str, str], replay_host: ReplayHost
) -> None:
    since = len(replay_host.seen)
    answer = _ask(hortus, keys["careful"], model="mixed")
    assert answer.status_code == 200, answer.text
    assert _reached(replay_host, since) == {"near"}
    receipt = _receipt(hortus, answer.headers["hortus-receipt"])
    assert receipt["policy"].startswith("near~")
    assert {"far:compute_in", "far:operators_from", "somewhere:compute_in"} <= set(receipt["rulings"])


def test_every_sdk_raises_its_own_class_and_names_endpoints_and_rules(
    hortus: Hortus, keys: dict[str, str], replay_host: ReplayHost
) -> None:
    since, key = len(replay_host.seen), keys["careful"]
    asked = {"model": "far-or-unknown", "messages": [{"role": "user", "content": "hi"}]}
    said: list[str] = []
    with openai.OpenAI(base_url=f"{hortus.door}/v1", api_key=key, max_retries=0) as client:
        with pytest.raises(openai.PermissionDeniedError) as of_chat:
            client.chat.completions.create(**asked)
        with pytest.raises(openai.PermissionDeniedError) as of_responses:
            client.responses.create(model="far-or-unknown", input="hi")
    said += [str(of_chat.value), str(of_responses.value)]
    with (
        anthropic.Anthropic(base_url=f"{hortus.door}/anthropic", api_key=key, max_retries=0) as client,
        pytest.raises(anthropic.PermissionDeniedError) as of_messages,
    ):
        client.messages.create(**asked, max_tokens=5)
    said.append(str(of_messages.value))
    with (
        genai.Client(api_key=key, http_options={"base_url": f"{hortus.door}/gemini"}) as client,
        pytest.raises(google_errors.ClientError, match="403") as of_gemini,
    ):
        client.models.generate_content(model="far-or-unknown", contents="hi")
    said.append(str(of_gemini.value))
    for words in said:
        assert all(one in words for one in ("far: ", "somewhere: ", "compute_in", "operators_from")), words
    assert _reached(replay_host, since) == set()


def test_rules_over_the_request_itself_refuse_it_before_it_leaves(
    hortus: Hortus, keys: dict[str, str], replay_host: ReplayHost
) -> None:
    since, key = len(replay_host.seen), keys["bounded"]
    long = _ask(hortus, key, model="mixed", messages=[{"role": "user", "content": "x" * 2000}])
    searching = _ask(hortus, key, model="mixed", web_search_options={})
    for answer, rule in ((long, "largest_request_kib"), (searching, "tools")):
        assert answer.status_code == 403, answer.text
        assert rule in answer.json()["error"]["message"]
        assert _receipt(hortus, answer.headers["hortus-receipt"])["rulings"] == [f"*:{rule}"]
    assert _reached(replay_host, since) == set()


def test_a_shadow_policy_is_only_written_down(hortus: Hortus, keys: dict[str, str]) -> None:
    answer = _ask(hortus, keys["free"], model="mixed")
    assert answer.status_code == 200
    receipt = _receipt(hortus, answer.headers["hortus-receipt"])
    assert receipt["endpoint"] == "far"
    assert "near:far:compute_in" in receipt["shadow"]


def test_own_machines_only_lets_nothing_out(hortus: Hortus, keys: dict[str, str], replay_host: ReplayHost) -> None:
    since = len(replay_host.seen)
    assert [_ask(hortus, keys["at-home"], model=name).status_code for name in ROUTES] == [403, 403, 403]
    assert _reached(replay_host, since) == set()


def test_explain_says_what_the_gateway_does(hortus: Hortus, keys: dict[str, str], replay_host: ReplayHost) -> None:
    for project, key in keys.items():
        for route in ROUTES:
            since = len(replay_host.seen)
            answer = _ask(hortus, key, model=route)
            explained = hortus.cli_json("policy", "explain", "--project", project, "--route", route)
            allowed = {one["endpoint"] for one in explained["endpoints"] if one["is_allowed"]}
            assert (answer.status_code == 200) == bool(allowed), (project, route, explained)
            assert _reached(replay_host, since) <= allowed
