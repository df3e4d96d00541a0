"""What AWS's own SDK signs is what we sign and accept; run where it is installed, as a client of tests."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hortus.transport.signing.sigv4 import KeyPair, Scope, Signable, hash_body, sign, signable
from hortus.transport.signing.sigv4_incoming import judge, read_claim, verify

auth = pytest.importorskip("botocore.auth", reason="botocore is not installed")
awsrequest = pytest.importorskip("botocore.awsrequest", reason="botocore is not installed")
credentials = pytest.importorskip("botocore.credentials", reason="botocore is not installed")

KEYS = KeyPair("key_1", "made-up", "token/+=")
PLAIN = KeyPair("key_1", "made-up")
SCOPE = Scope("eu-west-1", "bedrock")
BODY = b'{"messages":[]}'
URLS = (
    "https://bedrock-runtime.eu-west-1.amazonaws.com/model/anthropic.claude-v2%3A1/converse",
    "https://bedrock-runtime.eu-west-1.amazonaws.com/model/arn%3Aaws%3Abedrock%3A%3A1%3Ainference-profile%2Feu.x/invoke",
    "http://127.0.0.1:8000/bedrock/model/m/converse-stream?b=2&a=x%20y",
    "https://sts.eu-west-1.amazonaws.com/",
)


SPACES = re.compile(rb"\s+")


def signed_by_sdk(
    url: str, keys: KeyPair, *, method: str = "POST", body: bytes = BODY, **more: str
) -> dict[bytes, bytes]:
    """Return the headers that AWS's own SDK sends."""
    theirs = awsrequest.AWSRequest(method, url, headers={"content-type": "application/json", **more}, data=body)
    given = credentials.Credentials(keys.access_key_id, keys.secret_access_key, keys.session_token or None)
    auth.SigV4Auth(given, SCOPE.service, SCOPE.region).add_auth(theirs)
    return {name.lower().encode(): value.encode() for name, value in theirs.headers.items()}


def instant_of(sent: dict[bytes, bytes]) -> int:
    at = datetime.strptime(sent[b"x-amz-date"].decode(), "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    return int(at.timestamp() * 1000)


@pytest.mark.parametrize("url", URLS)
def test_the_sdk_s_signature_is_ours(url: str) -> None:
    sent = signed_by_sdk(url, KEYS)
    whole = signable("POST", url, headers=((b"content-type", b"application/json"),), body=BODY)
    ours = dict(sign(whole, KEYS, scope=SCOPE, now_ms=instant_of(sent)))
    assert SPACES.sub(b" ", ours[b"authorization"]) == sent[b"authorization"]


PIECES = st.lists(
    st.one_of(
        st.sampled_from(("%3A", "%2F", "%20", "~", ".", "..", "-", "_", "+", "", "%25", "a b", "ö", "'", "(", "*")),
        st.text("ab:=@", max_size=3),
    ),
    max_size=5,
)
QUERIES = st.lists(
    st.tuples(st.text("ab /~;+%ö", min_size=1, max_size=4), st.text("ab &=+%2F", max_size=5)), max_size=3
)
NAMES = st.sampled_from(("x-amz-meta", "x-amz-target", "x-trace", "x-amzn-bedrock-trace"))
VALUES = st.text("ab  ,;=", max_size=9).map(str.strip)


@given(
    method=st.sampled_from(("POST", "GET")),
    pieces=PIECES,
    query=QUERIES,
    more=st.dictionaries(NAMES, VALUES),
    body=st.binary(max_size=9),
)
def test_whatever_the_sdk_signs_is_accepted_as_it_is_sent(
    method: str, pieces: list[str], query: list[tuple[str, str]], more: dict[str, str], body: bytes
) -> None:
    url = f"http://localhost:8000/bedrock/{quote('/'.join(pieces), safe='/%')}?{urlencode(query, quote_via=quote)}"
    sent = signed_by_sdk(url, PLAIN, method=method, body=body, **more)
    resource = url.removeprefix("http://localhost:8000").rstrip("?")
    came = Signable(method, resource, ((b"host", b"localhost:8000"), *sent.items()), hash_body(body))
    claim = read_claim(came)
    assert claim is not None
    judge(came, claim, now_ms=instant_of(sent), service="bedrock")
    verify(came, claim, secret="made-up")
