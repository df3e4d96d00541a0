"""The step that has a host tune a model of its own: everything goes through the door, under the project's policy.

What the host has been given is written down before the next thing is asked, so that a step that was killed asks for
nothing twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from hortus.app.steps.asking import Door
from hortus.evals.ports import AskFailed
from hortus.jobs.errors import StepError
from hortus.jobs.examples import HELD_OUT, TRAIN, Example, read_examples
from hortus.jobs.folders import JobFolder
from hortus.jobs.remote import Remote, read_remote, write_remote
from hortus.jobs.reporting import Reporter
from hortus.jobs.reports import Metric, Note, Progress
from hortus.jobs.spec import JobSpec, Recipe
from hortus.jobs.steps import HostStep, StepWork

_JOBS: Final = "/v1/fine_tuning/jobs"
_FILES: Final = "/v1/files"
_BOUNDARY: Final = "hortus-of-a-job"
_MARK: Final = "hortus_job"
"""In the job's metadata at the host: by it a job is found again whose id was never read."""

_CONFLICT = 409
_FAILURES_IN_A_ROW = 20
_PAGE = 100
_UNITS = {"succeeded": 3, "running": 2, "queued": 1}


class Tuned(msgspec.Struct, frozen=True):
    """What came out."""

    fine_tuned_model: str
    remote_job: str
    trained_tokens: int | None = None


class _Error(msgspec.Struct, frozen=True):
    message: str | None = None
    code: str | None = None


class _Object(msgspec.Struct, frozen=True):
    id: str
    filename: str | None = None
    metadata: dict[str, str] | None = None


class _Page(msgspec.Struct, frozen=True):
    data: tuple[_Object, ...] = ()
    has_more: bool = False


class _Job(msgspec.Struct, frozen=True):
    id: str
    status: str
    fine_tuned_model: str | None = None
    trained_tokens: int | None = None
    error: _Error | None = None


class _Figures(msgspec.Struct, frozen=True):
    step: int | None = None
    total_steps: int | None = None
    train_loss: float | None = None
    valid_loss: float | None = None


class _Event(msgspec.Struct, frozen=True):
    id: str
    message: str = ""
    type: str = "message"
    data: _Figures | None = None


class _Events(msgspec.Struct, frozen=True):
    data: tuple[_Event, ...] = ()


def run(work: StepWork, reporter: Reporter) -> Tuned:
    """Have the model tuned, and wait. Raises StepError."""
    assert isinstance(work, HostStep)  # noqa: S101 -- `app.step` chooses by the work's kind
    return asyncio.run(_run(work, reporter))


async def _run(work: HostStep, reporter: Reporter) -> Tuned:
    async with Door(work.door, work.key) as door:
        tuning = _Tuning(work, door, reporter)
        try:
            await tuning.bring_files()
            await tuning.create_job()
        except AskFailed as error:
            if error.may_pass:
                raise  # the runner starts the step again
            raise StepError(
                f"The host did not take the job: {error.message}",
                reason="refused_by_host",
                hint="The door's receipt says by whom and why; `hortus receipts` shows it.",
            ) from error
        return await tuning.wait()


class _Tuning:
    def __init__(self, work: HostStep, door: Door, reporter: Reporter) -> None:
        self._work = work
        self._door = door
        self._reporter = reporter
        self._folder = JobFolder(Path(work.folder))
        self._remote = read_remote(self._folder)
        self._seen: set[str] = set()

    async def bring_files(self) -> None:
        """Upload what is to be learnt, and what is held out, where the host has not got it."""
        dataset = Path(self._work.dataset)
        if self._remote.training_file is None:
            self._remote.training_file = await self._bring(dataset / TRAIN, "training")
            self._save()
        if self._remote.validation_file is None:
            self._remote.validation_file = await self._bring(dataset / HELD_OUT, "validation")
            self._save()

    async def _bring(self, parquet: Path, name: str) -> str:
        file_name = f"{self._work.job.id}-{name}.jsonl"
        found = [one async for one in self._listed(f"{_FILES}?purpose=fine-tune&limit={_PAGE}")]
        known = next((one.id for one in found if one.filename == file_name), None)
        if known is not None:
            return known
        self._reporter.say(Progress(f"upload the {name} file", 0, 1))
        body = b"".join(_form(b"".join(_lines(parquet, self._work.job)), file_name))
        headers = {
            "content-type": f"multipart/form-data; boundary={_BOUNDARY}",
            "hortus-route": self._work.route,
        }
        made = await self._door.call("POST", _FILES, body=body, headers=headers)
        self._reporter.say(Progress(f"upload the {name} file", 1, 1))
        return msgspec.json.decode(made.body, type=_Object).id

    async def create_job(self) -> None:
        """Begin the job at the host, where it has not begun."""
        if self._remote.job is not None:
            return
        body = msgspec.json.encode(job_members(self._work, self._remote))
        headers = {"idempotency-key": self._work.job.id}
        try:
            made = await self._door.call("POST", _JOBS, body=body, headers=headers)
            self._remote.job = msgspec.json.decode(made.body, type=_Object).id
        except AskFailed as error:
            if error.status != _CONFLICT:
                raise
            self._remote.job = await self._find_job()
        self._save()
        self._reporter.say(Note(f"The host's own job is {self._remote.job}."))

    async def _find_job(self) -> str:
        """Return the id of a job that was begun and whose answer nobody read."""
        async for one in self._listed(f"{_JOBS}?limit={_PAGE}"):
            if (one.metadata or {}).get(_MARK) == self._work.job.id:
                return one.id
        raise StepError(
            "The host was asked for the job, and its answer was lost.",
            reason="lost_at_host",
            hint="Look at the host whether it runs, and cancel it there before you create another.",
        )

    async def wait(self) -> Tuned:
        """Wait until the host's job is over; failures to ask are passing for a while."""
        failures = 0
        while True:
            try:
                job = await self._look()
            except AskFailed as error:
                failures += 1
                if failures >= _FAILURES_IN_A_ROW or not (error.may_pass or error.status is None):
                    raise StepError(
                        f"The host can no longer be asked for the job: {error.message}",
                        reason="host_unreachable",
                        hint=f"Its own job is {self._remote.job}; it may still run.",
                    ) from error
            else:
                failures = 0
                if job.status == "succeeded" and job.fine_tuned_model:
                    return Tuned(job.fine_tuned_model, job.id, trained_tokens=job.trained_tokens)
                if job.status in {"failed", "cancelled"}:
                    raise _ended_badly(job)
            await asyncio.sleep(self._work.poll_s)

    async def _look(self) -> _Job:
        events = await self._door.call("GET", f"{_JOBS}/{self._remote.job}/events?limit={_PAGE}")
        for event in reversed(msgspec.json.decode(events.body, type=_Events).data):
            if event.id not in self._seen:
                self._seen.add(event.id)
                self._say(event)
        job = msgspec.json.decode((await self._door.call("GET", f"{_JOBS}/{self._remote.job}")).body, type=_Job)
        self._reporter.say(Progress(f"the host says {job.status}", _UNITS.get(job.status, 0), _UNITS["succeeded"]))
        return job

    def _say(self, event: _Event) -> None:
        said = event.data or _Figures()
        if event.type == "metrics" and said.step is not None and said.train_loss is not None:
            self._reporter.say(
                Metric(said.step, said.total_steps or 0, said.train_loss, 0.0, held_out_loss=said.valid_loss)
            )
        elif event.message:
            self._reporter.say(Note(f"Host: {event.message}"))

    async def _listed(self, path: str) -> AsyncIterator[_Object]:
        after = ""
        while True:
            page = msgspec.json.decode((await self._door.call("GET", f"{path}{after}")).body, type=_Page)
            for one in page.data:
                yield one
            if not page.has_more or not page.data:
                return
            after = f"&after={page.data[-1].id}"

    def _save(self) -> None:
        write_remote(self._folder, self._remote)


def job_members(work: HostStep, remote: Remote) -> dict[str, Any]:
    """Return the body that asks a host for a job, as OpenAI's API has it; what it has no word for was refused before.

    https://github.com/openai/openai-python (`types/fine_tuning/job_create_params.py`), read 2026-11.
    """
    job = work.job
    members: dict[str, Any] = {
        "model": work.route,
        "training_file": remote.training_file,
        "validation_file": remote.validation_file,
        "seed": job.recipe.seed,
        "method": {"type": job.method, job.method: {"hyperparameters": _hyperparameters(job)}},
        "metadata": {_MARK: job.id},
    }
    return {**members, "suffix": job.suffix} if job.suffix else members


def _hyperparameters(job: JobSpec) -> dict[str, Any]:
    """Return what differs from our own usual settings: the host knows its models better than we do."""
    usual, asked = Recipe(), job.recipe
    found: dict[str, Any] = {}
    if asked.epochs != usual.epochs:
        found["n_epochs"] = max(1, round(asked.epochs))
    if asked.batch_size != usual.batch_size:
        found["batch_size"] = asked.batch_size
    if job.method == "dpo" and asked.beta != usual.beta:
        found["beta"] = asked.beta
    return found


def _lines(parquet: Path, job: JobSpec) -> Iterator[bytes]:
    for example in read_examples(parquet):
        yield msgspec.json.encode(_line(example, is_preference=job.method == "dpo")) + b"\n"


def _line(example: Example, *, is_preference: bool) -> dict[str, Any]:
    if is_preference:
        said = {"messages": example.prompt, **({"tools": example.tools} if example.tools else {})}
        return {"input": said, "preferred_output": [example.answer], "non_preferred_output": [example.rejected]}
    line: dict[str, Any] = {"messages": [*example.prompt, example.answer]}
    return {**line, "tools": example.tools} if example.tools else line


def _form(content: bytes, file_name: str) -> Iterator[bytes]:
    dashes, end = b"--" + _BOUNDARY.encode(), b"\r\n"
    yield dashes + end + b'Content-Disposition: form-data; name="purpose"' + end * 2 + b"fine-tune" + end
    head = f'Content-Disposition: form-data; name="file"; filename="{file_name}"'.encode()
    yield dashes + end + head + end + b"Content-Type: application/jsonl" + end * 2
    yield content
    yield end + dashes + b"--" + end


def _ended_badly(job: _Job) -> StepError:
    told = job.error or _Error()
    return StepError(
        f"The host's job has {job.status}: {told.message or 'it says no more'}",
        reason=told.code or f"{job.status}_at_host",
        hint=f"Its own job is {job.id}.",
    )
