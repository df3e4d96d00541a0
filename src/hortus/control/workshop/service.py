"""What can be done with files and jobs, for one project: the same for OpenAI's API, the admin API and the CLI."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Literal

from hortus.base.errors import HortusError
from hortus.base.ids import ENTROPY_BYTES, make_id
from hortus.base.time import Clock
from hortus.control.ports import Entropy
from hortus.control.workshop.bounds import find_fault
from hortus.control.workshop.hosting import find_uncarried
from hortus.control.workshop.results import Result, results_of
from hortus.control.workshop.room import Room
from hortus.control.workshop.wording import find_unfit
from hortus.jobs.folders import WorkshopPlaces
from hortus.jobs.ports import Jobs
from hortus.jobs.records import Base, FileRecord, JobEvent, JobRecord, NumberedEvent, Phase, State
from hortus.jobs.spec import JobAsked, JobSpec, usual_gate
from hortus.jobs.steps import Wish

FOR_TUNING = "fine-tune"
"""The purpose of files that jobs read."""

RESULTS = "fine-tune-results"
"""And of those that they leave."""

_PAGE = 200
_SUITES = "`hortus suites` lists them, `hortus suites add NAME FILE` brings one."

_FIRST_PHASE: tuple[State, Phase] = ("validating_files", "check")


class UnknownThing(HortusError):  # noqa: N818 -- named as canon's faults are
    """The project has no such file or job."""

    code = "not_found"


class NotPossible(HortusError):  # noqa: N818 -- as above
    """What is asked does not fit: the job is over, the base cannot be tuned, a file is for something else."""

    code = "not_possible"


class JobWish(JobAsked, frozen=True, kw_only=True):
    """What is asked of a job, and by whom."""

    metadata: Mapping[str, str] = {}
    made_by: str | None = None


FindBase = Callable[[str, str], Base]
"""Project id and what it calls the base -> the base; raises NotPossible."""

Claim = Callable[[str, Literal["file", "tuning_job"], str], None]
"""Project id, kind and id of something new."""


def _no_claim(project_id: str, kind: str, thing_id: str) -> None:
    """Tell nobody."""
    del project_id, kind, thing_id


def _check_base(base: Base, wish: JobWish) -> None:
    """See that the base can do what is asked of it. Raises NotPossible."""
    if base.folder is None and base.route is None and wish.method != "scratch":
        hint = "Name a base that has learnt something, or the method `scratch`."
        raise NotPossible(f"`{base.name}` has no weights that could be tuned.", path="method", hint=hint)
    uncarried = find_uncarried(wish) if base.route is not None else None
    if uncarried is not None:
        raise NotPossible(uncarried.message, path=uncarried.path, hint=uncarried.hint)


class Workshop:
    """Files and jobs.

    Args:
        jobs: Where they are written down.
        places: Where files' bytes and jobs' folders lie.
        find_base: What names of bases mean.
        clock: Tells the time.
        entropy: For ids.
        claim: Told whose a new file or job is, so that the gateway finds it; raises HortusError.
    """

    def __init__(
        self,
        jobs: Jobs,
        places: WorkshopPlaces,
        *,
        find_base: FindBase,
        clock: Clock,
        entropy: Entropy,
        claim: Claim = _no_claim,
    ) -> None:
        self._jobs = jobs
        self._files = places.files
        self._job_folders = places.jobs
        self.room = Room(jobs, places)
        self._find_base = find_base
        self._clock = clock
        self._entropy = entropy
        self._claim = claim

    @property
    def files_folder(self) -> Path:
        """Where bytes of files lie; what comes in is written aside there, with a name that begins with a dot."""
        return self._files

    def add_file(self, project_id: str, aside: Path, *, name: str, purpose: str, sha256: str) -> FileRecord:
        """Take in a file whose bytes lie in `aside`, which is moved. Raises NoRoom, StorageFull."""
        record = FileRecord(
            id=self._make_id("file-"),
            project_id=project_id,
            name=name,
            purpose=purpose,
            size_bytes=aside.stat().st_size,
            sha256=sha256,
            created_at_ms=self._clock.now_ms(),
        )
        with self.room.taking:
            self.room.check_bytes(project_id, record.size_bytes)
            self._take_in(record, aside)
        return record

    def results(self, job: JobRecord) -> list[FileRecord]:
        """Return the files that a job which is over has left; they are made when they are first asked for."""
        if not job.is_over:
            return []
        found = []
        for result_id, make in results_of(job, lambda: self._metrics(job), folder=self._job_folders / job.id):
            known = self._jobs.file(result_id)
            made = make() if known is None else None
            if made is not None:
                known = self._keep_result(job, result_id, made)
            if known is not None and known.deleted_at_ms is None:
                found.append(known)
        return found

    def _metrics(self, job: JobRecord) -> Iterator[NumberedEvent]:
        """Yield what the training said of its steps, newest first."""
        after: int | None = None
        while events := self._jobs.events(job.id, after=after, limit=_PAGE, kind="metrics"):
            yield from events
            after = events[-1].number

    def _keep_result(self, job: JobRecord, result_id: str, result: Result) -> FileRecord:
        aside = self._files / f".{result_id}.{os.getpid()}"
        aside.write_bytes(result.data)
        record = FileRecord(
            id=result_id,
            project_id=job.spec.project_id,
            name=result.name,
            purpose=RESULTS,
            size_bytes=len(result.data),
            sha256=hashlib.sha256(result.data).hexdigest(),
            created_at_ms=job.finished_at_ms or job.created_at_ms,
        )
        self._take_in(record, aside)
        return record

    def _take_in(self, record: FileRecord, aside: Path) -> None:
        self._claim(record.project_id, "file", record.id)  # first: an owner without a file harms nobody
        aside.replace(self.bytes_of(record))
        self._jobs.add_file(record)

    def file(self, project_id: str, file_id: str) -> FileRecord:
        """Return a file that is not deleted.

        Raises:
            UnknownThing: The project has none such.
        """
        found = self._jobs.file(file_id)
        if found is None or found.project_id != project_id or found.deleted_at_ms is not None:
            raise UnknownThing(f"There is no file {file_id}.", hint="`GET /v1/files` lists the project's files.")
        return found

    def files(self, project_id: str, *, after: str | None = None, limit: int = 100) -> list[FileRecord]:
        """Return a project's files, newest first."""
        return self._jobs.files(project_id, after=after, limit=limit)

    def bytes_of(self, file: FileRecord) -> Path:
        """Return where a file's bytes lie."""
        return self._files / file.id

    def delete_file(self, project_id: str, file_id: str) -> FileRecord:
        """Delete a file for good; jobs that have checked it keep their dataset.

        Raises:
            UnknownThing: The project has none such.
            NotPossible: A job that has not checked it yet needs it.
        """
        file = self.file(project_id, file_id)
        for job in self._jobs.unfinished():
            if job.phase == "check" and file_id in {job.spec.training, job.spec.validation}:
                raise NotPossible(f"The job {job.id} still reads this file.", hint="Wait for it, or cancel it.")
        self._jobs.delete_file(file_id, self._clock.now_ms())
        self.bytes_of(file).unlink(missing_ok=True)
        return file

    def create_job(self, project_id: str, wish: JobWish) -> JobRecord:
        """Begin a job.

        Raises:
            UnknownThing: A file is not the project's, or a suite is not there.
            NotPossible: The base cannot be tuned, a file is for something else, or settings contradict one another.
            NoRoom: The project has as many jobs as it may.
            StorageFull: The disk has no room for what a job writes.
        """
        self._check_file(project_id, wish.training, path="training")
        if wish.validation is not None:
            self._check_file(project_id, wish.validation, path="validation")
        self._check_settings(wish)
        base = self._find_base(project_id, wish.base)
        _check_base(base, wish)
        asked = {name: getattr(wish, name) for name in JobAsked.__struct_fields__}
        asked["gate"] = usual_gate(wish.gate, at_host=base.route is not None)
        spec = JobSpec(id=self._make_id("ftjob-"), project_id=project_id, **asked)
        state, phase = _FIRST_PHASE
        now_ms = self._clock.now_ms()
        job = JobRecord(
            spec=spec,
            base=base,
            state=state,
            phase=phase,
            created_at_ms=now_ms,
            metadata=dict(wish.metadata),
            made_by=wish.made_by,
        )
        with self.room.taking:
            self.room.check_jobs(project_id)
            if not wish.check_only:
                self._claim(project_id, "tuning_job", spec.id)
            self._jobs.add(job, [JobEvent("created", now_ms, f"Created fine-tuning job: {spec.id}")])
        return job

    def job(self, project_id: str, job_id: str) -> JobRecord:
        """Return a job.

        Raises:
            UnknownThing: The project has none such.
        """
        found = self._jobs.job(job_id)
        if found is None or found.spec.project_id != project_id:
            raise UnknownThing(f"There is no fine-tuning job {job_id}.", hint="`hortus jobs` lists them.")
        return found

    def jobs(
        self, project_id: str | None, *, after: str | None = None, limit: int = 100, state: State | None = None
    ) -> list[JobRecord]:
        """Return jobs of one project or of all, newest first; those that only check are not among them."""
        found: list[JobRecord] = []
        while len(found) < limit:
            page = self._jobs.jobs(project_id, after=after, limit=_PAGE)
            found.extend(job for job in page if not job.spec.check_only and state in {None, job.state})
            if len(page) < _PAGE:
                break
            after = page[-1].id
        return found[:limit]

    def events(
        self, job: JobRecord, *, after: int | None = None, limit: int = 100, kind: str | None = None
    ) -> list[NumberedEvent]:
        """Return what happened in a job, newest first."""
        return self._jobs.events(job.id, after=after, limit=limit, kind=kind)

    def cancel(self, project_id: str, job_id: str) -> JobRecord:
        """Cancel a job; it ends within seconds. Raises UnknownThing, NotPossible."""
        return self._wish(self.job(project_id, job_id), "cancel")

    def pause(self, project_id: str, job_id: str) -> JobRecord:
        """Pause a job at its last checkpoint. Raises UnknownThing, NotPossible."""
        job = self.job(project_id, job_id)
        if job.base.route is not None:
            raise NotPossible("A job at a host cannot be paused.", hint="Cancel it, or let it run.")
        return self._wish(job, "pause")

    def resume(self, project_id: str, job_id: str) -> JobRecord:
        """Let a paused job go on. Raises UnknownThing, NotPossible."""
        job = self.job(project_id, job_id)
        if job.state != "paused" and job.wish != "pause":
            raise NotPossible(f"The job is {job.state}, not paused.", hint="Only paused jobs can be resumed.")
        return self._wish(job, "run")

    def _wish(self, job: JobRecord, wish: Wish) -> JobRecord:
        if job.is_over:
            raise NotPossible(f"The job has {job.state} already.", hint="Create a new one.")
        return self._jobs.wish(job.id, wish)

    def _check_settings(self, wish: JobWish) -> None:
        fault = find_fault(wish.recipe, wish.gate, held_out_share=wish.held_out_share) or find_unfit(wish.about)
        if fault is not None:
            raise NotPossible(f"`{fault.path}` is out of bounds.", path=fault.path, hint=fault.hint)
        for name in wish.gate.suites:  # a name, says `find_fault`, and no path
            if not self.room.has_suite(name):
                raise UnknownThing(f"There is no suite `{name}`.", path="gate.suites", hint=_SUITES)

    def _check_file(self, project_id: str, file_id: str, *, path: str) -> None:
        try:
            file = self.file(project_id, file_id)
        except UnknownThing as error:
            raise UnknownThing(error.message, path=path, hint=error.hint) from error
        if file.purpose != FOR_TUNING:
            raise NotPossible(
                f"The file {file_id} was brought for {file.purpose!r}.",
                path=path,
                hint=f"Bring it with the purpose `{FOR_TUNING}`.",
            )

    def sweep(self) -> int:
        """Remove bytes that no file has, which a killed process left; only before anybody brings files."""
        left = 0
        for path in self._files.iterdir():
            if not path.is_file():
                continue
            known = None if path.name.startswith(".") else self._jobs.file(path.name)
            if known is None or known.deleted_at_ms is not None:
                path.unlink(missing_ok=True)
                left += 1
        return left

    def _make_id(self, prefix: str) -> str:
        made = make_id("x", self._clock.now_ms(), entropy=self._entropy(ENTROPY_BYTES))
        return prefix + made.removeprefix("x_")
