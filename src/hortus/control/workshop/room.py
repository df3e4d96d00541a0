"""How much may one project bring and queue, and when does the disk take no more? Refused before anything is written."""

from __future__ import annotations

import shutil
import threading
from typing import ClassVar

from hortus.base.errors import HortusError
from hortus.canon.errors import StorageFull
from hortus.jobs.folders import JobFolder, WorkshopPlaces
from hortus.jobs.ports import Jobs

_PAGE = 500
_GIB = 1024**3
_MAKE_ROOM = (
    "Delete files that no job needs any more; an admin removes what a finished job has left (`hortus jobs remove JOB`),"
    " or sets `workshop_gib` higher."
)


class NoRoom(HortusError):  # noqa: N818 -- named as canon's faults are
    """The project has brought or queued as much as it may."""

    code = "no_room"


class Room:
    """What there is, and what is left.

    Args:
        jobs: Files and jobs that there are.
        places: Where they lie, and how much of them each project may have.
    """

    taking: ClassVar[threading.Lock] = threading.Lock()
    """Held from a check until what was checked is written down: others that come at the same time find it there."""

    def __init__(self, jobs: Jobs, places: WorkshopPlaces) -> None:
        self._jobs = jobs
        self._files = places.files
        self._suites = places.suites
        self._job_folders = places.jobs
        self._allowance = places.allowance

    def has_suite(self, name: str) -> bool:
        """Tell whether there is a suite of this name, which is no path."""
        return (self._suites / f"{name}.jsonl").is_file()

    def check_bytes(self, project_id: str, coming: int) -> None:
        """Refuse a file for which the project has no room. Raises NoRoom, StorageFull."""
        self.check_disk(coming)
        if self.bytes_of(project_id) + coming > self._allowance.bytes:
            raise NoRoom(self._say_full(), path="file", hint=_MAKE_ROOM)

    def check_jobs(self, project_id: str) -> None:
        """Refuse another job beside so many that are not over, or so much that is held. Raises NoRoom, StorageFull."""
        self.check_held(project_id)
        waiting = sum(job.spec.project_id == project_id for job in self._jobs.unfinished())
        if waiting >= self._allowance.jobs:
            raise NoRoom(
                f"The project has {waiting} jobs that are not over.",
                hint="Wait for them, or cancel some; an admin can set `workshop_jobs` higher.",
            )

    def check_held(self, project_id: str) -> None:
        """Refuse what would be written where the project holds all that it may. Raises NoRoom, StorageFull."""
        self.check_disk()
        if self.bytes_of(project_id) >= self._allowance.bytes:
            raise NoRoom(self._say_full(), hint=_MAKE_ROOM)

    def check_disk(self, coming: int = 0) -> None:
        """Refuse what would fill the disk. Raises StorageFull."""
        if shutil.disk_usage(self._files).free - coming < self._allowance.free_bytes:
            raise StorageFull(
                "The disk has no room for this.",
                hint="Tell an admin: `workshop_free_gib` says how much of it must stay free.",
            )

    def bytes_of(self, project_id: str) -> int:
        """Return what a project's files and the folders of its jobs hold.

        A job that is over has a figure in the store; folders of the others are looked through, a few dozen files each.
        """
        held = self._jobs.held(project_id)
        used = held.bytes + sum(JobFolder(self._job_folders / one).measure() for one in held.unmeasured)
        after: str | None = None
        while page := self._jobs.files(project_id, after=after, limit=_PAGE):
            used += sum(one.size_bytes for one in page)
            after = page[-1].id
        return used

    def _say_full(self) -> str:
        return f"The project's files and jobs may have {self._allowance.bytes / _GIB:g} GiB together."
