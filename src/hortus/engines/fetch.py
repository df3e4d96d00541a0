"""Brings a model's file to this machine: chosen, resumed where it stopped, checked by size, SHA-256 and GGUF header.

Nothing is at its final path before it has passed every check.
"""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import os
import shutil
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote, urljoin, urlsplit

import msgspec

from hortus.canon.errors import HostFault
from hortus.engines.backoff import delay_s
from hortus.engines.errors import FetchError, ModelFileError
from hortus.engines.gguf import read_header
from hortus.engines.hub import (
    Embedded,
    HubAnswer,
    HubClient,
    HubModel,
    LocalFile,
    RemoteFile,
    Source,
    authorization,
    choose_file,
    list_files,
    refusal,
)
from hortus.engines.memory import show_bytes
from hortus.engines.sources import SEEDLING
from hortus.engines.weights import read_folder
from hortus.snapshot.model import Timeouts

DOWNLOAD_TIMEOUTS = Timeouts(connect_s=10.0, first_byte_s=60.0, idle_s=60.0, total_s=7 * 24 * 3600.0)
"""For the client that is given to `fetch_model`: silence ends a download, length does not."""

MOST_FAILURES = 8
"""Attempts without any progress in a row before a download is given up."""

_MOST_REDIRECTS = 5
_OK, _PARTIAL, _RANGE_REFUSED = 200, 206, 416
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_WRITE_BYTES = 1024 * 1024

Progress = Callable[[int, int], None]
"""Told the bytes that are here and the bytes in all."""


class Hub(msgspec.Struct, frozen=True):
    """Where models come from. `token` is a secret, resolved from its reference by the caller."""

    url: str
    token: str | None = None

    def __repr__(self) -> str:  # type: ignore[explicit-override]  # typing.override comes with Python 3.12
        return f"Hub(url={self.url!r}, token=<hidden>)"


async def fetch_model(
    source: Source, client: HubClient, *, hub: Hub, models: Path, on_progress: Progress = lambda _done, _total: None
) -> str:
    """Return what `Deployment.model_path` shall say for a source, with the file in place and looked into.

    Args:
        source: As `parse_source` read it.
        client: Asked only where the source is a repository.
        hub: Address and token.
        models: Folder for fetched files.
        on_progress: Called while bytes arrive.

    Raises:
        ModelFileError: The file is no GGUF model, the folder none of safetensors.
        FetchError: The hub has no such model, the disk is short, or the download failed.
        HostFault: The hub cannot be reached.
    """
    match source:
        case Embedded():
            return SEEDLING
        case LocalFile(path):
            await asyncio.to_thread(read_folder if path.is_dir() else read_header, path)
            return str(path)
        case HubModel():
            listing = await list_files(client, source, hub_url=hub.url, token=hub.token)
            file = choose_file(listing, source)
            pinned = msgspec.structs.replace(source, file=file.name, revision=listing.commit)
            return str(await _Download(client, pinned, hub=hub, file=file, models=models).run(on_progress))


class _Download:
    """One file on its way."""

    def __init__(self, client: HubClient, model: HubModel, *, hub: Hub, file: RemoteFile, models: Path) -> None:
        self._client = client
        self._model = model
        self._hub = hub
        self._file = file
        folder = models / f"{model.repository.replace('/', '--')}@{_plain(model.revision)[:12]}"
        self._target = folder / _plain(file.name.rsplit("/", 1)[-1])
        self._part = self._target.with_name(f"{self._target.name}.part")

    async def run(self, on_progress: Progress) -> Path:
        if self._target.exists():
            return self._target
        try:
            return await self._run(on_progress)
        except OSError as error:
            raise FetchError(
                f"the model cannot be written: {error.strerror}.", path=str(self._part), hint="Check disk and rights."
            ) from error

    async def _run(self, on_progress: Progress) -> Path:
        self._target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self._open_part() as part:
            self._check_disk(part)
            digest = await asyncio.to_thread(_digest_of, part)
            await self._fill(part, digest, on_progress)
            await asyncio.to_thread(self._check, part, digest.hexdigest())
            self._part.replace(self._target)
        return self._target

    def _open_part(self) -> BinaryIO:
        part = os.fdopen(os.open(self._part, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "r+b")
        try:
            fcntl.flock(part, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            part.close()
            raise FetchError(
                "this file is being fetched already.", path=str(self._part), hint="Wait until the other one is done."
            ) from error
        if part.seek(0, os.SEEK_END) > self._file.size:
            part.truncate(0)
        return part

    def _check_disk(self, part: BinaryIO) -> None:
        missing = self._file.size - part.seek(0, os.SEEK_END)
        free = shutil.disk_usage(self._part.parent).free
        if missing > free:
            raise FetchError(
                f"the disk is short: the model needs {show_bytes(missing)} more, {show_bytes(free)} are free.",
                path=str(self._part.parent),
                hint="Make room, or take a smaller quantisation.",
            )

    async def _fill(self, part: BinaryIO, digest: hashlib._Hash, on_progress: Progress) -> None:
        failures = 0
        while (begin := part.seek(0, os.SEEK_END)) < self._file.size:
            on_progress(begin, self._file.size)
            try:
                await self._fill_once(part, digest, on_progress)
            except HostFault:
                failures = 0 if part.seek(0, os.SEEK_END) > begin else failures + 1
                if failures >= MOST_FAILURES:
                    raise
                await asyncio.sleep(delay_s(failures))
        on_progress(self._file.size, self._file.size)

    async def _fill_once(self, part: BinaryIO, digest: hashlib._Hash, on_progress: Progress) -> None:
        begin = part.seek(0, os.SEEK_END)
        resume = {"range": f"bytes={begin}-"} if begin else {}
        async with self._open(resume) as answer:
            if answer.status == _RANGE_REFUSED or (answer.status == _PARTIAL and _start_of(answer) != begin):
                raise self._other_file()
            if answer.status not in {_OK, _PARTIAL}:
                raise refusal(answer.status, self._model, hub_url=self._hub.url)
            skip = begin if answer.status == _OK else 0  # a host without ranges sends all of it again
            await self._take(answer, part, digest, skip=skip, on_progress=on_progress)
        if part.seek(0, os.SEEK_END) < self._file.size:
            raise self._other_file()

    async def _take(
        self, answer: HubAnswer, part: BinaryIO, digest: hashlib._Hash, *, skip: int, on_progress: Progress
    ) -> None:
        waiting: list[bytes] = []
        waiting_bytes = 0
        here = part.seek(0, os.SEEK_END)

        async def write() -> None:
            nonlocal waiting_bytes, here
            block = b"".join(waiting)
            waiting.clear()
            waiting_bytes = 0
            if here + len(block) > self._file.size:
                raise self._other_file()
            await asyncio.to_thread(_append, part, digest, block)
            here += len(block)
            on_progress(here, self._file.size)

        try:
            async for chunk in answer.body():
                fresh = chunk[skip:]
                skip -= len(chunk) - len(fresh)
                waiting.append(fresh)
                waiting_bytes += len(fresh)
                if waiting_bytes >= _WRITE_BYTES:
                    await write()
        finally:
            await write()

    def _other_file(self) -> FetchError:
        self._part.unlink(missing_ok=True)
        return FetchError(
            "the hub sent another number of bytes than it had listed.", path=self._file.name, hint="Fetch it again."
        )

    @asynccontextmanager
    async def _open(self, headers: Mapping[str, str]) -> AsyncIterator[HubAnswer]:
        """Send the request, following redirects; the token goes to the hub's own origin only."""
        place = "/".join(quote(part, safe="") for part in self._file.name.split("/"))
        revision = quote(self._model.revision, safe="")
        url = f"{self._hub.url.rstrip('/')}/{self._model.repository}/resolve/{revision}/{place}"
        for _ in range(_MOST_REDIRECTS + 1):
            own = authorization(self._hub.token) if _origin(url) == _origin(self._hub.url) else {}
            async with self._client.open(url, headers={**headers, **own}) as answer:
                if answer.status not in _REDIRECTS:
                    yield answer
                    return
                target = urljoin(url, _header(answer, b"location"))
            if url.startswith("https:") and not target.startswith("https:"):
                raise FetchError(
                    "the hub leads to an address without TLS.", path=_origin(target), hint="Check hub_url."
                )
            url = target
        raise FetchError("the hub leads in a circle.", path=_origin(url), hint="Check hub_url.")

    def _check(self, part: BinaryIO, digest: str) -> None:
        part.flush()
        os.fsync(part.fileno())
        if self._file.sha256 is not None and digest != self._file.sha256.lower():
            self._part.unlink()
            raise FetchError(
                "the file's SHA-256 is not the one that the hub lists; it was removed.",
                path=self._file.name,
                hint="Fetch it again; if it stays so, do not use this source.",
            )
        try:
            read_header(self._part)
        except ModelFileError:
            self._part.unlink()
            raise


def _digest_of(part: BinaryIO) -> hashlib._Hash:
    digest = hashlib.sha256()
    part.seek(0)
    while block := part.read(_WRITE_BYTES):
        digest.update(block)
    return digest


def _append(part: BinaryIO, digest: hashlib._Hash, block: bytes) -> None:
    part.write(block)
    part.flush()
    digest.update(block)


def _header(answer: HubAnswer, name: bytes) -> str:
    return next((value.decode("latin-1") for key, value in answer.headers if key.lower() == name), "")


def _start_of(answer: HubAnswer) -> int | None:
    text = _header(answer, b"content-range").removeprefix("bytes ").split("-")[0]
    return int(text) if text.isdigit() else None


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _plain(name: str) -> str:
    """Return a remote name as a file name that stays in its folder."""
    kept = "".join(letter if letter.isalnum() or letter in "._-+=" else "_" for letter in name)
    return kept if kept.strip(".") else "model.gguf"
