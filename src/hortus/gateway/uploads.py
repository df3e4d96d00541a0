"""A request body that is a form: how it comes in, and how it goes out with another model's name, all else untouched."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from heapq import merge
from typing import Final

import msgspec

from hortus.canon.dialect import HostId
from hortus.canon.errors import InvalidRequest
from hortus.canon.form import Form
from hortus.canon.work import Work
from hortus.content.spool import Spool
from hortus.framing.multipart import MultipartReader
from hortus.framing.multipart_heads import read_boundary
from hortus.gateway.admit import too_large
from hortus.gateway.exchange import Exchange
from hortus.gateway.ports import LongBody
from hortus.receipts.digests import ContentDigest

_MODEL: Final = "model"
_CRLF: Final = b"\r\n"


class Places(msgspec.Struct, frozen=True):
    """Where the requests in a file name their model: from and to which byte of the form."""

    starts: array[int]
    ends: array[int]


class Requests(msgspec.Struct, frozen=True):
    """The requests in a file for a batch.

    Attributes:
        dialect: In which they are written.
        work: What they may use together.
        places: Where they name their model.
        host_ids: What they name of what a host keeps.
        tools: Kinds of tools that they bring, sorted.
        texts: All of them as they came; None where they are longer than guards read.
    """

    dialect: str
    work: Work
    places: Places
    host_ids: tuple[HostId, ...]
    tools: tuple[str, ...]
    texts: tuple[bytes, ...] | None = None


class Upload(msgspec.Struct, frozen=True):
    """A form that has come in.

    Attributes:
        body: Its bytes as they came.
        content_type: As it came, with the boundary.
        requests: Those in its file, where it holds such.
    """

    form: Form
    body: LongBody
    content_type: bytes
    requests: Requests | None = None


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


def to_keep(upload: Upload, model: str, *, own_field: str) -> LongBody:
    """Return a form whose file a host is to keep: each of its requests names `model`, and Hortus' own field is out."""
    own = tuple(_without(upload.form, own_field))
    if upload.requests is not None:
        places, value = upload.requests.places, msgspec.json.encode(model)
        named = (Edit(start, end, value) for start, end in zip(places.starts, places.ends, strict=True))
        return Spliced(upload.body, merge(own, named, key=_start_of))
    return Spliced(upload.body, own) if own else upload.body


def _without(form: Form, name: str) -> Iterator[Edit]:
    """Take a field out, with the delimiter before it."""
    said = form.field(name)
    if said is not None:
        delimiter_bytes = len(b"--") + len(form.boundary) + len(_CRLF)
        yield Edit(said.head_start - delimiter_bytes, said.end + len(_CRLF), b"")


def _start_of(edit: Edit) -> int:
    return edit.start


class Spliced:
    """A long body with some edits, implements `LongBody`; what is not edited stays where it is.

    Of each edit three numbers are held, for there may be one in every line of a file.

    Args:
        body: What is edited.
        edits: In the order of their places; they do not overlap.
    """

    __slots__ = ("_body", "_data", "_ends", "_starts", "_written", "size_bytes")

    def __init__(self, body: LongBody, edits: Iterable[Edit]) -> None:
        self._body = body
        self._starts, self._ends = array("Q"), array("Q")
        self._written = array("Q")
        """Where the data of each edit begin in the edited body."""
        self._data: list[bytes] = []
        grown = 0
        for edit in edits:
            self._starts.append(edit.start)
            self._ends.append(edit.end)
            self._written.append(edit.start + grown)
            self._data.append(edit.data)
            grown += len(edit.data) - (edit.end - edit.start)
        self.size_bytes = body.size_bytes + grown

    async def read(self, start: int, size: int) -> bytes:
        """Return bytes from a place on, fewer only at the end. Raises StorageFull."""
        end = min(start + size, self.size_bytes)
        if start >= end:
            return b""
        first, at, skipped = self._find(start)
        last = bisect_left(self._written, end)
        if first >= last:
            return await self._body.read(at, end - start)
        there = memoryview(await self._body.read(at, self._until(last - 1, end) - at))
        pieces: list[bytes | memoryview] = []
        here = at
        for number in range(first, last):
            pieces += (there[here - at : self._starts[number] - at], self._data[number])
            here = self._ends[number]
        pieces.append(there[here - at :])
        return b"".join(pieces)[skipped : skipped + end - start]

    def _find(self, start: int) -> tuple[int, int, int]:
        """Return the first edit from a place on, where the body is read from, and what of the edit stands before."""
        number = bisect_right(self._written, start) - 1
        if number < 0:
            return 0, start, 0
        written, length = self._written[number], len(self._data[number])
        if start < written + length:
            return number, self._starts[number], start - written
        return number + 1, self._ends[number] + start - written - length, 0

    def _until(self, number: int, end: int) -> int:
        """Return up to where the body is read."""
        after = end - self._written[number] - len(self._data[number])
        return self._ends[number] + max(0, after)
