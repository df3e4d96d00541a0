"""Files, jobs and their events in the store; see `jobs.ports`."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from sqlalchemy import Connection, func, insert, select, update

from hortus.jobs.records import OVER, FileRecord, Held, JobEvent, JobRecord, NumberedEvent
from hortus.jobs.steps import Wish
from hortus.store.conflicts import NotStored
from hortus.store.database import Store
from hortus.store.schema import files, job_events, jobs


class JobTable:
    """Implements `jobs.ports.Jobs`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add_file(self, file: FileRecord) -> None:
        """Write down a file whose bytes lie on disk."""
        with self._store.writing() as connection:
            connection.execute(insert(files).values(id=file.id, project_id=file.project_id, record=_write(file)))

    def file(self, file_id: str) -> FileRecord | None:
        """Return a file, deleted or not; None where there never was one."""
        with self._store.reading() as connection:
            row = connection.execute(select(files.c.record).where(files.c.id == file_id)).first()
        return None if row is None else msgspec.json.decode(row.record, type=FileRecord)

    def files(self, project_id: str | None = None, *, after: str | None = None, limit: int = 100) -> list[FileRecord]:
        """Return files that are not deleted, newest first."""
        query = select(files.c.record).where(files.c.deleted_at_ms.is_(None)).order_by(files.c.id.desc()).limit(limit)
        if project_id is not None:
            query = query.where(files.c.project_id == project_id)
        if after is not None:
            query = query.where(files.c.id < after)
        with self._store.reading() as connection:
            return [msgspec.json.decode(row.record, type=FileRecord) for row in connection.execute(query)]

    def delete_file(self, file_id: str, at_ms: int) -> None:
        """Mark a file as deleted.

        Raises:
            NotStored: There is none.
        """
        known = self.file(file_id)
        if known is None:
            raise NotStored("file", file_id)
        deleted = msgspec.structs.replace(known, deleted_at_ms=at_ms)
        with self._store.writing() as connection:
            values = {"deleted_at_ms": at_ms, "record": _write(deleted)}
            connection.execute(update(files).where(files.c.id == file_id).values(values))

    def add(self, job: JobRecord, events: Sequence[JobEvent] = ()) -> None:
        """Write down a new job."""
        with self._store.writing() as connection:
            values = {"id": job.id, "project_id": job.spec.project_id, "state": job.state, "record": _write(job)}
            connection.execute(insert(jobs).values(values))
            _add_events(connection, job.id, events)

    def save(self, job: JobRecord, events: Sequence[JobEvent] = ()) -> None:
        """Replace a job's record but for its wish, and add what happened, in one step; known events are left out."""
        with self._store.writing() as connection:
            stored = _read(connection, job.id)
            kept = job if stored is None else msgspec.structs.replace(job, wish=stored.wish)
            values = {"state": job.state, "held_bytes": job.held_bytes, "record": _write(kept)}
            connection.execute(update(jobs).where(jobs.c.id == job.id).values(values))
            _add_events(connection, job.id, events)

    def wish(self, job_id: str, wish: Wish) -> JobRecord:
        """Say what is wished of a job, and return it; nothing else of it changes.

        Raises:
            NotStored: There is none.
        """
        with self._store.writing() as connection:
            stored = _read(connection, job_id)
            if stored is None:
                raise NotStored("job", job_id)
            wished = msgspec.structs.replace(stored, wish=wish)
            connection.execute(update(jobs).where(jobs.c.id == job_id).values(record=_write(wished)))
        return wished

    def job(self, job_id: str) -> JobRecord | None:
        """Return a job, None where there is none."""
        with self._store.reading() as connection:
            return _read(connection, job_id)

    def jobs(self, project_id: str | None = None, *, after: str | None = None, limit: int = 100) -> list[JobRecord]:
        """Return jobs, newest first."""
        query = select(jobs.c.record).order_by(jobs.c.id.desc()).limit(limit)
        if project_id is not None:
            query = query.where(jobs.c.project_id == project_id)
        if after is not None:
            query = query.where(jobs.c.id < after)
        with self._store.reading() as connection:
            return [msgspec.json.decode(row.record, type=JobRecord) for row in connection.execute(query)]

    def unfinished(self) -> list[JobRecord]:
        """Return the jobs that are not over, oldest first."""
        query = select(jobs.c.record).where(jobs.c.state.not_in(sorted(OVER))).order_by(jobs.c.id)
        with self._store.reading() as connection:
            return [msgspec.json.decode(row.record, type=JobRecord) for row in connection.execute(query)]

    def held(self, project_id: str) -> Held:
        """Return what the jobs of a project hold on the disk; their records are not read for it."""
        of_project = jobs.c.project_id == project_id
        with self._store.reading() as connection:
            total = connection.execute(select(func.sum(jobs.c.held_bytes)).where(of_project)).scalar()
            query = select(jobs.c.id).where(of_project, jobs.c.held_bytes.is_(None)).order_by(jobs.c.id)
            return Held(int(total or 0), tuple(connection.execute(query).scalars()))

    def unmeasured(self) -> list[str]:
        """Return the ids of jobs that are over and whose folders were not measured yet."""
        query = select(jobs.c.id).where(jobs.c.held_bytes.is_(None), jobs.c.state.in_(sorted(OVER))).order_by(jobs.c.id)
        with self._store.reading() as connection:
            return list(connection.execute(query).scalars())

    def measured(self, job_id: str, held_bytes: int) -> None:
        """Write down what a job that is over holds, once; nothing else of it changes."""
        with self._store.writing() as connection:
            stored = _read(connection, job_id)
            if stored is None or not stored.is_over or stored.held_bytes is not None:
                return
            values = {
                "held_bytes": held_bytes,
                "record": _write(msgspec.structs.replace(stored, held_bytes=held_bytes)),
            }
            connection.execute(update(jobs).where(jobs.c.id == job_id).values(values))

    def events(
        self, job_id: str, *, after: int | None = None, limit: int = 100, kind: str | None = None
    ) -> list[NumberedEvent]:
        """Return a job's events, newest first."""
        query = select(job_events.c.number, job_events.c.record).where(job_events.c.job_id == job_id)
        if after is not None:
            query = query.where(job_events.c.number < after)
        if kind is not None:
            query = query.where(job_events.c.kind == kind)
        query = query.order_by(job_events.c.number.desc()).limit(limit)
        with self._store.reading() as connection:
            rows = connection.execute(query).all()
        return [NumberedEvent(job_id, row.number, msgspec.json.decode(row.record, type=JobEvent)) for row in rows]


def _read(connection: Connection, job_id: str) -> JobRecord | None:
    row = connection.execute(select(jobs.c.record).where(jobs.c.id == job_id)).first()
    return None if row is None else msgspec.json.decode(row.record, type=JobRecord)


def _add_events(connection: Connection, job_id: str, events: Sequence[JobEvent]) -> None:
    if not events:
        return
    here = job_events.c.job_id == job_id
    keys = [one.key for one in events]
    known = set(connection.execute(select(job_events.c.key).where(here, job_events.c.key.in_(keys))).scalars())
    number = connection.execute(select(func.max(job_events.c.number)).where(here)).scalar() or 0
    for one in events:
        if one.key in known:
            continue
        known.add(one.key)
        number += 1
        values = {"job_id": job_id, "number": number, "key": one.key, "kind": one.kind, "record": _write(one)}
        connection.execute(insert(job_events).values(values))


def _write(record: FileRecord | JobRecord | JobEvent) -> str:
    return msgspec.json.encode(record).decode()
