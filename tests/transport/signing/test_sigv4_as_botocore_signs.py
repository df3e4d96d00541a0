"""What AWS's own SDK signs is what we sign and accept; run where it is installed, as a client of tests."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

from hortus.transport.signing.sigv4 import KeyPair, Scope, Signable, hash_body, sign, signable
from hortus.transport.signing.sigv4_incoming import read_claim, verify

auth = pytest.importorskip("botocore.auth", reason="botocore is not installed")
awsrequest = pytest.importorskip("botocore.awsrequest", reason="botocore is not installed")
credentials = pytest.importorskip("botocore.credentials", reason="botocore is not installed")

KEYS = KeyPair("key_1", "made-up", "token/+=")
SCOPE = Scope("eu-west-1", "bedrock")
BODY = b'{"messages":[]}'
URLS = (
    "https://bedrock-runtime.eu-west-1.amazonaws.com/model/anthropic.claude-v2%3A1/converse",
    "https://bedrock-runtime.eu-west-1.amazonaws.com/model/arn%3Aaws%3Abedrock%3A%3A1%3Ainference-profile%2Feu.x/invoke",
    "http://127.0.0.1:8000/bedrock/model/m/converse-stream?b=2&a=x%20y",
    "https://sts.eu-west-1.amazonaws.com/",
)


@pytest.mark.parametrize("url", URLS)
def test_the_sdk_s_signature_is_ours_and_is_accepted(url: str) -> None:
    theirs = awsrequest.AWSRequest("POST", url, headers={"content-type": "application/json"}, data=BODY)
    signer = auth.SigV4Auth(
        credentials.Credentials(KEYS.access_key_id, KEYS.secret_access_key, KEYS.session_token),
        SCOPE.service,
        SCOPE.region,
    )
    signer.add_auth(theirs)
    sent = {name.lower().encode(): value.encode() for name, value in theirs.headers.items()}
    at = datetime.strptime(sent[b"x-amz-date"].decode(), "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    now_ms = int(at.timestamp() * 1000)
    whole = signable("POST", url, headers=((b"content-type", b"application/json"),), body=BODY)
    ours = dict(sign(whole, KEYS, scope=SCOPE, now_ms=now_ms))
    assert re.sub(rb"\s+", b" ", ours[b"authorization"]) == sent[b"authorization"]
    came = Signable("POST", whole.resource, (whole.headers[0], *sent.items()), hash_body(BODY))
    claim = read_claim(came)
    assert claim is not None
    verify(came, claim, secrets=("made-up",), now_ms=now_ms, service="bedrock")
