"""The chain of records: how a record is spelled, and how each entry's hash binds it to all that stand before it.

    digest = SHA-256(record)
    hash   = SHA-256(hash of the entry before (32 bytes), seq (8 bytes, big endian), code of the kind (1 byte), digest)

The hash before entry 1 is 32 zero bytes. Pure: values in, bytes out.
"""

from __future__ import annotations

from decimal import Decimal
from hashlib import sha256
from typing import Final

import msgspec
from msgspec.structs import replace

from hortus.receipts.records import Attempt, Receipt

RECEIPT, ACT, CHECKPOINT, STUB, BEGIN = 1, 2, 3, 4, 5

KINDS: Final = {"receipt": RECEIPT, "act": ACT, "checkpoint": CHECKPOINT, "stub": STUB, "begin": BEGIN}
"""What an entry can be, and the code that stands for it in the hash."""

KIND_NAMES: Final = {code: name for name, code in KINDS.items()}

HASH_BYTES = 32
NO_HASH = bytes(HASH_BYTES)
"""Stands before the first entry."""

SEGMENT_ENTRIES = 4096
"""A segment is full with so many, or when a new day (UTC) begins."""

_SEQ_BYTES = 8
_DAY_MS = 86_400_000


class Place(msgspec.Struct, frozen=True, gc=False):
    """Where a chain stands: after entry `seq`, whose hash is `hash`."""

    seq: int
    hash: bytes


NOWHERE = Place(0, NO_HASH)
"""The place before the first entry."""


class Flaw(msgspec.Struct, frozen=True):
    """The first entry that does not fit; `record_id` where it has one."""

    seq: int
    record_id: str
    why: str


class Begin(msgspec.Struct, frozen=True, omit_defaults=True):
    """A segment's first record.

    Attributes:
        previous: Hash of the last entry of the segment before, in hex.
        unchained: In the first segment: receipts in the store that are older than the chain.
    """

    segment: int
    at_ms: int
    previous: str
    unchained: int = 0


def canonical(receipt: Receipt) -> bytes:
    """Return the bytes of a receipt that are chained: JSON in the order of its fields, defaults left out.

    The project's name is left out: a project can be renamed. An amount is spelled as the store gives it back.
    """
    buffer = bytearray()
    spell_into(buffer, receipt)
    return bytes(buffer)


def spell_into(buffer: bytearray, receipt: Receipt) -> None:
    """Put the canonical bytes of a receipt in the place of what a buffer holds: quicker for many, one after another."""
    if receipt.project is not None:
        receipt = replace(receipt, project=None)
    _encode_into(receipt, buffer)
    if b"+" in buffer and b"E+" in buffer:  # the first is ten times as quick, and nearly always enough
        _encode_into(_plain(receipt), buffer)


def digest_of(record: bytes | bytearray) -> bytes:
    """Return the digest that stands for a record."""
    return sha256(record).digest()


def link(before: bytes, seq: int, *, code: int, digest: bytes) -> bytes:
    """Return the hash of entry `seq`.

    Args:
        before: Hash of the entry before.
        seq: Its number.
        code: Of its kind, out of `KINDS`.
        digest: Of its record.
    """
    return sha256(b"%b%b%c%b" % (before, seq.to_bytes(_SEQ_BYTES, "big"), code, digest)).digest()


def is_over(*, entries: int, began_at_ms: int, now_ms: int) -> bool:
    """Tell whether a segment takes no further entry."""
    return entries >= SEGMENT_ENTRIES or now_ms // _DAY_MS > began_at_ms // _DAY_MS


def _plain(receipt: Receipt) -> Receipt:
    """Spell costs without a positive exponent, as they come back from their columns."""
    attempts = tuple(
        replace(one, cost=_spell(one.cost), reserved=_spell(one.reserved)) if _has_amount(one) else one
        for one in receipt.attempts
    )
    return replace(receipt, cost=_spell(receipt.cost), attempts=attempts)


def _has_amount(attempt: Attempt) -> bool:
    return attempt.cost is not None or attempt.reserved is not None


def _spell(amount: Decimal | None) -> Decimal | None:
    return None if amount is None else Decimal(format(amount, "f"))


_encode_into = msgspec.json.Encoder().encode_into
