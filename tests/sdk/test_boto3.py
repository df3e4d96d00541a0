"""AWS's own SDK, unchanged, against a running Hortus: signed by a key pair, at the base and at the root."""

from __future__ import annotations

import threading
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import quote, urlsplit

import boto3
import botocore.auth
import botocore.exceptions
import msgspec
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

from garden import Hortus, wait_for
from hortus.framing.aws_frames import write_event
from hortus.testkit.replay_host import ReplayHost
from hortus.testkit.scenes.plots import LAMP

pytestmark = pytest.mark.slow

STREAMED = "word0 word1 word2 word3 word4 "
PROFILE = "arn:aws:bedrock:eu-west-1:111122223333:inference-profile/eu.lamp-v1:0"
ROUTES = {
    "replay": "fake:chunks=5",
    "eu/replay": "fake:chunks=5",
    "maker.lamp-v1:0": "fake:chunks=5",
    PROFILE: "fake:chunks=5",
    "tools": "fake:scene=tools-single",
    "says-400": "fake:scene=error,status=400",
    "says-429": "fake:status=429,retry_after=7",
    "says-500": "fake:status=500",
    "breaks-inside": "fake:chunks=9,error_after=2",
}
PUBLIC = "models.example.org"
REGION = "eu-west-1"
ASKED: dict[str, Any] = {"messages": [{"role": "user", "content": [{"text": "The street lamp is dark."}]}]}
TOOLS = {
    "tools": [
        {"toolSpec": {"name": name, "description": "Looks.", "inputSchema": {"json": {"type": "object"}}}}
        for name in ("find_lamp", "office_hours")
    ]
}


def declared(host: ReplayHost) -> str:
    """Declare each route at a host that speaks as OpenAI, and `aws/…` at one that speaks as Bedrock."""
    text = '[[project]]\nname = "default"\nroutes = ["*"]\n'
    rows = [(name, model, "openai_chat") for name, model in ROUTES.items()]
    rows += [(f"aws/{name}", model, "bedrock_converse") for name, model in ROUTES.items()]
    for number, (name, model, dialect) in enumerate(rows):
        text += f"""
[[endpoint]]
name = "e{number}"
model = "fake"
host = "any"
dialects = ["{dialect}"]
base_url = "{host.base_of(dialect)}"
private_address = true
upstream_model = "{model}"
credential = "env:REPLAY_KEY"
[[route]]
name = "{name}"
endpoints = ["e{number}"]
"""
    return text


INVOKED = b'{"generation": "Dark \\u2013 yes.",  "stop_reason": "stop"}'


class Invoked(BaseHTTPRequestHandler):
    """A host of InvokeModel: says where and with what it was asked, in a header, and answers in words of its own."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        asked = self.rfile.read(int(self.headers["content-length"]))
        is_stream = self.path.endswith("-with-response-stream")
        piece = msgspec.json.encode({"bytes": b64encode(INVOKED).decode()})
        answer = write_event("chunk", piece) if is_stream else INVOKED
        self.send_response(200)
        self.send_header("content-type", "application/vnd.amazon.eventstream" if is_stream else "application/json")
        self.send_header("content-length", str(len(answer)))
        self.send_header("x-amzn-bedrock-input-token-count", "8")
        self.send_header("x-amzn-bedrock-output-token-count", "3")
        self.end_headers()
        self.wfile.write(answer)
        self.server.asked.append((self.path, asked))  # type: ignore[attr-defined]  # put there by the fixture

    def log_message(self, *_: Any) -> None:
        """Say nothing on the terminal."""


@pytest.fixture(scope="module")
def invoked() -> Iterator[ThreadingHTTPServer]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Invoked) as server:
        server.asked = []  # type: ignore[attr-defined]  # what it heard
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
        yield server
        server.shutdown()


@pytest.fixture(scope="module")
def garden(start_hortus, replay_host: ReplayHost, invoked: ThreadingHTTPServer) -> Hortus:
    toml = f"""
[[endpoint]]
name = "invoked"
model = "fake"
host = "any"
dialects = ["bedrock_invoke"]
base_url = "http://127.0.0.1:{invoked.server_address[1]}"
private_address = true
upstream_model = "{PROFILE}"
credential = "env:REPLAY_KEY"
operations = ["invoke"]
[[route]]
name = "aws/invoked:0"
endpoints = ["invoked"]
"""
    environment = {"REPLAY_KEY": "sk-replay", "HORTUS_PUBLIC_URL": f"https://{PUBLIC}/"}
    return start_hortus(toml=declared(replay_host) + toml, environment=environment)


class Pair(msgspec.Struct, frozen=True):
    """A key and its pair, as `hortus keys` shows them."""

    id: str
    access_key_id: str
    secret_access_key: str


def make_pair(garden: Hortus) -> Pair:
    key = garden.cli_json("keys", "create", "--project", "default")
    return msgspec.convert(garden.cli_json("keys", "pair", key["id"]), Pair)


@pytest.fixture(scope="module")
def pair(garden: Hortus) -> Pair:
    return make_pair(garden)


Connect = Callable[..., Any]


@pytest.fixture
def connect(garden: Hortus, pair: Pair) -> Iterator[Connect]:
    """Open clients that are closed at the end of the test."""
    opened = []

    def open_client(service: str = "bedrock-runtime", *, base: str = "/bedrock", url: str = "", **more: str) -> Any:
        given = {"aws_access_key_id": pair.access_key_id, "aws_secret_access_key": pair.secret_access_key, **more}
        config = Config(retries={"total_max_attempts": 1})
        address = url or garden.door + base
        client = boto3.client(service, endpoint_url=address, region_name=REGION, config=config, **given)
        opened.append(client)
        return client

    yield open_client
    for client in opened:
        client.close()


@pytest.fixture(params=["/bedrock", ""])
def client(request: pytest.FixtureRequest, connect: Connect) -> Any:
    """A client at the base, and one at the root."""
    return connect(base=request.param)


@pytest.mark.parametrize("host", ["", "aws/"])
@pytest.mark.parametrize("route", ["replay", "eu/replay", "maker.lamp-v1:0", PROFILE])
def test_a_chat_is_answered_whatever_must_be_encoded_in_the_model_s_id(client: Any, route: str, host: str) -> None:
    answer = client.converse(modelId=host + route, **ASKED)
    assert answer["output"]["message"]["content"] == [{"text": "word"}]
    assert answer["usage"]["outputTokens"] == 5
    assert answer["stopReason"] == "end_turn"


@pytest.mark.parametrize("route", ["replay", PROFILE, f"aws/{PROFILE}"])
def test_a_chat_streams(client: Any, route: str) -> None:
    events = list(client.converse_stream(modelId=route, **ASKED)["stream"])
    deltas = [event["contentBlockDelta"]["delta"]["text"] for event in events if "contentBlockDelta" in event]
    assert "".join(deltas) == STREAMED
    assert "metadata" in events[-1]


@pytest.mark.parametrize("route", ["tools", "aws/tools"])
def test_tools_are_called(client: Any, route: str) -> None:
    answer = client.converse(modelId=route, toolConfig=TOOLS, **ASKED)
    calls = [part["toolUse"] for part in answer["output"]["message"]["content"] if "toolUse" in part]
    assert (calls[0]["name"], calls[0]["input"]) == (LAMP.name, LAMP.arguments)
    assert answer["stopReason"] == "tool_use"


def test_a_model_is_invoked_with_every_value_as_it_came(client: Any, invoked: ThreadingHTTPServer) -> None:
    asked = b'{"prompt":"Is it \\u0064ark?","temperature":0.50,"stop":[ "a" ]}'
    answer = client.invoke_model(modelId="aws/invoked:0", body=asked)
    assert answer["body"].read() == INVOKED
    path = f"/model/{quote(PROFILE, safe='')}/invoke"
    assert invoked.asked[-1] == (path, asked)  # type: ignore[attr-defined]  # put there by the fixture


def test_a_model_is_invoked_in_pieces(client: Any) -> None:
    answer = client.invoke_model_with_response_stream(modelId="aws/invoked:0", body=b'{"prompt": "Is it dark?"}')
    assert [event["chunk"]["bytes"] for event in answer["body"]] == [INVOKED]


def test_the_routes_are_listed_by_the_client_of_the_control_plane(connect: Connect) -> None:
    models = connect("bedrock").list_foundation_models()["modelSummaries"]
    assert {one["modelId"] for one in models} >= set(ROUTES)


def test_tokens_are_counted_where_the_host_can(client: Any) -> None:
    asked = {"converse": ASKED}
    assert client.count_tokens(modelId="aws/replay", input=asked)["inputTokens"] > 0


ERRORS = [
    ("nobody", "ResourceNotFoundException", 404),
    ("says-400", "ValidationException", 400),
    ("says-429", "ThrottlingException", 429),
    ("says-500", "ModelErrorException", 502),
]


@pytest.mark.parametrize(("route", "name", "status"), ERRORS)
def test_errors_are_of_the_class_that_users_catch(client: Any, route: str, name: str, status: int) -> None:
    with pytest.raises(getattr(client.exceptions, name)) as caught:
        client.converse(modelId=route, **ASKED)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == status


def test_an_error_inside_a_stream_is_raised(client: Any) -> None:
    stream = client.converse_stream(modelId="breaks-inside", **ASKED)["stream"]
    with closing(stream), pytest.raises(botocore.exceptions.EventStreamError):
        list(stream)


def test_the_receipt_names_the_key_of_the_pair(garden: Hortus, client: Any, pair: Pair) -> None:
    answer = client.converse(modelId="replay", **ASKED)
    receipt_id = answer["ResponseMetadata"]["HTTPHeaders"]["hortus-receipt"]

    def find() -> dict[str, Any] | None:
        kept = garden.cli_json("receipts", "--last", "50")
        return next((one for one in kept if one["receipt_id"] == receipt_id), None)

    receipt = wait_for(find, what=f"receipt {receipt_id}")
    assert pair.id in str(receipt)
    assert pair.access_key_id not in str(receipt)


def refused(client: Any, code: str) -> str:
    """Return the words with which a chat is refused with this code, and 403 as at AWS."""
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        client.converse(modelId="replay", **ASKED)
    response = caught.value.response
    assert (response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]) == (code, 403)
    return str(response["Error"]["Message"])


def test_a_wrong_secret_is_refused(connect: Connect) -> None:
    words = refused(connect(aws_secret_access_key="a" * 40), "InvalidSignatureException")
    assert "Check the secret" in words


def test_credentials_of_aws_are_no_pair_of_hortus(connect: Connect) -> None:
    client = connect(aws_access_key_id="AKIAIOSFODNN7EXAMPLE", aws_secret_access_key="a" * 40)
    assert "hortus keys pair" in refused(client, "AccessDeniedException")


def test_a_session_token_of_other_credentials_is_refused(connect: Connect) -> None:
    assert "AWS_SESSION_TOKEN" in refused(connect(aws_session_token="t"), "InvalidSignatureException")


@pytest.mark.parametrize(("minutes", "words"), [(-6, "Signature expired: "), (6, "Signature not yet current: ")])
def test_a_clock_that_is_wrong_is_named_in_aws_s_words(
    connect: Connect, monkeypatch: pytest.MonkeyPatch, minutes: int, words: str
) -> None:
    real = botocore.auth.get_current_datetime
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda: real() + timedelta(minutes=minutes))
    told = refused(connect(), "InvalidSignatureException")
    assert told.startswith(words)
    assert "The client's clock is" in told


def test_the_pair_of_a_revoked_key_is_dead_and_is_shown_no_more(garden: Hortus, connect: Connect) -> None:
    pair = make_pair(garden)
    client = connect(aws_access_key_id=pair.access_key_id, aws_secret_access_key=pair.secret_access_key)
    assert client.converse(modelId="replay", **ASKED)["stopReason"] == "end_turn"
    garden.cli("keys", "revoke", pair.id)

    def is_refused() -> bool:
        try:
            client.converse(modelId="replay", **ASKED)
        except client.exceptions.AccessDeniedException:
            return True
        return False

    wait_for(is_refused, what="the end of the pair")
    assert garden.cli("keys", "pair", pair.id, check=False).returncode == 1


def test_a_pair_outlives_a_rotation_of_the_secret_and_new_keys_have_pairs_of_the_new_one(
    garden: Hortus, connect: Connect, pair: Pair
) -> None:
    garden.cli("secrets", "rotate")
    assert connect().converse(modelId="replay", **ASKED)["stopReason"] == "end_turn"
    assert msgspec.convert(garden.cli_json("keys", "pair", pair.id), Pair) == pair
    newer = make_pair(garden)
    client = connect(aws_access_key_id=newer.access_key_id, aws_secret_access_key=newer.secret_access_key)
    assert client.converse(modelId="replay", **ASKED)["stopReason"] == "end_turn"


def test_the_lines_of_a_pair_can_be_an_environment(garden: Hortus, pair: Pair) -> None:
    lines = garden.cli("keys", "pair", pair.id).stdout.splitlines()
    named = dict(line.split("=", 1) for line in lines)
    assert named == {
        "AWS_ACCESS_KEY_ID": pair.access_key_id,
        "AWS_SECRET_ACCESS_KEY": pair.secret_access_key,
        "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": f"{garden.door}/bedrock",
    }


def send_by_proxy(garden: Hortus, pair: Pair, *, signed_for: str, forwarded: str = "") -> tuple[int, dict[str, str]]:
    """Send what was signed for one host as a proxy passes it on: with the door's own address as its host."""
    body = msgspec.json.encode(ASKED)
    url = f"https://{signed_for}/bedrock/model/{PROFILE.replace(':', '%3A').replace('/', '%2F')}/converse"
    request = AWSRequest("POST", url, headers={"content-type": "application/json"}, data=body)
    keys = Credentials(pair.access_key_id, pair.secret_access_key)
    SigV4Auth(keys, "bedrock", REGION).add_auth(request)
    headers = {**dict(request.headers.items()), **({"x-forwarded-host": forwarded} if forwarded else {})}
    parts = urlsplit(url)
    connection = HTTPConnection(urlsplit(garden.door).netloc, timeout=30)
    try:
        connection.request("POST", parts.path, body=body, headers=headers)
        answer = connection.getresponse()
        return answer.status, msgspec.json.decode(answer.read())
    finally:
        connection.close()


def test_the_host_of_public_url_is_one_of_the_door_s(garden: Hortus, pair: Pair) -> None:
    assert send_by_proxy(garden, pair, signed_for=PUBLIC)[0] == 200


def test_a_rewritten_host_is_refused_with_both_names_and_what_mends_it(garden: Hortus, pair: Pair) -> None:
    status, answer = send_by_proxy(garden, pair, signed_for="other.example", forwarded="other.example")
    arrived = urlsplit(garden.door).netloc
    assert status == 403
    assert f"the client wrote other.example, and {arrived} arrived" in answer["message"]
    assert "set `public_url`" in answer["message"]


def test_a_rewritten_host_without_a_word_of_the_proxy_names_those_that_were_tried(garden: Hortus, pair: Pair) -> None:
    status, answer = send_by_proxy(garden, pair, signed_for="other.example")
    assert status == 403
    assert f"for host {urlsplit(garden.door).netloc} (nor as it was for {PUBLIC}, by `public_url`)" in answer["message"]


@pytest.fixture
def _no_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let boto3 not look for the credentials of a machine at Amazon's, as it does even with a bearer key."""
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture(scope="module")
def tls_garden(tmp_path_factory: pytest.TempPathFactory, replay_host: ReplayHost) -> Iterator[Hortus]:
    """One with a certificate of `hortus tls dev`, started with the very lines that it prints."""
    one = Hortus(tmp_path_factory.mktemp("tls"), toml=declared(replay_host), environment={"REPLAY_KEY": "sk-replay"})
    one.environment.update(line.split("=", 1) for line in one.cli("tls", "dev").stdout.splitlines())
    one.start()
    yield one
    one.close()


@pytest.mark.usefixtures("_no_machine")
def test_a_bearer_key_goes_over_tls_with_a_certificate_for_development(
    tls_garden: Hortus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", tls_garden.new_key())
    monkeypatch.setenv("AWS_CA_BUNDLE", tls_garden.environment["AWS_CA_BUNDLE"])
    monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", f"{tls_garden.door}/bedrock")
    assert tls_garden.door.startswith("https://127.0.0.1:")
    with closing(boto3.Session().client("bedrock-runtime", region_name=REGION)) as client:
        assert client.converse(modelId=PROFILE, **ASKED)["stopReason"] == "end_turn"
        events = list(client.converse_stream(modelId="replay", **ASKED)["stream"])
    assert "metadata" in events[-1]


@pytest.mark.usefixtures("_no_machine")
def test_a_bearer_key_that_is_none_is_refused_over_tls_as_amazon_does(
    tls_garden: Hortus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", "bedrock-api-key-YmVkcm9jaw")
    url, bundle = f"{tls_garden.door}/bedrock", tls_garden.environment["AWS_CA_BUNDLE"]
    session = boto3.Session()
    with closing(session.client("bedrock-runtime", region_name=REGION, endpoint_url=url, verify=bundle)) as client:
        assert "not a key of this Hortus" in refused(client, "AccessDeniedException")


def test_a_key_pair_goes_over_tls_too(tls_garden: Hortus) -> None:
    pair = make_pair(tls_garden)
    given = {"aws_access_key_id": pair.access_key_id, "aws_secret_access_key": pair.secret_access_key}
    url, bundle = tls_garden.door.replace("127.0.0.1", "localhost"), tls_garden.environment["AWS_CA_BUNDLE"]
    session = boto3.Session(region_name=REGION, **given)
    with closing(session.client("bedrock-runtime", endpoint_url=url, verify=bundle)) as client:
        assert client.converse(modelId="replay", **ASKED)["stopReason"] == "end_turn"
