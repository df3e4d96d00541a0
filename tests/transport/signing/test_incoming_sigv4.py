"""Signatures of clients: those of a key pair's holder are accepted, and each refusal says what to mend."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hortus.base.secrets import Secret, pair_secret
from hortus.canon.errors import SignatureRefused
from hortus.transport.signing.sigv4 import KeyPair, Scope, Signable, hash_body, sign
from hortus.transport.signing.sigv4_incoming import Claim, Front, judge, read_claim, read_front, verify

SECRET = pair_secret("key_1", Secret(1, b"1" * 32))
KEYS = KeyPair("key_1", SECRET)
SCOPE = Scope("eu-west-1", "bedrock")
NOW_MS = 1_795_000_000_000
PATH = "/bedrock/model/anthropic.claude-v2%3A1/converse"
BODY = b'{"messages":[]}'
PLAIN = Signable(
    "POST",
    PATH,
    ((b"host", b"hortus.example:8000"), (b"content-type", b"application/json"), (b"accept", b"*/*")),
    hash_body(BODY),
)


def signed(whole: Signable = PLAIN, keys: KeyPair = KEYS, *, scope: Scope = SCOPE, now_ms: int = NOW_MS) -> Signable:
    return msgspec.structs.replace(whole, headers=(*whole.headers, *sign(whole, keys, scope=scope, now_ms=now_ms)))


def with_header(whole: Signable, name: bytes, value: bytes | None) -> Signable:
    """Put a header in the place of the one of its name, or take that away."""
    kept = tuple(pair for pair in whole.headers if pair[0] != name)
    return msgspec.structs.replace(whole, headers=kept if value is None else (*kept, (name, value)))


def replaced(whole: Signable, old: bytes, new: bytes) -> Signable:
    """Change words of the signature's header."""
    value = dict(whole.headers)[b"authorization"]
    assert old in value
    return with_header(whole, b"authorization", value.replace(old, new))


def check(whole: Signable, secret: str = SECRET, *, now_ms: int = NOW_MS, front: Front | None = None) -> Claim:
    claim = read_claim(whole)
    assert claim is not None
    judge(whole, claim, now_ms=now_ms, service="bedrock")
    verify(whole, claim, secret=secret, front=front)
    return claim


def refusal(whole: Signable, secret: str = SECRET, *, now_ms: int = NOW_MS, front: Front | None = None) -> str:
    with pytest.raises(SignatureRefused) as caught:
        check(whole, secret, now_ms=now_ms, front=front)
    return str(caught.value)


def test_a_request_of_the_holder_is_accepted_and_says_whose_it_is() -> None:
    claim = check(signed())
    assert (claim.key_id, claim.scope, claim.day) == ("key_1", SCOPE, "20261118")
    assert claim.names == ("content-type", "host", "x-amz-date")


@given(
    path=st.text(st.characters(codec="ascii", categories=("L", "N", "P", "S"), exclude_characters="?#"), max_size=20),
    query=st.text("ab=&%2F+~", max_size=12),
    body=st.binary(max_size=20),
)
def test_whatever_is_signed_is_accepted(path: str, query: str, body: bytes) -> None:
    check(signed(Signable("POST", f"/{path}?{query}", PLAIN.headers, hash_body(body))))


def test_a_request_without_such_a_signature_makes_no_claim() -> None:
    assert read_claim(PLAIN) is None
    assert read_claim(with_header(PLAIN, b"authorization", b"Bearer hortus_sk_x")) is None


def test_every_version_and_every_key_has_a_secret_of_its_own() -> None:
    newer = pair_secret("key_1", Secret(2, b"1" * 32))
    check(signed(keys=KeyPair("key_1", newer)), newer)
    assert newer != SECRET
    assert pair_secret("key_2", Secret(1, b"1" * 32)) != SECRET


def test_another_secret_is_refused_without_a_word_of_any_secret() -> None:
    words = refusal(signed(), "another")
    assert "the signature of key key_1 for 20261118/eu-west-1/bedrock/aws4_request does not match" in words
    assert "Check the secret" in words
    assert SECRET not in words


@pytest.mark.parametrize("skew_s", [-300, 300])
def test_a_clock_may_be_off_by_five_minutes(skew_s: int) -> None:
    check(signed(now_ms=NOW_MS + skew_s * 1000))


@pytest.mark.parametrize(
    ("skew_s", "words"),
    [
        (-301, "Signature expired: 20261118T110139Z is now earlier than 20261118T110140Z (20261118T110640Z - 5 min.)"),
        (301, "Signature not yet current: 20261118T111141Z is still later than 20261118T111140Z (20261118T110640Z + 5"),
    ],
)
def test_a_clock_that_is_off_by_more_is_told_in_aws_s_words(skew_s: int, words: str) -> None:
    told = refusal(signed(now_ms=NOW_MS + skew_s * 1000))
    assert words in told
    assert f"The client's clock is 301 s {'ahead of' if skew_s > 0 else 'behind'} this installation's" in told


def test_a_host_that_a_proxy_has_rewritten_is_suspected() -> None:
    whole = with_header(signed(), b"host", b"127.0.0.1:9000")
    words = refusal(whole)
    assert "as it arrived, for host 127.0.0.1:9000. " in words
    assert "where clients use another address than 127.0.0.1:9000, set `public_url` to it" in words
    assert "(nor as it was for other.example/ai, by `public_url`)" in refusal(
        whole, front=Front("other.example", "/ai")
    )


def test_a_host_that_a_proxy_has_rewritten_is_known_where_the_proxy_says_so() -> None:
    whole = with_header(signed(), b"host", b"127.0.0.1:9000")
    words = refusal(with_header(whole, b"x-forwarded-host", b"Hortus.example:8000"))
    assert "a proxy on the way has changed the `host` header" in words
    assert "the client wrote hortus.example:8000, and 127.0.0.1:9000 arrived" in words
    assert "set `public_url`" in words
    other = refusal(with_header(whole, b"x-forwarded-host", b"other.example"))
    assert "does not match the request as it arrived" in other


def test_a_host_in_capitals_is_signed_in_lower_case() -> None:
    check(with_header(signed(), b"host", b"Hortus.Example:8000"))


def test_the_public_address_mends_a_rewritten_host() -> None:
    check(with_header(signed(), b"host", b"127.0.0.1:9000"), front=Front("hortus.example:8000"))


def test_the_public_address_mends_a_path_that_a_proxy_has_cut() -> None:
    written = signed(msgspec.structs.replace(PLAIN, resource=f"/ai{PATH}"))
    arrived = msgspec.structs.replace(with_header(written, b"host", b"127.0.0.1:9000"), resource=PATH)
    check(arrived, front=read_front("http://hortus.example:8000/ai/"))


def test_a_body_that_is_not_the_named_one_is_told_apart() -> None:
    whole = signed(with_header(PLAIN, b"x-amz-content-sha256", PLAIN.body_hash.encode()))
    check(whole)
    other = msgspec.structs.replace(whole, body_hash=hash_body(b"{}"))
    assert "the body is not the one that was signed" in refusal(other)


def test_another_body_is_refused_where_its_hash_is_not_named() -> None:
    assert "changes path, query, body" in refusal(msgspec.structs.replace(signed(), body_hash=hash_body(b"{}")))


@pytest.mark.parametrize("word", [b"UNSIGNED-PAYLOAD", b"STREAMING-AWS4-HMAC-SHA256-PAYLOAD"])
def test_a_body_that_is_not_signed_is_refused(word: bytes) -> None:
    assert "the body is not signed" in refusal(signed(with_header(PLAIN, b"x-amz-content-sha256", word)))


CHANGED = {
    "method": msgspec.structs.replace(signed(), method="GET"),
    "path": msgspec.structs.replace(signed(), resource=PATH.replace("%3A", ":")),
    "query": msgspec.structs.replace(signed(), resource=f"{PATH}?a=1"),
    "content type": with_header(signed(), b"content-type", b"text/plain"),
}


@pytest.mark.parametrize("case", CHANGED)
def test_what_was_changed_on_the_way_is_refused(case: str) -> None:
    assert "does not match the request as it arrived" in refusal(CHANGED[case])


UNFIT = {
    "an unsigned host": (replaced(signed(), b";host", b""), "the header host is not signed"),
    "a session token": (with_header(signed(), b"x-amz-security-token", b"t"), "Leave AWS_SESSION_TOKEN"),
    "an unsigned target": (with_header(signed(), b"x-amz-target", b"t"), "the header x-amz-target is not signed"),
    "a header that is gone": (
        with_header(signed(), b"content-type", None),
        "the header content-type is signed but did not arrive",
    ),
    "another service": (signed(scope=Scope("eu-west-1", "s3")), "signed for the service s3, not for bedrock"),
    "another day": (replaced(signed(), b"/20261118/", b"/20261117/"), "the day in the signature's scope"),
    "no instant": (with_header(signed(), b"x-amz-date", None), "there is no `x-amz-date`"),
    "an instant that is none": (with_header(signed(), b"x-amz-date", b"20261399T000000Z"), "is no instant"),
    "an older scheme": (replaced(signed(), b"/aws4_request", b"/aws2_request"), "does not end in `aws4_request`"),
    "no scope": (replaced(signed(), b"/eu-west-1/bedrock", b""), "not a whole AWS signature"),
    "no key": (replaced(signed(), b"=key_1/", b"=/"), "not a whole AWS signature"),
    "no signed headers": (replaced(signed(), b"SignedHeaders=", b"Signed="), "not a whole AWS signature"),
    "a header twice": (replaced(signed(), b"SignedHeaders=", b"SignedHeaders=host;"), "not a whole AWS signature"),
    "half a signature": (replaced(signed(), b"Signature=", b"Signature=0"), "not a whole AWS signature"),
    "nothing": (with_header(signed(), b"authorization", b"AWS4-HMAC-SHA256 "), "not a whole AWS signature"),
}


@pytest.mark.parametrize("case", UNFIT)
def test_a_signature_that_is_not_fit_says_why(case: str) -> None:
    whole, words = UNFIT[case]
    assert words in refusal(whole)


def test_a_key_s_id_is_shown_without_what_a_log_cannot_hold() -> None:
    words = refusal(replaced(signed(), b"=key_1/", b"=key\x1b\xff/"), "another")
    assert "key key?? for" in words
