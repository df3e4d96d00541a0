"""The admin operation that makes a file of examples out of what a project has kept of its requests and answers."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterator
from datetime import UTC
from pathlib import Path

from hortus.access.acts import acting
from hortus.access.objects import Project
from hortus.content.exchange import Exchange, Wanted
from hortus.control.errors import Conflict
from hortus.control.instants import Reading, read_instant
from hortus.control.plane import Plane
from hortus.control.workshop import forms, shown
from hortus.control.workshop.filing import live_project, note, show_record
from hortus.control.workshop.opening import workshop_of
from hortus.control.workshop.service import FOR_TUNING
from hortus.tuning.datasets.kept import Selection, chats_of

_AT_ONCE = 100
_NAME_BYTES = 12


def create_from_content(plane: Plane, ask: forms.FromContent) -> shown.KeptFileView:
    """Make a file of examples out of kept requests and answers of a project that keeps them."""
    project = live_project(plane, ask.project)
    if not project.keep_content_days:
        raise Conflict(
            f"The project `{project.name}` keeps no content.",
            path="project",
            hint=f"`hortus projects set {project.name} --keep-content-days 30` lets it; what came before was not kept.",
        )
    left_out: Counter[str] = Counter()
    aside = plane.installation.workshop.files / f".kept-{os.urandom(_NAME_BYTES).hex()}"
    try:
        lines, digest = _write(plane, project, ask, aside=aside, left_out=left_out)
        if not lines:
            said = ", ".join(f"{count} {reason}" for reason, count in left_out.most_common()) or "none is kept"
            raise Conflict(f"No kept exchange gives an example: {said}.", path="project", hint="Widen the selection.")
        record = workshop_of(plane).add_file(project.id, aside, name=ask.name, purpose=FOR_TUNING, sha256=digest)
    finally:
        aside.unlink(missing_ok=True)
    with acting(operation="files.create_from_content"):
        told = {"exchanges": lines, "routes": ask.routes, "models": ask.models, "left_out": left_out}
        note(plane, "create", kind="file", name=record.id, project=project.name, said=told)
    file = show_record(record, {project.id: project.name})
    return shown.KeptFileView(file=file, examples=lines, left_out=dict(left_out))


def _write(
    plane: Plane, project: Project, ask: forms.FromContent, *, aside: Path, left_out: Counter[str]
) -> tuple[int, str]:
    digest, lines = hashlib.sha256(), 0
    wanted = Wanted(project_id=project.id, since_ms=_instant(plane, ask.since), until_ms=_instant(plane, ask.until))
    selection = Selection(routes=frozenset(ask.routes), models=frozenset(ask.models))
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        for line in chats_of(_exchanges(plane, wanted), selection, left_out):
            digest.update(line)
            file.write(line)
            lines += 1
    return lines, digest.hexdigest()


def _exchanges(plane: Plane, wanted: Wanted) -> Iterator[Exchange]:
    content = plane.ports.content
    after, last = 0, content.extent(wanted).last
    while entries := content.entries(wanted, after=after, last=last, limit=_AT_ONCE):
        yield from content.read(entries)
        after = entries[-1].number


def _instant(plane: Plane, text: str | None) -> int | None:
    return None if text is None else read_instant(text, Reading("since", plane.ports.clock.now_ms(), UTC))
