"""The file that a person gets who asks what is kept of them: exchanges with their receipts, readable by anybody."""

from __future__ import annotations

import base64
import os
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec

from hortus.base.errors import InstallationError
from hortus.base.time import format_utc

ZIP = ".zip"

_README = """\
What is kept of requests and answers, as `hortus content export` wrote it.

index.jsonl            one line each: when, through which key and route, and the files below
RECEIPT/request.json   what was sent, byte for byte (JSON)
RECEIPT/answer.json    what came back; answer.txt: a stream of events
RECEIPT/receipt.json   the receipt: model, host, place, tokens, cost, and digests of the two files;
                       `hortus receipts check-content RECEIPT FILE` proves that a file is the one it is about
"""


class Kept(msgspec.Struct, frozen=True):
    """What the admin API says of a kept exchange, as far as files are named by it."""

    receipt_id: str
    at_ms: int
    is_stream: bool
    encoding: str
    request: str | None
    answer: str | None


class Item(msgspec.Struct, frozen=True):
    """A kept exchange and its receipt, as the admin API gives them; None where the receipt is not in the store yet."""

    exchange: msgspec.Raw
    receipt: msgspec.Raw | None


def write_file(file: Path, items: Iterable[Item]) -> int:
    """Write kept exchanges: a zip where the file's name ends so, else JSON Lines; return how many.

    Raises:
        InstallationError: It cannot be written.
    """
    count = 0
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as opened:
            lines = _zipped(opened, items) if file.suffix == ZIP else _written(opened, items)
            for _ in lines:
                count += 1
    except OSError as error:
        raise InstallationError(f"cannot be written: {error.strerror}.", path=str(file)) from error
    return count


def _written(opened: BinaryIO, items: Iterable[Item]) -> Iterator[None]:
    for item in items:
        opened.write(msgspec.json.encode({"exchange": item.exchange, "receipt": item.receipt}) + b"\n")
        yield


def _zipped(opened: BinaryIO, items: Iterable[Item]) -> Iterator[None]:
    index: list[bytes] = []
    with zipfile.ZipFile(opened, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("README.txt", _README)
        for item in items:
            kept = msgspec.json.decode(item.exchange, type=Kept)
            for name, data in _files(kept, item.receipt):
                made.writestr(name, data)
            facts = msgspec.json.decode(item.exchange, type=dict[str, msgspec.Raw])
            rest = {name: value for name, value in facts.items() if name not in {"request", "answer", "encoding"}}
            index.append(msgspec.json.encode({"at": format_utc(kept.at_ms), **rest}) + b"\n")
            yield
        made.writestr("index.jsonl", b"".join(index))


def _files(kept: Kept, receipt: msgspec.Raw | None) -> Iterator[tuple[str, bytes]]:
    answer_name = "answer.txt" if kept.is_stream else "answer.json"
    for name, text in (("request.json", kept.request), (answer_name, kept.answer)):
        if text is not None:
            yield f"{kept.receipt_id}/{name}", bytes_of(text, kept.encoding)
    if receipt is not None:
        yield f"{kept.receipt_id}/receipt.json", bytes(receipt)


def bytes_of(text: str, encoding: str) -> bytes:
    """Return a body as it was sent."""
    return base64.b64decode(text) if encoding == "base64" else text.encode()
