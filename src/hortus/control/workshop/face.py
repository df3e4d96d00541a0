"""The workshop as a host of OpenAI's files and tuning jobs, for the gateway alone: on loopback, behind its own key.

Whoever has the key says for which project it asks; nothing here knows clients' keys.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Awaitable, Callable
from http import HTTPStatus

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from hortus.base.errors import HortusError
from hortus.base.time import Clock
from hortus.control.ports import Entropy
from hortus.control.workshop.asking import Caller, answer, answer_fault, page_of
from hortus.control.workshop.facefiles import FileDesk
from hortus.control.workshop.facejobs import number_of, write_checkpoint, write_event, write_job, write_list
from hortus.control.workshop.faceuploads import Uploads
from hortus.control.workshop.facewishes import as_written, read_wish
from hortus.control.workshop.service import NotPossible, UnknownThing, Workshop
from hortus.jobs.records import JobRecord

BASE = "/v1"
_JOBS = f"{BASE}/fine_tuning/jobs"

Respond = Callable[[Request], Awaitable[Response]]


class JobDesk:
    """Answers for tuning jobs.

    Args:
        workshop: Has the jobs.
        clock: Tells the time.
    """

    def __init__(self, workshop: Workshop, *, clock: Clock) -> None:
        self._workshop = workshop
        self._clock = clock

    async def create(self, request: Request) -> Response:
        """Begin a job."""
        caller = Caller.of(request)
        read = read_wish(await request.body(), made_by=caller.key_id)
        try:
            job = await asyncio.to_thread(self._workshop.create_job, caller.project_id, read.wish)
        except (NotPossible, UnknownThing) as fault:
            raise as_written(fault, read.places) from fault
        return answer(await asyncio.to_thread(self._write, job))

    async def list(self, request: Request) -> Response:
        """Answer with one page of jobs, newest first."""
        caller, page = Caller.of(request), page_of(request)
        jobs = await asyncio.to_thread(self._workshop.jobs, caller.project_id, after=page.after, limit=page.limit + 1)
        objects = [await asyncio.to_thread(self._write, one) for one in jobs[: page.limit]]
        return answer(write_list(objects, has_more=len(jobs) > page.limit))

    async def get(self, request: Request) -> Response:
        """Answer with one job."""
        return await self._after(request, self._workshop.job)

    async def cancel(self, request: Request) -> Response:
        """Cancel a job."""
        return await self._after(request, self._workshop.cancel)

    async def pause(self, request: Request) -> Response:
        """Pause a job."""
        return await self._after(request, self._workshop.pause)

    async def resume(self, request: Request) -> Response:
        """Let a paused job go on."""
        return await self._after(request, self._workshop.resume)

    async def events(self, request: Request) -> Response:
        """Answer with one page of what happened, newest first."""
        return await self._happened(request, kind=None)

    async def checkpoints(self, request: Request) -> Response:
        """Answer with one page of checkpoints, newest first."""
        return await self._happened(request, kind="checkpoint")

    async def _happened(self, request: Request, *, kind: str | None) -> Response:
        caller, page = Caller.of(request), page_of(request)
        job = await asyncio.to_thread(self._workshop.job, caller.project_id, request.path_params["id"])
        after = None if page.after is None else number_of(job.id, page.after)
        if page.after is not None and after is None:
            raise UnknownThing("The job has nothing with the id `after`.", path="after", hint="Use one of its list.")
        found = await asyncio.to_thread(self._workshop.events, job, after=after, limit=page.limit + 1, kind=kind)
        write = write_event if kind is None else write_checkpoint
        objects = [write(one) for one in found[: page.limit]]
        return answer(write_list(objects, has_more=len(found) > page.limit))

    async def _after(self, request: Request, deed: Callable[[str, str], JobRecord]) -> Response:
        caller = Caller.of(request)
        job = await asyncio.to_thread(deed, caller.project_id, request.path_params["id"])
        return answer(await asyncio.to_thread(self._write, job))

    def _write(self, job: JobRecord) -> dict[str, object]:
        files = [file.id for file in self._workshop.results(job)]
        return write_job(job, result_files=files, now_ms=self._clock.now_ms())


class _Locked:
    """Lets in who has the key."""

    def __init__(self, app: ASGIApp, *, key: str) -> None:
        self._app = app
        self._opening = f"Bearer {key}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            said = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
            if hmac.compare_digest(said, self._opening):
                await self._app(scope, receive, send)
            else:
                refused = {"message": "This is the gateway's.", "type": "invalid_request_error", "code": "no_key"}
                await answer({"error": {**refused, "param": None}}, 401)(scope, receive, send)


def build_face(workshop: Workshop, *, key: str, clock: Clock, entropy: Entropy) -> ASGIApp:
    """Return the application.

    Args:
        workshop: The use cases.
        key: What the gateway sends as a bearer token.
        clock: Tells the time.
        entropy: For ids.
    """
    uploads = Uploads(workshop, clock=clock, entropy=entropy)
    uploads.sweep()
    files = FileDesk(workshop, uploads, entropy=entropy)
    jobs = JobDesk(workshop, clock=clock)
    table: tuple[tuple[str, str, Respond], ...] = (
        ("POST", f"{BASE}/files", files.create),
        ("GET", f"{BASE}/files", files.list),
        ("GET", f"{BASE}/files/{{id}}", files.get),
        ("DELETE", f"{BASE}/files/{{id}}", files.delete),
        ("GET", f"{BASE}/files/{{id}}/content", files.content),
        ("POST", f"{BASE}/uploads", files.create_upload),
        ("POST", f"{BASE}/uploads/{{id}}/parts", files.add_part),
        ("POST", f"{BASE}/uploads/{{id}}/complete", files.complete_upload),
        ("POST", f"{BASE}/uploads/{{id}}/cancel", files.cancel_upload),
        ("POST", _JOBS, jobs.create),
        ("GET", _JOBS, jobs.list),
        ("GET", f"{_JOBS}/{{id}}", jobs.get),
        ("POST", f"{_JOBS}/{{id}}/cancel", jobs.cancel),
        ("POST", f"{_JOBS}/{{id}}/pause", jobs.pause),
        ("POST", f"{_JOBS}/{{id}}/resume", jobs.resume),
        ("GET", f"{_JOBS}/{{id}}/events", jobs.events),
        ("GET", f"{_JOBS}/{{id}}/checkpoints", jobs.checkpoints),
    )
    routes = [Route(path, _careful(respond), methods=[method]) for method, path, respond in table]
    return _Locked(Starlette(routes=routes), key=key)


def _careful(respond: Respond) -> Respond:
    """Answer faults in OpenAI's form."""

    async def endpoint(request: Request) -> Response:
        try:
            return await respond(request)
        except HortusError as error:
            return answer_fault(error)
        except ClientDisconnect:
            return Response(status_code=HTTPStatus.BAD_REQUEST)  # nobody reads it: the gateway has left

    return endpoint
