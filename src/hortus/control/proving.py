"""Operations on proofs: exports of the chain, checkpoints and keys to be held outside, and who did what."""

from __future__ import annotations

from datetime import UTC

import msgspec

from hortus.control import models
from hortus.control.errors import NotFound
from hortus.control.instants import Reading, read_instant
from hortus.control.plane import Plane
from hortus.control.proofforms import (
    ActList,
    ActsWanted,
    ActView,
    ExportView,
    ExportWanted,
    LinesView,
    LinesWanted,
    ProofView,
)
from hortus.control.tenancy import find_project
from hortus.receipts.checkpoint import FILE_FORMAT, Checkpoint, CheckpointFile, KeyFile, Span
from hortus.receipts.exporting import Wanted, head_line


def begin_export(plane: Plane, ask: ExportWanted) -> ExportView:
    """Begin an export of the chain: return its signed first line, and which entries follow."""
    wanted = _wanted(plane, ask)
    extent = plane.ports.chain.extent(wanted)
    if extent is None:
        raise NotFound("There is nothing to export.", hint="`hortus receipts` shows what there is.")
    key = plane.installation.signing()
    span = Span(
        installation=plane.ports.access.organisation().id,
        first_seq=extent.before.seq + 1,
        last_seq=extent.end.seq,
        previous=extent.before.hash.hex(),
        hash=extent.end.hash.hex(),
        shown=extent.shown,
        at_ms=plane.ports.clock.now_ms(),
        public_keys=key.public_keys,
        project=wanted.project,
        since_ms=wanted.since_ms,
        until_ms=wanted.until_ms,
    )
    head = head_line(key.sign(span)).decode().rstrip("\n")
    return ExportView(
        head=head,
        after=extent.before.seq,
        last=extent.end.seq,
        since_ms=wanted.since_ms,
        until_ms=wanted.until_ms,
    )


def export_lines(plane: Plane, ask: LinesWanted) -> LinesView:
    """Return the next lines of an export that was begun with the same members."""
    lines, after = plane.ports.chain.lines(_wanted(plane, ask), after=ask.after, last=ask.last, limit=ask.limit)
    return LinesView(lines=[line.decode().rstrip("\n") for line in lines], after=after)


def make_checkpoint(plane: Plane, _ask: models.Nothing) -> ProofView:
    """Return a signed statement of where the chain stands now, to be held outside."""
    place = plane.ports.chain.place()
    if not place.seq:
        raise NotFound("The chain of receipts is empty.", hint="Ask something first: `hortus ask`.")
    key = plane.installation.signing()
    installation, now_ms = plane.ports.access.organisation().id, plane.ports.clock.now_ms()
    signed = key.sign(Checkpoint(installation, place.seq, place.hash.hex(), now_ms))
    return ProofView(text=msgspec.json.encode(CheckpointFile(FILE_FORMAT, signed, key.public_keys)).decode())


def show_public_keys(plane: Plane, _ask: models.Nothing) -> ProofView:
    """Return the public keys that checkpoints and exports are signed for, to be held outside."""
    keys = KeyFile(FILE_FORMAT, plane.ports.access.organisation().id, plane.installation.signing().public_keys)
    return ProofView(text=msgspec.json.encode(keys).decode())


def list_acts(plane: Plane, ask: ActsWanted) -> ActList:
    """Return administrative acts, newest first: who changed what, from what to what."""
    found = plane.ports.acts.acts(kind=ask.kind, project=ask.project, limit=ask.limit, before=ask.before)
    return ActList(acts=[ActView.model_validate({**msgspec.to_builtins(one.act), "seq": one.seq}) for one in found])


def _wanted(plane: Plane, ask: ExportWanted) -> Wanted:
    project = find_project(plane, ask.project) if ask.project is not None else None
    now_ms = plane.ports.clock.now_ms()
    return Wanted(
        project=project.name if project is not None else None,
        project_id=project.id if project is not None else None,
        since_ms=read_instant(ask.since, Reading("since", now_ms, UTC)) if ask.since is not None else None,
        until_ms=read_instant(ask.until, Reading("until", now_ms, UTC, is_end=True)) if ask.until is not None else None,
    )
