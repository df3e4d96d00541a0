"""How does a form with one file come in? The file goes to the disk as it comes; only its fields are held in memory."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec

from hortus.canon.errors import InvalidRequest, StorageFull, TooLarge
from hortus.canon.form import Form
from hortus.framing.multipart import MultipartReader
from hortus.framing.multipart_heads import read_boundary

_WRITTEN_AT_ONCE = 1024 * 1024
_LONGEST_NAME = 255
_FULL = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EFBIG))


class Brought(msgspec.Struct, frozen=True):
    """A form whose file lies in `aside`, which is its taker's to move or to remove."""

    aside: Path
    name: str
    fields: dict[str, str]
    size_bytes: int
    sha256: str


class _Sink:
    """Writes a file and its digest; what is held is written by another thread."""

    def __init__(self, path: Path, limit_bytes: int | None) -> None:
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        self._limit_bytes = limit_bytes
        self._held: list[bytes] = []
        self._held_bytes = 0
        self.digest = hashlib.sha256()
        self.size_bytes = 0

    def take(self, data: bytes) -> None:
        self.size_bytes += len(data)
        if self._limit_bytes is not None and self.size_bytes > self._limit_bytes:
            raise TooLarge(
                f"This is more than the {self._limit_bytes} bytes that are still to come.",
                path="data",
                hint="Say the whole length when the upload is created.",
            )
        self._held.append(data)
        self._held_bytes += len(data)

    async def write(self, *, is_end: bool = False) -> None:
        if self._held_bytes < _WRITTEN_AT_ONCE and not is_end:
            return
        data, self._held, self._held_bytes = b"".join(self._held), [], 0
        await asyncio.to_thread(self._write, data, is_end)

    def _write(self, data: bytes, is_end: bool) -> None:  # noqa: FBT001 -- private, called through a thread
        self.digest.update(data)
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(self._descriptor, view) :]
            if is_end:
                os.fsync(self._descriptor)
        except OSError as error:
            if error.errno in _FULL:
                raise StorageFull("The disk has no room for this file.", hint="Tell an admin.") from error
            raise

    def close(self) -> None:
        os.close(self._descriptor)


async def take_form(
    parts: AsyncIterator[bytes], content_type: str, *, aside: Path, field: str, limit_bytes: int | None = None
) -> Brought:
    """Take a form in whose one file is named `field`; nothing is left where it is refused.

    Args:
        parts: The body as it comes.
        content_type: Names the boundary.
        aside: Where the file is written; there is nothing yet.
        field: What the file is called in the form.
        limit_bytes: Longest file; None: whoever sends it has bounded it.

    Raises:
        UnsupportedMediaType: It is no form.
        InvalidRequest: Likewise, or it has no such file, or several.
        TooLarge: The file is longer than `limit_bytes`.
        StorageFull: The disk has no room.
    """
    boundary = read_boundary(content_type.encode("latin-1"))
    sink = _Sink(aside, limit_bytes)
    try:
        reader = MultipartReader(boundary, take=sink.take)
        async for part in parts:
            reader.feed(part)
            await sink.write()
        form = reader.close()
        name = _name_of(form, field)
        await sink.write(is_end=True)
    except BaseException:
        os.unlink(aside)  # noqa: PTH108 -- at once, also where this task is cancelled
        raise
    finally:
        sink.close()
    fields = {part.name: part.value for part in form.parts if part.value is not None}
    return Brought(aside, name, fields, sink.size_bytes, sink.digest.hexdigest())


def _name_of(form: Form, field: str) -> str:
    if [part.name for part in form.files] != [field]:
        raise InvalidRequest(
            f"The form must have one file, `{field}`.", path=field, hint="Send it with a file name, as the SDKs do."
        )
    name = form.files[0].filename or field
    if len(name) > _LONGEST_NAME or "\0" in name:
        hint = f"Use at most {_LONGEST_NAME} characters."
        raise InvalidRequest("This is no file name.", path=field, hint=hint)
    return name
