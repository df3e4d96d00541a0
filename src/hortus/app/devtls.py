"""Certificates for development: an authority of this installation alone, and the certificate that it gives the door.

Nothing that somebody else put there is overwritten: keys are made once, and a certificate is replaced only if it is
one of these.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Final

import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from hortus.app.ground import write_private
from hortus.app.home import Home
from hortus.app.secrets import read_private, write_once
from hortus.base.errors import ConfigurationError, InstallationError
from hortus.base.time import Clock

NAMES: Final = ("localhost", "127.0.0.1", "::1")
"""For whom there is always a certificate."""

LONGEST_DAYS: Final = 825
"""Apple's clients refuse longer ones, whoever signed them (recalled 2026-11)."""

_AUTHORITY_DAYS: Final = 3650
_ORGANISATION: Final = "Hortus, for development"
_RENEWED_AT: Final = 3
"""A certificate is renewed in the last third of its life."""

_LONGEST_NAME: Final = 253
_LONGEST_LABEL: Final = 63
"""Of DNS: RFC 1035, 2.3.4."""

_EARLIER: Final = timedelta(minutes=5)
"""Clocks of clients may be that far behind."""


class DevFiles(msgspec.Struct, frozen=True):
    """Where everything lies; `chain` has the door's certificate and the authority's."""

    authority: Path
    authority_key: Path
    chain: Path
    key: Path


class Made(msgspec.Struct, frozen=True):
    """What there is now.

    Attributes:
        names: For which the door's certificate is good.
        is_new: The door's certificate was made or renewed now; likewise the authority's.
    """

    files: DevFiles
    names: tuple[str, ...]
    expires_at_ms: int
    is_new: bool
    is_new_authority: bool


def dev_files(home: Home) -> DevFiles:
    """Return where the files of an installation lie."""
    place = home.root / "tls"
    return DevFiles(place / "dev-ca.pem", place / "dev-ca.key", place / "dev.pem", place / "dev.key")


def ensure_certificate(home: Home, *, names: Sequence[str] = (), days: int, clock: Clock) -> Made:
    """Make what is missing, renew what ends soon, and leave the rest as it is.

    Args:
        home: The installation.
        names: Further names or addresses of this machine; those of the certificate before stay.
        days: How long a new certificate is good.
        clock: Tells the time.

    Raises:
        ConfigurationError: A name cannot stand in a certificate.
        InstallationError: A file cannot be read or written, or is somebody else's.
    """
    files, now = dev_files(home), datetime.fromtimestamp(clock.now_ms() / 1000, tz=UTC)
    _make_place(files.chain.parent)
    present = _own(files.chain)
    alternatives = list(dict.fromkeys((*_names_of(present), *map(_general, (*NAMES, *names)))))
    until = now + timedelta(days=days)
    key = _ensure_key(files.authority_key)
    authority = _own(files.authority)
    is_new_authority = authority is None or not _may_sign(authority, key, alternatives, until=until)
    if authority is None or is_new_authority:
        authority = _make_authority(key, alternatives, now=now)
        write_private(files.authority, _pem(authority))
    door_key = _ensure_key(files.key)
    is_new = present is None or not _is_good(present, authority, alternatives, key=door_key, now=now)
    if present is None or is_new:
        present = _make_certificate(door_key, (authority, key), alternatives, life=(now, until))
    if is_new or is_new_authority:
        write_private(files.chain, _pem(present) + _pem(authority))
    expires_at_ms = int(present.not_valid_after_utc.timestamp() * 1000)
    named = tuple(str(one.value) for one in alternatives)
    return Made(files, named, expires_at_ms, is_new=is_new, is_new_authority=is_new_authority)


def _make_place(place: Path) -> None:
    try:
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise InstallationError(
            f"cannot be made: {error.strerror}.", path=str(place), hint="Give this user the right to write there."
        ) from error


def _ensure_key(path: Path) -> ec.EllipticCurvePrivateKey:
    """Return the key in a file, made where there is none."""
    if not path.exists():
        fresh = ec.generate_private_key(ec.SECP256R1())
        kind, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
        write_once(path, fresh.private_bytes(kind, form, serialization.NoEncryption()))
    try:
        found = serialization.load_pem_private_key(read_private(path), password=None)
    except (ValueError, TypeError) as error:
        raise _not_ours(path) from error
    if not isinstance(found, ec.EllipticCurvePrivateKey):
        raise _not_ours(path)
    return found


def _own(path: Path) -> x509.Certificate | None:
    """Return the first certificate of a file, None where there is no file; raises where others made it."""
    if not path.exists():
        return None
    try:
        found = x509.load_pem_x509_certificates(read_private(path))[0]
    except ValueError as error:
        raise _not_ours(path) from error
    organisations = [one.value for one in found.issuer.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)]
    if organisations != [_ORGANISATION]:
        raise _not_ours(path)
    return found


def _not_ours(path: Path) -> InstallationError:
    return InstallationError(
        "this file is not one that `hortus tls dev` made, and stays as it is.",
        path=str(path),
        hint="Move it away and run this again; a certificate of your own goes into tls_cert and tls_key from anywhere.",
    )


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        pass
    labels = name.split(".")
    if not name.isascii() or len(name) > _LONGEST_NAME or not all(_is_label(label) for label in labels):
        raise ConfigurationError(
            f"{name!r} is no name of a machine and no address.", path="--name", hint="Such as hortus.test or 10.0.0.5."
        )
    return x509.DNSName(name.lower())


def _is_label(text: str) -> bool:
    return 0 < len(text) <= _LONGEST_LABEL and text.replace("-", "a").isalnum() and not text.startswith("-")


def _may_sign(
    authority: x509.Certificate,
    key: ec.EllipticCurvePrivateKey,
    alternatives: Sequence[x509.GeneralName],
    *,
    until: datetime,
) -> bool:
    allowed = authority.extensions.get_extension_for_class(x509.NameConstraints).value.permitted_subtrees or []
    is_for_all = {_subtree(one) for one in alternatives} <= set(allowed)
    return is_for_all and authority.public_key() == key.public_key() and authority.not_valid_after_utc >= until


def _is_good(
    found: x509.Certificate,
    authority: x509.Certificate,
    alternatives: Sequence[x509.GeneralName],
    *,
    key: ec.EllipticCurvePrivateKey,
    now: datetime,
) -> bool:
    begun, ends = found.not_valid_before_utc, found.not_valid_after_utc
    try:
        found.verify_directly_issued_by(authority)
    except (InvalidSignature, ValueError):
        return False
    is_fresh = ends - now > (ends - begun) / _RENEWED_AT
    return is_fresh and set(_names_of(found)) >= set(alternatives) and found.public_key() == key.public_key()


def _names_of(found: x509.Certificate | None) -> list[x509.GeneralName]:
    if found is None:
        return []
    return list(found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)


def _subtree(name: x509.GeneralName) -> x509.GeneralName:
    """Return a name as a constraint has it: an address as a network of itself."""
    return x509.IPAddress(ip_network(name.value)) if isinstance(name, x509.IPAddress) else name


def _make_authority(
    key: ec.EllipticCurvePrivateKey, alternatives: Sequence[x509.GeneralName], *, now: datetime
) -> x509.Certificate:
    """Make an authority that may vouch for these names and nothing else, whoever gets hold of its key."""
    builder = _builder("Hortus development authority", now=now, until=now + timedelta(days=_AUTHORITY_DAYS))
    usage = x509.KeyUsage(
        key_cert_sign=True, crl_sign=True, digital_signature=False, content_commitment=False, key_encipherment=False,
        data_encipherment=False, key_agreement=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    constraints = x509.NameConstraints([_subtree(one) for one in alternatives], None)
    return (
        builder.issuer_name(_name("Hortus development authority"))
        .public_key(key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(constraints, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def _make_certificate(
    key: ec.EllipticCurvePrivateKey,
    signer: tuple[x509.Certificate, ec.EllipticCurvePrivateKey],
    alternatives: Sequence[x509.GeneralName],
    *,
    life: tuple[datetime, datetime],
) -> x509.Certificate:
    authority, authority_key = signer
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key())
    return (
        _builder("localhost", now=life[0], until=life[1])
        .issuer_name(authority.subject)
        .public_key(key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(issuer, critical=False)
        .sign(authority_key, hashes.SHA256())
    )


def _builder(common: str, *, now: datetime, until: datetime) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(_name(common))
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _EARLIER)
        .not_valid_after(until)
    )


def _name(common: str) -> x509.Name:
    organisation = x509.NameAttribute(NameOID.ORGANIZATION_NAME, _ORGANISATION)
    return x509.Name([organisation, x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
