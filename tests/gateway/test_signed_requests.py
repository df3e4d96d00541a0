"""A worker signs what it sends to AWS: a host on loopback takes only what the holder of the key pair sent just so."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import msgspec
import openai
import pytest
from core import ANSWER
from workplace import KEY, Workplace, endpoint

from aws_side import Signed, signed_by
from hortus.snapshot.model import Spoken

TOKEN = "session-token/" + "x" * 20
PAIRS = {"AKONE": "secret-one", "AKROLE": "secret-role"}
FOR = {"region": "eu-west-1", "service": "bedrock"}


class AwsHost(ThreadingHTTPServer):
    """Answers requests that are signed right, as `/openai/v1` and as STS; says what else it got as AWS does."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Visit)
        self.claims: list[Signed] = []
        self.tokens: list[str | None] = []
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Visit(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: AwsHost

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        who = signed_by("POST", f"{self.server.url}{self.path}", headers=headers, body=body, secrets=PAIRS)
        if who is None or who.service != ("sts" if self.path == "/" else "bedrock"):
            self._say(403, f'{{"message":"Refused: {self.headers.get("x-amz-security-token")}"}}'.encode())
            return
        self.server.claims.append(who)
        self.server.tokens.append(self.headers.get("x-amz-security-token"))
        self._say(200, _ROLE if self.path == "/" else ANSWER)

    def _say(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Say nothing."""


_ROLE = (
    "<Credentials><AccessKeyId>AKROLE</AccessKeyId><SecretAccessKey>secret-role</SecretAccessKey>"
    f"<SessionToken>{TOKEN}</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials>"
).encode()


@pytest.fixture(scope="module")
def host() -> Iterator[AwsHost]:
    one = AwsHost()
    yield one
    one.shutdown()
    one.server_close()


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory, host: AwsHost) -> Iterator[Workplace]:
    place = Workplace(tmp_path_factory.mktemp("home"), private_networks=["127.0.0.1/32"])
    keys = {"access_key_id": "AKONE", "secret_access_key": "secret-one"}
    documents = {
        "keys": keys | FOR,
        "wrong": keys | FOR | {"secret_access_key": "another", "session_token": TOKEN},
        "unsaid": keys,
        "role": {"source": "role", "role_arn": "arn:x", "sts": f"{host.url}/", "from": keys, **FOR},
        "damaged": {"access_key_id": "AKONE"},
    }
    for name, document in documents.items():
        write(place.home.credentials / f"{name}.json", document)
        # a path as Bedrock has them: what is sent encoded is signed as encoded once more
        spoken = Spoken("openai_chat", host.url, auth="sigv4", paths={"chat": "/model/a.b-v2%3A1/chat"})
        place.add_route(name, endpoint(name, host.url, "m", spoken=(spoken,), credential=f"file:{name}.json"))
    try:
        place.start()
        yield place
    finally:
        place.close()


def write(path: Path, document: object) -> None:
    path.write_bytes(msgspec.json.encode(document))


@pytest.fixture
def client(workplace: Workplace) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{workplace.url}/v1", api_key=KEY, max_retries=0) as one:
        yield one


def ask(client: openai.OpenAI, route: str) -> str | None:
    answer = client.chat.completions.create(model=route, messages=[{"role": "user", "content": "Hé?"}])
    return answer.choices[0].message.content


def test_a_request_is_signed_by_the_key_pair_of_its_endpoint(client: openai.OpenAI, host: AwsHost) -> None:
    assert [ask(client, "keys") for _ in range(2)] == ["Yes.", "Yes."]
    assert (host.claims[-1].key_id, host.claims[-1].region) == ("AKONE", "eu-west-1")
    assert host.claims[-1].names == ("content-type", "host", "x-amz-date")


def test_a_request_is_signed_by_a_role_that_was_taken_before(client: openai.OpenAI, host: AwsHost) -> None:
    host.claims.clear()
    assert [ask(client, "role") for _ in range(2)] == ["Yes.", "Yes."]
    assert [(one.key_id, one.service) for one in host.claims] == [
        ("AKONE", "sts"),
        ("AKROLE", "bedrock"),
        ("AKROLE", "bedrock"),
    ]
    assert host.tokens[-1] == TOKEN


def test_a_host_that_refuses_a_signature_is_the_admin_s_affair_and_no_token_comes_back(client: openai.OpenAI) -> None:
    with pytest.raises(openai.APIStatusError) as caught:
        ask(client, "wrong")
    assert caught.value.code == "host_refused_credential"
    assert TOKEN not in caught.value.response.text


def test_an_address_that_does_not_say_what_is_signed_for_is_an_admin_s_affair(client: openai.OpenAI) -> None:
    with pytest.raises(openai.APIStatusError) as caught:
        ask(client, "unsaid")
    assert caught.value.code == "host_refused_credential"
    assert "`region` and `service`" in caught.value.response.text


def test_a_damaged_credential_rules_its_endpoint_out(client: openai.OpenAI) -> None:
    with pytest.raises(openai.APIStatusError) as caught:
        ask(client, "damaged")
    assert caught.value.code == "no_eligible_endpoint"
    assert "its AWS credential is not whole" in caught.value.response.text
