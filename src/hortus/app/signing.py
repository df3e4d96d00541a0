"""`signing.key`: the key that signs checkpoints, stubs and exports of the receipts, and the public ones before it.

Made at the first start of the ledger or of control, readable by its owner only. An older private key is not kept: it
has nothing to sign any more, and whoever finds it could.
"""

from __future__ import annotations

import msgspec

from hortus.app.clock import random_bytes
from hortus.app.ground import write_private
from hortus.app.home import Home
from hortus.app.secrets import read_private, write_once
from hortus.base.errors import InstallationError
from hortus.receipts.checkpoint import SEED_BYTES, SigningKey

SIGNING_FORMAT = 1


class _SigningFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    format: int
    current: str
    older: tuple[str, ...] = ()


def ensure_signing_key(home: Home) -> SigningKey:
    """Read `signing.key`, or make it where there is none.

    Raises:
        InstallationError: It is open to others, damaged, or cannot be written.
    """
    if not home.signing_key.exists():
        write_once(home.signing_key, _spell(random_bytes(SEED_BYTES), ()))
    return load_signing_key(home)


def load_signing_key(home: Home) -> SigningKey:
    """Read `signing.key`.

    Raises:
        InstallationError: It is missing, open to others, or damaged.
    """
    data = read_private(home.signing_key)
    try:
        content = msgspec.json.decode(data, type=_SigningFile)
        if content.format != SIGNING_FORMAT:
            raise ValueError("format")  # noqa: TRY301 -- one answer to every kind of damage
        return SigningKey(bytes.fromhex(content.current), older=content.older)
    except ValueError as error:  # errors of msgspec and of UTF-8 are among them
        raise InstallationError(
            "this is not a signing key that this release can read.",
            path=str(home.signing_key),
            hint="Restore it from a backup; without it, move it away to let Hortus make another.",
        ) from error


def rotate_signing_key(home: Home) -> SigningKey:
    """Sign with a fresh key from now on; the public one of the key before it is kept.

    Raises:
        InstallationError: As `load_signing_key`.
    """
    before = load_signing_key(home)
    write_private(home.signing_key, _spell(random_bytes(SEED_BYTES), before.public_keys))
    return load_signing_key(home)


def _spell(seed: bytes, older: tuple[str, ...]) -> bytes:
    return msgspec.json.encode(_SigningFile(SIGNING_FORMAT, seed.hex(), older)) + b"\n"
