"""Signed statements about the chain (Ed25519): where it stands, what has left it, what an export holds.

A statement is signed over its bytes as they stand, after a line that says what they are for. Its JSON is never written
again: who checks it checks the bytes that were signed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from hashlib import sha256

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from typing_extensions import override

SEED_BYTES = 32

_PURPOSE = b"hortus receipts 1\n"
_KEY_ID_LETTERS = 16


class Checkpoint(msgspec.Struct, frozen=True, tag="checkpoint", tag_field="what"):
    """Where the chain stood: after entry `seq`, whose hash (hex) is `hash`."""

    installation: str
    seq: int
    hash: str
    at_ms: int


class Stub(msgspec.Struct, frozen=True, tag="stub", tag_field="what"):
    """A segment whose receipts have left the store because their time was over.

    Attributes:
        first_seq: Of its entries, as `last_seq`.
        previous: Hash (hex) before its first entry.
        hash: That of its last entry.
        costs: Sum by currency of the receipts whose cost was known.
        without_cost: Receipts whose cost was unknown.
        checkpoints: Those that stood in it, as (seq, hash) of what they say.
    """

    installation: str
    segment: int
    first_seq: int
    last_seq: int
    previous: str
    hash: str
    at_ms: int
    receipts: int
    acts: int
    input_tokens: int
    output_tokens: int
    costs: dict[str, Decimal]
    without_cost: int
    checkpoints: tuple[tuple[int, str], ...] = ()


class Span(msgspec.Struct, frozen=True, tag="export", tag_field="what"):
    """What an export holds: the entries `first_seq` to `last_seq`, and how the chain stands before and after them.

    Attributes:
        previous: Hash (hex) before its first entry.
        hash: That of its last entry.
        shown: Receipts and acts that are in it with their records; the others stand there as digests.
        project: Its name, where only one project's records are shown.
        public_keys: All of the installation, in hex, the current one first.
    """

    installation: str
    first_seq: int
    last_seq: int
    previous: str
    hash: str
    shown: int
    at_ms: int
    public_keys: tuple[str, ...]
    project: str | None = None
    since_ms: int | None = None
    until_ms: int | None = None


Statement = Checkpoint | Stub | Span


class Signed(msgspec.Struct, frozen=True):
    """A statement with its signature (hex) and the id of the key that made it."""

    statement: msgspec.Raw
    key: str
    signature: str


class CheckpointFile(msgspec.Struct, frozen=True, tag="checkpoint", tag_field="hortus"):
    """A checkpoint to be held outside: with the public keys (hex) of its installation at that time."""

    format: int
    signed: Signed
    public_keys: tuple[str, ...]


class KeyFile(msgspec.Struct, frozen=True, tag="public-keys", tag_field="hortus"):
    """The public keys (hex) of an installation, to be held outside."""

    format: int
    installation: str
    public_keys: tuple[str, ...]


NOT_READABLE = (msgspec.DecodeError, UnicodeDecodeError)
"""What reading bytes raises that somebody may have changed."""

FILE_FORMAT = 1
"""Of checkpoint files and key files."""


class SigningKey:
    """The installation's own key. Its bytes never show in logs or errors.

    Args:
        seed: 32 random bytes.
        older: Public keys (hex) that came before it.
    """

    def __init__(self, seed: bytes, *, older: Iterable[str] = ()) -> None:
        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        self.public = self._private.public_key().public_bytes_raw().hex()
        self.id = key_id(self.public)
        self.public_keys = (self.public, *older)

    @override
    def __repr__(self) -> str:
        return f"SigningKey({self.id})"

    def sign(self, statement: Statement) -> Signed:
        """Return the statement with its signature."""
        data = msgspec.json.encode(statement)
        return Signed(msgspec.Raw(data), self.id, self._private.sign(_PURPOSE + data).hex())


def key_id(public: str) -> str:
    """Return the id of a public key (hex): the beginning of its SHA-256."""
    return sha256(bytes.fromhex(public)).hexdigest()[:_KEY_ID_LETTERS]


def keys_by_id(public_keys: Iterable[str]) -> dict[str, str]:
    """Return public keys (hex) by their ids.

    Raises:
        ValueError: One is no hex.
    """
    return {key_id(one): one for one in public_keys}


def is_signed(signed: Signed, keys: Mapping[str, str]) -> bool | None:
    """Tell whether a signature is right; None where its key is not among `keys` (public ones in hex, by id)."""
    public = keys.get(signed.key)
    if public is None:
        return None
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public))
        key.verify(bytes.fromhex(signed.signature), _PURPOSE + bytes(signed.statement))
    except (InvalidSignature, ValueError):  # ValueError: key or signature has another length, or is no hex
        return False
    return True


def read_statement(signed: Signed) -> Statement | None:
    """Return what was signed, None where it is no statement that this release knows."""
    try:
        return _DECODER.decode(signed.statement)
    except NOT_READABLE:
        return None


_DECODER: msgspec.json.Decoder[Statement] = msgspec.json.Decoder(Checkpoint | Stub | Span)
