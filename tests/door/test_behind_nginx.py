"""The door behind a real nginx, as many will run it: streams, silence, large bodies."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import boto3
import httpx2
import pytest

from garden import Hortus, wait_for
from hortus.testkit.replay_host import ReplayHost

pytestmark = pytest.mark.slow

NGINX_CONF = """
daemon off; worker_processes 1; pid nginx.pid; error_log stderr error;
events {{ worker_connections 256; }}
http {{
  access_log off; client_max_body_size 64m;
  client_body_temp_path t1; proxy_temp_path t2; fastcgi_temp_path t3; uwsgi_temp_path t4; scgi_temp_path t5;
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass {door};
      proxy_http_version 1.1;
      proxy_set_header Host $host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_read_timeout 300s;
    }}
  }}
}}
"""

TOML = """
[settings]
trusted_proxies = ["127.0.0.1"]
seedling = false
[[project]]
name = "default"
routes = ["*"]
"""

ENDPOINT = """
[[endpoint]]
name = "{name}"
model = "fake"
host = "openai-compatible"
base_url = "{base_url}"
private_address = true
upstream_model = "{model}"
credential = "env:REPLAY_KEY"
[[route]]
name = "{name}"
endpoints = ["{name}"]
"""


def nginx_binary() -> str:
    fetched = Path(__file__).parents[2] / ".cache" / "bin" / "nginx"
    found = shutil.which("nginx") or (str(fetched) if fetched.exists() else None)
    if found is None:
        pytest.fail("nginx is missing: run tools/need_program.sh nginx, which `make test` does")
    return found


@pytest.fixture(scope="module")
def port() -> int:
    """Where nginx will listen."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def garden(start_hortus, replay_host: ReplayHost, port: int) -> Hortus:
    models = {"steady": "fake:chunks=20,delay_ms=20", "silent": "fake:chunks=2,delay_ms=2500", "plain": "fake"}
    models["eu/lamp-v1:0"] = "fake"
    text = TOML + "".join(
        ENDPOINT.format(name=name, model=model, base_url=replay_host.base_url) for name, model in models.items()
    )
    environment = {"REPLAY_KEY": "sk-replay", "HORTUS_PUBLIC_URL": f"http://127.0.0.1:{port}"}
    return start_hortus(toml=text, environment=environment)


@pytest.fixture(scope="module")
def proxy(garden: Hortus, port: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    place = tmp_path_factory.mktemp("nginx")
    user = "user root;" if os.geteuid() == 0 else ""  # started as root, its workers would be nobody
    (place / "nginx.conf").write_text(user + NGINX_CONF.format(port=port, door=garden.door))
    process = subprocess.Popen([nginx_binary(), "-p", str(place), "-c", "nginx.conf"])
    url = f"http://127.0.0.1:{port}"
    wait_for(lambda: answers(f"{url}/healthz"), what="nginx")
    yield url
    process.terminate()
    process.wait(10)


def answers(url: str) -> bool:
    try:
        return httpx2.get(url).status_code == 200
    except httpx2.HTTPError:
        return False


@pytest.fixture(scope="module")
def headers(garden: Hortus) -> dict[str, str]:
    return {"authorization": f"Bearer {garden.new_key()}"}


def body(route: str, *, is_stream: bool = True, text: str = "hello") -> dict:
    return {"model": route, "stream": is_stream, "messages": [{"role": "user", "content": text}]}


def test_events_pass_one_by_one_because_the_answer_asks_nginx_not_to_buffer(
    proxy: str, headers: dict[str, str], replay_host: ReplayHost
) -> None:
    """The first event is with the client while the host still has most of them to send."""
    with httpx2.stream("POST", f"{proxy}/v1/chat/completions", json=body("steady"), headers=headers) as answer:
        parts = answer.iter_bytes()
        first = next(parts)
        assert b"word0" in first
        assert replay_host.seen[-1].deltas_sent < 20
        rest = b"".join(parts)
    assert rest.rstrip().endswith(b"[DONE]")


def test_a_long_silence_does_not_end_the_stream(proxy: str, headers: dict[str, str]) -> None:
    with httpx2.stream(
        "POST", f"{proxy}/v1/chat/completions", json=body("silent"), headers=headers, timeout=30
    ) as answer:
        assert b"".join(answer.iter_bytes()).rstrip().endswith(b"[DONE]")


def test_a_body_of_20_megabytes_arrives_whole(proxy: str, headers: dict[str, str], replay_host: ReplayHost) -> None:
    text = "x" * 20_000_000
    answer = httpx2.post(
        f"{proxy}/v1/chat/completions", json=body("plain", is_stream=False, text=text), headers=headers, timeout=60
    )
    assert answer.status_code == 200
    assert replay_host.seen[-1].json["messages"][0]["content"] == text


def test_a_client_that_leaves_nginx_is_noticed(proxy: str, headers: dict[str, str], replay_host: ReplayHost) -> None:
    with httpx2.stream("POST", f"{proxy}/v1/chat/completions", json=body("steady"), headers=headers) as answer:
        next(answer.iter_bytes())
        seen = replay_host.seen[-1]
    wait_for(lambda: seen.was_cut or seen.is_complete, what="the end at the host")
    assert seen.was_cut


@pytest.mark.parametrize("route", ["plain", "eu/lamp-v1:0"])
def test_a_signed_request_arrives_as_it_was_signed_but_for_its_host_which_public_url_says(
    garden: Hortus, proxy: str, route: str
) -> None:
    """`$host` has no port, so nginx rewrites the signed header here; path and query it leaves as they are."""
    key = garden.cli_json("keys", "create", "--project", "default")
    pair = garden.cli_json("keys", "pair", key["id"])
    given = {name: pair[name.removeprefix("aws_")] for name in ("aws_access_key_id", "aws_secret_access_key")}
    session = boto3.Session(region_name="eu-west-1", **given)
    with closing(session.client("bedrock-runtime", endpoint_url=f"{proxy}/bedrock")) as client:
        answer = client.converse(modelId=route, messages=[{"role": "user", "content": [{"text": "hello"}]}])
    assert answer["stopReason"] == "end_turn"
