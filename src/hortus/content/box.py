"""How names and values of kept content are hidden in a file: keyed digests for names, AES-GCM for values.

Both keys are derived from a version of the installation's secret. A value opens only under its own name and instant,
so that rows cannot be swapped, moved or made younger. What an older version wrote is read while that version exists,
and what another process wrote with a newer one as soon as it is asked for.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Sequence

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from hortus.base.secrets import Secret, SecretVersions

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
        name: What stands in the file.
    """

    version: int
    name: bytes


class Box:
    """Hides one kind of content.

    Args:
        purpose: Which kind; no two share a key.
        secrets: Versions of the installation's secret: the newest one writes, all read.
        entropy: Source of random bytes.
    """

    def __init__(self, purpose: str, secrets: SecretVersions, *, entropy: Callable[[int], bytes]) -> None:
        self._purpose = purpose
        self._secrets = secrets
        self._entropy = entropy
        self._derived_from: tuple[Secret, ...] = ()
        self._keys: dict[int, _Keys] = {}

    def lid(self, parts: Sequence[str]) -> Lid:
        """Return the name under which something is written."""
        version, keys = next(iter(self._by_version().items()))
        return Lid(version, hmac.digest(keys.names, _join(parts), "sha256"))

    def lids(self, parts: Sequence[str]) -> list[Lid]:
        """Return every name under which something may stand, the newest version first."""
        joined = _join(parts)
        return [Lid(version, hmac.digest(keys.names, joined, "sha256")) for version, keys in self._by_version().items()]

    def look_again(self) -> bool:
        """Tell whether there are other names by now: another process may know a newer version."""
        return self._secrets.look_again()

    def close(self, lid: Lid, at_ms: int, *, data: bytes) -> bytes:
        """Return `data` as it stands in the file."""
        nonce = self._entropy(_NONCE_BYTES)
        return nonce + self._by_version()[lid.version].values.encrypt(nonce, data, _bond(lid, at_ms))

    def open(self, lid: Lid, at_ms: int, *, value: bytes) -> bytes | None:
        """Return what was closed; None where name, instant or value are not those that were written."""
        keys, bond = self._by_version()[lid.version].values, _bond(lid, at_ms)
        try:
            return keys.decrypt(value[:_NONCE_BYTES], value[_NONCE_BYTES:], bond)
        except (InvalidTag, ValueError):  # ValueError: the nonce is cut
            return None

    def _by_version(self) -> dict[int, _Keys]:
        """Return the keys of every version, the newest first."""
        versions = self._secrets.newest_first
        if versions is not self._derived_from:
            self._keys = {
                secret.version: _Keys(
                    _derive(secret, f"{self._purpose}: names"), AESGCM(_derive(secret, f"{self._purpose}: values"))
                )
                for secret in versions
            }
            self._derived_from = versions
        return self._keys


def _derive(secret: Secret, purpose: str) -> bytes:
    words = f"hortus content 1: {purpose}".encode()
    return HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=None, info=words).derive(secret.value)


def _join(parts: Sequence[str]) -> bytes:
    """Return the parts with their lengths, so that no two lists of parts are alike."""
    encoded = [part.encode("utf-8", "surrogatepass") for part in parts]
    return b"".join([len(part).to_bytes(_LENGTH_BYTES, "big") + part for part in encoded])


def _bond(lid: Lid, at_ms: int) -> bytes:
    return lid.name + at_ms.to_bytes(_INSTANT_BYTES, "big", signed=True)
