"""Where files, jobs and their events are written down; `store` implements it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from hortus.jobs.records import FileRecord, Held, JobRecord, NumberedEvent
from hortus.jobs.records import JobEvent as Event
from hortus.jobs.steps import Wish


class Jobs(Protocol):
    """Files and jobs. Ids sort by time; lists are newest first, `after` is the last one already seen."""

    def add_file(self, file: FileRecord) -> None:
        """Write down a file whose bytes lie on disk."""
        ...

    def file(self, file_id: str) -> FileRecord | None:
        """Return a file, deleted or not; None where there never was one."""
        ...

    def files(self, project_id: str | None = None, *, after: str | None = None, limit: int = 100) -> list[FileRecord]:
        """Return files that are not deleted."""
        ...

    def delete_file(self, file_id: str, at_ms: int) -> None:
        """Mark a file as deleted."""
        ...

    def add(self, job: JobRecord, events: Sequence[Event] = ()) -> None:
        """Write down a new job."""
        ...

    def save(self, job: JobRecord, events: Sequence[Event] = ()) -> None:
        """Replace a job's record but for its wish, and add what happened, in one step; known events are left out."""
        ...

    def wish(self, job_id: str, wish: Wish) -> JobRecord:
        """Say what is wished of a job, and return it; nothing else of it changes."""
        ...

    def job(self, job_id: str) -> JobRecord | None:
        """Return a job, None where there is none."""
        ...

    def jobs(self, project_id: str | None = None, *, after: str | None = None, limit: int = 100) -> list[JobRecord]:
        """Return jobs."""
        ...

    def unfinished(self) -> list[JobRecord]:
        """Return the jobs that are not over, oldest first."""
        ...

    def held(self, project_id: str) -> Held:
        """Return what the jobs of a project hold on the disk."""
        ...

    def unmeasured(self) -> list[str]:
        """Return the ids of jobs that are over and whose folders were not measured yet."""
        ...

    def measured(self, job_id: str, held_bytes: int) -> None:
        """Write down what a job that is over holds, once; nothing else of it changes."""
        ...

    def events(
        self, job_id: str, *, after: int | None = None, limit: int = 100, kind: str | None = None
    ) -> list[NumberedEvent]:
        """Return a job's events, newest first; `after` is the number of the last one already seen."""
        ...
