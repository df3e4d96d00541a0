"""The admin API's operations on files, datasets, jobs, bases and suites, one method each."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from hortus.base.errors import InstallationError
from hortus.cli.admin import Admin, part
from hortus.cli.jobreplies import Base, Checked, Dataset, Event, Exported, File, Job, Judged, KeptFile, Suite
from hortus.cli.replies import Deployment

_MOST_EVENTS = 2000

OnSent = Callable[[int, int], None]
"""Told how many bytes of how many were sent."""


class FileBody:
    """A file as the body of a request, read as it is sent.

    Raises:
        InstallationError: It cannot be read.
    """

    def __init__(self, path: Path, *, on_sent: OnSent) -> None:
        self._path = path
        self._on_sent = on_sent
        try:
            self._size_bytes = path.stat().st_size
            if not path.is_file():
                raise InstallationError("is no file.", path=str(path), hint="Give a JSON Lines file.")
        except OSError as error:
            raise _unreadable(path, error) from error

    @property
    def size_bytes(self) -> int:
        """Its length."""
        return self._size_bytes

    async def read(self, start: int, size: int) -> bytes:
        """Return bytes from a place on."""
        try:
            with self._path.open("rb") as file:
                piece = os.pread(file.fileno(), min(size, self._size_bytes - start), start)
        except OSError as error:
            raise _unreadable(self._path, error) from error
        self._on_sent(start + len(piece), self._size_bytes)
        return piece


def _unreadable(path: Path, error: OSError) -> InstallationError:
    return InstallationError(f"cannot be read: {error.strerror}.", path=str(path), hint="Is its name right?")


class WorkshopAdmin(Admin):
    """One installation's admin API, with what it can do about training. Raises as `Admin`."""

    def bring_file(self, path: Path, *, project: str, on_sent: OnSent = lambda _done, _whole: None) -> File:
        """Send a file of examples. Raises also InstallationError where it cannot be read."""
        query = {"name": path.name, "project": project}
        body = FileBody(path, on_sent=on_sent)
        return self._send("POST", "/files", into=File, query=query, content=body)

    def files(self, project: str | None = None) -> list[File]:
        """Return files, newest first."""
        return self._list("/files", "files", into=File, query={"project": project})

    def collect_file(self, wanted: Mapping[str, object]) -> KeptFile:
        """Have a file made out of kept requests and answers."""
        return self._call("POST", "/files/from-content", into=KeptFile, body=wanted)

    def delete_file(self, file_id: str) -> File:
        """Delete a file for good."""
        return self._call("DELETE", f"/files/{part(file_id)}", into=File)

    def create_job(self, wanted: Mapping[str, object]) -> Job:
        """Begin a job."""
        return self._call("POST", "/jobs", into=Job, body=wanted)

    def check_file(self, wanted: Mapping[str, object]) -> Job:
        """Begin the check of a file."""
        return self._call("POST", "/datasets/check", into=Job, body=wanted)

    def jobs(self, project: str | None = None, *, state: str | None = None, limit: int = 100) -> list[Job]:
        """Return jobs, newest first."""
        return self._list("/jobs", "jobs", into=Job, query={"project": project, "state": state, "limit": limit})

    def job(self, job_id: str) -> Job:
        """Return one job."""
        return self._call("GET", f"/jobs/{part(job_id)}", into=Job)

    def change_job(self, job_id: str, verb: str) -> Job:
        """Cancel, pause or resume a job."""
        return self._call("POST", f"/jobs/{part(job_id)}/{verb}", into=Job)

    def remove_job(self, job_id: str) -> Job:
        """Remove what a finished job has left on the disk."""
        return self._call("DELETE", f"/jobs/{part(job_id)}", into=Job)

    def events(self, job_id: str, *, newer_than: int = 0, kind: str | None = None) -> list[Event]:
        """Return what happened in a job, oldest first; asks for as many pages as it takes."""
        found: list[Event] = []
        while True:
            query = {"newer_than": found[-1].number if found else newer_than, "kind": kind, "limit": _MOST_EVENTS}
            page = self._list(f"/jobs/{part(job_id)}/events", "events", into=Event, query=query)
            found.extend(page)
            if len(page) < _MOST_EVENTS:
                return found

    def verdict(self, job_id: str) -> tuple[Judged, msgspec.Raw]:
        """Return what the gate found, and the same as it came."""
        raw = self._call("GET", f"/jobs/{part(job_id)}/verdict", into=msgspec.Raw)
        return msgspec.json.decode(raw, type=Judged), raw

    def deploy_job(self, job_id: str, *, name: str | None) -> Deployment:
        """Serve a product that has passed its gate."""
        return self._call("POST", f"/jobs/{part(job_id)}/deploy", into=Deployment, body={"name": name})

    def export_job(self, job_id: str, folder: Path) -> Exported:
        """Have a product written into a folder on the installation's machine."""
        body = {"folder": str(folder)}
        return self._call("POST", f"/jobs/{part(job_id)}/export", into=Exported, body=body)

    def datasets(self, project: str | None = None) -> list[Dataset]:
        """Return datasets, newest first."""
        return self._list("/datasets", "datasets", into=Dataset, query={"project": project})

    def checked(self, name: str) -> tuple[Checked, msgspec.Raw]:
        """Return what a check found, by the dataset's hash or the job's id; and the same as it came."""
        raw = self._call("GET", f"/datasets/{part(name)}", into=msgspec.Raw)
        return msgspec.json.decode(raw, type=Checked), raw

    def delete_dataset(self, name: str) -> Dataset:
        """Delete the examples of a dataset for good."""
        return self._call("DELETE", f"/datasets/{part(name)}", into=Dataset)

    def bases(self) -> list[Base]:
        """Return what can be tuned here."""
        return self._list("/bases", "bases", into=Base)

    def add_base(self, name: str, folder: Path) -> Base:
        """Have a model's folder on the installation's machine copied."""
        return self._call("POST", "/bases", into=Base, body={"name": name, "folder": str(folder)})

    def suites(self) -> list[Suite]:
        """Return the suites."""
        return self._list("/suites", "suites", into=Suite)

    def add_suite(self, name: str, path: Path) -> Suite:
        """Send a suite's file. Raises also InstallationError where it cannot be read."""
        body = FileBody(path, on_sent=lambda _done, _whole: None)
        return self._send("POST", "/suites", into=Suite, query={"name": name}, content=body)

    def remove_suite(self, name: str) -> Suite:
        """Remove a suite."""
        return self._call("DELETE", f"/suites/{part(name)}", into=Suite)
