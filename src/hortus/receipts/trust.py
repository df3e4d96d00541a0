"""Files held outside: checkpoints and public keys, read and looked into before anything is judged by them."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from hortus.receipts.checkpoint import (
    FILE_FORMAT,
    Checkpoint,
    CheckpointFile,
    KeyFile,
    is_signed,
    keys_by_id,
    read_statement,
)
from hortus.receipts.verdict import Trust


class NotTrusted(ValueError):  # noqa: N818 -- an answer about a file, which people see
    """The file is no checkpoint, or no file of public keys, that this release can read."""


def read_trust(checkpoints: Iterable[bytes], key_files: Iterable[bytes]) -> Trust:
    """Return what files held outside say.

    Where key files are given, nobody else may have signed; else the keys in the checkpoints are taken.

    Raises:
        NotTrusted: One of them is damaged.
    """
    read = [_read_checkpoint(data) for data in checkpoints]
    given: dict[str, str] = {}
    for data in key_files:
        given |= _read_keys(data)
    keys = dict(given)
    for _, own in read:
        keys |= {} if given else own
    return Trust(tuple(checkpoint for checkpoint, _ in read), keys, are_all_keys=bool(given))


def _read_checkpoint(data: bytes) -> tuple[Checkpoint, dict[str, str]]:
    try:
        file = msgspec.json.decode(data, type=CheckpointFile)
        keys = keys_by_id(file.public_keys)
    except ValueError as error:  # errors of msgspec and of UTF-8 are among them
        raise NotTrusted("it is no checkpoint") from error
    statement = read_statement(file.signed)
    if file.format != FILE_FORMAT or not isinstance(statement, Checkpoint):
        raise NotTrusted("it is no checkpoint that this release can read")
    if not is_signed(file.signed, keys):
        raise NotTrusted("its signature is wrong: the checkpoint was changed")
    return statement, keys


def _read_keys(data: bytes) -> dict[str, str]:
    try:
        file = msgspec.json.decode(data, type=KeyFile)
        if file.format != FILE_FORMAT or not file.public_keys:
            raise NotTrusted("it holds no public keys that this release can read")
        return keys_by_id(file.public_keys)
    except ValueError as error:  # errors of msgspec and of UTF-8 are among them
        raise NotTrusted("it is no file of public keys") from error
