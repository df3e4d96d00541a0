"""A file as the body of a request: how it gets onto the disk piece by piece, and how OpenAPI describes it."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, BinaryIO

from starlette.requests import ClientDisconnect, Request

from hortus.base.errors import InstallationError
from hortus.control.errors import Invalid
from hortus.control.operation import Brought

FILE_BODY: dict[str, Any] = {
    "required": True,
    "description": "The bytes of the file.",
    "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
}
_NAME_BYTES = 12


@asynccontextmanager
async def file_brought(request: Request, folder: Path) -> AsyncIterator[Brought]:
    """Give the request's body as a file beside those that are kept; it is gone afterwards unless it was moved.

    Raises:
        Invalid: The body did not come whole.
        InstallationError: The disk does not take it.
    """
    aside = folder / f".brought-{os.urandom(_NAME_BYTES).hex()}"
    try:
        yield Brought(aside, await _write(request, aside))
    finally:
        aside.unlink(missing_ok=True)


async def _write(request: Request, aside: Path) -> str:
    digest = hashlib.sha256()
    try:
        descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            async for piece in request.stream():
                digest.update(piece)
                await asyncio.to_thread(file.write, piece)
            await asyncio.to_thread(_keep, file)
    except ClientDisconnect as error:
        raise Invalid("The body broke off.", hint="Send the file again.") from error
    except OSError as error:
        raise InstallationError(
            f"a file cannot be written: {error.strerror}.", path=str(aside.parent), hint="Is the disk full?"
        ) from error
    return digest.hexdigest()


def _keep(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())
