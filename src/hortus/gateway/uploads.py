"""A request body that is a form: how it comes in, and how it goes out with another model's name, all else untouched."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from typing import Final

import msgspec

from hortus.canon.errors import InvalidRequest
from hortus.canon.form import Form
from hortus.content.spool import Spool
from hortus.framing.multipart import MultipartReader
from hortus.framing.multipart_heads import read_boundary
from hortus.gateway.admit import too_large
from hortus.gateway.exchange import Exchange
from hortus.gateway.ports import LongBody
from hortus.receipts.digests import ContentDigest

_MODEL: Final = "model"
_CRLF: Final = b"\r\n"


class Upload(msgspec.Struct, frozen=True):
    """A form that has come in.

    Attributes:
        body: Its bytes as they came.
        content_type: As it came, with the boundary.
    """

    form: Form
    body: LongBody
    content_type: bytes


class Edit(msgspec.Struct, frozen=True):
    """Other bytes in place of those from `start` to `end`."""

    start: int
    end: int
    data: bytes


async def receive_form(
    exchange: Exchange, content_type: bytes, *, spool: Spool, limit_bytes: int, digest: ContentDigest
) -> Upload:
    """Take a form in, into a spool.

    Raises:
        UnsupportedMediaType: The content type is no form's.
        InvalidRequest: It is no form, or none that everybody reads alike.
        TooLarge: It is longer than `limit_bytes`.
        StorageFull: The disk has no room for it.
        ClientGone: The client left midway.
    """
    reader = MultipartReader(read_boundary(content_type))
    while part := await exchange.read_part():
        if spool.size_bytes + len(part) > limit_bytes:
            raise too_large(limit_bytes, setting="upload_limit_mib")
        digest.update(part)
        reader.feed(part)
        await spool.write(part)
    return Upload(reader.close(), spool, content_type)


def name_model(upload: Upload, model: str) -> LongBody:
    """Return the form with `model` in the field of that name, which is put before all others where there is none.

    Raises:
        InvalidRequest: The model's name cannot stand in a form.
    """
    value = model.encode()
    if b"\r" in value or b"\n" in value:
        raise InvalidRequest("The host's name of the model has a line end.", hint="An admin must mend the endpoint.")
    form = upload.form
    said = form.field(_MODEL)
    alone = b'Content-Disposition: form-data; name="model"' + _CRLF * 2 + value
    if said is None:
        edit = Edit(form.start, form.start, b"--" + form.boundary + _CRLF + alone + _CRLF)
    elif said.value == model:
        return upload.body
    elif said.tells_length:
        edit = Edit(said.head_start, said.end, alone)
    else:
        edit = Edit(said.start, said.end, value)
    return Spliced(upload.body, (edit,))


class Spliced:
    """A long body with some edits, implements `LongBody`; what is not edited stays where it is.

    Args:
        body: What is edited.
        edits: In the order of their places; they do not overlap.
    """

    __slots__ = ("_body", "_pieces", "_starts", "size_bytes")

    def __init__(self, body: LongBody, edits: Iterable[Edit]) -> None:
        self._body = body
        self._pieces: list[bytes | tuple[int, int]] = []
        self._starts: list[int] = []
        self.size_bytes = 0
        at = 0
        for edit in edits:
            self._add((at, edit.start), edit.start - at)
            self._add(edit.data, len(edit.data))
            at = edit.end
        self._add((at, body.size_bytes), body.size_bytes - at)

    def _add(self, piece: bytes | tuple[int, int], size: int) -> None:
        if size:
            self._starts.append(self.size_bytes)
            self._pieces.append(piece)
            self.size_bytes += size

    async def read(self, start: int, size: int) -> bytes:
        """Return bytes from a place on, fewer only at the end. Raises StorageFull."""
        found: list[bytes] = []
        end = min(start + size, self.size_bytes)
        number = bisect_right(self._starts, start) - 1
        while start < end:
            piece, skipped = self._pieces[number], start - self._starts[number]
            wanted = end - start
            if isinstance(piece, bytes):
                data = piece[skipped : skipped + wanted]
            else:
                there = piece[0] + skipped
                data = await self._body.read(there, min(wanted, piece[1] - there))
            found.append(data)
            start += len(data)
            number += 1
        return b"".join(found)
