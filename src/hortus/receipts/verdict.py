"""What the check of an export is told, and what it says: known from outside, faults, and the verdict."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from hortus.receipts.checkpoint import Checkpoint


class Fault(msgspec.Struct, frozen=True):
    """One place where the file is not what was written.

    Attributes:
        line: Of the file, counted from 1.
        seq: The entry's place in the chain, where it is known.
        record: Id of the receipt or act, where it is known.
    """

    line: int
    why: str
    seq: int | None = None
    record: str | None = None


class Trust(msgspec.Struct, frozen=True):
    """What is known from outside the file.

    Attributes:
        checkpoints: Held elsewhere since they were made.
        keys: Public keys (hex) by id.
        are_all_keys: Nobody else may have signed: the keys were given as the installation's own.
    """

    checkpoints: tuple[Checkpoint, ...] = ()
    keys: Mapping[str, str] = {}
    are_all_keys: bool = False


class Verdict(msgspec.Struct, frozen=True):
    """What a check found.

    Attributes:
        status: `whole`, `tampered`, or `cannot_tell`: nothing in the file contradicts itself, but nothing from outside
            confirms it.
        more_faults: How many are not listed.
        proven_to: Last entry that a checkpoint from outside confirms; the chain up to there cannot have been changed.
        signed_to: Last entry that a known key has signed for.
        notes: What could not be told, and why.
        gone: Entries that have left the store, with a signed stub in their place.
    """

    status: str
    faults: tuple[Fault, ...]
    more_faults: int
    installation: str
    first_seq: int
    last_seq: int
    proven_to: int | None
    signed_to: int | None
    receipts: int
    acts: int
    digests: int
    gone: int
    notes: tuple[str, ...]
