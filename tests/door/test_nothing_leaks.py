"""Content, client keys and credentials of hosts stay out of every file and log line of an installation."""

from __future__ import annotations

from pathlib import Path

import httpx2
import pytest

from garden import REPLAY_TOML, Hortus, wait_for
from hortus.testkit.replay_host import ReplayHost

pytestmark = pytest.mark.slow

PROMPT = "canary-in-a-prompt-7391"
CREDENTIAL = "sk-canary-credential-5512"


@pytest.fixture(scope="module")
def garden(start_hortus, replay_host: ReplayHost) -> Hortus:
    toml = REPLAY_TOML.format(base_url=replay_host.base_url).replace(
        'upstream_model = "fake"', 'upstream_model = "fake:echo=1"'
    )
    return start_hortus(toml=toml, environment={"REPLAY_KEY": CREDENTIAL, "HORTUS_LOG_LEVEL": "debug"})


@pytest.fixture(scope="module")
def key(garden: Hortus) -> str:
    """A key that has been used for answers, streams and errors of every kind."""
    made = garden.new_key()
    headers = {"authorization": f"Bearer {made}"}
    base = {"model": "replay", "messages": [{"role": "user", "content": PROMPT}], "user": PROMPT, "seed": 1}
    for body in (base, {**base, "stream": True}, {**base, "model": f"no {PROMPT}"}, {**base, "stream": PROMPT}):
        httpx2.post(f"{garden.door}/v1/chat/completions", json=body, headers=headers)
    broken = f'{{"model": "replay", "messages": "{PROMPT}'
    httpx2.post(
        f"{garden.door}/v1/chat/completions", content=broken, headers=headers | {"content-type": "application/json"}
    )
    httpx2.get(f"{garden.door}/v1/models?key={made}", headers={"authorization": f"Bearer x{made}"})
    wait_for(lambda: len(garden.cli_json("receipts", "--last", "50")) >= 5, what="the receipts")
    return made


def places_that_hold(garden: Hortus, text: str) -> list[Path]:
    files = [path for path in garden.directory.rglob("*") if path.is_file() and not path.is_socket()]
    return [path for path in files if text.encode() in path.read_bytes()]


def test_credentials_of_hosts_are_kept_nowhere(garden: Hortus, key: str) -> None:
    assert places_that_hold(garden, CREDENTIAL) == []


def test_prompts_and_answers_are_kept_nowhere(garden: Hortus, key: str) -> None:
    assert places_that_hold(garden, PROMPT) == []


def test_a_client_key_is_kept_nowhere(garden: Hortus, key: str) -> None:
    assert places_that_hold(garden, key) == []
