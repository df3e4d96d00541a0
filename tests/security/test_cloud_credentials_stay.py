"""What opens a cloud (key pairs, session tokens, applications, tokens) shows nowhere, though hosts repeat it all."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2
import msgspec
import pytest

from gateway.workplace import KEY, Workplace, endpoint
from hortus.receipts.records import Opened, Settled
from hortus.snapshot.model import Spoken

AWS_SECRET = "canary/aws+secret=7712badger"
AWS_SESSION = "canary-session/8823+otter=="
ROLE_SECRET = "canary/role+secret=1932heron"
ROLE_SESSION = "canary-role-session/2210+newt=="
CLIENT_SECRET = "canary~client.secret-9934-lynx"
ENTRA_TOKEN = "canary-entra-token-1045-stoat"
SECRETS = (AWS_SECRET, AWS_SESSION, ROLE_SECRET, ROLE_SESSION, CLIENT_SECRET, ENTRA_TOKEN)

STATUSES = {"fine": 200, "wrong": 400, "locked": 401, "forbidden": 403, "missing": 404, "busy": 429, "down": 500}
DIALECTS = {
    "openai_chat": "/v1/chat/completions",
    "bedrock_converse": "/bedrock/model/{}/converse",
    "bedrock_invoke": "/bedrock/model/{}/invoke",
    "openai_audio": "/v1/audio/speech",
}
FOR = {"region": "eu-west-1", "service": "bedrock"}
PAIR = {"access_key_id": "AKCANARY", "secret_access_key": AWS_SECRET} | FOR
ROLE = f"""<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>
<AccessKeyId>AKROLE</AccessKeyId><SecretAccessKey>{ROLE_SECRET}</SecretAccessKey>
<SessionToken>{ROLE_SESSION}</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration>
</Credentials></AssumeRoleResult></AssumeRoleResponse>"""


class Echo(BaseHTTPRequestHandler):
    """Says what it heard, in body and headers; gives tokens as the clouds do, or repeats why not."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"])).decode("latin-1")
        said = " | ".join([f"{name}: {value}" for name, value in self.headers.items()])
        status, answer = self._answer(f"You sent {said} {body}")
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(answer)))
        for name in ("x-request-id", "x-amzn-requestid", "x-amzn-errortype", "x-ratelimit-key", "retry-after"):
            heard = self.headers.get("x-amz-security-token") or self.headers.get("authorization", "")
            self.send_header(name, heard)
        self.end_headers()
        self.wfile.write(answer)

    def _answer(self, said: str) -> tuple[int, bytes]:
        first = self.path.split("/")[1]
        if first == "tenant":
            return 200, msgspec.json.encode({"access_token": ENTRA_TOKEN, "expires_in": 3599})
        if first == "closed":
            return 401, msgspec.json.encode({"error": "invalid_client", "error_description": said})
        if not first:
            return 200, ROLE.encode()
        message = {"message": said, "error": {"message": said, "type": "x", "code": "y"}}
        return STATUSES[first], msgspec.json.encode({"choices": [], "usage": None} if first == "fine" else message)

    def log_message(self, *_: Any) -> None:
        """Say nothing on the terminal."""


def document(kind: str, url: str) -> str:
    found: dict[str, Any] = {
        "pair": PAIR | {"session_token": AWS_SESSION},
        "role": {"source": "role", "role_arn": "arn:aws:iam::111122223333:role/x", "from": PAIR, "sts": url} | FOR,
        "entra": {"type": "entra", "tenant_id": "tenant", "client_id": "c", "client_secret": CLIENT_SECRET},
        "refused": {"type": "entra", "tenant_id": "closed", "client_id": "c", "client_secret": CLIENT_SECRET},
        "damaged": PAIR | {"nonsense": AWS_SESSION},
    }[kind]
    return msgspec.json.encode(found | ({"authority": url} if "tenant_id" in found else {})).decode()


AUTH = {"pair": "sigv4", "role": "sigv4", "damaged": "sigv4", "entra": "entra", "refused": "entra"}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workplace]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}"
        one = Workplace(tmp_path_factory.mktemp("home"), log_level="debug", private_networks=("127.0.0.0/8",))
        for kind, auth in AUTH.items():
            one.environment[f"DOCUMENT_{kind}"] = document(kind, url)
            for name in STATUSES:
                spoken = tuple(Spoken(dialect, f"{url}/{name}", auth=auth) for dialect in DIALECTS)
                more = {"spoken": spoken, "operations": ("chat", "invoke", "speech")}
                made = endpoint(f"{kind}-{name}", url, "m", credential=f"env:DOCUMENT_{kind}", **more)
                one.add_route(made.name, made)
        try:
            one.start()
            yield one
        finally:
            one.close()
            server.shutdown()


@pytest.fixture(scope="module")
def answers(place: Workplace) -> list[bytes]:
    """Everything that clients were answered, heads and bodies."""
    found = []
    opened = {"authorization": f"Bearer {KEY}", "content-type": "application/json"}
    with httpx2.Client(base_url=place.url, headers=opened, timeout=30) as client:
        for route in place.snapshot.routes:
            for dialect, path in DIALECTS.items():
                body = {"model": route, "input": "x", "voice": "v", "messages": [{"role": "user", "content": "hello"}]}
                if dialect.startswith("bedrock"):
                    body = {"messages": [{"role": "user", "content": [{"text": "hello"}]}]}
                for more in ({}, {"stream": True}) if dialect == "openai_chat" else ({},):
                    answer = client.post(path.format(route), json=body | more)
                    found.append(repr(answer.headers.raw).encode() + answer.content)
    return found


def forms(secret: str) -> set[bytes]:
    data = secret.encode()
    coded = {base64.b64encode(data).rstrip(b"="), base64.urlsafe_b64encode(data).rstrip(b"=")}
    return {data, quote(secret).encode(), quote(secret, safe="").encode(), *coded, msgspec.json.encode(secret)[1:-1]}


def found_in(data: bytes) -> set[str]:
    return {secret for secret in SECRETS if any(form in data for form in forms(secret))}


def test_no_answer_holds_one(answers: list[bytes]) -> None:
    assert len(answers) == len(AUTH) * len(STATUSES) * 5
    assert any(b" 200" in answer or b"choices" in answer for answer in answers)
    assert set().union(*map(found_in, answers)) == set()


def test_no_file_holds_one(place: Workplace, answers: list[bytes]) -> None:
    assert answers
    files = [path for path in place.home.root.rglob("*") if path.is_file()]
    assert place.log_path in files
    assert any(path.suffix == ".journal" for path in files)
    assert {str(path.name): found_in(path.read_bytes()) for path in files if found_in(path.read_bytes())} == {}


def test_they_were_really_used(place: Workplace, answers: list[bytes], tmp_path: Path) -> None:
    assert answers
    opened = {one.receipt_id: one.endpoint for one in place.records() if isinstance(one, Opened)}
    fine = {opened[one.receipt_id] for one in place.records() if isinstance(one, Settled) and one.status == "completed"}
    assert fine >= {"pair-fine", "role-fine", "entra-fine"}
    (tmp_path / "x").write_text(f"a {quote(AWS_SECRET)} b")
    assert found_in((tmp_path / "x").read_bytes()) == {AWS_SECRET}
