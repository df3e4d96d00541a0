"""boto3 through Hortus to a host that speaks as Bedrock and judges signatures as AWS does, by the catalog's own row."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import boto3
import botocore.exceptions
import msgspec
import pytest
from botocore.config import Config

from garden import Hortus
from gateway.bedrock_host import INVOKED, SESSION, BedrockHost

pytestmark = pytest.mark.slow

PROFILE = "arn:aws:bedrock:eu-west-1:111122223333:inference-profile/eu.maker.lamp-v1:0"
PAIR = {
    "access_key_id": "AKONE",
    "secret_access_key": "secret-one",
    "session_token": SESSION,
    "region": "eu-west-1",
    "service": "bedrock",
}
PROMPT = b'{"prompt":"H\\u00e9?","max_gen_len":60}'
ASKED: dict[str, Any] = {"messages": [{"role": "user", "content": [{"text": "Hé?"}]}]}


@pytest.fixture(scope="module")
def aws() -> Iterator[BedrockHost]:
    one = BedrockHost()
    yield one
    one.close()


def declared(aws: BedrockHost) -> str:
    """Declare endpoints of the catalog's own row, opened by a signature."""
    text = '[[project]]\nname = "default"\nroutes = ["*"]\n'
    for name, model in (("lamp", PROFILE), ("old", "old"), ("broken", "wrong-message-crc")):
        text += f"""
[[endpoint]]
name = "{name}"
model = "fake"
host = "bedrock"
auth = "sigv4"
credential = "env:AWS_PAIR"
region = "eu-west-1"
upstream_model = "{model}"
operations = ["chat", "invoke"]
dialects = ["bedrock_converse", "bedrock_invoke"]
base_url = {{ bedrock_converse = "{aws.url}", bedrock_invoke = "{aws.url}" }}
private_address = true
[[route]]
name = "{name}"
endpoints = ["{name}"]
"""
    return text


@pytest.fixture(scope="module")
def garden(start_hortus, aws: BedrockHost) -> Hortus:
    return start_hortus(toml=declared(aws), environment={"AWS_PAIR": msgspec.json.encode(PAIR).decode()})


@pytest.fixture(scope="module")
def client(garden: Hortus) -> Iterator[Any]:
    key = garden.cli_json("keys", "create", "--project", "default")
    pair = garden.cli_json("keys", "pair", key["id"])
    one = boto3.client(
        "bedrock-runtime",
        endpoint_url=f"{garden.door}/bedrock",
        region_name="eu-central-1",
        aws_access_key_id=pair["access_key_id"],
        aws_secret_access_key=pair["secret_access_key"],
        config=Config(retries={"total_max_attempts": 1}),
    )
    yield one
    one.close()


def test_a_chat_is_signed_by_the_client_for_hortus_and_by_hortus_for_the_host(client: Any, aws: BedrockHost) -> None:
    answer = client.converse(modelId="lamp", **ASKED)
    assert answer["output"]["message"]["content"] == [{"text": "Yes."}]
    assert (aws.seen[-1].opened_by, aws.seen[-1].headers["x-amz-security-token"]) == ("AKONE", SESSION)


def test_an_invocation_comes_back_as_it_is(client: Any, aws: BedrockHost) -> None:
    answer = client.invoke_model(modelId="lamp", body=PROMPT, trace="ENABLED")
    assert (answer["body"].read(), answer["contentType"]) == (INVOKED, "application/json")
    assert answer["ResponseMetadata"]["HTTPHeaders"]["x-amzn-bedrock-input-token-count"] == "8"
    assert (aws.seen[-1].body, aws.seen[-1].headers["x-amzn-bedrock-trace"]) == (PROMPT, "ENABLED")


def test_an_invocation_streams(client: Any) -> None:
    answer = client.invoke_model_with_response_stream(modelId="lamp", body=PROMPT)
    pieces = [msgspec.json.decode(event["chunk"]["bytes"]) for event in answer["body"]]
    assert "".join(piece["generation"] for piece in pieces) == "Yes."
    assert pieces[-1]["amazon-bedrock-invocationMetrics"]["outputTokenCount"] == 3


def test_tokens_are_counted(client: Any) -> None:
    assert client.count_tokens(modelId="lamp", input={"converse": ASKED})["inputTokens"] == 11


@pytest.mark.parametrize("ask", ["converse", "invoke_model"])
def test_the_host_s_own_error_is_raised_by_its_class(client: Any, ask: str) -> None:
    said = ASKED if ask == "converse" else {"body": PROMPT}
    with pytest.raises(client.exceptions.ResourceNotFoundException, match="end of its life"):
        getattr(client, ask)(modelId="old", **said)


def test_a_frame_with_a_wrong_checksum_ends_the_stream_with_an_error_that_the_sdk_raises(client: Any) -> None:
    with closing(client.converse_stream(modelId="broken", **ASKED)["stream"]) as stream:
        events = iter(stream)
        assert "messageStart" in next(events)
        assert next(events)["contentBlockDelta"]["delta"]["text"] == "Ye"
        with pytest.raises(botocore.exceptions.EventStreamError):
            next(events)
