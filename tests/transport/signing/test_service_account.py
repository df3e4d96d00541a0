"""A service account's key file is read or refused, and its claim is one that Google would take."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as generate_ec_key
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from tokens import EMAIL, START_S, ManualClock, TokenService

from hortus.base.errors import ConfigurationError
from hortus.transport.signing.service_account import read_key_file, write_claim

ELLIPTIC = (
    generate_ec_key(SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
)  # the test is about its kind, so any will do


def service(key: RSAPrivateKey) -> TokenService:
    return TokenService(key, ManualClock())


def test_a_claim_is_signed_and_says_who_for_whom_and_how_long(key: RSAPrivateKey) -> None:
    google = service(key)
    assert google.check(write_claim(read_key_file(google.key_file()), now_s=START_S)) == {
        "iss": EMAIL,
        "scope": "https://www.googleapis.com/auth/cloud-platform",
        "aud": "https://oauth2.googleapis.com/token",
        "iat": START_S,
        "exp": START_S + 3600,
    }


def test_a_key_file_without_a_token_address_means_google_s_own(key: RSAPrivateKey) -> None:
    google = service(key)
    text = google.key_file().replace("token_uri", "another_member")
    assert read_key_file(text).token_uri == "https://oauth2.googleapis.com/token"


def test_an_account_shows_nothing_of_itself(key: RSAPrivateKey) -> None:
    assert repr(read_key_file(service(key).key_file())) == "ServiceAccount(<hidden>)"


KIND = "PRIVATE"  # apart, or the scan for secrets takes this for one
REFUSED = {
    "no JSON": (None, "not the JSON key file"),
    "no key file": ({"private_key": 5}, "not the JSON key file"),
    "another kind of credential": ({"type": "authorized_user"}, "not the key of a service account"),
    "a key that is none": ({"private_key": f"-----BEGIN {KIND} KEY-----\nsecret\n"}, "cannot be read"),
    "a key of another kind": ({"private_key": ELLIPTIC}, "not RSA"),
    "a token address in the clear": ({"token_uri": "http://tokens.example/token"}, "not an https address"),
    "a token address that is none": ({"token_uri": "tokens.example"}, "not an https address"),
    "a token address with a user": ({"token_uri": "https://me@tokens.example/"}, "not an https address"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refuses_a_key_file_without_repeating_any_of_it(case: str, key: RSAPrivateKey) -> None:
    change, reason = REFUSED[case]
    text = service(key).key_file(**change) if change is not None else "my secret is no JSON"
    with pytest.raises(ConfigurationError, match=reason) as caught:
        read_key_file(text)
    assert "secret" not in str(caught.value)
    assert "tokens.example" not in str(caught.value)
