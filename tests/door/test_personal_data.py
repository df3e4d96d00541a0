"""Personal data through a whole Hortus: hidden from hosts in every dialect, given back to clients, written nowhere."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import anthropic
import httpx2
import openai
import pytest
from google import genai

from garden import Hortus, wait_for
from hortus.testkit.replay_host import ReplayHost

pytestmark = pytest.mark.slow

IBAN, EMAIL, PESEL = "DE89 3704 0044 0532 0130 00", "anna.kowalska@town.example", "44051401359"
SAID = f"Please pay to {IBAN}, write to {EMAIL}, and note PESEL {PESEL}."
VALUES = (IBAN, EMAIL, PESEL, IBAN.replace(" ", ""), "kowalska")
DIALECTS = ("openai_chat", "openai_responses", "anthropic_messages", "gemini", "mistral", "cohere_v2")


def _toml(host: ReplayHost) -> str:
    text = "[settings]\nseedling = false\nworkers = 2\n"
    text += '[[policy]]\nname = "hides"\npersonal_data = "pseudonymise"\nsecrets = "refuse"\n'
    text += '[[policy]]\nname = "refuses"\npersonal_data = "refuse"\n'
    for policy in ("hides", "refuses"):
        text += f'[[project]]\nname = "{policy}"\nroutes = ["*"]\npolicy = "{policy}"\n'
    for dialect in DIALECTS:
        text += (
            f'[[endpoint]]\nname = "{dialect}"\nmodel = "{dialect}"\nupstream_model = "fake:scene=echo"\nhost = "any"\n'
            f'dialects = ["{dialect}"]\nbase_url = {{ {dialect} = "{host.base_of(dialect)}" }}\n'
            f'credential = "env:REPLAY_KEY"\nprivate_address = true\n'
            f'[[route]]\nname = "{dialect}"\nendpoints = ["{dialect}"]\n'
        )
    return text


@pytest.fixture(scope="module")
def hortus(start_hortus: Any, replay_host: ReplayHost) -> Hortus:
    return start_hortus(toml=_toml(replay_host), environment={"REPLAY_KEY": "sk-replay"})


@pytest.fixture(scope="module")
def key(hortus: Hortus) -> str:
    return hortus.new_key("hides")


def _said_by_chat(client: openai.OpenAI, route: str) -> str:
    answer = client.chat.completions.create(model=route, messages=[{"role": "user", "content": SAID}])
    return answer.choices[0].message.content or ""


def _streamed_by_chat(client: openai.OpenAI, route: str) -> str:
    stream = client.chat.completions.create(model=route, messages=[{"role": "user", "content": SAID}], stream=True)
    return "".join(one.choices[0].delta.content or "" for one in stream if one.choices)


def _streamed_by_responses(client: openai.OpenAI, route: str) -> str:
    stream = client.responses.create(model=route, input=SAID, stream=True)
    return "".join(one.delta for one in stream if one.type == "response.output_text.delta")


def _nothing_left_at(host: ReplayHost, since: int) -> None:
    bodies = [one.body.decode() + str(one.headers) + one.path for one in host.seen[since:]]
    assert bodies
    assert [value for body in bodies for value in VALUES if value in body] == []
    assert all("IBAN_" in body and "EMAIL_" in body for body in bodies)


@pytest.mark.parametrize("route", DIALECTS)
def test_openais_sdk_gets_its_words_back_from_hosts_of_every_dialect(
    hortus: Hortus, key: str, replay_host: ReplayHost, route: str
) -> None:
    since = len(replay_host.seen)
    with openai.OpenAI(base_url=f"{hortus.door}/v1", api_key=key, max_retries=0) as client:
        assert _said_by_chat(client, route) == SAID
        assert _streamed_by_chat(client, route) == SAID
        assert client.responses.create(model=route, input=SAID).output_text == SAID
        assert _streamed_by_responses(client, route) == SAID
    _nothing_left_at(replay_host, since)


@pytest.mark.parametrize("route", DIALECTS)
def test_anthropics_and_googles_sdks_get_their_words_back(
    hortus: Hortus, key: str, replay_host: ReplayHost, route: str
) -> None:
    since = len(replay_host.seen)
    asked: Any = {"model": route, "max_tokens": 99, "messages": [{"role": "user", "content": SAID}]}
    with anthropic.Anthropic(base_url=f"{hortus.door}/anthropic", api_key=key, max_retries=0) as client:
        assert client.messages.create(**asked).content[0].text == SAID
        with client.messages.stream(**asked) as stream:
            assert "".join(stream.text_stream) == SAID
    with genai.Client(api_key=key, http_options={"base_url": f"{hortus.door}/gemini"}) as google:
        assert google.models.generate_content(model=route, contents=SAID).text == SAID
        parts = google.models.generate_content_stream(model=route, contents=SAID)
        assert "".join(one.text or "" for one in parts) == SAID
    _nothing_left_at(replay_host, since)


def test_a_policy_that_refuses_sends_nothing_and_says_what_and_where(hortus: Hortus, replay_host: ReplayHost) -> None:
    since = len(replay_host.seen)
    with (
        openai.OpenAI(base_url=f"{hortus.door}/v1", api_key=hortus.new_key("refuses"), max_retries=0) as client,
        pytest.raises(openai.PermissionDeniedError) as refused,
    ):
        _said_by_chat(client, "openai_chat")
    words = str(refused.value)
    assert refused.value.code == "refused_by_guard"
    assert "messages[0].content" in words
    assert "iban" in words
    assert not any(value in words for value in VALUES)
    assert len(replay_host.seen) == since


def test_secrets_in_prompts_are_refused(hortus: Hortus, key: str, replay_host: ReplayHost) -> None:
    since = len(replay_host.seen)
    leaked = "sk-ant-api03-" + "Ab3" * 31 + "AA"
    answer = httpx2.post(
        f"{hortus.door}/v1/chat/completions",
        json={"model": "openai_chat", "messages": [{"role": "user", "content": f"Why does {leaked} not work?"}]},
        headers={"authorization": f"Bearer {key}"},
        timeout=30,
    )
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "refused_by_guard")
    assert leaked not in answer.text
    assert len(replay_host.seen) == since


def test_receipts_name_kinds_and_nothing_personal_is_written_anywhere(hortus: Hortus, key: str) -> None:
    with openai.OpenAI(base_url=f"{hortus.door}/v1", api_key=key, max_retries=0) as client:
        raw = client.chat.completions.with_raw_response.create(
            model="gemini", messages=[{"role": "user", "content": SAID}]
        )
    name = raw.headers["hortus-receipt"]
    wait_for(lambda: hortus.cli("receipts", name, check=False).returncode == 0, what="the receipt")
    receipt = hortus.cli_json("receipts", name)
    assert receipt["findings"] == ["email:1", "iban:1", "national_id:1"]
    assert "pseudonymised" in receipt["attempts"][0]["adaptations"]
    metrics = httpx2.get(f"{hortus.admin}/metrics", timeout=30).text
    assert 'hortus_findings_total{kind="iban"}' in metrics
    for value in VALUES:
        assert value not in metrics
        assert value not in hortus.log_path.read_text("utf-8")
        assert _files_with(hortus.home, value) == []


def _files_with(directory: Path, value: str) -> list[str]:
    found = subprocess.run(["grep", "-rlaF", value, str(directory)], capture_output=True, text=True, check=False)
    assert found.returncode in {0, 1}, found.stderr
    return found.stdout.split()
