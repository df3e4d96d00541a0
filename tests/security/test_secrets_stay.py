"""No secret of an installation shows in its logs, files, figures, commands or answers, whatever happens to it."""

from __future__ import annotations

import base64
import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2
import msgspec
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from garden import REPLAY_TOML, Hortus, wait_for

pytestmark = pytest.mark.slow

CREDENTIAL = "sk-canary+credential/5512=zebra"
FILED = "sk-canary+filed/7781=okapi"
ADMIN_TOKEN = "hortus_admin_canary" + "t" * 32
HUB_TOKEN = "hf_canary_9917_gecko"
PROXY_PASSWORD = "canary-proxy-3321-ibis"
COLLECTOR_HEADER = "canary-collector-4410-lemur"

STATUSES = {
    "fine": 200,
    "wrong": 400,
    "unknown": 404,
    "locked": 401,
    "forbidden": 403,
    "busy": 429,
    "down": 500,
    "html": 503,
}
"""Routes to a host that repeats, in body and headers, everything that it was sent."""

ENDPOINT = """
[[endpoint]]
name = "{name}"
model = "{name}"
host = "openai-compatible"
base_url = "http://127.0.0.1:{port}/{name}/v1"
private_address = true
credential = "{credential}"
[[route]]
name = "{name}"
endpoints = ["{name}"]
"""


class Echo(BaseHTTPRequestHandler):
    """Says what it heard, the credential first of all."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        name = self.path.split("/")[1]
        said = f"Incorrect API key provided: {self.headers['authorization']} ({self.headers})"
        answer = msgspec.json.encode({"error": {"message": said, "type": "x", "code": "y"}, "heard": len(body)})
        if name == "fine":
            answer = msgspec.json.encode({"id": "x", "object": "chat.completion", "choices": [], "usage": None})
        if name == "html":
            answer = said.encode()
        self.send_response(STATUSES[name])
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(answer)))
        for header in (
            "x-request-id",
            "x-ratelimit-key",
            "openai-model",
            "retry-after",
            "set-cookie",
            "www-authenticate",
        ):
            self.send_header(header, self.headers["authorization"])
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: Any) -> None:
        """Say nothing on the terminal."""


@pytest.fixture(scope="module")
def garden(start_hortus: Any) -> Iterator[Hortus]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
        port = server.server_address[1]
        toml = REPLAY_TOML.format(base_url=f"http://127.0.0.1:{port}/fine/v1") + "".join(
            ENDPOINT.format(name=name, port=port, credential="file:echo" if name == "wrong" else "env:REPLAY_KEY")
            for name in STATUSES
        )
        environment = {
            "REPLAY_KEY": CREDENTIAL,
            "HORTUS_ADMIN_TOKEN": ADMIN_TOKEN,
            "HF_TOKEN": HUB_TOKEN,
            "HTTPS_PROXY": f"http://user:{PROXY_PASSWORD}@127.0.0.1:9",
            "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9",
            "OTEL_EXPORTER_OTLP_HEADERS": f"authorization={COLLECTOR_HEADER}",
            "HORTUS_LOG_LEVEL": "debug",
            "HORTUS_SEEDLING": "false",
            "HORTUS_WORKERS": "1",
        }
        one = start_hortus(toml=toml, environment=environment)
        folder = one.home / "credentials"
        folder.mkdir(mode=0o700, exist_ok=True)
        (folder / "echo").write_text(FILED)
        yield one
        server.shutdown()


@pytest.fixture(scope="module")
def key(garden: Hortus) -> str:
    return garden.new_key()


@pytest.fixture(scope="module")
def pair(garden: Hortus) -> Credentials:
    """The key pair of another key."""
    made = garden.cli_json("keys", "create", "--project", "default")
    shown = garden.cli_json("keys", "pair", made["id"])
    return Credentials(shown["access_key_id"], shown["secret_access_key"])


@pytest.fixture(scope="module")
def answers(garden: Hortus, key: str, pair: Credentials) -> list[str]:
    """Heads and bodies of everything that clients were answered, after a hard day."""
    wait_for(lambda: "wrong" in {one["id"] for one in _models(garden, key)}, what="the credential in its file")
    heard: list[str] = []
    with httpx2.Client(base_url=garden.door, timeout=30) as client:
        for headers in ({"authorization": f"Bearer {key}"}, {"x-api-key": key}, {"x-goog-api-key": key}):
            for route in (*STATUSES, "replay", "no-such-route"):
                for is_stream in (False, True):
                    _ask_all(client, route, is_stream=is_stream, headers=headers, heard=heard)
        _misuse(client, key, heard)
        for route in STATUSES:
            for service in ("bedrock", "s3"):
                _ask_signed(client, f"{garden.door}/bedrock/model/{route}/converse", pair, service=service, heard=heard)
        worker = next(pid for name, pid in garden.children().items() if name.startswith("worker"))
        os.kill(worker, signal.SIGABRT)
        wait_for(
            lambda: worker not in garden.children().values() and _is_ready(garden), within_s=60, what="a new worker"
        )
        _ask_all(client, "wrong", is_stream=False, headers={"authorization": f"Bearer {key}"}, heard=heard)
    return heard


def _models(garden: Hortus, key: str) -> list[dict[str, Any]]:
    answer = httpx2.get(f"{garden.door}/v1/models", headers={"authorization": f"Bearer {key}"})
    return list(answer.json().get("data", []))


def _is_ready(garden: Hortus) -> bool:
    with contextlib.suppress(httpx2.HTTPError):
        return httpx2.get(f"{garden.door}/readyz").status_code == 200
    return False


def _note(heard: list[str], answer: httpx2.Response) -> None:
    heard.append(f"{answer.headers}\n{answer.text}")


def _ask_all(client: httpx2.Client, route: str, *, is_stream: bool, headers: dict[str, str], heard: list[str]) -> None:
    say = [{"role": "user", "content": "hello"}]
    chat = {"model": route, "messages": say, "stream": is_stream}
    _note(heard, client.post("/v1/chat/completions", json=chat, headers=headers))
    _note(heard, client.post("/v1/messages", json={**chat, "max_tokens": 9}, headers=headers))
    _note(
        heard,
        client.post("/v1/responses", json={"model": route, "input": "hello", "stream": is_stream}, headers=headers),
    )
    verb = "streamGenerateContent?alt=sse" if is_stream else "generateContent"
    body = {"contents": [{"parts": [{"text": "hello"}]}]}
    _note(heard, client.post(f"/gemini/v1beta/models/{route}:{verb}", json=body, headers=headers))


def _ask_signed(client: httpx2.Client, url: str, pair: Credentials, *, service: str, heard: list[str]) -> None:
    body = msgspec.json.encode({"messages": [{"role": "user", "content": [{"text": "hello"}]}]})
    request = AWSRequest("POST", url, headers={"content-type": "application/json"}, data=body)
    SigV4Auth(pair, service, "eu-west-1").add_auth(request)
    _note(heard, client.post(url, content=body, headers=dict(request.headers.items())))


def _misuse(client: httpx2.Client, key: str, heard: list[str]) -> None:
    """Put the key where it does not belong, and break what can be broken."""
    body = {"contents": [{"parts": [{"text": "hello"}]}]}
    for path in (
        f"/gemini/v1beta/models/fine:generateContent?key={key}",
        f"/gemini/v1beta/models/no:generateContent?key={key}",
    ):
        _note(heard, client.post(path, json=body))
    for path in (f"/v1/models?api_key={key}", f"/v1/{key}", f"/v1/models?key={key}x", f"/no?access_token={key}"):
        _note(heard, client.get(path))
    for headers in ({"authorization": f"Bearer {key}x"}, {"authorization": f"Basic {key}"}, {"cookie": f"key={key}"}):
        _note(heard, client.post("/v1/chat/completions", json={"model": "fine", "messages": []}, headers=headers))
    opened = {"authorization": f"Bearer {key}"}
    for sent in ({"model": key}, {"model": "fine", "messages": key}, {"model": "fine", key: 1, "stream": key}):
        _note(heard, client.post("/v1/chat/completions", json=sent, headers=opened))
    for name in ("x-request-id", "traceparent", "idempotency-key", "anthropic-beta", "user-agent"):
        _note(heard, client.post("/v1/messages", json={"model": "fine"}, headers={**opened, name: key}))


def forms(secret: str) -> set[bytes]:
    """Return a secret in each disguise in which it could stand somewhere."""
    data = secret.encode()
    found = {data, quote(secret, safe="").encode(), quote(secret).encode(), data.hex().encode(), data[::-1]}
    for shift in range(3):  # what stands before it moves the letters of base64
        middle = base64.b64encode(bytes(shift) + data)[4:-4]
        found |= {middle, middle.replace(b"+", b"-").replace(b"/", b"_")}
    return found


def assert_nowhere(places: dict[str, bytes], secrets: dict[str, str]) -> None:
    """Name each place that holds a secret; never the secret."""
    shown = {
        f"{name} in {place}"
        for place, data in places.items()
        for name, secret in secrets.items()
        if any(one in data for one in forms(secret))
    }
    assert shown == set()


@pytest.fixture(scope="module")
def secrets(garden: Hortus, key: str, pair: Credentials) -> dict[str, str]:
    own = (garden.home / "secret.key").read_text("ascii")
    parts = [word for word in own.replace('"', " ").replace(":", " ").split() if len(word) >= 32]
    assert parts
    return {
        "client key": key,
        "secret of a key pair": str(pair.secret_key),
        "credential": CREDENTIAL,
        "filed credential": FILED,
        "admin token": ADMIN_TOKEN,
        "hub token": HUB_TOKEN,
        "proxy's password": PROXY_PASSWORD,
        "collector's header": COLLECTOR_HEADER,
        **{f"secret.key {number}": part for number, part in enumerate(parts)},
    }


def test_no_answer_to_a_client_holds_one(answers: list[str], secrets: dict[str, str]) -> None:
    assert len(answers) > 200
    others = {name: secret for name, secret in secrets.items() if name != "client key"}
    assert_nowhere({f"answer {number}": text.encode() for number, text in enumerate(answers)}, others)


def test_a_clients_own_key_comes_back_only_as_the_name_that_it_was_sent_as(answers: list[str], key: str) -> None:
    holding = [text for text in answers if key in text]
    assert len(holding) == 1
    assert f"The model `{key}` does not exist" in holding[0]


def test_no_file_of_the_installation_holds_one(garden: Hortus, answers: list[str], secrets: dict[str, str]) -> None:
    wait_for(lambda: len(garden.cli_json("receipts", "--last", "500")) > 100, what="the receipts")
    lawful = {garden.home / "secret.key", garden.home / "admin-token", garden.home / "credentials" / "echo"}
    files = [path for path in garden.directory.rglob("*") if path.is_file() and path not in lawful]
    handed = garden.home / "run" / "settings.json"  # how workers hear of the proxy; nobody else may read it
    assert handed.stat().st_mode & 0o077 == 0
    files.remove(handed)
    assert any(path.name == "up.log" for path in files)
    assert any(path.suffix == ".journal" for path in files)
    assert_nowhere({str(path.relative_to(garden.directory)): _read(path) for path in files}, secrets)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:  # a segment that has gone into the store meanwhile
        return b""


COMMANDS = (
    ("doctor",),
    ("doctor", "--json"),
    ("status",),
    ("config", "show"),
    ("config", "show", "--json"),
    ("config", "check"),
    ("receipts", "--last", "500", "--json"),
    ("keys", "list"),
    ("projects", "list"),
    ("models",),
    ("usage",),
    ("catalog", "hosts"),
    ("backup", "BACKUP"),
    ("receipts", "export", "EXPORT"),
)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_no_command_shows_one(
    garden: Hortus, answers: list[str], secrets: dict[str, str], tmp_path: Path, command: tuple[str, ...]
) -> None:
    assert answers
    words = [str(tmp_path / word.lower()) if word.isupper() else word for word in command]
    done = garden.cli(*words, check=False)
    assert done.returncode in {0, 1}, done.stderr
    places = {"what it says": (done.stdout + done.stderr).encode()}
    hidden = secrets
    if command[0] == "backup":  # it must hold what opens the store again; nobody else may read it
        assert all(path.stat().st_mode & 0o077 == 0 for path in tmp_path.iterdir())
    else:
        places |= {path.name: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert_nowhere(places, hidden)


def test_figures_and_open_pages_hold_none(garden: Hortus, answers: list[str], secrets: dict[str, str]) -> None:
    assert answers
    pages = {
        path: httpx2.get(f"{base}{path}").content
        for base, paths in ((garden.admin, ("/metrics", "/healthz", "/readyz")), (garden.door, ("/healthz", "/readyz")))
        for path in paths
    }
    assert b"hortus_" in pages["/metrics"]
    assert_nowhere(pages, secrets)


def test_the_places_would_be_found(garden: Hortus) -> None:
    places = {"plain": CREDENTIAL.encode(), "base64": base64.b64encode(b"x" + CREDENTIAL.encode() + b"y"), "none": b""}
    for name in ("plain", "base64"):
        with pytest.raises(AssertionError, match=name):
            assert_nowhere({name: places[name]}, {"credential": CREDENTIAL})
    assert garden.log_path.exists()
