"""Certificates for development: made once, renewed in time, and nobody's own file is overwritten."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from hortus.app.devtls import DevFiles, Made, dev_files, ensure_certificate
from hortus.app.home import Home
from hortus.app.up import check_certificate
from hortus.base.errors import ConfigurationError, InstallationError

DAY_MS = 86_400_000


class Clock:
    """Time that passes when it is told to; not before now, for OpenSSL has a clock of its own."""

    def __init__(self) -> None:
        self.at_ms = int(datetime.now(UTC).timestamp() * 1000)

    def now_ms(self) -> int:
        return self.at_ms

    def monotonic_s(self) -> float:
        return self.at_ms / 1000


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def contents(files: DevFiles) -> list[bytes]:
    return [path.read_bytes() for path in (files.authority, files.authority_key, files.chain, files.key)]


def names_in(path: Path) -> list[str]:
    found = x509.load_pem_x509_certificate(path.read_bytes())
    return [str(one.value) for one in found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value]


def handshake(made: Made, name: str) -> None:
    """Let a client that trusts the authority alone meet the door, in memory."""
    server_side, client_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    server_side.load_cert_chain(made.files.chain, made.files.key)
    client_side.load_verify_locations(made.files.authority)
    client_side.verify_flags |= ssl.VERIFY_X509_STRICT
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_side.wrap_bio(back, there, server_hostname=name)
    server = server_side.wrap_bio(there, back, server_side=True)
    for _ in range(3):
        for side in (client, server):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    assert client.version() is not None


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "::1"])
def test_a_client_that_trusts_the_authority_meets_the_door(home: Home, clock: Clock, name: str) -> None:
    made = ensure_certificate(home, days=90, clock=clock)
    check_certificate(str(made.files.chain), str(made.files.key))
    handshake(made, name)


def test_another_name_is_not_vouched_for(home: Home, clock: Clock) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(ensure_certificate(home, days=90, clock=clock), "example.org")


def test_the_authority_may_vouch_for_these_names_alone(home: Home, clock: Clock) -> None:
    ensure_certificate(home, names=["hortus.test"], days=90, clock=clock)
    authority = x509.load_pem_x509_certificate(dev_files(home).authority.read_bytes())
    found = authority.extensions.get_extension_for_class(x509.NameConstraints)
    assert found.critical
    allowed = [str(one.value) for one in found.value.permitted_subtrees or []]
    assert allowed == ["localhost", "127.0.0.1/32", "::1/128", "hortus.test"]


def test_what_is_good_stays_as_it_is(home: Home, clock: Clock) -> None:
    first = ensure_certificate(home, days=90, clock=clock)
    before = contents(first.files)
    clock.at_ms += 50 * DAY_MS
    again = ensure_certificate(home, days=90, clock=clock)
    assert (first.is_new, again.is_new, again.is_new_authority) == (True, False, False)
    assert contents(again.files) == before
    assert again.expires_at_ms == first.expires_at_ms


def test_only_the_owner_reads_what_is_made(home: Home, clock: Clock) -> None:
    files = ensure_certificate(home, days=90, clock=clock).files
    modes = {path.stat().st_mode & 0o777 for path in files.chain.parent.iterdir()}
    assert modes == {0o600}
    assert files.chain.parent.stat().st_mode & 0o777 == 0o700


def test_the_last_third_of_its_life_renews_the_certificate_under_the_same_authority(home: Home, clock: Clock) -> None:
    first = ensure_certificate(home, days=90, clock=clock)
    before = contents(first.files)
    clock.at_ms += 61 * DAY_MS
    made = ensure_certificate(home, days=30, clock=clock)
    assert (made.is_new, made.is_new_authority) == (True, False)
    assert made.expires_at_ms == clock.at_ms // 1000 * 1000 + 30 * DAY_MS
    after = contents(made.files)
    assert (after[0], after[1], after[3]) == (before[0], before[1], before[3])
    assert after[2] != before[2]


def test_an_authority_that_ends_before_its_certificate_is_made_anew_with_its_key(home: Home, clock: Clock) -> None:
    key = contents(ensure_certificate(home, days=90, clock=clock).files)[1]
    clock.at_ms += 3600 * DAY_MS
    made = ensure_certificate(home, days=90, clock=clock)
    assert (made.is_new, made.is_new_authority) == (True, True)
    assert contents(made.files)[1] == key


def test_a_name_that_was_once_given_stays(home: Home, clock: Clock) -> None:
    ensure_certificate(home, days=90, clock=clock)
    made = ensure_certificate(home, names=["Hortus.test", "10.0.0.5"], days=90, clock=clock)
    assert (made.is_new, made.is_new_authority) == (True, True)
    handshake(made, "hortus.test")
    again = ensure_certificate(home, days=90, clock=clock)
    assert not again.is_new
    assert again.names == ("localhost", "127.0.0.1", "::1", "hortus.test", "10.0.0.5")
    assert names_in(made.files.chain) == list(again.names)


def test_a_certificate_of_another_authority_of_ours_is_made_anew(home: Home, clock: Clock) -> None:
    files = ensure_certificate(home, days=90, clock=clock).files
    files.authority.unlink()
    files.authority_key.unlink()
    assert ensure_certificate(home, days=90, clock=clock).is_new


@pytest.mark.parametrize("which", ["authority", "authority_key", "chain", "key"])
@pytest.mark.parametrize("content", ["certificate", "key", "words"])
def test_a_file_of_somebody_else_stays_and_is_named(home: Home, clock: Clock, which: str, content: str) -> None:
    foreign = {
        "certificate": trustme.CA().cert_pem.bytes(),
        "key": rsa.generate_private_key(65537, 2048).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ),
        "words": b"mine\n",
    }
    path: Path = getattr(dev_files(home), which)
    path.parent.mkdir(mode=0o700)
    path.write_bytes(foreign[content])
    path.chmod(0o600)
    with pytest.raises(InstallationError, match="not one that `hortus tls dev` made") as caught:
        ensure_certificate(home, days=90, clock=clock)
    assert caught.value.path == str(path)
    assert path.read_bytes() == foreign[content]


def test_a_key_that_others_may_read_is_refused(home: Home, clock: Clock) -> None:
    files = ensure_certificate(home, days=90, clock=clock).files
    files.authority_key.chmod(0o644)
    with pytest.raises(InstallationError, match="other users may read"):
        ensure_certificate(home, days=90, clock=clock)


@pytest.mark.parametrize("name", ["", "a b", "-x.test", "grün.test", "a..b", "*.test", "x" * 64, "a." * 130])
def test_what_is_no_name_is_refused(home: Home, clock: Clock, name: str) -> None:
    with pytest.raises(ConfigurationError, match="no name of a machine"):
        ensure_certificate(home, names=[name], days=90, clock=clock)


def test_a_home_that_cannot_be_written_is_named(tmp_path: Path, clock: Clock) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InstallationError, match="cannot be made"):
        ensure_certificate(Home(tmp_path / "file"), days=90, clock=clock)
