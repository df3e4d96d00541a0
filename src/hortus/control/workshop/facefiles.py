"""Files and uploads in OpenAI's words.

https://github.com/openai/openai-python (`resources/files.py`, `resources/uploads/`), read 2026-11.
"""

from __future__ import annotations

import asyncio

import msgspec
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from hortus.base.ids import ENTROPY_BYTES
from hortus.canon.errors import InvalidRequest
from hortus.control.ports import Entropy
from hortus.control.workshop.asking import Caller, answer, page_of
from hortus.control.workshop.faceforms import Brought, take_form
from hortus.control.workshop.facejobs import Object, write_list
from hortus.control.workshop.faceuploads import UploadRecord, Uploads, only_for_tuning
from hortus.control.workshop.facewishes import read_strictly
from hortus.control.workshop.service import FOR_TUNING, UnknownThing, Workshop
from hortus.jobs.records import FileRecord

_MS = 1000
_FIELDS = frozenset(("purpose",))


class _UploadAsked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    bytes: int
    filename: str
    purpose: str
    mime_type: str = ""
    expires_after: dict[str, msgspec.Raw] | None = None


class _PartsAsked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    part_ids: list[str]
    md5: str | None = None


class FileDesk:
    """Answers for files and uploads.

    Args:
        workshop: Keeps files.
        uploads: Those that come in parts.
        entropy: For names of files that are coming in.
    """

    def __init__(self, workshop: Workshop, uploads: Uploads, *, entropy: Entropy) -> None:
        self._workshop = workshop
        self._uploads = uploads
        self._entropy = entropy

    async def create(self, request: Request) -> Response:
        """Take a file in."""
        caller = Caller.of(request)
        await asyncio.to_thread(self._workshop.room.check_disk)
        aside = self._workshop.files_folder / f".{self._entropy(ENTROPY_BYTES).hex()}"
        brought = await take_form(request.stream(), request.headers.get("content-type", ""), aside=aside, field="file")
        try:
            _check_fields(brought)
            file = await asyncio.to_thread(
                self._workshop.add_file,
                caller.project_id,
                aside,
                name=brought.name,
                purpose=FOR_TUNING,
                sha256=brought.sha256,
            )
        finally:
            aside.unlink(missing_ok=True)
        return answer(write_file(file))

    async def list(self, request: Request) -> Response:
        """Answer with one page of files, newest first."""
        caller, page = Caller.of(request), page_of(request)
        wanted = request.query_params.get("purpose")
        found: list[FileRecord] = []
        after, is_more = page.after, True
        while is_more and len(found) <= page.limit:
            files = await asyncio.to_thread(self._workshop.files, caller.project_id, after=after, limit=page.limit + 1)
            is_more = len(files) > page.limit
            found += [one for one in files if wanted in {None, one.purpose}]
            after = files[-1].id if files else after
        objects = [write_file(one) for one in found[: page.limit]]
        return answer(write_list(objects, has_more=len(found) > page.limit))

    async def get(self, request: Request) -> Response:
        """Answer with one file."""
        return answer(write_file(await self._find(request)))

    async def content(self, request: Request) -> Response:
        """Answer with a file's bytes."""
        path = self._workshop.bytes_of(await self._find(request))
        if not await asyncio.to_thread(path.is_file):
            raise UnknownThing("The bytes of this file are gone.", hint="Tell an admin: was the disk restored?")
        return FileResponse(path, media_type="application/octet-stream")

    async def delete(self, request: Request) -> Response:
        """Delete a file for good."""
        caller = Caller.of(request)
        file = await asyncio.to_thread(self._workshop.delete_file, caller.project_id, request.path_params["id"])
        return answer({"id": file.id, "object": "file", "deleted": True})

    async def create_upload(self, request: Request) -> Response:
        """Begin a file that comes in parts."""
        asked = read_strictly(await request.body(), _UploadAsked)
        if asked.expires_after is not None:
            raise _no_expiry()
        upload = await asyncio.to_thread(
            self._uploads.create,
            Caller.of(request).project_id,
            name=asked.filename,
            size_bytes=asked.bytes,
            purpose=asked.purpose,
        )
        return answer(_write_upload(upload))

    async def add_part(self, request: Request) -> Response:
        """Take a part in."""
        caller = Caller.of(request)
        upload = await asyncio.to_thread(self._uploads.pending, caller.project_id, request.path_params["id"])
        part_id, aside = self._uploads.new_part(upload)
        content_type, room = request.headers.get("content-type", ""), self._uploads.room_of(upload)
        await take_form(request.stream(), content_type, aside=aside, field="data", limit_bytes=room)
        await asyncio.to_thread(self._uploads.keep_part, upload, part_id)
        made = {"id": part_id, "object": "upload.part", "created_at": upload.created_at_s, "upload_id": upload.id}
        return answer(made)

    async def complete_upload(self, request: Request) -> Response:
        """Make a file of the parts."""
        asked = read_strictly(await request.body(), _PartsAsked)
        upload, file = await asyncio.to_thread(
            self._uploads.complete,
            Caller.of(request).project_id,
            request.path_params["id"],
            part_ids=asked.part_ids,
            md5=asked.md5,
        )
        return answer({**_write_upload(upload), "file": write_file(file)})

    async def cancel_upload(self, request: Request) -> Response:
        """Give an upload up."""
        caller = Caller.of(request)
        upload = await asyncio.to_thread(self._uploads.cancel, caller.project_id, request.path_params["id"])
        return answer(_write_upload(upload))

    async def _find(self, request: Request) -> FileRecord:
        return await asyncio.to_thread(self._workshop.file, Caller.of(request).project_id, request.path_params["id"])


def write_file(file: FileRecord) -> Object:
    """Return a file."""
    return {
        "id": file.id,
        "object": "file",
        "bytes": file.size_bytes,
        "created_at": file.created_at_ms // _MS,
        "filename": file.name,
        "purpose": file.purpose,
        "status": "processed",
        "expires_at": None,
        "status_details": None,
    }


def _write_upload(upload: UploadRecord) -> Object:
    return {
        "id": upload.id,
        "object": "upload",
        "bytes": upload.size_bytes,
        "created_at": upload.created_at_s,
        "expires_at": upload.expires_at_s,
        "filename": upload.name,
        "purpose": upload.purpose,
        "status": upload.status,
        "file": None,
    }


def _check_fields(brought: Brought) -> None:
    purpose = brought.fields.get("purpose", "")
    if purpose != FOR_TUNING:
        raise only_for_tuning(purpose)
    unknown = sorted(brought.fields.keys() - _FIELDS)
    if any(name.startswith("expires_after") for name in unknown):
        raise _no_expiry()
    if unknown:
        raise InvalidRequest(f"`{unknown[0][:64]}` is unknown.", path=unknown[0][:64], hint="Leave it out.")


def _no_expiry() -> InvalidRequest:
    return InvalidRequest(
        "Files of the workshop are kept until they are deleted.", path="expires_after", hint="Leave it out."
    )
