"""The step that has a host tune a model of its own: everything goes through the door, under the project's policy.

That the host is asked for something is written down before, and its answer after: a step that was killed looks for
what it asked for, and never asks for a job twice.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from hortus.app.steps import hostwords
from hortus.app.steps.asking import Door
from hortus.app.steps.hostwords import HostJob, Kept
from hortus.evals.ports import AskFailed
from hortus.jobs.errors import StepError
from hortus.jobs.examples import HELD_OUT, TRAIN
from hortus.jobs.folders import JobFolder
from hortus.jobs.remote import read_remote, write_remote
from hortus.jobs.reporting import Reporter
from hortus.jobs.reports import Note, Progress
from hortus.jobs.steps import HostStep, StepWork
from hortus.transport.client import Fetched

_JOBS: Final = "/v1/fine_tuning/jobs"
_FILES: Final = "/v1/files"
_PATIENCE_S = 600.0
"""How long in a row a request may fail that may succeed later: hosts have bad hours, and Hortus is started again."""

_PATIENCE_WHEN_CANCELLING_S = 20.0
_LOOKS = 10
"""How often something is looked for whose answer was lost: the door may still be waiting for it."""

_PAGE = 100
_UNITS = {"succeeded": 3, "running": 2, "queued": 1}
_Kind = TypeVar("_Kind")
_Find = Callable[[], Awaitable[str | None]]


class Tuned(msgspec.Struct, frozen=True):
    """What came out; no model where the job was cancelled."""

    fine_tuned_model: str | None
    remote_job: str | None
    trained_tokens: int | None = None


def run(work: StepWork, reporter: Reporter) -> Tuned:
    """Have the model tuned, and wait; or cancel that. Raises StepError."""
    assert isinstance(work, HostStep)  # noqa: S101 -- `app.step` chooses by the work's kind
    return asyncio.run(_run(work, reporter))


async def _run(work: HostStep, reporter: Reporter) -> Tuned:
    async with Door(work.door, work.key, ca_bundle=work.ca_bundle) as door:
        tuning = _Tuning(work, door, reporter)
        if work.is_cancelled:
            return await tuning.cancel()
        await tuning.bring_file(TRAIN, "training")
        await tuning.bring_file(HELD_OUT, "validation")
        await tuning.create_job()
        return await tuning.wait()


class _Tuning:
    def __init__(self, work: HostStep, door: Door, reporter: Reporter) -> None:
        self._work = work
        self._door = door
        self._reporter = reporter
        self._folder = JobFolder(Path(work.folder))
        self._remote = read_remote(self._folder)
        self._seen: set[str] = set()

    async def bring_file(self, parquet: str, name: str) -> None:
        """Upload what is to be learnt, or what is held out, where the host has not got it."""
        member = f"{name}_file"
        if getattr(self._remote, member) is not None:
            return
        file_name = f"{self._work.job.id}-{name}.jsonl"
        found = await self._find_file(file_name) if name in self._remote.asked else None
        if found is None:
            body = hostwords.form_of(Path(self._work.dataset) / parquet, self._work.job, file_name=file_name)
            if body is None:
                return  # nothing is held out
            found = await self._upload(body, name, file_name=file_name)
        setattr(self._remote, member, found)
        self._save()

    async def _upload(self, body: bytes, name: str, *, file_name: str) -> str:
        self._reporter.say(Progress(f"upload the {name} file", 0, 1))
        headers = {
            "content-type": f"multipart/form-data; boundary={hostwords.BOUNDARY}",
            "hortus-model": self._work.route,
            "idempotency-key": f"{self._work.job.id}-{name}",
        }

        async def find() -> str | None:
            return await self._find_file(file_name)

        made = await self._make(name, _FILES, body=body, headers=headers, find=find)
        self._reporter.say(Progress(f"upload the {name} file", 1, 1))
        return made

    async def _find_file(self, file_name: str) -> str | None:
        async for one in self._listed(f"{_FILES}?purpose=fine-tune&limit={_PAGE}"):
            if one.filename == file_name:
                return one.id
        return None

    async def create_job(self) -> None:
        """Begin the job at the host, where it has not begun."""
        if self._remote.job is not None:
            return
        if "job" in self._remote.asked:
            self._remote.job = await self._recover(self._find_job)
        else:
            body = msgspec.json.encode(hostwords.job_members(self._work, self._remote))
            headers = {"idempotency-key": self._work.job.id}
            self._remote.job = await self._make("job", _JOBS, body=body, headers=headers, find=self._find_job)
        self._save()
        self._reporter.say(Note(f"The host's own job is {self._remote.job}."))

    async def _find_job(self) -> str | None:
        async for one in self._listed(f"{_JOBS}?limit={_PAGE}"):
            if (one.metadata or {}).get(hostwords.MARK) == self._work.job.id:
                return one.id
        return None

    async def _make(self, name: str, path: str, *, body: bytes, headers: dict[str, str], find: _Find) -> str:
        """Have the host make something, and return its id. Raises StepError.

        A job is asked for once; a file again where it is not found, for a file that nobody uses costs nothing.
        """
        patience = _Patience(_PATIENCE_S)
        while True:
            self._note_asked(name, is_asked=True)
            try:
                return _read(await self._door.call("POST", path, body=body, headers=headers), Kept).id
            except AskFailed as error:
                if error.is_unsent:
                    self._note_asked(name, is_asked=False)
                elif path == _JOBS:
                    return await self._recover(find)
                elif (found := await find()) is not None:
                    return found
                if not error.may_pass or not await patience.wait(self._work.poll_s, error):
                    raise _refused(error) from error

    def _note_asked(self, name: str, *, is_asked: bool) -> None:
        self._remote.asked = [*(one for one in self._remote.asked if one != name), *([name] if is_asked else [])]
        self._save()

    async def _recover(self, find: _Find) -> str:
        """Return the id of a job for which the host was asked and whose answer was lost. Raises StepError."""
        for look in range(_LOOKS):
            if look:
                await asyncio.sleep(self._work.poll_s)
            found = await find()
            if found is not None:
                return found
        raise StepError(
            "The host was asked for the job, and its answer was lost.",
            reason="lost_at_host",
            hint="No job is asked for twice. Look at the host whether it runs, and cancel it there before you create"
            " another.",
        )

    async def wait(self) -> Tuned:
        """Wait until the host's job is over."""
        while True:
            await self._tell_events()
            job = await self._look()
            if job.status == "succeeded" and job.fine_tuned_model:
                await self._tell_events()
                return Tuned(job.fine_tuned_model, job.id, trained_tokens=job.trained_tokens)
            if job.status in {"failed", "cancelled"}:
                raise _ended_badly(job)
            await asyncio.sleep(self._work.poll_s)

    async def cancel(self) -> Tuned:
        """Cancel what the host runs for the job, where it runs anything; what it says is told to the job's owner."""
        try:
            if self._remote.job is None and "job" in self._remote.asked:
                self._remote.job = await self._recover(self._find_job)
                self._save()
            if self._remote.job is not None:
                self._reporter.say(Note(await self._cancel()))
        except StepError as error:
            self._reporter.say(Note(f"The host's job may still run: {error.message} {error.hint or ''}", level="warn"))
        return Tuned(None, self._remote.job)

    async def _cancel(self) -> str:
        path = f"{_JOBS}/{self._remote.job}"
        job = await self._look()
        if job.status in hostwords.OVER:
            return f"The host's job {job.id} had {job.status} already."
        asked = await self._call("POST", f"{path}/cancel")
        return f"The host was asked to cancel its job {job.id}, which is {_read(asked, HostJob).status}."

    async def _look(self) -> HostJob:
        found = await self._call("GET", f"{_JOBS}/{self._remote.job}")
        job = _read(found, HostJob)
        if not self._work.is_cancelled:
            self._reporter.say(Progress(f"the host says {job.status}", _UNITS.get(job.status, 0), _UNITS["succeeded"]))
        return job

    async def _tell_events(self) -> None:
        """Pass on what has happened at the host since the last look, oldest first."""
        fresh: list[hostwords.HostEvent] = []
        after = ""
        while True:
            asked = await self._call("GET", f"{_JOBS}/{self._remote.job}/events?limit={_PAGE}{after}")
            page = _read(asked, hostwords.Events)
            new = [one for one in page.data if one.id not in self._seen]
            fresh += new
            self._seen.update(one.id for one in new)
            if not page.has_more or len(new) < len(page.data) or not new:
                break
            after = f"&after={page.data[-1].id}"
        for report in map(hostwords.report_of, reversed(fresh)):
            if report is not None:
                self._reporter.say(report)

    async def _listed(self, path: str) -> AsyncIterator[Kept]:
        after = ""
        while True:
            page = _read(await self._call("GET", f"{path}{after}"), hostwords.Page)
            for one in page.data:
                yield one
            if not page.has_more or not page.data:
                return
            after = f"&after={page.data[-1].id}"

    async def _call(self, method: str, path: str) -> Fetched:
        """Send a request that may be sent again; failures are passing for a while. Raises StepError."""
        patience = _Patience(_PATIENCE_WHEN_CANCELLING_S if self._work.is_cancelled else _PATIENCE_S)
        while True:
            try:
                return await self._door.call(method, path)
            except AskFailed as error:
                if not error.may_pass or not await patience.wait(self._work.poll_s, error):
                    raise StepError(
                        f"The host can no longer be asked: {error.message}",
                        reason="host_unreachable",
                        hint=f"Its own job is {self._remote.job}; it may still run." if self._remote.job else None,
                    ) from error

    def _save(self) -> None:
        write_remote(self._folder, self._remote)


class _Patience:
    """How long something is tried again."""

    def __init__(self, seconds: float) -> None:
        self._until_s = time.monotonic() + seconds

    async def wait(self, usual_s: float, error: AskFailed) -> bool:
        """Wait before the next try; False, at once, where there is to be none."""
        wait_s = max(error.retry_after_s or 0.0, usual_s)
        if time.monotonic() + wait_s > self._until_s:
            return False
        await asyncio.sleep(wait_s)
        return True


def _read(fetched: Fetched, kind: type[_Kind]) -> _Kind:
    try:
        return msgspec.json.decode(fetched.body, type=kind)
    except msgspec.DecodeError as error:
        raise StepError(
            "The host answers in other words than OpenAI's.",
            reason="not_understood",
            hint="Look at the receipts of the job's project.",
        ) from error


def _refused(error: AskFailed) -> StepError:
    return StepError(
        f"The host did not take the job: {error.message}",
        reason="refused_by_host",
        hint="The door's receipt says by whom and why; `hortus receipts` shows it.",
    )


def _ended_badly(job: HostJob) -> StepError:
    told = job.error or hostwords.HostError()
    return StepError(
        f"The host's job has {job.status}: {told.message or 'it says no more'}",
        reason=told.code or f"{job.status}_at_host",
        hint=f"Its own job is {job.id}.",
    )
