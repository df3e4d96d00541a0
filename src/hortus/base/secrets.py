"""Client keys: how they look, the keyed digest that is stored in their place, and the pairs that are stored nowhere."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from typing import Protocol

import msgspec
from typing_extensions import override

KEY_PREFIX = "hortus_sk_"
"""Every client key starts with this, so that secret scanners find it."""

KEY_ENTROPY_BYTES = 30

DIGEST_SCHEME = "blake2b-256"

_KEY_SHAPE = re.compile(r"hortus_sk_[0-9A-Za-z_-]{40}")

PAIR_PREFIX = "hortus_ak_"
"""Every access key id of a key pair starts with this."""

_KEY_ID = "key_"
_PAIR_SHAPE = re.compile(r"hortus_ak_([1-9][0-9]{0,8})_([0-9a-z]{1,40})")


class Secret(msgspec.Struct, frozen=True):
    """One version of the installation's secret. Its bytes never show in logs or errors."""

    version: int
    value: bytes

    @override
    def __repr__(self) -> str:
        return f"Secret(version={self.version}, value=<hidden>)"


class SecretVersions(Protocol):
    """All versions of the installation's secret. They change while processes live: new ones are made, old ones go."""

    @property
    def newest_first(self) -> tuple[Secret, ...]:
        """The versions, as they are known; another tuple when they have changed."""
        ...

    def look_again(self) -> bool:
        """Take in what has changed, and tell whether anything has; quick enough for whenever something is unknown."""
        ...


class FixedVersions(msgspec.Struct, frozen=True):
    """Versions that do not change."""

    newest_first: tuple[Secret, ...]

    def look_again(self) -> bool:
        """Tell that nothing has changed."""
        return False


def looks_like_key(text: str) -> bool:
    """Tell whether `text` has the shape of a client key (not whether it is valid)."""
    return _KEY_SHAPE.fullmatch(text) is not None


def digest_key(key: str, secret: Secret) -> str:
    """Return the keyed digest (hex, 64 characters) under which a client key is stored."""
    return hashlib.blake2b(key.encode("utf-8", "surrogatepass"), key=secret.value[:64], digest_size=32).hexdigest()


class PairName(msgspec.Struct, frozen=True):
    """The key that a key pair stands for, and the version of the installation's secret that the pair is made with."""

    key_id: str
    version: int


def write_pair_name(pair: PairName) -> str:
    """Return the access key id of a key's pair; letters, digits and `_`, as AWS has them.

    >>> write_pair_name(PairName("key_01m7q5cqg0", 2))
    'hortus_ak_2_01m7q5cqg0'
    """
    return f"{PAIR_PREFIX}{pair.version}_{pair.key_id.removeprefix(_KEY_ID)}"


def read_pair_name(text: str) -> PairName | None:
    """Return what an access key id names, None for one that is not ours.

    >>> read_pair_name("hortus_ak_2_01m7q5cqg0")
    PairName(key_id='key_01m7q5cqg0', version=2)
    """
    found = _PAIR_SHAPE.fullmatch(text)
    return None if found is None else PairName(_KEY_ID + found[2], int(found[1]))


def pair_secret(key_id: str, secret: Secret) -> str:
    """Return the secret of a key pair: 40 characters that are never stored, for they are made anew from the key's id.

    >>> len(pair_secret("key_1", Secret(1, bytes(32))))
    40
    """
    said = b"hortus key pair\0%d\0%b" % (secret.version, key_id.encode("utf-8", "surrogatepass"))
    return base64.urlsafe_b64encode(hmac.digest(secret.value, said, hashlib.sha256)[:30]).decode("ascii")
