"""Signature Version 4 as AWS publishes it: the signatures of its test suite and of its documentation's examples."""

from __future__ import annotations

import pytest

from hortus.canon.errors import HostUnavailable
from hortus.transport.signing.sigv4 import (
    KeyPair,
    Scope,
    Signable,
    hash_body,
    names_to_sign,
    sign,
    signable,
    signature_of,
    write_canonical,
    write_path,
    write_query,
)

# The made-up pairs of AWS's own test suite and S3's documentation; apart, or a scan takes them for real ones.
SUITE = KeyPair("AKID" + "EXAMPLE", "wJalrXUtnFEMI/K7MDENG" + "+bPxRfiCYEXAMPLEKEY")
S3_DOCUMENTED = KeyPair("AKIAIOSFODNN7" + "EXAMPLE", "wJalrXUtnFEMI/K7MDENG" + "/bPxRfiCYEXAMPLEKEY")
AT_MS = 1_440_938_160_000
S3_AT_MS = 1_369_353_600_000
SERVICE = Scope("us-east-1", "service")
S3 = Scope("us-east-1", "s3")
HOST = ((b"host", b"example.amazonaws.com"),)
FORM = (b"content-type", b"application/x-www-form-urlencoded")
TOKEN = (
    "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7"
    "mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d"
    "+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA=="
)
VANILLA = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"


def request(method: str, resource: str, *headers: tuple[bytes, bytes], body: bytes = b"") -> Signable:
    return Signable(method, resource, (*HOST, *headers), hash_body(body))


def signature(whole: Signable, keys: KeyPair = SUITE, *, scope: Scope = SERVICE, now_ms: int = AT_MS) -> str:
    headers = dict(sign(whole, keys, scope=scope, now_ms=now_ms))
    return headers[b"authorization"].decode().rpartition("Signature=")[2]


UNRESERVED = "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
SUITE_CASES = {
    "get-vanilla": (request("GET", "/"), VANILLA),
    "get-vanilla-query-order-key-case": (
        request("GET", "/?Param2=value2&Param1=value1"),
        "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
    ),
    "get-vanilla-utf8-query": (
        request("GET", "/?ሴ=bar"),
        "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04",
    ),
    "get-unreserved": (
        request("GET", f"/{UNRESERVED}"),
        "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f",
    ),
    "get-utf8": (request("GET", "/ሴ"), "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"),
    "get-space": (
        request("GET", "/example space/"),
        "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741",
    ),
    "get-relative": (request("GET", "/example/.."), VANILLA),
    "get-relative-relative": (request("GET", "/example1/example2/../.."), VANILLA),
    "get-slash": (request("GET", "//"), VANILLA),
    "get-slash-dot-slash": (request("GET", "/./"), VANILLA),
    "post-vanilla": (request("POST", "/"), "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
    "post-x-www-form-urlencoded": (
        request("POST", "/", FORM, body=b"Param1=value1"),
        "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
    ),
}


@pytest.mark.parametrize("case", SUITE_CASES)
def test_requests_of_aws_s_test_suite_are_signed_as_published(case: str) -> None:
    whole, expected = SUITE_CASES[case]
    assert signature(whole) == expected


def test_the_header_of_a_signature_is_written_as_published() -> None:
    assert sign(request("GET", "/"), SUITE, scope=SERVICE, now_ms=AT_MS) == (
        (b"x-amz-date", b"20150830T123600Z"),
        (
            b"authorization",
            b"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
            b"SignedHeaders=host;x-amz-date, Signature=" + VANILLA.encode(),
        ),
    )


def test_a_session_token_is_sent_and_signed_as_published() -> None:
    keys = KeyPair(SUITE.access_key_id, SUITE.secret_access_key, TOKEN)
    headers = sign(request("POST", "/"), keys, scope=SERVICE, now_ms=AT_MS)
    assert headers[1] == (b"x-amz-security-token", TOKEN.encode())
    assert b"SignedHeaders=host;x-amz-date;x-amz-security-token," in headers[2][1]
    assert headers[2][1].endswith(b"85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead")


DATED = (b"x-amz-date", b"20150830T123600Z")
ANY_HEADERS = {
    "get-header-value-trim": (
        "GET",
        ((b"my-header1", b" value1"), (b"my-header2", b'"a   b   c"')),
        "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
    ),
    "post-header-key-sort": (
        "POST",
        ((b"my-header1", b"value1"),),
        "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c",
    ),
}


@pytest.mark.parametrize("case", ANY_HEADERS)
def test_any_headers_that_are_named_are_signed_as_published(case: str) -> None:
    method, headers, expected = ANY_HEADERS[case]
    whole = request(method, "/", *headers, DATED)
    names = sorted(name.decode() for name, _ in whole.headers)
    signed = signature_of(whole, SUITE.secret_access_key, scope=SERVICE, at="20150830T123600Z", names=names)
    assert signed == expected


def test_headers_of_one_name_are_signed_as_one() -> None:
    whole = request("GET", "/", (b"a", b"value2"), (b"a", b"  value1 x  "))
    assert b"\na:value2,value1 x\n" in write_canonical(whole, ("a", "host"))


def test_the_documented_call_of_iam_is_signed_as_published() -> None:
    whole = signable(
        "GET",
        "https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08",
        headers=((b"content-type", b"application/x-www-form-urlencoded; charset=utf-8"),),
        body=b"",
    )
    expected = "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"
    assert signature(whole, scope=Scope("us-east-1", "iam")) == expected


S3_HOST = "https://examplebucket.s3.amazonaws.com"
S3_CASES = {
    "lifecycle": (f"{S3_HOST}/?lifecycle", "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"),
    "list": (f"{S3_HOST}/?max-keys=2&prefix=J", "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"),
}


@pytest.mark.parametrize("case", S3_CASES)
def test_documented_calls_of_s3_are_signed_as_published(case: str) -> None:
    url, expected = S3_CASES[case]
    whole = signable("GET", url, headers=(), body=b"")
    assert signature(whole, S3_DOCUMENTED, scope=S3, now_ms=S3_AT_MS) == expected


def test_a_documented_path_of_s3_is_encoded_once_and_signed_as_published() -> None:
    body = b"Welcome to Amazon S3."
    headers = (
        (b"date", b"Fri, 24 May 2013 00:00:00 GMT"),
        (b"x-amz-storage-class", b"REDUCED_REDUNDANCY"),
        (b"x-amz-date", b"20130524T000000Z"),
        (b"x-amz-content-sha256", hash_body(body).encode()),
    )
    whole = signable("PUT", f"{S3_HOST}/test%24file.text", headers=headers, body=body)
    names = sorted(name.decode() for name, _ in whole.headers)
    signed = signature_of(whole, S3_DOCUMENTED.secret_access_key, scope=S3, at="20130524T000000Z", names=names)
    assert signed == "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"


PATHS = {
    "/model/anthropic.claude-v2%3A1/converse": "/model/anthropic.claude-v2%253A1/converse",
    "/model/anthropic.claude-v2:1/converse": "/model/anthropic.claude-v2%3A1/converse",
    "/model/arn%3Aaws%3Abedrock%3Aeu-west-1%3A1%3Ainference-profile%2Feu.x/invoke": (
        "/model/arn%253Aaws%253Abedrock%253Aeu-west-1%253A1%253Ainference-profile%252Feu.x/invoke"
    ),
    "": "/",
    "/..": "/",
    "/a//b/./c/../d/": "/a/b/d/",
}


@pytest.mark.parametrize("path", PATHS)
def test_a_path_is_encoded_a_second_time(path: str) -> None:
    assert write_path(path) == PATHS[path]


def test_a_path_of_s3_is_neither_shortened_nor_encoded_again() -> None:
    assert (write_path("/a//./b%20c", is_s3=True), write_path("", is_s3=True)) == ("/a//./b%20c", "/")


def test_a_query_is_sorted_by_what_is_written() -> None:
    assert write_query("") == ""
    assert write_query("b&a=%2f&a=1&A=x=y&&c%20d=") == "A=x%3Dy&a=%2F&a=1&b=&c%20d="


def test_only_headers_that_no_proxy_changes_are_signed() -> None:
    whole = signable(
        "POST",
        "HTTPS://Example.COM:443/x",
        headers=((b"accept", b"*/*"), (b"x-request-id", b"r"), (b"content-type", b"application/json")),
        body=b"{}",
    )
    assert whole.headers[0] == (b"host", b"example.com")
    assert names_to_sign(whole.headers) == ("content-type", "host")


def test_an_older_signature_of_a_request_is_replaced() -> None:
    once = request("GET", "/", *sign(request("GET", "/"), SUITE, scope=SERVICE, now_ms=0))
    assert signature(once) == VANILLA


def test_an_address_that_cannot_be_called_cannot_be_signed() -> None:
    with pytest.raises(HostUnavailable, match="does not start with http"):
        signable("GET", "ftp://example.com/", headers=(), body=b"")


def test_a_key_pair_shows_nothing_of_itself() -> None:
    assert repr(SUITE) == "KeyPair(<hidden>)"
