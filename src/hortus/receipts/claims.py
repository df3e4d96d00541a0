"""Which request with an `Idempotency-Key` came first, and how it stands: what passes between worker and ledger."""

from __future__ import annotations

import hashlib
import re
from typing import Literal, Protocol

import msgspec

from hortus.base.secrets import Secret
from hortus.canon.errors import InvalidIdempotencyKey

KEPT_MS = 24 * 3600 * 1000
"""How long it is remembered that a request with a key has succeeded."""

State = Literal["yours", "running", "done"]

_KEY = re.compile(rb"[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?")


class Claim(msgspec.Struct, frozen=True, gc=False):
    """A request says that it is the one with this key.

    Attributes:
        digest: Keyed digest of the client's key.
        receipt: The request's receipt.
        writer: Who journals it; with its death, an unfinished request has failed.
    """

    project: str
    digest: str
    receipt: str
    writer: str


class Claimed(msgspec.Struct, frozen=True, gc=False):
    """The answer: `yours`, or how the one that came first stands.

    Attributes:
        receipt: Of the one that came first.
    """

    state: State
    receipt: str


class Claims(Protocol):
    """Where a worker claims keys."""

    async def claim(self, project_id: str, digest: str, *, receipt_id: str) -> Claimed:
        """Claim a key for a request.

        Raises:
            hortus.canon.errors.NotReady: The ledger cannot be asked.
        """
        ...

    def end(self, project_id: str, digest: str, *, receipt_id: str, is_done: bool) -> None:
        """The request is over; never waits. Where the ledger does not hear it, the receipt says the same later."""
        ...


def digest_idempotency_key(key: bytes, secret: Secret) -> str:
    """Return what is kept of a client's `Idempotency-Key`.

    Raises:
        InvalidIdempotencyKey: It is empty, longer than 255 characters, or has others than ASCII's visible ones.
    """
    if not _KEY.fullmatch(key):
        raise InvalidIdempotencyKey(
            "The header `Idempotency-Key` must have 1 to 255 visible ASCII characters.",
            path="Idempotency-Key",
            hint="Send a UUID.",
        )
    return hashlib.blake2b(key, key=secret.value[:64], person=b"idempotency", digest_size=32).hexdigest()
