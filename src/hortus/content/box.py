"""How names and values of kept content are hidden in a file: keyed digests for names, AES-GCM for values.

Both keys are derived from a version of the installation's secret. A value opens only under its own name and instant,
so that rows cannot be swapped, moved or made younger. What an older version wrote is read while that version exists.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterator, Sequence

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from hortus.base.secrets import Secret

_KEY_BYTES = 32
_NONCE_BYTES = 12  # random ones serve for 2**32 values of one key; NIST SP 800-38D, section 8.3
_INSTANT_BYTES = 8
_LENGTH_BYTES = 4


class _Keys(msgspec.Struct, frozen=True):
    names: bytes
    values: AESGCM


class Lid(msgspec.Struct, frozen=True, gc=False):
    """What one version of the secret makes of a name.

    Attributes:
        place: Of the version; 0 writes, all read.
        name: What stands in the file.
    """

    place: int
    name: bytes


class Box:
    """Hides one kind of content.

    Args:
        purpose: Which kind; no two share a key.
        secrets: Versions of the installation's secret, the one that writes first.
        entropy: Source of random bytes.
    """

    def __init__(self, purpose: str, secrets: Sequence[Secret], *, entropy: Callable[[int], bytes]) -> None:
        self._keys = [
            _Keys(_derive(secret, f"{purpose}: names"), AESGCM(_derive(secret, f"{purpose}: values")))
            for secret in secrets
        ]
        self._entropy = entropy

    def lid(self, parts: Sequence[str]) -> Lid:
        """Return the name under which something is written."""
        return Lid(0, hmac.digest(self._keys[0].names, _join(parts), "sha256"))

    def lids(self, parts: Sequence[str]) -> Iterator[Lid]:
        """Yield every name under which something may stand, the newest version first."""
        joined = _join(parts)
        for place, keys in enumerate(self._keys):
            yield Lid(place, hmac.digest(keys.names, joined, "sha256"))

    def close(self, lid: Lid, at_ms: int, *, data: bytes) -> bytes:
        """Return `data` as it stands in the file."""
        nonce = self._entropy(_NONCE_BYTES)
        return nonce + self._keys[lid.place].values.encrypt(nonce, data, _bond(lid, at_ms))

    def open(self, lid: Lid, at_ms: int, *, value: bytes) -> bytes | None:
        """Return what was closed; None where name, instant or value are not those that were written."""
        keys, bond = self._keys[lid.place].values, _bond(lid, at_ms)
        try:
            return keys.decrypt(value[:_NONCE_BYTES], value[_NONCE_BYTES:], bond)
        except (InvalidTag, ValueError):  # ValueError: the nonce is cut
            return None


def _derive(secret: Secret, purpose: str) -> bytes:
    words = f"hortus content 1: {purpose}".encode()
    return HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=None, info=words).derive(secret.value)


def _join(parts: Sequence[str]) -> bytes:
    """Return the parts with their lengths, so that no two lists of parts are alike."""
    encoded = [part.encode("utf-8", "surrogatepass") for part in parts]
    return b"".join([len(part).to_bytes(_LENGTH_BYTES, "big") + part for part in encoded])


def _bond(lid: Lid, at_ms: int) -> bytes:
    return lid.name + at_ms.to_bytes(_INSTANT_BYTES, "big", signed=True)
