"""Admin operations on files, and the projects that files and jobs belong to."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from hortus.access.acts import FieldChange
from hortus.access.objects import Project
from hortus.control.errors import Conflict
from hortus.control.noting import note_act
from hortus.control.operation import Brought
from hortus.control.plane import Plane
from hortus.control.tenancy import find_project
from hortus.control.workshop import forms, shown
from hortus.control.workshop.opening import workshop_of
from hortus.control.workshop.service import UnknownThing
from hortus.jobs.records import FileRecord


def list_files(plane: Plane, ask: forms.FilesWanted) -> shown.FileList:
    """Return files that were brought for jobs, newest first."""
    project_id = None if ask.project is None else find_project(plane, ask.project).id
    names = project_names(plane)
    found = plane.ports.jobs.files(project_id, after=ask.after, limit=ask.limit)
    return shown.FileList(files=[show_record(one, names) for one in found])


def create_file(plane: Plane, ask: forms.FileWanted, brought: Brought) -> shown.FileView:
    """Take in a file, whose bytes are the body of the request."""
    project = live_project(plane, ask.project)
    record = workshop_of(plane).add_file(
        project.id, brought.aside, name=ask.name, purpose=ask.purpose, sha256=brought.sha256
    )
    note(plane, "create", kind="file", name=record.id, project=project.name, said=_said(record))
    return show_record(record, {project.id: project.name})


def show_file(plane: Plane, ask: forms.OneFile) -> shown.FileView:
    """Return one file's record."""
    return show_record(_find(plane, ask.id), project_names(plane))


def delete_file(plane: Plane, ask: forms.OneFile) -> shown.FileView:
    """Delete a file for good; datasets that were made of it stay."""
    file = _find(plane, ask.id)
    names = project_names(plane)
    workshop_of(plane).delete_file(file.project_id, file.id)
    project = names.get(file.project_id)
    note(plane, "delete", kind="file", name=file.id, project=project, said=_said(file))
    deleted = plane.ports.jobs.file(file.id)
    return show_record(deleted if deleted is not None else file, names)


def project_names(plane: Plane) -> Mapping[str, str]:
    """Return the names of projects by their ids."""
    return {one.id: one.name for one in plane.ports.access.projects(include_retired=True)}


def live_project(plane: Plane, name: str) -> Project:
    """Return a project that is in use.

    Raises:
        NotFound: There is none of that name.
        Conflict: It is retired.
    """
    project = find_project(plane, name)
    if project.retired_at_ms is not None:
        raise Conflict(f"The project `{name}` is retired.", path="project", hint="Make it again to bring it back.")
    return project


def note(plane: Plane, change: str, *, kind: str, name: str, project: str | None, said: object) -> None:
    """Write down who has changed something of the workshop; `said` tells what of it, never what examples say."""
    value = msgspec.json.encode(said).decode()
    field = FieldChange(kind, before=value) if change in {"delete", "remove"} else FieldChange(kind, after=value)
    note_act(plane.ports, change, kind=kind, name=name, project=project, field=field)


def _find(plane: Plane, file_id: str) -> FileRecord:
    found = plane.ports.jobs.file(file_id)
    if found is None or found.deleted_at_ms is not None:
        raise UnknownThing(f"There is no file `{file_id}`.", path="id", hint="`GET /admin/v1/files` lists them.")
    return found


def _said(file: FileRecord) -> dict[str, object]:
    return {"bytes": file.size_bytes, "sha256": file.sha256, "purpose": file.purpose}


def show_record(file: FileRecord, names: Mapping[str, str]) -> shown.FileView:
    """Return a file as the API shows it."""
    members = {name: getattr(file, name) for name in shown.FileView.model_fields if name != "project"}
    return shown.FileView(project=names.get(file.project_id, file.project_id), **members)
