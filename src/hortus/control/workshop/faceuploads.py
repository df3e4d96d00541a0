"""Files that come in parts: they lie aside, one folder each, until their upload is completed, cancelled or over."""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

import msgspec

from hortus.base.ids import ENTROPY_BYTES, make_id
from hortus.base.time import Clock
from hortus.control.ports import Entropy
from hortus.control.workshop.service import FOR_TUNING, NotPossible, UnknownThing, Workshop
from hortus.jobs.records import FileRecord
from hortus.jobs.wholefiles import write_whole

LASTS_S = 3600
"""https://github.com/openai/openai-python (`resources/uploads/uploads.py`), read 2026-11."""

_FOLDER = ".uploads"
_RECORD = "upload.json"
_ID = re.compile(r"upload_[a-z0-9]{1,64}")
_PART = re.compile(r"part_[a-z0-9]{1,64}")
_READ_AT_ONCE = 1024 * 1024
_LARGEST_BYTES = 512 * 1024 * 1024
"""Larger files are not learnt from."""
_LONGEST_NAME = 255
_MOST_PENDING, _MOST_PARTS = 20, 1000
"""Uploads of a project at the same time, and parts of each."""

Status = Literal["pending", "completed", "cancelled", "expired"]


class UploadRecord(msgspec.Struct, frozen=True):
    """One upload as it stands; `file_id` once it is completed."""

    id: str
    project_id: str
    name: str
    size_bytes: int
    purpose: str
    created_at_s: int
    status: Status = "pending"
    file_id: str | None = None

    @property
    def expires_at_s(self) -> int:
        """When its parts go."""
        return self.created_at_s + LASTS_S


class Uploads:
    """All uploads; every call may wait for the disk.

    Args:
        workshop: Takes in what is whole.
        clock: Tells what is over its time.
        entropy: For ids.
    """

    def __init__(self, workshop: Workshop, *, clock: Clock, entropy: Entropy) -> None:
        self._workshop = workshop
        self._folder = workshop.files_folder / _FOLDER
        self._clock = clock
        self._entropy = entropy

    def create(self, project_id: str, *, name: str, size_bytes: int, purpose: str) -> UploadRecord:
        """Begin one, and let those go that are over their time. Raises NotPossible, NoRoom, StorageFull."""
        if purpose != FOR_TUNING:
            raise only_for_tuning(purpose)
        if not 0 < size_bytes <= _LARGEST_BYTES:
            message = f"An upload has at least one byte and at most {_LARGEST_BYTES}."
            raise NotPossible(message, path="bytes", hint="Say the file's whole length.")
        if not name or len(name) > _LONGEST_NAME:
            raise NotPossible(f"A name has 1 to {_LONGEST_NAME} characters.", path="filename", hint="Shorten it.")
        self.sweep()
        made = UploadRecord(self._make_id("upload"), project_id, name, size_bytes, purpose, self._now_s())
        with self._workshop.room.taking:
            self._check_room(project_id, size_bytes)
            self._place(made.id).mkdir(parents=True, mode=0o700)
            self._write(made)
        return made

    def _check_room(self, project_id: str, size_bytes: int) -> None:
        pending = [one for one in self._all() if one.project_id == project_id and one.status == "pending"]
        if len(pending) >= _MOST_PENDING:
            message = f"The project has {len(pending)} uploads that are not complete."
            raise NotPossible(message, hint="Complete or cancel them; they last an hour.")
        self._workshop.room.check_bytes(project_id, size_bytes + sum(one.size_bytes for one in pending))

    def _all(self) -> Iterator[UploadRecord]:
        folders = self._folder.iterdir() if self._folder.is_dir() else ()
        yield from filter(None, map(self._read, folders))

    def find(self, project_id: str, upload_id: str) -> UploadRecord:
        """Return one. Raises UnknownThing."""
        found = self._read(self._place(upload_id)) if _ID.fullmatch(upload_id) else None
        if found is None or found.project_id != project_id:
            raise UnknownThing("There is no such upload in this project.", hint="Uploads last an hour.")
        if found.status == "pending" and found.expires_at_s <= self._now_s():
            return msgspec.structs.replace(found, status="expired")
        return found

    def pending(self, project_id: str, upload_id: str) -> UploadRecord:
        """Return one that is not over. Raises UnknownThing, NotPossible."""
        found = self.find(project_id, upload_id)
        if found.status != "pending":
            raise NotPossible(f"The upload is {found.status}.", path="upload_id", hint="Create a new one.")
        return found

    def room_of(self, upload: UploadRecord) -> int:
        """Return how many bytes are still to come. Raises NotPossible."""
        parts = [part.stat().st_size for part in self._parts(upload)]
        if len(parts) >= _MOST_PARTS:
            raise NotPossible(f"An upload has at most {_MOST_PARTS} parts.", hint="Send larger ones.")
        return upload.size_bytes - sum(parts)

    def new_part(self, upload: UploadRecord) -> tuple[str, Path]:
        """Return the id of a part to come, and where its bytes go; with a dot before until they are whole."""
        part_id = self._make_id("part")
        return part_id, self._place(upload.id) / f".{part_id}"

    def keep_part(self, upload: UploadRecord, part_id: str) -> None:
        """Take in a part that lies whole; `complete` says which ones make the file. Raises NotPossible."""
        folder = self._place(upload.id)
        if sum(part.stat().st_size for part in self._parts(upload)) > upload.size_bytes:  # several came at once
            (folder / f".{part_id}").unlink()
            message = f"The parts have more than the {upload.size_bytes} bytes that the upload was created for."
            raise NotPossible(message, path="data", hint="Send parts one after the other.")
        (folder / f".{part_id}").rename(folder / part_id)

    def complete(
        self, project_id: str, upload_id: str, *, part_ids: Sequence[str], md5: str | None
    ) -> tuple[UploadRecord, FileRecord]:
        """Join the parts in the order of their ids' list. Raises UnknownThing, NotPossible."""
        upload = self.pending(project_id, upload_id)
        folder = self._place(upload_id)
        parts = [folder / one for one in part_ids if _PART.fullmatch(one)]
        if len(parts) != len(part_ids) or len(set(parts)) != len(parts) or not all(part.is_file() for part in parts):
            raise NotPossible(
                "Not every id names a part of this upload, once.", path="part_ids", hint="Use those that came back."
            )
        size_bytes = sum(part.stat().st_size for part in parts)
        if size_bytes != upload.size_bytes:
            message = f"The parts have {size_bytes} bytes, not the {upload.size_bytes} that the upload was created for."
            raise NotPossible(message, path="part_ids", hint="Add what is missing, or create another upload.")
        aside = folder / ".whole"
        digest = _join(parts, aside)
        if md5 is not None and digest.md5 != md5.lower():
            aside.unlink()
            raise NotPossible("The parts have another MD5 than you say.", path="md5", hint="Send them again.")
        try:
            file = self._workshop.add_file(
                project_id, aside, name=upload.name, purpose=upload.purpose, sha256=digest.sha256
            )
        finally:
            aside.unlink(missing_ok=True)
        completed = msgspec.structs.replace(upload, status="completed", file_id=file.id)
        self._write(completed)
        self._drop_parts(completed)
        return completed, file

    def cancel(self, project_id: str, upload_id: str) -> UploadRecord:
        """Give one up. Raises UnknownThing, NotPossible."""
        cancelled = msgspec.structs.replace(self.pending(project_id, upload_id), status="cancelled")
        self._write(cancelled)
        self._drop_parts(cancelled)
        return cancelled

    def sweep(self) -> None:
        """Remove uploads that are over their time, with their parts."""
        if not self._folder.is_dir():
            return
        for folder in self._folder.iterdir():
            found = self._read(folder)
            if found is None or found.expires_at_s <= self._now_s():
                shutil.rmtree(folder, ignore_errors=True)

    def _place(self, upload_id: str) -> Path:
        return self._folder / upload_id

    def _parts(self, upload: UploadRecord) -> Iterator[Path]:
        return self._place(upload.id).glob("*part_*")

    def _drop_parts(self, upload: UploadRecord) -> None:
        for part in self._parts(upload):
            part.unlink(missing_ok=True)

    def _read(self, folder: Path) -> UploadRecord | None:
        try:
            return msgspec.json.decode((folder / _RECORD).read_bytes(), type=UploadRecord)
        except (OSError, msgspec.DecodeError):
            return None

    def _write(self, upload: UploadRecord) -> None:
        write_whole(self._place(upload.id) / _RECORD, msgspec.json.encode(upload), outlives_power=False)

    def _now_s(self) -> int:
        return self._clock.now_ms() // 1000

    def _make_id(self, prefix: str) -> str:
        return make_id(prefix, self._clock.now_ms(), entropy=self._entropy(ENTROPY_BYTES))


class _Digests(msgspec.Struct, frozen=True):
    sha256: str
    md5: str


def only_for_tuning(purpose: str) -> NotPossible:
    """Return the error for a file that is for something else."""
    return NotPossible(
        f"The workshop keeps no files for {purpose[:64]!r}.",
        path="purpose",
        hint=f"It takes `{FOR_TUNING}`; for other purposes name a model whose host keeps files.",
    )


def _join(parts: Sequence[Path], whole: Path) -> _Digests:
    # MD5 because OpenAI's interface has it: it tells accidents, nobody trusts it
    sha256, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
    with whole.open("wb") as target:
        for part in parts:
            with part.open("rb") as source:
                while data := source.read(_READ_AT_ONCE):
                    sha256.update(data)
                    md5.update(data)
                    target.write(data)
    return _Digests(sha256.hexdigest(), md5.hexdigest())
